"""Primitives that move elements without computing with them, for arrays of anything: shared by the
evaluators.

Each entry takes operand arrays, then parameters by name, and returns an array. Indices are checked here: one
outside its axis is E100, a place set twice is E107.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..lang.diagnostics import fail

Array = np.ndarray


def broadcast(x: Array, *, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    placed = [1] * len(shape)
    for axis, size in zip(axes, x.shape, strict=True):
        placed[axis] = size
    return np.broadcast_to(x.reshape(placed), shape)


def slice_(x: Array, *, starts: tuple[int, ...], limits: tuple[int, ...]) -> Array:
    for start, limit, size in zip(starts, limits, x.shape, strict=True):
        if not 0 <= start <= limit <= size:
            raise fail(
                "E100",
                f"a slice from {start} to {limit} of an axis of length {size}",
                hint="a slice starts at 0 or later and ends at the length or earlier",
            )
    return x[tuple(slice(start, limit) for start, limit in zip(starts, limits, strict=True))]


def pad(x: Array, *, low: tuple[int, ...], high: tuple[int, ...]) -> Array:
    if min((*low, *high), default=0) < 0:
        raise fail("E106", f"padding by {low} and {high}", hint="padding is zero or more; use a slice to cut")
    shape = tuple(a + size + b for a, size, b in zip(low, x.shape, high, strict=True))
    result = np.zeros(shape, x.dtype)
    result[tuple(slice(a, a + size) for a, size in zip(low, x.shape, strict=True))] = x
    return result


def check_indices(indices: tuple[Array, ...], shape: tuple[int, ...]) -> tuple[Array, ...]:
    """The indices when all lie in range."""
    for axis, (index, size) in enumerate(zip(indices, shape, strict=False)):
        wrong = (index < 0) | (index >= size)
        if np.any(wrong):
            bad = int(np.asarray(index)[wrong].flat[0]) if np.ndim(index) else int(index)
            where = "an axis of length" if axis == 0 else f"axis {axis} of length"
            raise fail(
                "E100",
                f"index {bad} is outside {where} {size}",
                hint="indices run from 0 to the length minus 1",
            )
    return indices


def gather(x: Array, *indices: Array, proved: bool = False) -> Array:
    return x[check_indices(indices, x.shape)]


def scatter(base: Array, values: Array, *indices: Array, proved: bool = False) -> Array:
    check_indices(indices, base.shape)
    flat = np.ravel_multi_index([np.ravel(index) for index in indices], base.shape[: len(indices)])
    if len(np.unique(flat)) != flat.size:
        raise fail("E107", "one place is set twice", hint="use scatter_add to add up values")
    result = base.copy()
    result[indices] = values[()]  # NumPy would put an array without axes of objects in as it is
    return result


def triangle(x: Array, *, lower: bool, offset: int) -> Array:
    rows, columns = x.shape[-2:]
    distance = np.arange(columns)[None, :] - np.arange(rows)[:, None]
    kept = distance <= offset if lower else distance >= offset
    result = np.zeros(x.shape, x.dtype)
    result[..., kept] = x[..., kept]
    return result


MOVEMENT: Mapping[str, Callable[..., Any]] = {
    "broadcast": broadcast,
    "reshape": lambda x, *, shape: x.reshape(shape),
    "transpose": lambda x, *, axes: np.transpose(x, axes),
    "slice": slice_,
    "pad": pad,
    "reverse": lambda x, *, axes: np.flip(x, axes),
    "concat": lambda *xs, axis: np.concatenate(xs, axis),
    "iota": lambda *, size: np.arange(size, dtype=np.int64),
    "gather": gather,
    "scatter": scatter,
    "triangle": triangle,
}
