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
from ..lang.primitives.blocks import block_shape
from ..lang.primitives.environment import platform_number

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


def scatter_last(base: Array, values: Array, *indices: Array, distinct: bool) -> Array:
    """Updates in row-major order, so that the last of several stays; those outside are dropped."""
    flat = [np.ravel(index) for index in indices]
    lengths = base.shape[: len(indices)]
    inside = np.all([(index >= 0) & (index < size) for index, size in zip(flat, lengths, strict=True)], axis=0)
    places = np.ravel_multi_index([index[inside] for index in flat], lengths)
    rows = values.reshape((flat[0].size, *base.shape[len(indices) :]))[inside]
    if distinct and len(np.unique(places)) != places.size:
        raise fail("E107", "one place is set twice", hint="leave out unique_indices=True where indices repeat")
    result = base.copy().reshape((-1, *base.shape[len(indices) :]))
    kept = {place: number for number, place in enumerate(places.tolist())}
    result[list(kept)] = rows[list(kept.values())]
    return result.reshape(base.shape)


def block_corner(
    shape: tuple[int, ...], block: tuple[int, ...], starts: tuple[Array, ...], axes: tuple[int, ...]
) -> tuple[int, ...]:
    """Where a block begins on every axis, its starts moved so that it lies in the array."""
    given = dict(zip(axes, starts, strict=True))
    return tuple(
        min(max(int(given[axis]), 0), size - length) if axis in given else 0
        for axis, (size, length) in enumerate(zip(shape, block, strict=True))
    )


def _block(corner: tuple[int, ...], lengths: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(start, start + length) for start, length in zip(corner, lengths, strict=True))


def block_read(x: Array, *starts: Array, axes: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
    lengths = block_shape(x.shape, axes, sizes)
    return x[_block(block_corner(x.shape, lengths, starts, axes), lengths)]  # type: ignore[arg-type]


def block_write(base: Array, values: Array, *starts: Array, axes: tuple[int, ...]) -> Array:
    result = base.copy()
    result[_block(block_corner(base.shape, values.shape, starts, axes), values.shape)] = values[()]
    return result


def triangle(x: Array, *, lower: bool, offset: int) -> Array:
    rows, columns = x.shape[-2:]
    distance = np.arange(columns)[None, :] - np.arange(rows)[:, None]
    kept = distance <= offset if lower else distance >= offset
    result = np.zeros(x.shape, x.dtype)
    result[..., kept] = x[..., kept]
    return result


def _foreign(*operands: Array, token: int, which: int, results: object) -> Array:
    hint = 'compile it: program.compile("xla"), or call the function under pf.jit'
    raise fail("E113", "a step that was left to JAX runs in compiled code only", hint=hint)


MOVEMENT: Mapping[str, Callable[..., Any]] = {
    "broadcast": broadcast,
    "reshape": lambda x, *, shape: x.reshape(shape),
    "transpose": lambda x, *, axes: np.transpose(x, axes),
    "slice": slice_,
    "pad": pad,
    "reverse": lambda x, *, axes: np.flip(x, axes),
    "concat": lambda *xs, axis: np.concatenate(xs, axis),
    "foreign": _foreign,
    "platform_index": lambda *, platforms: np.asarray(platform_number(platforms, "cpu"), np.int64),
    "iota": lambda *, size: np.arange(size, dtype=np.int64),
    "gather": gather,
    "scatter": scatter,
    "scatter_last": scatter_last,
    "block_read": block_read,
    "block_write": block_write,
    "triangle": triangle,
}
