"""Mean square distance of causal attention from a target, in JAX.

queries, keys [n,d], values, target [n,m] -> the loss, a scalar. `jax.nn.dot_product_attention` takes its softmax in
f32, so it is no peer in f64.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

Attention = Callable[[Array, Array, Array], Array]
Objective = Callable[[Array, Array, Array, Array], Array]


def masked_softmax(queries: Array, keys: Array, values: Array) -> Array:
    """The whole square of scores, with those of the future at minus infinity."""
    n, d = queries.shape
    scores = jnp.where(jnp.tri(n, dtype=bool), queries @ keys.T / jnp.sqrt(d), -jnp.inf)
    return jax.nn.softmax(scores, axis=1) @ values


def late_division(queries: Array, keys: Array, values: Array) -> Array:
    """Weights are divided by their sums after the product with the values, which has fewer columns."""
    n, d = queries.shape
    scores = jnp.where(jnp.tri(n, dtype=bool), (queries / jnp.sqrt(d)) @ keys.T, -jnp.inf)
    weights = jnp.exp(scores - jax.lax.stop_gradient(scores.max(axis=1, keepdims=True)))
    return weights @ values / weights.sum(axis=1, keepdims=True)


def row_by_row(queries: Array, keys: Array, values: Array) -> Array:
    """One query under vmap."""
    n, d = queries.shape

    def one(i: Array, query: Array) -> Array:
        scores = jnp.where(jnp.arange(n) <= i, keys @ query / jnp.sqrt(d), -jnp.inf)
        return jax.nn.softmax(scores) @ values

    return jax.vmap(one)(jnp.arange(n), queries)


def blocks(queries: Array, keys: Array, values: Array) -> Array:
    """Four blocks of rows, each against its own past only, which spares three eighths of the products."""
    n, d = queries.shape
    size = -(-n // 4)
    parts = []
    for start in range(0, n, size):
        stop = min(start + size, n)
        mask = jnp.tri(stop - start, stop, start, dtype=bool)
        scores = jnp.where(mask, queries[start:stop] @ keys[:stop].T / jnp.sqrt(d), -jnp.inf)
        parts.append(jax.nn.softmax(scores, axis=1) @ values[:stop])
    return jnp.concatenate(parts)


def objective(attention: Attention) -> Objective:
    """The objective by one way to attend."""

    def loss(queries: Array, keys: Array, values: Array, target: Array) -> Array:
        return ((attention(queries, keys, values) - target) ** 2).mean()

    return loss


FORMULATIONS: dict[str, Objective] = {
    "jax masked softmax": objective(masked_softmax),
    "jax late division": objective(late_division),
    "jax vmap over rows": objective(row_by_row),
    "jax blocks of rows": objective(blocks),
}
