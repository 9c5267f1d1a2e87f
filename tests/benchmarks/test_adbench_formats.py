"""The ADBench formats: what a writer puts down a reader takes up, and a damaged file is a diagnostic."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.semantics.data import adbench, adbench_hand, records

ROUND_TRIPS: dict[str, tuple[Any, Callable[..., None], Callable[..., Any]]] = {
    "gmm": (adbench.generate_gmm(3, 4, 7, seed=1), adbench.write_gmm, adbench.read_gmm),
    "lstm": (adbench.generate_lstm(2, 9, 5, seed=1), adbench.write_lstm, adbench.read_lstm),
    "ba": (adbench.generate_ba(3, 4, 10, seed=1), adbench.write_ba, adbench.read_ba),
    "hand": (adbench_hand.generate_hand(6, seed=1), adbench_hand.write_hand, adbench_hand.read_hand),
}


def assert_equal_problems(left: Any, right: Any) -> None:
    for field in dataclasses.fields(left):
        np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name), field.name)


@pytest.mark.parametrize("kind", ROUND_TRIPS)
def test_reader_returns_what_the_writer_wrote(kind: str, tmp_path: Path) -> None:
    problem, write, read = ROUND_TRIPS[kind]
    write(tmp_path / "problem.txt", problem)
    assert_equal_problems(read(tmp_path / "problem.txt"), problem)


@pytest.mark.parametrize("kind", ROUND_TRIPS)
@pytest.mark.parametrize("keep", [0.0, 0.05, 0.5, 0.95])
def test_truncated_file_is_a_diagnostic(kind: str, keep: float, tmp_path: Path) -> None:
    problem, write, read = ROUND_TRIPS[kind]
    path = tmp_path / "problem.txt"
    write(path, problem)
    words = path.read_text().split()
    path.write_text(" ".join(words[: int(keep * len(words))]))
    with pytest.raises(DiagnosticError, match="problem.txt"):
        read(path)


@pytest.mark.parametrize("kind", ROUND_TRIPS)
@pytest.mark.parametrize("extra", ["7", "nan", "inf", "one", "__import__('os')", "0x10"])
def test_extra_or_unreadable_words_are_diagnostics(kind: str, extra: str, tmp_path: Path) -> None:
    problem, write, read = ROUND_TRIPS[kind]
    path = tmp_path / "problem.txt"
    write(path, problem)
    path.write_text(path.read_text() + extra + "\n")
    with pytest.raises(DiagnosticError):
        read(path)


@pytest.mark.parametrize("header", ["2.5 3 4", "-1 3 4", "0 3 4", "2 3 1e30", "99999999 99999999 99999999"])
def test_claimed_sizes_allocate_nothing(header: str, tmp_path: Path) -> None:
    path = tmp_path / "problem.txt"
    path.write_text(header + "\n1.0 2.0\n")
    with pytest.raises(DiagnosticError):
        adbench.read_gmm(path)


def test_missing_binary_and_oversize_files_are_diagnostics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DiagnosticError, match="no such"):
        adbench.read_lstm(tmp_path / "absent.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DiagnosticError, match="not a text"):
        adbench.read_lstm(tmp_path / "binary.txt")
    monkeypatch.setattr(records, "MAX_BYTES", 10)
    adbench.write_ba(tmp_path / "large.txt", adbench.generate_ba(1, 1, 1))
    with pytest.raises(DiagnosticError, match="larger"):
        adbench.read_ba(tmp_path / "large.txt")


def test_replicated_mixture_repeats_one_sample(tmp_path: Path) -> None:
    one = adbench.generate_gmm(2, 2, 1)
    adbench.write_gmm(tmp_path / "one.txt", one)
    text = (tmp_path / "one.txt").read_text().replace("2 2 1\n", "2 2 50\n", 1)
    (tmp_path / "many.txt").write_text(text)
    many = adbench.read_gmm(tmp_path / "many.txt", replicated=True)
    assert many.x.shape == (50, 2)
    np.testing.assert_array_equal(many.x[49], one.x[0])


def test_hand_model_round_trips(tmp_path: Path) -> None:
    model = adbench_hand.generate_hand_model(vertices=11, triangles=5, seed=2)
    adbench_hand.write_hand_model(tmp_path, model)
    assert_equal_problems(adbench_hand.read_hand_model(tmp_path), model)


def test_hand_model_rejects_unknown_bone(tmp_path: Path) -> None:
    adbench_hand.write_hand_model(tmp_path, adbench_hand.generate_hand_model(vertices=3, triangles=2))
    bones = (tmp_path / "bones.txt").read_text().splitlines()
    (tmp_path / "bones.txt").write_text("\n".join(bones[:1]) + "\n")
    with pytest.raises(DiagnosticError, match="bone"):
        adbench_hand.read_hand_model(tmp_path)


def test_same_seed_same_problem_other_seed_other_problem() -> None:
    assert_equal_problems(adbench.generate_gmm(2, 3, 4, seed=5), adbench.generate_gmm(2, 3, 4, seed=5))
    assert not np.array_equal(
        adbench.generate_gmm(2, 3, 4, seed=5).x, adbench.generate_gmm(2, 3, 4, seed=6).x
    )
