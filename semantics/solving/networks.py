"""Networks: a key or a callable enters, a function of parameters and a point, and its first parameters, leave."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...lang.diagnostics import fail

Apply = Callable[..., Any]  # (parameters, *point) -> a number


@dataclass(frozen=True, slots=True)
class Network:
    """``apply(parameters, *point)`` is a number; `parameters` is a pytree of float arrays."""

    apply: Apply
    parameters: Any


def perceptron(key: Any, shapes: Sequence[tuple[int, ...]], width: int, depth: int) -> Network:
    """A network of `depth` layers with tanh between them, of the variables of the given shapes.

    Every variable has a matrix of its own in the first layer, so that moving one coordinate reads one row of it.
    """
    fan = sum(map(math.prod, shapes))
    sizes = [width] * (depth - 1) + [1]
    fans = [(math.prod(shape), width, fan) for shape in shapes]
    fans += [(rows, columns, rows) for rows, columns in pairwise(sizes)]

    @jax.jit
    def made(key: Any) -> Any:
        drawn = jax.random.normal(key, (sum(rows * columns for rows, columns, _ in fans),))  # one call compiles faster
        parts = jnp.split(drawn, np.cumsum([rows * columns for rows, columns, _ in fans])[:-1].tolist())
        matrices = [part.reshape(fan[:2]) / math.sqrt(fan[2]) for part, fan in zip(parts, fans, strict=True)]
        first, layers = matrices[: len(shapes)], matrices[len(shapes) :]
        return {"first": first, "layers": layers, "biases": [jnp.zeros(size) for size in sizes]}

    return Network(_perceptron, made(key))


def _perceptron(parameters: Any, *point: Any) -> Any:
    biases = iter(parameters["biases"])
    h = next(biases)
    for x, matrix in zip(point, parameters["first"], strict=True):
        h = h + jnp.reshape(x, -1) @ matrix
    for matrix in parameters["layers"]:
        h = jnp.tanh(h) @ matrix + next(biases)
    return h[0]


def wrapped(network: Any) -> Network:
    """A network of the user: a pair ``(apply, parameters)``, or a callable that holds its float arrays as a pytree."""
    if isinstance(network, tuple):
        if len(network) != 2 or not callable(network[0]):
            raise _no_network(network)
        return _checked(Network(network[0], network[1]))
    if not callable(network):
        raise _no_network(network)
    leaves, tree = jax.tree_util.tree_flatten(network)
    trained = [_is_float(leaf) for leaf in leaves]

    def apply(parameters: Sequence[Any], *point: Any) -> Any:
        moving = iter(parameters)
        whole = [next(moving) if own else leaf for own, leaf in zip(trained, leaves, strict=True)]
        return jax.tree_util.tree_unflatten(tree, whole)(*point)

    return _checked(Network(apply, [leaf for own, leaf in zip(trained, leaves, strict=True) if own]))


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray) and bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def _checked(network: Network) -> Network:
    leaves = jax.tree_util.tree_leaves(network.parameters)
    if not leaves or not all(map(_is_float, leaves)):
        raise _no_network(network.parameters)
    return Network(network.apply, jax.tree_util.tree_map(jnp.asarray, network.parameters))


def _no_network(given: Any) -> Exception:
    hint = "give a pair (apply, parameters) with apply(parameters, *point), or a callable pytree such as eqx.nn.MLP"
    message = "this network has no float arrays to train"
    return fail("E236", message, expected="a pytree of float arrays", actual=f"{given!r:.60}", hint=hint)


def scalar(value: Any, what: str) -> Any:
    """The one number that a function of a point gives; E236 for anything else."""
    array = jnp.asarray(value)
    if array.size != 1:
        message, hint = f"{what} gives an array where one number is wanted", "return one number at each point"
        raise fail("E236", message, expected="a number", actual=f"an array of shape {array.shape}", hint=hint)
    return jnp.reshape(array, ())
