"""How far the solution of a tridiagonal system is from a target, in JAX.

low, middle, high, right, target, each [n] (low[0] and high[n-1] do not count) -> the squared distance, a scalar.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

Solver = Callable[[Array, Array, Array, Array], Array]
Objective = Callable[[Array, Array, Array, Array, Array], Array]


def thomas(unroll: int) -> Solver:
    """Two scans, elimination and substitution, of so many steps per round."""

    def solve(low: Array, middle: Array, high: Array, right: Array) -> Array:
        low = low.at[0].set(0.0)
        zero = jnp.zeros_like(right[0])

        def eliminate(
            before: tuple[Array, Array], row: tuple[Array, ...]
        ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
            a, b, c, d = row
            pivot = b - a * before[0]
            after = (c / pivot, (d - a * before[1]) / pivot)
            return after, after

        def substitute(x: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
            x = row[1] - row[0] * x
            return x, x

        _, rows = jax.lax.scan(eliminate, (zero, zero), (low, middle, high, right), unroll=unroll)
        return jax.lax.scan(substitute, zero, rows, reverse=True, unroll=unroll)[1]

    return solve


def library(low: Array, middle: Array, high: Array, right: Array) -> Array:
    """JAX's own solver, LAPACK's gtsv on a CPU, with the derivative of the solution as a solution."""
    low, high = low.at[0].set(0.0), high.at[-1].set(0.0)
    return jax.lax.linalg.tridiagonal_solve(low, middle, high, right[:, None])[:, 0]


def implicit(low: Array, middle: Array, high: Array, right: Array) -> Array:
    """Two scans for the solution, and two for the transposed system on the way back."""
    inner, outer = low.at[0].set(0.0), high.at[-1].set(0.0)
    solve = thomas(8)

    def product(x: Array) -> Array:
        return middle * x + inner * jnp.roll(x, 1) + outer * jnp.roll(x, -1)

    def forwards(_: object, b: Array) -> Array:
        return solve(inner, middle, outer, b)

    def transposed(_: object, b: Array) -> Array:
        return solve(jnp.roll(outer, 1), middle, jnp.roll(inner, -1), b)

    return jax.lax.custom_linear_solve(product, right, forwards, transposed)


def objective(solve: Solver) -> Objective:
    """The objective by one solver."""

    def miss(low: Array, middle: Array, high: Array, right: Array, target: Array) -> Array:
        return ((solve(low, middle, high, right) - target) ** 2).sum()

    return miss


FORMULATIONS: dict[str, Objective] = {
    "jax scans": objective(thomas(1)),
    "jax scans, unrolled": objective(thomas(8)),
    "jax tridiagonal_solve": objective(library),
    "jax custom_linear_solve": objective(implicit),
}
