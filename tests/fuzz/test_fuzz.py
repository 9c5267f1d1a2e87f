"""A few thousand hostile inputs to everything that reads: each ends in a value or a diagnostic, and soon."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from random import Random

import pytest

from pushforward.lang.source import Source
from pushforward.lang.surface.parser import parse
from pushforward.verify.fuzz import run as runner
from pushforward.verify.fuzz.__main__ import main
from pushforward.verify.fuzz.run import input_number, run
from pushforward.verify.fuzz.sentences import sentence
from pushforward.verify.fuzz.targets import TARGETS, Target

SEED = 20


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_inputs_end_in_a_value_or_a_diagnostic(name: str) -> None:
    tally = run(TARGETS[name], SEED, 0, 1500 if name == "parser" else 300)
    assert tally.crashes == []
    assert tally.accepted > 0 and tally.accepted < tally.count
    assert tally.slowest < runner.SECONDS


def test_sentences_of_the_grammar_are_accepted_by_the_parser() -> None:
    texts = [" ".join(sentence(Random(seed))) for seed in range(150)]
    accepted = [text for text in texts if _parses(text)]
    # What the grammar leaves open (names of patterns, reserved words, limits) refuses some.
    assert len(accepted) > len(texts) // 2


def _parses(text: str) -> bool:
    from pushforward.lang.diagnostics import DiagnosticError

    try:
        parse(Source("<sentence>", text))
    except DiagnosticError:
        return False
    return True


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_follow_from_their_numbers(name: str) -> None:
    first = [input_number(TARGETS[name], 3, k) for k in range(20)]
    assert [input_number(TARGETS[name], 3, k) for k in reversed(range(20))] == first[::-1]
    assert len(set(first)) > 10


def test_a_crash_a_hang_and_an_appetite_for_memory_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SECONDS", 0.2)

    def read(data: bytes) -> object:
        if data == b"0":
            raise KeyError("a bug")
        if data == b"1":
            while True:
                pass
        return data

    numbers = iter(range(100))
    tally = run(Target("broken", lambda _: str(next(numbers)).encode(), read, 1.0), 0, 0, 3)
    assert [str(crash["error"]).split(":")[0] for crash in tally.crashes] == ["KeyError", "TooLong"]
    assert tally.accepted == 1


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state.json"
    words = ["literals", "--count", "40", "--workers", "1", "--state", str(state)]
    with warnings.catch_warnings():
        assert main(words) == 0
    before = state.read_text("utf-8")
    assert main(words) == 0
    assert json.loads(state.read_text("utf-8")) == json.loads(before)
    assert capsys.readouterr().out.count("literals: 40 inputs") == 2
