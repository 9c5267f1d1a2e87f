"""Convolutions, sliding windows, blocks and repeated updates in XLA, as entries of the table of lowerings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.dtypes import canonicalize_dtype

from ...lang.primitives.sliding import Slide, slides, spread
from .indexing import update_numbers

Params = Mapping[str, Any]
Lowering = Callable[[Sequence[Array], Params], Array]

UNROLLED = 32  # windows of at most this many elements along an axis are written out as elementwise steps


def _whole() -> Any:
    """The dtype of places; it follows the width that is enabled."""
    return canonicalize_dtype("int64")


def conv(operands: Sequence[Array], params: Params) -> Array:
    lhs, rhs = operands
    return lax.conv_general_dilated(
        lhs,
        rhs,
        params["strides"],
        params["padding"],
        lhs_dilation=params["lhs_dilation"],
        rhs_dilation=params["rhs_dilation"],
        feature_group_count=params["feature_groups"],
        batch_group_count=params["batch_groups"],
        precision=lax.Precision.HIGHEST,
    )


# --- windows --------------------------------------------------------------------------------------------------------


def _least(x: Array) -> Any:
    if jnp.issubdtype(x.dtype, jnp.floating):
        return -jnp.inf
    return jnp.iinfo(x.dtype).min


def _greatest(x: Array) -> Any:
    if jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.inf
    return jnp.iinfo(x.dtype).max


def window(join: Callable[[Array, Array], Array], start: Callable[[Array], Any]) -> Lowering:
    """A reduction under each window; padding that cuts is done in front, which XLA's windows do not do."""

    def lower(operands: Sequence[Array], params: Params) -> Array:
        (x,) = operands
        first = jnp.asarray(start(x), x.dtype)
        padding, base = params["padding"], params["base_dilation"]
        if any(low < 0 or high < 0 for low, high in padding):
            widths = [(low, high, a - 1) for (low, high), a in zip(padding, base, strict=True)]
            x, padding, base = lax.pad(x, first, widths), [(0, 0)] * x.ndim, [1] * x.ndim
        return lax.reduce_window(
            x, first, join, params["window"], params["strides"], padding, base, params["window_dilation"]
        )

    return lower


def window_place(operands: Sequence[Array], params: Params) -> Array:
    """Value and place together, one axis after another from the last: of equals, the first in row-major order stays."""
    (x,) = operands
    places = lax.reshape(lax.iota(_whole(), x.size), x.shape)
    beyond = lax.gt if params["greatest"] else lax.lt
    for axis, slide in reversed(list(enumerate(slides(x.shape, tuple(params.items()))))):
        if slide != Slide(x.shape[axis], 1):
            x, places = _along(x, places, axis, slide, beyond)
    return places


def _along(x: Array, places: Array, axis: int, slide: Slide, beyond: Callable[..., Array]) -> tuple[Array, Array]:
    widths = [(0, 0, 0)] * x.ndim
    widths[axis] = (slide.low, slide.high, slide.base_dilation - 1)
    x = lax.pad(x, jnp.zeros((), x.dtype), widths)
    places = lax.pad(places, jnp.asarray(-1, places.dtype), widths)

    def choose(old: tuple[Array, Array], new: tuple[Array, Array]) -> tuple[Array, Array]:
        """The later element where it beats the earlier one; comparisons read "not equal to itself" as NaN."""
        (best, found), (value, place) = old, new
        unordered = lax.ne(value, value) & lax.eq(best, best)
        better = lax.ge(place, 0) & (lax.lt(found, 0) | beyond(value, best) | unordered)
        return lax.select(better, value, best), lax.select(better, place, found)

    if slide.window > UNROLLED:
        return _swept(x, places, axis, slide, choose)
    chosen = _element(x, axis, slide, 0), _element(places, axis, slide, 0)
    for k in range(1, slide.window):
        chosen = choose(chosen, (_element(x, axis, slide, k), _element(places, axis, slide, k)))
    return chosen


def _swept(x: Array, places: Array, axis: int, slide: Slide, choose: Callable[..., Any]) -> tuple[Array, Array]:
    """A long window element by element, in a loop."""

    def one(k: Array, chosen: tuple[Array, Array]) -> tuple[Array, Array]:
        start, length = k * slide.window_dilation, spread(slide.count, slide.stride)
        pair = (lax.dynamic_slice_in_dim(part, start, length, axis) for part in (x, places))
        return choose(chosen, tuple(lax.slice_in_dim(part, 0, length, slide.stride, axis) for part in pair))

    first = _element(x, axis, slide, 0), _element(places, axis, slide, 0)
    return lax.fori_loop(1, slide.window, one, first)


