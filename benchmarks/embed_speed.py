"""The speed of gradients of the compositions, ours against JAX's, on batches large enough to be timed.

An entry of the corpus enters; times of interleaved rounds and of the first gradient leave. Every float array of its
arguments gets a batch axis, so that the functions take at least `LEAST` seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .corpus.entry import Entry

LEAST = 100e-6
BATCHES = (256, 4096)


def _is_float(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)


def batched(entry: Entry, size: int) -> tuple[Callable[..., Any], list[Any]]:
    """A function of float arrays with a batch axis that gives one number, and its arguments."""
    leaves, tree = jax.tree_util.tree_flatten(entry.arguments)
    floats = [k for k, leaf in enumerate(leaves) if _is_float(leaf)]
    rng = np.random.default_rng(0)

    def one(*arrays: Any) -> Any:
        filled = list(leaves)
        for k, array in zip(floats, arrays, strict=True):
            filled[k] = array
        result = entry.function(*jax.tree_util.tree_unflatten(tree, filled))
        return sum(jnp.sum(leaf) for leaf in jax.tree_util.tree_leaves(result) if _is_float(leaf))

    def total(*arrays: Any) -> Any:
        return jnp.mean(jax.vmap(one)(*arrays))

    spread = [np.asarray(leaves[k]) * (1 + 1e-3 * rng.normal(size=(size, *leaves[k].shape))) for k in floats]
    return total, [jnp.asarray(array) for array in spread]


def first_gradient(function: Any, arguments: Sequence[Any]) -> tuple[Any, float, Any]:
    """The compiled function, the seconds from scratch to its first result, and that result."""
    start = time.perf_counter()
    compiled = jax.jit(function)
    result = jax.block_until_ready(compiled(*arguments))
    return compiled, time.perf_counter() - start, result


def _large_enough(entry: Entry) -> tuple[int, Any, list[Any], tuple[Any, float, Any]]:
    """The first batch whose gradient takes long enough to be timed, or the largest, with JAX's first gradient."""
    for size in BATCHES:
        function, arguments = batched(entry, size)
        first = first_gradient(jax.value_and_grad(function, tuple(range(len(arguments)))), arguments)
        start = time.perf_counter()
        jax.block_until_ready(first[0](*arguments))
        if time.perf_counter() - start >= LEAST or size == BATCHES[-1]:
            return size, function, arguments, first
    raise AssertionError("there are no batches")


def race(entry: Entry, rounds: int) -> dict[str, Any]:
    """Times of both, least of a few calls in every round, and how far the results are apart."""
    import pushforward as pf

    from .embed_worker import interleaved, relative_distance

    size, function, arguments, (theirs, their_first, wanted) = _large_enough(entry)
    wrt = tuple(range(len(arguments)))
    ours, our_first, found = first_gradient(pf.value_and_grad(function, wrt=wrt), arguments)
    times = interleaved({"ours": lambda: ours(*arguments), "jax": lambda: theirs(*arguments)}, rounds, 3)
    return {
        "times": times,
        "first": {"ours": our_first, "jax": their_first},
        "distance": relative_distance(found, wanted),
        "batch": size,
    }
