"""Derivatives written by hand in C equal those of JAX on the same objective."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks.peers import gmm, lstm, native
from benchmarks.problems import PROBLEMS, Problem
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


def test_a_source_that_does_not_compile_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.c").write_text("int broken(", encoding="utf-8")
    (tmp_path / "lanes.h").write_text("", encoding="utf-8")
    monkeypatch.setattr(native, "HERE", tmp_path)
    monkeypatch.setattr(native, "BUILT", tmp_path / "built")
    with pytest.raises(RuntimeError, match=r"broken\.c does not compile"):
        native.library("broken")
