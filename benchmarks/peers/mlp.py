"""Mean square error of a network of two hidden tanh layers, in JAX.

w1 [n,h], b1 [h], w2 [h,m], b2 [m], w3 [m], b3, x [b,n], y [b] -> the loss, a scalar.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def one_example(w1: Array, b1: Array, w2: Array, b2: Array, w3: Array, b3: Array, x: Array) -> Array:
    """The output for one input, or for rows of inputs."""
    return jnp.tanh(jnp.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def batched(w1: Array, b1: Array, w2: Array, b2: Array, w3: Array, b3: Array, x: Array, y: Array) -> Array:
    """The whole batch in matrix products."""
    return ((one_example(w1, b1, w2, b2, w3, b3, x) - y) ** 2).mean()


def per_example(w1: Array, b1: Array, w2: Array, b2: Array, w3: Array, b3: Array, x: Array, y: Array) -> Array:
    """One example under vmap."""
    predicted = jax.vmap(lambda row: one_example(w1, b1, w2, b2, w3, b3, row))(x)
    return ((predicted - y) ** 2).mean()


def columns(w1: Array, b1: Array, w2: Array, b2: Array, w3: Array, b3: Array, x: Array, y: Array) -> Array:
    """Examples in columns: weights stand on the left."""
    first = jnp.tanh(w1.T @ x.T + b1[:, None])
    second = jnp.tanh(w2.T @ first + b2[:, None])
    return ((w3 @ second + b3 - y) ** 2).mean()


FORMULATIONS: dict[str, Callable[..., Array]] = {
    "jax batched": batched,
    "jax vmap over examples": per_example,
    "jax columns": columns,
}
