"""The problems of the benchmark: their closed solutions against values worked out in many digits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from benchmarks import pde

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
