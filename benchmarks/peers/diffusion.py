"""The Jacobian of one implicit step of non-linear diffusion in JAX, direction by direction.

after, before, each [n], step -> [n, n].
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

Jacobian = Callable[[Array, Array, Array], Array]


def residual(after: Array, before: Array, step: Array) -> Array:
    """What is left of the step, [n]."""
    a, b = after[:-1], after[1:]
    flow = jnp.pad(jnp.sqrt(1.0 + 0.25 * (a + b) ** 2) * (a - b), 1)
    return after - before - step * (flow[:-1] - flow[1:])


def linearised(after: Array, before: Array, step: Array) -> Array:
    """The value once, then all directions along its linear part."""
    _, push = jax.linearize(lambda u: residual(u, before, step), after)
    return jax.vmap(push, out_axes=1)(jnp.eye(len(after)))


FORMULATIONS: dict[str, Jacobian] = {
    "jax.jacfwd": jax.jacfwd(residual),
    "jax.jacrev": jax.jacrev(residual),
    "jax.linearize": linearised,
}
