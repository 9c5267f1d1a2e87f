"""Reading and writing at computed indices in XLA.

Index arrays of one shape S select along the leading axes of an array. A single place becomes a dynamic slice, which XLA
updates in place inside loops; many places become one gather or scatter. Negative indices are out of range.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax
from jax.dtypes import canonicalize_dtype

_DROP = lax.GatherScatterMode.FILL_OR_DROP
_PROVED = lax.GatherScatterMode.PROMISE_IN_BOUNDS


def gather(x: Array, indices: Sequence[Array], *, proved: bool) -> Array:
    """``x[i0, …]``: S ++ the remaining axes of x; NaN (0 for integers and booleans) where out of range."""
    count, fill = len(indices), _fill(x)
    if not count:
        return x
    places, rest = indices[0].shape, x.shape[count:]
    if 0 in x.shape[:count]:
        return jnp.full((*places, *rest), fill, x.dtype)
    if not places:
        inside, corner = _corner(x, indices, proved)
        found = lax.dynamic_slice(x, corner, (1,) * count + rest).reshape(rest)
        return found if inside is None else lax.select(_spread(inside, rest), found, jnp.full(rest, fill, x.dtype))
    numbers = lax.GatherDimensionNumbers(
        offset_dims=tuple(range(len(places), len(places) + len(rest))),
        collapsed_slice_dims=tuple(range(count)),
        start_index_map=tuple(range(count)),
    )
    mode = _PROVED if proved else _DROP
    return lax.gather(x, jnp.stack(indices, axis=-1), numbers, (1,) * count + rest, mode=mode, fill_value=fill)


def scatter_add(base: Array, values: Array, indices: Sequence[Array], *, proved: bool) -> Array:
    """`base` with `values` added at the indices; repeated indices accumulate, those out of range are dropped."""
    count = len(indices)
    if not count:
        return base + values
    if 0 in base.shape[:count]:
        return base
    if indices[0].shape:
        flat, rows, known = _flat(base, values, indices, proved)
        numbers, places = update_numbers(flat, known)
        added = lax.scatter_add(flat, places, rows, numbers, mode=_PROVED if proved else _DROP)
        return added.reshape(base.shape)
    inside, corner = _corner(base, indices, proved)
    block = (1,) * count + values.shape
    if inside is not None:
        values = lax.select(_spread(inside, values.shape), values, jnp.zeros_like(values))
    old = lax.dynamic_slice(base, corner, block)
    return lax.dynamic_update_slice(base, old + values.reshape(block), corner)


def scatter(base: Array, values: Array, indices: Sequence[Array], *, proved: bool) -> Array:
    """`base` with `values` written at the indices, which are unique; those out of range are dropped."""
    count = len(indices)
    if not count:
        return values
    if 0 in base.shape[:count]:
        return base
    if indices[0].shape:
        flat, rows, known = _flat(base, values, indices, proved)
        numbers, places = update_numbers(flat, known)
        mode = _PROVED if proved else _DROP
        return lax.scatter(flat, places, rows, numbers, unique_indices=True, mode=mode).reshape(base.shape)
    inside, corner = _corner(base, indices, proved)
    block = (1,) * count + values.shape
    written = values.reshape(block)
    if inside is not None:
        written = lax.select(_spread(inside, block), written, lax.dynamic_slice(base, corner, block))
    return lax.dynamic_update_slice(base, written, corner)


def _flat(
    base: Array, values: Array, indices: Sequence[Array], proved: bool
) -> tuple[Array, Array, Sequence[Array]]:
    """Several indices that are in range as one into the joined axes: XLA's CPU code walks a single column faster."""
    count, rest = len(indices), base.shape[len(indices) :]
    if not proved or count == 1:
        return base, values, indices
    place = indices[0].astype(canonicalize_dtype("int64"))
    for index, length in zip(indices[1:], base.shape[1:], strict=False):
        place = place * length + index
    return base.reshape((-1, *rest)), values.reshape((-1, *rest)), [place.reshape(-1)]


def _fill(x: Array) -> float | int | bool:
    if x.dtype == jnp.bool_:
        return False
    return float("nan") if jnp.issubdtype(x.dtype, jnp.floating) else 0


def _spread(inside: Array, shape: tuple[int, ...]) -> Array:
    return lax.broadcast(inside, shape)


def _corner(x: Array, indices: Sequence[Array], proved: bool) -> tuple[Array | None, list[Array]]:
    """Whether a single place lies in the array (None: it is known to), and where its slice starts."""
    zero = jnp.zeros((), indices[0].dtype)
    corner = [*indices, *[zero] * (x.ndim - len(indices))]
    if proved:
        return None, corner
    inside = jnp.ones((), jnp.bool_)
    for index, length in zip(indices, x.shape, strict=False):
        inside &= (index >= 0) & (index < length)
    return inside, corner


def update_numbers(base: Array, indices: Sequence[Array]) -> tuple[lax.ScatterDimensionNumbers, Array]:
    """How the updates of a scatter lie, and their places with one index per column."""
    count, rank = len(indices), indices[0].ndim
    axes = tuple(range(count))
    windows = tuple(range(rank, rank + base.ndim - count))
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=windows, inserted_window_dims=axes, scatter_dims_to_operand_dims=axes
    )
    return numbers, jnp.stack(indices, axis=-1)
