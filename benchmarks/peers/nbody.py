"""How far bodies end from targets after 256 leapfrog steps under softened gravity, in JAX.

masses [n], x [n,3], v [n,3], h, targets [n,3] -> the sum of squared distances, a scalar.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

STEPS = 256
SOFTENING = 0.01
Acceleration = Callable[[Array, Array], Array]
Objective = Callable[[Array, Array, Array, Array, Array], Array]


def all_pairs(masses: Array, x: Array) -> Array:
    """All differences of positions in one array [n,n,3]."""
    d = x[None, :, :] - x[:, None, :]
    square = (d**2).sum(axis=2) + SOFTENING
    return ((masses / (square * jnp.sqrt(square)))[:, :, None] * d).sum(axis=1)


def planes(masses: Array, x: Array) -> Array:
    """One array [n,n] of differences per coordinate."""
    dx, dy, dz = (x[None, :, k] - x[:, None, k] for k in range(3))
    square = dx * dx + dy * dy + dz * dz + SOFTENING
    strength = masses / (square * jnp.sqrt(square))
    return jnp.stack([(strength * d).sum(axis=1) for d in (dx, dy, dz)], axis=1)


def matmul(masses: Array, x: Array) -> Array:
    """The sum over bodies as a matrix product: a strength of every pair, times positions."""
    dx, dy, dz = (x[None, :, k] - x[:, None, k] for k in range(3))
    square = dx * dx + dy * dy + dz * dz + SOFTENING
    strength = masses / (square * jnp.sqrt(square))
    return strength @ x - strength.sum(axis=1)[:, None] * x


def objective(acceleration: Acceleration, checkpoint: bool) -> Objective:
    """The objective with one way to find accelerations, whose residuals are saved or found again."""
    pull = jax.checkpoint(acceleration) if checkpoint else acceleration

    def miss(masses: Array, x: Array, v: Array, h: Array, targets: Array) -> Array:
        def step(state: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
            x, v, a = state
            middle = v + 0.5 * h * a
            x = x + h * middle
            a = pull(masses, x)
            return (x, middle + 0.5 * h * a, a), None

        (x, _, _), _ = jax.lax.scan(step, (x, v, pull(masses, x)), None, length=STEPS)
        return ((x - targets) ** 2).sum()

    return miss


FORMULATIONS: dict[str, Objective] = {
    "jax all pairs": objective(all_pairs, checkpoint=False),
    "jax planes": objective(planes, checkpoint=False),
    "jax planes, checkpoints": objective(planes, checkpoint=True),
    "jax matmul, checkpoints": objective(matmul, checkpoint=True),
}
