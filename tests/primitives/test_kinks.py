"""Derivatives at kinks, ties and edges, where the convention is JAX's; JAX serves as the oracle of these tests only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from pushforward.lang.primitives import get, table
from pushforward.lang.primitives.row import Discrete, Piecewise

from .oracle import partial_program, run_partial

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": jnp.abs,
    "relu": jax.nn.relu,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "clip": lambda x, low, high: jax.lax.clamp(low, x, high),
}
POINTS: dict[str, list[tuple[float, ...]]] = {
    "abs": [(0.0,), (-0.0,), (1.0,), (-1.0,)],
    "relu": [(0.0,), (-0.0,), (1.0,), (-1.0,)],
    "maximum": [(0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (-0.0, 0.0)],
    "minimum": [(0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (-0.0, 0.0)],
    "clip": [(x, *ends) for ends in ((0.0, 1.0), (2.0, 1.0)) for x in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)],
}
# Smooth functions at the edges of their domain.
EDGES: list[tuple[str, tuple[float, ...], Callable[..., Any]]] = [
    ("sqrt", (0.0,), jnp.sqrt),
    ("cbrt", (0.0,), jnp.cbrt),
    ("asin", (1.0,), jnp.arcsin),
    ("acos", (-1.0,), jnp.arccos),
    ("acosh", (1.0,), jnp.arccosh),
    ("pow", (0.0, 1.0), jnp.power),
    ("pow", (0.0, 0.5), jnp.power),
    ("pow", (0.0, 2.0), jnp.power),
    ("atan2", (0.0, 0.0), jnp.arctan2),
    ("atan2", (0.0, 1.0), jnp.arctan2),
    ("log", (0.0,), jnp.log),
    ("rem", (4.0, 2.0), jax.lax.rem),
    ("rem", (-4.0, 2.0), jax.lax.rem),
    ("rem", (0.0, -2.0), jax.lax.rem),
    ("erf_inv", (1.0,), jax.lax.erf_inv),
    ("bessel_i0e", (0.0,), jax.lax.bessel_i0e),
    ("bessel_i1e", (0.0,), jax.lax.bessel_i1e),
    ("igamma", (1.0, 0.0), jax.lax.igamma),
    ("igamma", (2.0, 0.0), jax.lax.igamma),
    ("igammac", (0.5, 0.0), jax.lax.igammac),
]


def _same(ours: float, theirs: float) -> bool:
    return (math.isnan(ours) and math.isnan(theirs)) or ours == pytest.approx(theirs, rel=1e-12)


def test_every_piecewise_row_is_compared() -> None:
    rows = {row.name for row in table().values() if isinstance(row.derivative, Piecewise)}
    assert rows == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_kinks_follow_jax(name: str) -> None:
    for point in POINTS[name]:
        for operand in range(len(point)):
            ours = run_partial(partial_program(get(name), {}, operand, stable=True), point)
            with jax.enable_x64(True):
                theirs = float(jax.grad(FUNCTIONS[name], operand)(*point))
            assert ours == theirs, f"d{name}{point}/dx{operand}"


@pytest.mark.parametrize(("name", "point", "function"), EDGES)
def test_edges_follow_jax(name: str, point: tuple[float, ...], function: Callable[..., Any]) -> None:
    for operand in range(len(point)):
        ours = run_partial(partial_program(get(name), {}, operand, stable=True), point)
        with jax.enable_x64(True):
            theirs = float(jax.grad(function, operand)(*point))
        assert _same(ours, theirs), f"d{name}{point}/dx{operand} = {ours}, not {theirs}"


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "round"])
def test_steps_have_no_derivative_as_in_jax(name: str) -> None:
    assert isinstance(get(name).derivative, Discrete)
    assert float(jax.grad(getattr(jnp, name))(1.0)) == 0.0


@pytest.mark.parametrize(
    ("point", "wanted"), [((0.0, 0.0), (0.0, 0.0)), ((0.0, 1.0), (1.0, 0.0)), ((2.0, 0.0), (0.0, math.log(2)))]
)
def test_power_has_no_nan_at_zero(point: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    found = tuple(run_partial(partial_program(get("pow"), {}, k, stable=True), point) for k in (0, 1))
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(("exponent", "wanted"), [(0, 0.0), (1, 1.0), (2, 0.0), (3, 0.0)])
def test_whole_powers_at_zero(exponent: int, wanted: float) -> None:
    program = partial_program(get("integer_pow"), {"exponent": exponent}, 0, stable=True)
    assert run_partial(program, (0.0,)) == wanted
