"""Convolutions, sliding windows and repeated updates in NumPy.

A window is one strided view of the operand for each of its elements. Entries take arrays, then parameters by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..lang.primitives.sliding import Slide, conv_slides, slides, spread
from .movement import block_corner

Array = np.ndarray


def _padded(x: Array, windows: Sequence[Slide], fill: Any) -> Array:
    """The operand spread and padded (or cut) along its last axes."""
    first = x.ndim - len(windows)
    for axis, slide in enumerate(windows, first):
        moved = np.moveaxis(x, axis, 0)
        result = np.full((max(0, slide.length), *moved.shape[1:]), fill, x.dtype)
        places = np.arange(slide.size) * slide.base_dilation + slide.low
        kept = (places >= 0) & (places < slide.length)
        result[places[kept]] = moved[kept]
        x = np.moveaxis(result, 0, axis)
    return x


def _view(x: Array, windows: Sequence[Slide], offset: Sequence[int]) -> Array:
    """The element at `offset` of the window, for all its positions."""
    parts = []
    for slide, k in zip(windows, offset, strict=True):
        start = k * slide.window_dilation
        parts.append(slice(start, start + spread(slide.count, slide.stride), slide.stride))
    return x[(..., *parts)]


def _offsets(windows: Sequence[Slide]) -> Any:
    return np.ndindex(*(window.window for window in windows))


def conv(lhs: Array, rhs: Array, *, feature_groups: int, batch_groups: int, **params: Any) -> Array:
    windows = conv_slides(lhs.shape, rhs.shape, tuple(params.items()))
    (n, _), (o, i) = lhs.shape[:2], rhs.shape[:2]
    batch, groups, counts = n // batch_groups, feature_groups * batch_groups, tuple(slide.count for slide in windows)
    wide = np.float32 if lhs.dtype.itemsize == 2 and lhs.dtype.kind not in "iu" else lhs.dtype
    x, kernel = _padded(lhs, windows, 0).astype(wide), rhs.astype(wide)
    total = np.zeros((batch, batch_groups, feature_groups, o // groups, *counts), wide)
    for offset in _offsets(windows):
        part = _view(x, windows, offset).reshape(batch_groups, batch, feature_groups, i, *counts)
        weights = kernel[(slice(None), slice(None), *offset)].reshape(batch_groups, feature_groups, o // groups, i)
        total += np.einsum("bnfi...,bfoi->nbfo...", part, weights)
    return total.reshape(batch, o, *counts)


def _ends(dtype: np.dtype) -> tuple[Any, Any]:
    """The least and the greatest number of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    return (False, True) if dtype.kind == "b" else (-np.inf, np.inf)


def _window(join: Callable[[Array, Array], Array], fill: Callable[[np.dtype], Any]) -> Callable[..., Array]:
    def run(x: Array, **params: Any) -> Array:
        windows = slides(x.shape, tuple(params.items()))
        padded = _padded(x, windows, fill(x.dtype))
        total = np.full(tuple(window.count for window in windows), fill(x.dtype), x.dtype)
        for offset in _offsets(windows):
            total = join(total, _view(padded, windows, offset))
        return total

    return run


def window_place(x: Array, *, greatest: bool, **params: Any) -> Array:
    windows = slides(x.shape, tuple(params.items()))
    values, places = _padded(x, windows, 0), _padded(np.arange(x.size).reshape(x.shape), windows, -1)
    best = np.zeros(tuple(window.count for window in windows), x.dtype)
    found = np.full(best.shape, -1, np.int64)
    for offset in _offsets(windows):
        value, place = _view(values, windows, offset), _view(places, windows, offset)
        beyond = value > best if greatest else value < best
        better = (place >= 0) & ((found < 0) | beyond | ((value != value) & (best == best)))
        best, found = np.where(better, value, best), np.where(better, place, found)
    return found


# --- repeated updates ----------------------------------------------------------------------------------------------


def _updates(join: np.ufunc) -> Callable[..., Array]:
    """Every value joined to its place in turn; one whose place does not exist is dropped."""

    def run(base: Array, values: Array, *indices: Array, distinct: bool = False) -> Array:
        checks = [(index >= 0) & (index < size) for index, size in zip(indices, base.shape, strict=False)]
        inside = np.all(checks, axis=0)
        result = base.copy()
        join.at(result, tuple(index[inside] for index in indices), values[inside])
        return result

    return run


def block_add(base: Array, values: Array, *starts: Array, axes: tuple[int, ...]) -> Array:
    corner = block_corner(base.shape, values.shape, starts, axes)
    result = base.copy()
    result[tuple(slice(at, at + size) for at, size in zip(corner, values.shape, strict=True))] += values
    return result


SLIDING: Mapping[str, Callable[..., Any]] = {
    "conv": conv,
    "window_sum": _window(np.add, lambda dtype: 0),
    "window_max": _window(np.maximum, lambda dtype: _ends(dtype)[0]),
    "window_min": _window(np.minimum, lambda dtype: _ends(dtype)[1]),
    "window_place": window_place,
    "scatter_max": _updates(np.maximum),
    "scatter_min": _updates(np.minimum),
    "scatter_mul": _updates(np.multiply),
    "block_add": block_add,
}
