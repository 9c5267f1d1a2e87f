"""The blocks of the bundle-adjustment Jacobian, in JAX (ADBench's BA objective).

cameras [n,11] (rotation vector, centre, focal length, principal point, radial distortion), points [m,3], weights [p],
features [p,2], observed [p,2] (camera, point) -> residuals [p,2], their derivatives in the 15 numbers of each
observation [p,2,15], the weights' errors [p] and derivatives [p].
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

Blocks = tuple[Array, Array, Array, Array]
Derivative = Callable[..., Callable[..., Array]]


def rotate(axis: Array, x: Array) -> Array:
    """Rodrigues' formula; without a rotation its first-order form, with operands guarded for the derivative."""
    square = axis @ axis
    turning = square > 0.0
    angle = jnp.sqrt(jnp.where(turning, square, 1.0))
    unit = axis / angle
    turned = jnp.cos(angle) * x + jnp.sin(angle) * jnp.cross(unit, x) + (1.0 - jnp.cos(angle)) * (unit @ x) * unit
    return jnp.where(turning, turned, x + jnp.cross(axis, x))


def residual(v: Array, feature: Array) -> Array:
    """How far a camera (11 numbers) sees a point (3) from a feature, times a weight."""
    seen = rotate(v[:3], v[11:14] - v[3:6])
    plane = seen[:2] / seen[2]
    square = plane @ plane
    stretch = 1.0 + square * (v[9] + square * v[10])
    return v[14] * (plane * stretch * v[6] + v[7:9] - feature)


def _blocks(derivative: Derivative) -> Callable[..., Blocks]:
    def run(cameras: Array, points: Array, weights: Array, features: Array, observed: Array) -> Blocks:
        rows = jnp.concatenate([cameras[observed[:, 0]], points[observed[:, 1]], weights[:, None]], axis=1)
        errors = jax.vmap(residual)(rows, features)
        return errors, jax.vmap(derivative(residual))(rows, features), 1.0 - weights**2, -2.0 * weights

    return run


def reverse_blocks(*arguments: Array) -> Blocks:
    """Two rows per observation by reverse mode."""
    return _blocks(jax.jacrev)(*arguments)


def forward_blocks(*arguments: Array) -> Blocks:
    """Fifteen columns per observation by forward mode."""
    return _blocks(jax.jacfwd)(*arguments)


def transposed_blocks(cameras: Array, points: Array, weights: Array, features: Array, observed: Array) -> Blocks:
    """Two pullbacks of all residuals at once: an observation's residual depends on its own numbers alone."""
    rows = jnp.concatenate([cameras[observed[:, 0]], points[observed[:, 1]], weights[:, None]], axis=1)
    errors, pullback = jax.vjp(lambda v: jax.vmap(residual)(v, features), rows)
    units = [jnp.zeros_like(errors).at[:, k].set(1.0) for k in range(2)]
    jacobian = jnp.stack([pullback(unit)[0] for unit in units], axis=1)
    return errors, jacobian, 1.0 - weights**2, -2.0 * weights


FORMULATIONS: dict[str, Callable[..., Blocks]] = {
    "reverse_blocks": reverse_blocks,
    "forward_blocks": forward_blocks,
    "transposed_blocks": transposed_blocks,
}
