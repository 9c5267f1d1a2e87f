"""The k-th derivative of a network of one variable at many points, in JAX.

A formulation maps an order to a function of parameters and points x [n] -> the derivatives [n].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental.jet import jet

Parameters = Sequence[tuple[Array, Array]]
Derivative = Callable[[Parameters, Array], Array]


def network(parameters: Parameters, x: Array) -> Array:
    """A tanh network of one number, or of many numbers at once."""
    rows = x[..., None]
    for weight, bias in parameters[:-1]:
        rows = jnp.tanh(rows @ weight + bias)
    weight, bias = parameters[-1]
    return (rows @ weight + bias)[..., 0]


def nested(order: int, parameters: Parameters, x: Array) -> Array:
    """Forward mode once per order."""
    derived = partial(network, parameters)
    for _ in range(order):
        derived = partial(_along, derived)
    return derived(x)


def _along(function: Callable[[Array], Array], x: Array) -> Array:
    return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


def series(order: int, parameters: Parameters, x: Array, *, derivatives: bool) -> Array:
    """JAX's own Taylor mode, in derivatives or in normalised coefficients."""
    line = [jnp.ones_like(x), *[jnp.zeros_like(x)] * (order - 1)]
    _, found = jet(partial(network, parameters), (x,), (line,), factorial_scaled=derivatives)
    return found[-1] if derivatives else math.factorial(order) * found[-1]


def _per_point(function: Callable[[int, Parameters, Array], Array]) -> Callable[[int, Parameters, Array], Array]:
    return lambda order, parameters, x: jax.vmap(lambda point: function(order, parameters, point))(x)


Formulation = Callable[[int, Parameters, Array], Any]

NESTED: dict[str, Formulation] = {"nested jvp": nested, "nested jvp, vmap over points": _per_point(nested)}
JET: dict[str, Formulation] = {
    "jet": partial(series, derivatives=True),
    "jet, normalised": partial(series, derivatives=False),
    "jet, vmap over points": _per_point(partial(series, derivatives=True)),
    "jet, normalised, vmap over points": _per_point(partial(series, derivatives=False)),
}