def _element(x: Array, axis: int, slide: Slide, k: int) -> Array:
    start = k * slide.window_dilation
    return lax.slice_in_dim(x, start, start + spread(slide.count, slide.stride), slide.stride, axis)


# --- blocks ---------------------------------------------------------------------------------------------------------


def _corner(rank: int, starts: Sequence[Array], axes: Sequence[int]) -> list[Array]:
    given = dict(zip(axes, starts, strict=True))
    zero = jnp.zeros((), starts[0].dtype) if starts else jnp.zeros((), jnp.int32)
    return [given.get(axis, zero) for axis in range(rank)]


def block_read(operands: Sequence[Array], params: Params) -> Array:
    x, *starts = operands
    length = dict(zip(params["axes"], params["sizes"], strict=True))
    sizes = [length.get(axis, size) for axis, size in enumerate(x.shape)]
    corner = _corner(x.ndim, starts, params["axes"])
    return lax.dynamic_slice(x, corner, sizes, allow_negative_indices=False)


def block_write(operands: Sequence[Array], params: Params) -> Array:
    base, values, *starts = operands
    corner = _corner(base.ndim, starts, params["axes"])
    return lax.dynamic_update_slice(base, values, corner, allow_negative_indices=False)


def block_add(operands: Sequence[Array], params: Params) -> Array:
    base, values, *starts = operands
    corner = _corner(base.ndim, starts, params["axes"])
    old = lax.dynamic_slice(base, corner, values.shape, allow_negative_indices=False)
    return lax.dynamic_update_slice(base, old + values, corner, allow_negative_indices=False)


# --- updates --------------------------------------------------------------------------------------------------------


def _drop(function: Callable[..., Array]) -> Lowering:
    def lower(operands: Sequence[Array], params: Params) -> Array:
        base, values, *indices = operands
        if 0 in base.shape[: len(indices)]:
            return base
        numbers, places = update_numbers(base, indices)
        distinct = bool(params.get("distinct", False))
        mode = lax.GatherScatterMode.FILL_OR_DROP
        return function(base, places, values, numbers, unique_indices=distinct, mode=mode)

    return lower


_overwrite = _drop(lax.scatter)


def scatter_last(operands: Sequence[Array], params: Params) -> Array:
    """XLA applies repeated updates in order on CPU; elsewhere their order is open, so the last one is looked for."""
    if params["distinct"]:
        return _overwrite(operands, params)
    return lax.platform_dependent(
        *operands,
        cpu=lambda *x: _overwrite(x, params),
        default=lambda *x: by_owner(x),
    )


def by_owner(operands: Sequence[Array]) -> Array:
    """Every place takes the value of the greatest number of an update that goes there."""
    base, values, *indices = operands
    batch, leading = indices[0].shape, base.shape[: len(indices)]
    rest = base.shape[len(indices) :]
    count = indices[0].size
    numbers = lax.reshape(lax.iota(_whole(), count), batch)
    owners = _drop(lax.scatter_max)([jnp.full(leading, -1, _whole()), numbers, *indices], {})
    flat = jnp.concatenate([values.reshape((count, *rest)), jnp.zeros((1, *rest), values.dtype)])
    taken = jnp.take(flat, owners, axis=0, mode="wrap")
    return lax.select(jnp.broadcast_to((owners >= 0).reshape((*leading, *[1] * len(rest))), base.shape), taken, base)


def top_places(operands: Sequence[Array], params: Params) -> Array:
    return lax.top_k(operands[0], params["k"], axis=params["axis"])[1].astype(_whole())


SLIDING: dict[str, Lowering] = {
    "conv": conv,
    "window_sum": window(lax.add, lambda x: 0),
    "window_max": window(lax.max, _least),
    "window_min": window(lax.min, _greatest),
    "window_place": window_place,
    "block_read": block_read,
    "block_write": block_write,
    "block_add": block_add,
    "scatter_last": scatter_last,
    "scatter_max": _drop(lax.scatter_max),
    "scatter_min": _drop(lax.scatter_min),
    "scatter_mul": _drop(lax.scatter_mul),
    "top_places": top_places,
}
