"""Named inputs: literals and data files, and the diagnostics of bad ones. Nothing is ever evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.semantics import datafiles
from pushforward.semantics.datafiles import read_inputs
from pushforward.semantics.literals import parse_literal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1.5e3", -1500.0),
        (".5", 0.5),
        ("true", True),
        ("-inf", float("-inf")),
        ("[]", []),
        ("[1, 2,]", [1, 2]),
        ("()", ()),
        ("(1,)", (1,)),
        ("(1)", 1),
        ("{mu = 0, tau: [1, 2]}", {"mu": 0, "tau": [1, 2]}),
    ],
)
def test_literals(text: str, value: object) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1/2",
        "[1, 2",
        "1 2",
        "__import__('os')",
        "{1 = 2}",
        "{a = 1, a = 2}",
        "[,]",
        "'x'",
        "[" * 100,
        "0x10",
        "1_0",
    ],
)
def test_everything_else_is_no_literal(text: str) -> None:
    with pytest.raises(DiagnosticError, match="E160"):
        parse_literal(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d.json").write_text(json.dumps({"a": {"b": [1, 2]}, "hole": [1, None]}))
    np.savez(tmp_path / "two.npz", x=np.arange(3.0), y=np.array([[1, 2]]))
    np.savez(tmp_path / "one.npz", x=np.arange(2.0))
    np.save(tmp_path / "v.npy", np.array([1.0, np.nan]))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "t.csv").write_text("height,weight\n1.5,50\n\n1.6,60\n")
    (tmp_path / "bare.csv").write_text("1,2\n3,4\n")
    (tmp_path / "hole.csv").write_text("height,weight\n1.5,\n")
    (tmp_path / "latin.json").write_bytes(b'"\xe9"')
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "deep.json").write_text("[" * 90 + "]" * 90)
    (tmp_path / "table.xlsx").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=@d.json:a.b", [1, 2]),
        ("x=@two.npz:y", [[1, 2]]),
        ("x=@one.npz", [0.0, 1.0]),
        ("x=@t.csv:weight", [50.0, 60.0]),
        ("x=@t.csv:weight,height", [[50.0, 1.5], [60.0, 1.6]]),
        ("x=@t.csv", [[1.5, 50.0], [1.6, 60.0]]),
        ("x=@bare.csv", [[1.0, 2.0], [3.0, 4.0]]),
    ],
)
def test_data_files(folder: Path, word: str, value: object) -> None:
    (found,) = read_inputs([word], folder).values()
    assert np.asarray(found).tolist() == value


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("x=@nothing.json", ["E167", "No such file"]),
        ("x=@.", ["E168"]),
        ("x=@table.xlsx", ["E168", ".csv, .json"]),
        ("x=@d.json:a.c", ["E169", "`c`"]),
        ("x=@two.npz", ["E169", "x, y"]),
        ("x=@t.csv:wieght", ["E169", "did you mean `weight`"]),
        ("x=@d.json:hole", ["E171", "`x[1]`"]),
        ("x=@v.npy", ["E171", "`x[1]` is NaN"]),
        ("x=@hole.csv:weight", ["E171", "line 2", "`weight`"]),
        ("x=nan", ["E171"]),
        ("x=@latin.json", ["E167", "UTF-8"]),
        ("x=@damaged.npz", ["E167"]),
        ("x=@deep.json", ["E167", "nests deeper"]),
        ("x=@objects.npy", ["E167"]),
        ("x", ["E173"]),
        ("1x=2", ["E173"]),
    ],
)
def test_bad_data_is_a_diagnostic(folder: Path, word: str, words: list[str]) -> None:
    with pytest.raises(DiagnosticError) as caught:
        read_inputs([word], folder)
    assert [part for part in words if part not in str(caught.value)] == []


def test_a_name_given_twice() -> None:
    with pytest.raises(DiagnosticError, match=r"E173.*twice"):
        read_inputs(["x=1", "x=2"])


def test_a_file_that_is_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datafiles, "MAX_BYTES", 10)
    for word in ("x=@t.csv", "x=@two.npz:x", "x=@d.json"):
        with pytest.raises(DiagnosticError, match=r"E167.*larger"):
            read_inputs([word], folder)
