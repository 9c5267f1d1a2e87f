"""The Jacobian of the hand in its pose, in JAX (ADBench's HAND objectives).

theta [26], relatives and inverses [b,3,4], parents [b] (-1 at the root), positions and weights of the vertices that the
points belong to ([n,3], [n,b]; for triangles [n,3,3], [n,3,b]), points [n,3] -> residuals [n,3] and their derivatives
[n,3,26]; for triangles u [n,2] enters and the derivatives in it [n,3,2] leave as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .ba import rotate

Motions = Callable[[Array, Array, Array, Array], Array]
FINGERS, JOINTS = 5, 3


def turns(angles: Array) -> Array:
    """Rotations [b,3,3] about x, y and z, one after the other, from angles [b,3]."""
    (cx, cy, cz), (sx, sy, sz) = jnp.cos(angles).T, jnp.sin(angles).T
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def bends(theta: Array, bones: int) -> Array:
    """The angles [b,3] of all bones: three joints per finger, of which the first also bends sideways."""
    pose = theta[6:].reshape(FINGERS, JOINTS + 1)
    finger = 1 + 4 * np.arange(FINGERS)
    angles = jnp.zeros((bones, 3))
    angles = angles.at[finger + 1, 0].set(pose[:, 0]).at[finger + 1, 2].set(pose[:, 1])
    return angles.at[finger + 2, 0].set(pose[:, 2]).at[finger + 3, 0].set(pose[:, 3])


def after(a: Array, b: Array) -> Array:
    """The motion b and then a, both [...,3,4]."""
    turned = a[..., :3] @ b
    return turned.at[..., 3].add(a[..., 3])


def _bent(theta: Array, relatives: Array) -> Array:
    """The motion of each bone against its parent."""
    turned = relatives[:, :, :3] @ turns(bends(theta, relatives.shape[0]))
    return jnp.concatenate([turned, relatives[:, :, 3:]], axis=2)


def scanned(theta: Array, relatives: Array, inverses: Array, parents: Array) -> Array:
    """Bones chained one after another in a scan."""
    own = _bent(theta, relatives)

    def step(done: Array, k: Array) -> tuple[Array, None]:
        parent = parents[k]
        chained = jnp.where(parent < 0, own[k], after(done[jnp.maximum(parent, 0)], own[k]))
        return done.at[k].set(chained), None

    absolutes, _ = lax.scan(step, jnp.zeros_like(own), jnp.arange(own.shape[0]))
    return after(absolutes, inverses)


def levels(theta: Array, relatives: Array, inverses: Array, parents: Array) -> Array:
    """All fingers at once, joint by joint: the model is a wrist, five chains of four bones, and a last bone."""
    own = _bent(theta, relatives)
    finger = 1 + 4 * np.arange(FINGERS)
    absolutes = jnp.zeros_like(own).at[0].set(own[0])
    chain = after(own[0], own[finger])
    absolutes = absolutes.at[finger].set(chain)
    for joint in range(1, JOINTS + 1):
        chain = after(chain, own[finger + joint])
        absolutes = absolutes.at[finger + joint].set(chain)
    absolutes = absolutes.at[21].set(after(own[0], own[21]))
    return after(absolutes, inverses)


def placed(theta: Array, motions: Array, positions: Array, weights: Array) -> Array:
    """Vertices [...,3] bent by weighted motions and moved with the whole hand."""
    blended = jnp.einsum("...b,bij->...ij", weights, motions)
    bent = jnp.einsum("...ij,...j->...i", blended[..., :3], positions) + blended[..., 3]
    return jax.vmap(partial(rotate, theta[:3]))(bent.reshape(-1, 3)).reshape(bent.shape) + theta[3:6]


def _simple(motions: Motions) -> Callable[..., tuple[Array, Array]]:
    def run(
        theta: Array, relatives: Array, inverses: Array, parents: Array, positions: Array, weights: Array, points: Array
    ) -> tuple[Array, Array]:
        def residual(t: Array) -> Array:
            return points - placed(t, motions(t, relatives, inverses, parents), positions, weights)

        return residual(theta), jax.jacfwd(residual)(theta)

    return run


def _complicated(motions: Motions) -> Callable[..., tuple[Array, Array, Array]]:
    def run(
        theta: Array,
        u: Array,
        relatives: Array,
        inverses: Array,
        parents: Array,
        positions: Array,
        weights: Array,
        points: Array,
    ) -> tuple[Array, Array, Array]:
        shares = jnp.concatenate([u, 1.0 - u.sum(axis=1, keepdims=True)], axis=1)

        def corners(t: Array) -> Array:
            return placed(t, motions(t, relatives, inverses, parents), positions, weights)

        def residual(t: Array) -> Array:
            return points - jnp.einsum("nc,nci->ni", shares, corners(t))

        bent = corners(theta)
        sideways = jnp.stack([bent[:, 2] - bent[:, 0], bent[:, 2] - bent[:, 1]], axis=-1)
        return residual(theta), jax.jacfwd(residual)(theta), sideways

    return run


FORMULATIONS: dict[str, Callable[..., tuple[Array, ...]]] = {"scanned": _simple(scanned), "levels": _simple(levels)}
ON_TRIANGLES: dict[str, Callable[..., tuple[Array, ...]]] = {
    "scanned": _complicated(scanned),
    "levels": _complicated(levels),
}
