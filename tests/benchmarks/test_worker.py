"""The measuring process: every contender is timed in every round and compared on what it returned."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks import worker
from benchmarks.problems import Problem

JOB = {
    "problem": "gmm_test",
    "rounds": 3,
    "backend": "auto",
    "ceiling": False,
    "core": 0,
    "seed": 0,
    "data": "",
    "root": ".",
}
Build = Callable[[Problem, Path, str], worker.Contender]


@pytest.fixture(autouse=True)
def short_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MIN_SECONDS", 1e-6)


def work_with(monkeypatch: pytest.MonkeyPatch, build: Build, rounds: int = 3) -> dict[str, Any]:
    monkeypatch.setattr(worker, "our_contender", build)
    with jax.enable_x64(True):
        return worker.work({**JOB, "rounds": rounds})


def perturbed(by: float) -> Build:
    """A contender that returns a peer's output with its value moved."""

    def build(problem: Problem, root: Path, backend: str) -> worker.Contender:
        from benchmarks.peers.gmm import centred_einsum

        value, gradient = worker.peer_contender(centred_einsum, problem)()
        return lambda: (float(value) * (1.0 + by), [np.asarray(part) for part in gradient])

    return build


def test_contenders_are_timed_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    found = work_with(monkeypatch, perturbed(1e-4))
    assert set(found["times"]) == set(found["distance"]) == set(found["compile"])
    assert len(found["times"]) == 4
    assert all(len(times) == 3 and min(times) > 0.0 for times in found["times"].values())
    assert 1e-5 < found["distance"]["ours"] < 1e-4
    assert max(value for name, value in found["distance"].items() if name != "ours") < 1e-12
    assert found["outputs"] == {}
    assert "generated" in found["note"]
    json.dumps(found)


def test_contenders_that_are_not_timed_give_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = work_with(monkeypatch, perturbed(1e-4), rounds=0)
    assert found["times"] == {}
    assert len(found["outputs"]["ours"]) == 1 + 3 + 3 * 2 + 3 * 3
    json.dumps(found)


def test_failure_to_build_or_to_run_is_reported_and_peers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_build(problem: Problem, root: Path, backend: str) -> worker.Contender:
        raise ValueError("cannot build")

    def no_run(problem: Problem, root: Path, backend: str) -> worker.Contender:
        def call() -> worker.Output:
            raise ValueError("cannot run")

        return call

    for build, reason in ((no_build, "cannot build"), (no_run, "cannot run")):
        found = work_with(monkeypatch, build)
        assert reason in found["failures"]["ours"]
        assert "ours" not in found["times"] and len(found["times"]) == 3
