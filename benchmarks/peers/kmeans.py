"""The k-means objective differentiated, in JAX.

centres [k,d], points [n,d] -> its gradient and the diagonal of its Hessian, both [k,d]. The Hessian is diagonal, so its
product with ones is its diagonal. Expanding the square into norms and one matrix product is a formulation too: it loses
digits where points lie close to centres and far from the origin, which the generated points do not.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

Cost = Callable[[Array, Array], Array]
Terms = tuple[Array, Array]


def differences(centres: Array, points: Array) -> Array:
    """All differences at once."""
    return ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).min(axis=1).sum()


def one_matmul(centres: Array, points: Array) -> Array:
    """The square expanded: norms, and all inner products as one matrix product."""
    distances = (points**2).sum(axis=1)[:, None] - 2.0 * points @ centres.T + (centres**2).sum(axis=1)[None, :]
    return distances.min(axis=1).sum()


def one_centre_at_a_time(centres: Array, points: Array) -> Array:
    """Arrays of points only; the centres are few."""
    distances = [((points - centre) ** 2).sum(axis=1) for centre in centres]
    return jnp.stack(distances).min(axis=0).sum()


def nearest(centres: Array, points: Array) -> Array:
    """The nearest centre is found first, and only its distance is differentiated."""
    squares = (centres**2).sum(axis=1)[None, :] - 2.0 * points @ centres.T
    chosen = jax.lax.stop_gradient(squares).argmin(axis=1)
    return ((points - centres[chosen]) ** 2).sum()


def terms(cost: Cost) -> Callable[[Array, Array], Terms]:
    """The gradient and the diagonal of the Hessian, forward over reverse."""

    def both(centres: Array, points: Array) -> Terms:
        return jax.jvp(lambda c: jax.grad(cost)(c, points), (centres,), (jnp.ones_like(centres),))

    return both


FORMULATIONS: dict[str, Callable[[Array, Array], Terms]] = {
    "jax differences": terms(differences),
    "jax one matmul": terms(one_matmul),
    "jax one centre at a time": terms(one_centre_at_a_time),
    "jax nearest first": terms(nearest),
}
