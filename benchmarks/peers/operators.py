"""Laplacians and their squares in JAX, by every formulation that is worth timing, and ours; and a sampled Laplacian.

Weights and a point enter a network, which gives one number; a formulation takes a function of a point to its Laplacian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import jet

Weights = Sequence[tuple[Array, Array]]
Function = Callable[[Array], Array]
Formulation = Callable[[Function], Function]


def network(weights: Weights, x: Array) -> Array:
    """A network of tanh layers, the last one linear: x [n] -> a number."""
    for matrix, bias in weights[:-1]:
        x = jnp.tanh(x @ matrix + bias)
    matrix, bias = weights[-1]
    return (x @ matrix + bias)[0]


def in_the_ball(weights: Weights, x: Array) -> Array:
    """The network times ``1 - |x|^2``, which is zero on the unit sphere."""
    return (1 - jnp.sum(x * x)) * network(weights, x)


# --- Laplacians ------------------------------------------------------------------------------------------------------


def _summed(along: Callable[[Array, Array], Array], x: Array) -> Array:
    """The sum over all unit vectors."""
    return jnp.sum(jax.vmap(lambda unit: along(x, unit))(jnp.eye(x.size, dtype=x.dtype)))


def by_jets(f: Function) -> Function:
    """One second-order jet along each unit vector."""
    return lambda x: _summed(lambda x, unit: second_by_jet(f, x, unit), x)


def second_by_jet(f: Function, x: Array, direction: Array) -> Array:
    """The second derivative along a direction."""
    return jet.jet(f, (x,), ((direction, jnp.zeros_like(direction)),))[1][1]


def by_hessian(f: Function) -> Function:
    """The trace of the whole Hessian."""
    return lambda x: jnp.trace(jax.hessian(f)(x))


def forward_over_reverse(f: Function) -> Function:
    """A Hessian-vector product for each unit vector."""
    return lambda x: _summed(lambda x, unit: unit @ jax.jvp(jax.grad(f), (x,), (unit,))[1], x)


def forward_over_forward(f: Function) -> Function:
    """Two nested directional derivatives for each unit vector."""

    def second(x: Array, unit: Array) -> Array:
        return jax.jvp(lambda y: jax.jvp(f, (y,), (unit,))[1], (x,), (unit,))[1]

    return lambda x: _summed(second, x)


def by_folx(f: Function, sparsity: int = 0) -> Function:
    """folx's forward Laplacian as it comes, or with sparse Jacobians of so many entries in a column and fewer."""
    from folx import forward_laplacian

    transformed: Any = forward_laplacian(f, sparsity_threshold=sparsity)
    return lambda x: transformed(x).laplacian


LAPLACIANS: dict[str, Formulation] = {
    "jax.experimental.jet": by_jets,
    "folx": by_folx,
    "folx with sparsity": partial(by_folx, sparsity=6),
    "trace of jax.hessian": by_hessian,
    "forward over reverse": forward_over_reverse,
}


def squared(formulation: Formulation) -> Formulation:
    """The Laplacian of the Laplacian."""
    return lambda f: formulation(formulation(f))


BILAPLACIANS: dict[str, Formulation] = {
    "nested forward over reverse": squared(forward_over_reverse),
    "nested traces of jax.hessian": squared(by_hessian),
    "nested forward over forward": squared(forward_over_forward),
    "folx of folx": squared(by_folx),
}


def ours(text: str) -> Formulation:
    """Our operator of a text over a vector x."""
    import pushforward as pf

    return pf.operator(text, variables="x[n]")


# --- sampled Laplacians ----------------------------------------------------------------------------------------------


def sampled_by_jets(f: Function, x: Array, places: Array) -> Array:
    """The Laplacian estimated from some coordinates: dense unit vectors, one second-order jet along each."""
    units = jax.nn.one_hot(places, x.size, dtype=x.dtype)
    return x.size / places.size * jnp.sum(jax.vmap(lambda unit: second_by_jet(f, x, unit))(units))
