"""Laplacians of Laplacians: against traces of nested Hessians, and without third derivatives that are taken twice."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.ad.operators.execute import execute
from pushforward.ad.operators.jets import Level
from pushforward.lang.ir import Apply, Program
from pushforward.lang.passes import normalise

rng = np.random.default_rng(3)
FIRST, SECOND = rng.normal(size=(3, 4)), rng.normal(size=(4, 4))
POINT = np.array([0.1, 0.2, -0.3])

FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "network": lambda x: jnp.sum(jnp.tanh(jnp.tanh(x @ FIRST) @ SECOND)),
    "product": lambda x: jnp.exp(0.3 * jnp.sum(jnp.sin(x) * x)) * jnp.tanh(x @ jnp.arange(1.0, 4.0)),
    "quotient": lambda x: x[0] ** 4 * x[1] ** 2 / (1 + jnp.sum(x * x)),
    "neighbours": lambda x: jnp.sum(jnp.sin(x[1:] * x[:-1])) ** 2,
}


def trace_of_hessian(f: Callable[[jax.Array], jax.Array]) -> Callable[[jax.Array], jax.Array]:
    return lambda x: jnp.trace(jax.hessian(f)(x))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nested_laplacians(name: str) -> None:
    with jax.enable_x64(True):
        found = pf.operator("biharmonic(u)", variables="x[n]")(FUNCTIONS[name])(jnp.asarray(POINT))
        wanted = jax.jit(trace_of_hessian(trace_of_hessian(FUNCTIONS[name])))(jnp.asarray(POINT))
    np.testing.assert_allclose(found, wanted, rtol=1e-11)


def test_three_levels() -> None:
    found = pf.operator("laplacian(biharmonic(u))", variables="x[n]")(lambda x: jnp.sum(x * x) ** 3 + x[0] ** 5 * x[1])
    with jax.enable_x64(True):
        np.testing.assert_allclose(found(jnp.asarray(POINT)), 5040.0, rtol=1e-12)  # 6! 7 = 5040 in three dimensions


def test_lengths_that_are_open() -> None:
    text = "def f[n](x: [n]f64): f64 = sum(for i < n - 1 => sin(x[i] * x[i + 1]))^2 + prod(x[1:n])"
    program = pf.parse(text)["f"]
    found = pf.operator("biharmonic(u)", variables="x[n]")(program)(POINT)
    with jax.enable_x64(True):
        wanted = jax.jit(trace_of_hessian(trace_of_hessian(FUNCTIONS["neighbours"])))(jnp.asarray(POINT))
    np.testing.assert_allclose(found, wanted, rtol=1e-11)


def test_third_derivatives_are_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = pf.trace(FUNCTIONS["network"], POINT).first()
    scheme = pf.operator("biharmonic(u)", variables="x[n]").plan().scheme
    once = normalise(execute(network, scheme, {"x": 0}))
    monkeypatch.setattr(Level, "is_laplacian", False)
    twice = normalise(execute(network, scheme, {"x": 0}))
    assert _products(once) < _products(twice)


def _products(program: Program) -> int:
    return sum(isinstance(step.op, Apply) and step.op.primitive == "einsum" for step in program.steps)
