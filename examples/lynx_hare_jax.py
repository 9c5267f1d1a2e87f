"""The model of `lynx_hare.pf` written by hand in JAX, and a timing of the two side by side.

Log parameters [8] and counts [n + 1, 2] enter; the negative log-likelihood, and seconds per call, leave.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array
from numpy.typing import NDArray

from pushforward import Program

ROUNDS, STEPS = 200, 10


def rate(theta: Array, z: Array) -> Array:
    """Rates of change [2] of hares and lynxes."""
    return jnp.stack([(theta[0] - theta[1] * z[1]) * z[0], (theta[3] * z[0] - theta[2]) * z[1]])


def rk4_step(theta: Array, z: Array, h: float) -> Array:
    """One classical Runge-Kutta step of length h."""
    k1 = rate(theta, z)
    k2 = rate(theta, z + 0.5 * h * k1)
    k3 = rate(theta, z + 0.5 * h * k2)
    k4 = rate(theta, z + h * k3)
    return z + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def objective(logs: Array, counts: Array) -> Array:
    """Negative log-likelihood by log parameters [8] and counts [n + 1, 2]."""
    theta, z0, sigma = jnp.split(jnp.exp(logs), (4, 6))

    def year(z: Array, _: None) -> tuple[Array, Array]:
        z = jax.lax.fori_loop(0, STEPS, lambda _, state: rk4_step(theta, state, 1.0 / STEPS), z)
        return z, z

    _, later = jax.lax.scan(year, z0, None, length=counts.shape[0] - 1)
    z = jnp.concatenate([z0[None], later])
    misfit = 0.5 * ((jnp.log(counts) - jnp.log(z)) / sigma) ** 2
    return jnp.sum(misfit + jnp.log(counts) + jnp.log(sigma) + 0.5 * math.log(2.0 * math.pi))


@dataclass(frozen=True)
class Timing:
    """Seconds per call, ours and JAX's, in the order of the calls, and the largest difference of the results."""

    ours: list[float]
    jax: list[float]
    difference: float

    def __str__(self) -> str:
        ratios = [theirs / mine for mine, theirs in zip(self.ours, self.jax, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        mine, theirs = (1e6 * statistics.median(seconds) for seconds in (self.ours, self.jax))
        return (
            f"value and gradient: pushforward {mine:.0f} µs, jax.value_and_grad {theirs:.0f} µs "
            f"(medians of {len(ratios)} alternate calls)\n"
            f"time of JAX / time of pushforward: {middle:.2f} (quartiles {low:.2f} to {high:.2f}); "
            f"results differ by at most {self.difference:.0e}"
        )


def side_by_side(program: Program, *arrays: NDArray, rounds: int = ROUNDS) -> Timing:
    """Time a program for value and gradient beside `jax.value_and_grad(objective)`, both under `jax.jit`."""
    with jax.enable_x64(True):
        ours, theirs = jax.jit(program.to_jax()), jax.jit(jax.value_and_grad(objective))
        point = tuple(jnp.asarray(array) for array in arrays)
        pairs = zip(jax.tree.leaves(ours(*point)), jax.tree.leaves(theirs(*point)), strict=True)
        difference = max(float(jnp.abs(a - b).max()) for a, b in pairs)
        seconds = [(clocked(ours, point), clocked(theirs, point)) for _ in range(rounds)]
    return Timing([mine for mine, _ in seconds], [other for _, other in seconds], difference)


def clocked(function: Callable[..., object], point: tuple[Array, ...]) -> float:
    """Seconds of one complete call."""
    start = time.perf_counter()
    jax.block_until_ready(function(*point))
    return time.perf_counter() - start
