"""How far a Lotka-Volterra orbit ends from a target, in JAX, with and without checkpoints.

theta [4], initial [2], times [n+1], target [2] -> the squared distance, a scalar. With checkpoints in two levels the
way back holds about sqrt(n) states and one block of residuals, as our budget of memory asks; the plain scans hold
residuals of all n steps and are measured for what time alone allows.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import jax
import jax.numpy as jnp
from jax import Array

from .lotka_volterra import Pair, rk4_pair, rk4_vector


def squared_distance(z: Array, target: Array) -> Array:
    """Square of the Euclidean distance."""
    return ((z - target) ** 2).sum()


def checkpointed(theta: Array, initial: Array, times: Array, target: Array) -> Array:
    """Blocks of about sqrt(n) steps, each a checkpoint, on two scalars."""

    def step(z: Pair, h: Array) -> tuple[Pair, None]:
        return rk4_pair(theta, z, h), None

    @jax.checkpoint
    def block(z: Pair, steps: Array) -> tuple[Pair, None]:
        return jax.lax.scan(step, z, steps)

    steps = jnp.diff(times)
    length = isqrt(steps.shape[0])
    whole = steps.shape[0] // length * length
    z, _ = jax.lax.scan(block, (initial[0], initial[1]), steps[:whole].reshape(-1, length))
    z, _ = jax.lax.scan(step, z, steps[whole:])
    return squared_distance(jnp.stack(z), target)


def plain_pair(theta: Array, initial: Array, times: Array, target: Array) -> Array:
    """One scan on two scalars."""
    z, _ = jax.lax.scan(lambda z, h: (rk4_pair(theta, z, h), None), (initial[0], initial[1]), jnp.diff(times))
    return squared_distance(jnp.stack(z), target)


def plain_vector(theta: Array, initial: Array, times: Array, target: Array) -> Array:
    """One scan on a state vector."""
    z, _ = jax.lax.scan(lambda z, h: (rk4_vector(theta, z, h), None), initial, jnp.diff(times))
    return squared_distance(z, target)


def unrolled(theta: Array, initial: Array, times: Array, target: Array) -> Array:
    """One scan on two scalars, two steps per round."""
    z, _ = jax.lax.scan(lambda z, h: (rk4_pair(theta, z, h), None), (initial[0], initial[1]), jnp.diff(times), unroll=2)
    return squared_distance(jnp.stack(z), target)


FORMULATIONS: dict[str, Callable[..., Array]] = {
    "jax checkpoints in two levels": checkpointed,
    "jax plain scan, scalars": plain_pair,
    "jax plain scan, vector": plain_vector,
    "jax plain scan, unrolled": unrolled,
}
