"""The long run of generated programs: it counts, stops, goes on, and fails when two ways disagree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pushforward.verify.properties import soak
from pushforward.verify.properties.case import Case
from pushforward.verify.properties.corpus import Disagreement


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """The seeds that are checked, and whether they are compiled; no check runs."""
    found: list[tuple[int, bool]] = []

    def check(case: Case, xla: bool = False) -> list[Disagreement]:
        found.append((case.seed, xla))
        return []

    monkeypatch.setattr(soak, "check_case", check)
    monkeypatch.setattr(soak, "case_of", lambda seed: Case(soak.seeded_program(0), seed))
    return found


def _words(state: Path, *more: str) -> list[str]:
    return ["--count", "60", "--xla", "6", "--workers", "1", "--state", str(state), *more]


def test_every_seed_is_checked_once_and_one_in_ten_is_compiled(
    tmp_path: Path, seen: list[tuple[int, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert soak.main(_words(tmp_path / "state.json")) == 0
    assert sorted(seed for seed, _ in seen) == list(range(60))
    assert "60 programs, 6 of them compiled, 0 disagreements" in capsys.readouterr().out
    assert {soak.suite_of(seed) for seed, xla in seen if xla} == {"smooth", "guarded"}


def test_a_run_stops_when_its_time_is_over_and_goes_on_later(tmp_path: Path, seen: list[tuple[int, bool]]) -> None:
    state = tmp_path / "state.json"
    soak.main(_words(state, "--minutes", "1e-9"))
    assert len(seen) == soak.STRETCH
    soak.main(_words(state))
    assert sorted(seed for seed, _ in seen) == list(range(60))
    soak.main(_words(state))
    assert len(seen) == 60


def test_a_disagreement_is_kept_and_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Disagreement("compiled", "off by 1", "def main(): f64 = 1.0", 3)
    monkeypatch.setattr(soak, "check_case", lambda case, xla=False: [fault] if case.seed == 3 else [])
    monkeypatch.setattr(soak, "case_of", lambda seed: Case(soak.seeded_program(0), seed))
    state = tmp_path / "state.json"
    assert soak.main(_words(state)) == 1
    assert soak.main(_words(state)) == 1
    kept = [one for stretch in json.loads(state.read_text())["stretches"].values() for one in stretch["disagreements"]]
    assert [one["detail"] for one in kept] == ["off by 1"]
