"""Derivatives written by hand in C equal those of JAX on the same objective."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks.peers import ba, gmm, lstm, native
from benchmarks.problems import PROBLEMS, Problem, bundle
from benchmarks.problems import gmm as gmm_problem
from benchmarks.problems import lstm as lstm_problem
from benchmarks.worker import distance, flat

pytestmark = pytest.mark.skipif(native.compiler() is None, reason="there is no C compiler")
CASES: dict[str, Problem] = {
    "one point": PROBLEMS["gmm_test"](None, 0),
    "several blocks": gmm_problem("several", "none", (3, 4, 150), None, 1),
    "one component": gmm_problem("one", "none", (1, 1, 64), None, 2),
    "two layers": lstm_problem("two", "none", (2, 40), None, 3),
    "one step": lstm_problem("short", "none", (1, 2), None, 4),
}


@pytest.mark.parametrize("case", CASES)
def test_value_and_gradient_are_those_of_jax(case: str) -> None:
    problem = CASES[case]
    objective = next(iter({"gmm": gmm, "lstm": lstm}[problem.peers].FORMULATIONS.values()))
    with jax.enable_x64(True):
        arguments = [np.asarray(value, np.float64) for value in problem.arguments]
        wanted = jax.value_and_grad(objective, argnums=problem.wrt)(*map(jax.numpy.asarray, arguments))
    found = native.FUNCTIONS[problem.peers](problem)()
    assert distance(flat(found), flat(wanted)) < 1e-12


def _observations(count: int) -> Problem:
    """Cameras and points that all differ, one camera without a rotation, one turned several times about its axis."""
    problem, rng = bundle("several", "none", (5, 9, count), None, 5), np.random.default_rng(6)
    cameras, points = (x * (1.0 + 0.1 * rng.normal(size=x.shape)) for x in problem.arguments[:2])
    cameras[0, :3], cameras[1, :3] = 0.0, 20.0 * cameras[1, :3]
    weights, features = rng.uniform(size=count), rng.normal(size=(count, 2))
    return replace(problem, arguments=(cameras, points, weights, features, problem.arguments[4]))


@pytest.mark.parametrize("count", [1, 8, 29])
def test_residuals_and_blocks_are_those_of_jax(count: int) -> None:
    problem = _observations(count)
    with jax.enable_x64(True):
        wanted = jax.jit(ba.reverse_blocks)(*map(jax.numpy.asarray, problem.arguments))
    found = native.FUNCTIONS["ba"](problem)()
    assert distance(flat(found), flat(wanted)) < 1e-12


def test_an_observation_of_nothing_is_refused() -> None:
    problem = _observations(8)
    for wrong in (-1, 9):
        observed = problem.arguments[4].copy()
        observed[3, 1] = wrong
        with pytest.raises(IndexError, match="a point that is not there"):
            native.FUNCTIONS["ba"](replace(problem, arguments=(*problem.arguments[:4], observed)))


def test_a_source_that_does_not_compile_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.c").write_text("int broken(", encoding="utf-8")
    (tmp_path / "lanes.h").write_text("", encoding="utf-8")
    monkeypatch.setattr(native, "HERE", tmp_path)
    monkeypatch.setattr(native, "BUILT", tmp_path / "built")
    with pytest.raises(RuntimeError, match=r"broken\.c does not compile"):
        native.library("broken")
