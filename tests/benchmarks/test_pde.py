"""The problems of the benchmark: their closed solutions against values worked out in many digits."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from benchmarks import pde
from benchmarks.areas import pinn
from benchmarks.harness import Context

CASES = [
    ("pairs", [1.0, -0.5], [0.1, 0.2, -0.3], 0.4974219628208930, -4.511522002649125),
    ("triples", [1.0, 2.0], [0.1, 0.2, -0.3, 0.4], 2.062612568498828, -22.90204580486356),
]


@pytest.mark.parametrize(("body", "c", "x", "value", "laplacian"), CASES)
def test_closed_solutions(body: str, c: list[float], x: list[float], value: float, laplacian: float) -> None:
    with jax.enable_x64(True):
        found = pde.solution(body, jnp.array(c))(jnp.array(x))
    assert list(map(float, found)) == pytest.approx([value, laplacian], rel=1e-13)


@pytest.mark.parametrize("body", ["pairs", "triples"])
@pytest.mark.parametrize("scaled", [False, True])
def test_sources_are_the_operator_of_the_solution(body: str, scaled: bool) -> None:
    problem = pde.problem("allen_cahn", body, 5, instance=1, scaled=scaled)
    x = np.array([0.1, -0.2, 0.3, 0.4, -0.1])
    assert problem.exact is not None and problem.source is not None
    with jax.enable_x64(True):
        assert problem.operator(problem.exact)(x) == pytest.approx(float(problem.source(x)), rel=1e-12)
    assert isinstance(problem.domain, pf.Ball)


def test_rows_hold_the_worst_training(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = {(0, 0): 0.004, (0, 1): 0.02, (0, 2): 0.005, (1, 1): 0.1, (2, 2): 0.2}

    def run(job: pinn.Job, seed: int, context: Context) -> dict[str, float]:
        if job.n == 1000:
            raise RuntimeError("killed")
        error = errors[job.instance, seed]
        return {"error": error, "trivial": 0.4, "skill": 1 - error, "seconds": 0.02}

    monkeypatch.setattr(pinn, "run", run)
    monkeypatch.setattr(pinn, "has_gpu", lambda: False)
    found = {row.id: row for row in pinn.rows(Context(Path()))}
    error, skill = found["pinn/sine_gordon_100/error"], found["pinn/sine_gordon_100/skill"]
    assert (error.value, error.ok, error.seed, error.samples) == (0.02, False, 1, 3)
    assert (skill.value, skill.ok, skill.seed) == (0.8, False, 2)
    broken = found["pinn/allen_cahn_1000/error"]
    assert broken.ok is False and broken.note == "killed"
    large = [row for row in found.values() if "000000" in row.id or "100000" in row.id]
    assert len(large) == 4 and all(row.ok is None and "no GPU" in row.note for row in large)
