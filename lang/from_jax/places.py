"""Reading and writing one block of an array: starts and lengths enter, the steps that suit them leave.

Literal starts make slices, one place along the leading axes is a `gather` or `scatter` that reverse mode keeps sparse,
and everything else is a row of blocks. Starts are moved so that the block lies in the array.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..sizes import Size, least
from .integers import Integers

if TYPE_CHECKING:
    from ..builder import Builder

Shape = tuple[Size, ...]
Starts = Mapping[int, int]  # the slot of the start of each axis that has one; the others are taken from 0


def fitted(ints: Integers, start: int, limit: Size) -> int:
    """A start between 0 and `limit`."""
    b, bounds, known = ints.b, ints.bounds(start), least(limit)
    if bounds is not None and known is not None and 0 <= bounds[0] and bounds[1] <= known:
        return start
    return ints.settled(b.apply("clip", start, b.constant(0, "i64"), b.size(limit)))


def inside(ints: Integers, start: int, limit: Size) -> int | None:
    """Whether a start lies between 0 and `limit`; None when it is known to."""
    place = fitted(ints, start, limit)
    return None if place == start else ints.b.apply("eq", place, start)


def _partial(shape: Shape, lengths: Shape) -> list[int]:
    """The axes of which a block takes a part."""
    return [axis for axis, (size, length) in enumerate(zip(shape, lengths, strict=True)) if length != size]


def _singles(partial: list[int], lengths: Shape) -> int:
    """How many leading axes the block takes one place of."""
    count = 0
    while count < len(partial) and partial[count] == count and lengths[count] == 1:
        count += 1
    return count


def _places(ints: Integers, starts: Starts, axes: list[int], shape: Shape, lengths: Shape) -> list[int]:
    """Starts within the array, as rows that index want them."""
    zero = ints.b.constant(0, "i64")
    return [fitted(ints, starts.get(axis, zero), shape[axis] - lengths[axis]) for axis in axes]


def _literal(ints: Integers, starts: Starts, axes: list[int], shape: Shape, lengths: Shape) -> list[int] | None:
    """Starts that are all known, moved into the array."""
    values = [np.zeros(()) if axis not in starts else ints.value(starts[axis]) for axis in axes]
    known = [int(value) for value in values if value is not None]
    if len(known) < len(axes):
        return None
    found = [_moved(start, shape[axis] - lengths[axis]) for axis, start in zip(axes, known, strict=True)]
    inside = [start for start in found if start is not None]
    return inside if len(inside) == len(found) else None


def _moved(start: int, limit: Size) -> int | None:
    """A known start moved between 0 and a limit; None when the limit is open and may lie below it."""
    if isinstance(limit, int):
        return min(max(start, 0), limit)
    lowest = least(limit)
    return None if lowest is None or start > lowest else max(start, 0)


def _given(ints: Integers, starts: Starts, axes: list[int]) -> list[int]:
    """Starts as they are: rows of blocks move them into the array themselves."""
    zero = ints.b.constant(0, "i64")
    return [starts.get(axis, zero) for axis in axes]


def read_block(ints: Integers, x: int, starts: Starts, lengths: Shape) -> int:
    """The block with the given lengths, of the same rank as `x`."""
    b, shape = ints.b, ints.b.array_type(x).shape
    partial = _partial(shape, lengths)
    count = _singles(partial, lengths)
    if count and 0 not in lengths:
        part = b.apply("gather", x, *_places(ints, starts, partial[:count], shape, lengths), proved=True)
        inner = {axis - count: start for axis, start in starts.items() if axis >= count}
        return b.apply("reshape", read_block(ints, part, inner, lengths[count:]), shape=lengths)
    literal = _literal(ints, starts, partial, shape, lengths)
    if literal is None:
        sizes = tuple(lengths[axis] for axis in partial)
        return b.apply("block_read", x, *_given(ints, starts, partial), axes=tuple(partial), sizes=sizes)
    low = dict(zip(partial, literal, strict=True))
    first = tuple(low.get(axis, 0) for axis in range(len(shape)))
    last = tuple(start + length for start, length in zip(first, lengths, strict=True))
    return b.apply("slice", x, starts=first, limits=last)


def write_block(ints: Integers, x: int, values: int, starts: Starts) -> int:
    """`x` with the block set to `values`, which have the rank of `x`."""
    b, shape, lengths = ints.b, ints.b.array_type(x).shape, ints.b.array_type(values).shape
    partial = _partial(shape, lengths)
    if not partial or 0 in lengths:
        return values if not partial else x
    if _singles(partial, lengths) == len(partial):
        places = _places(ints, starts, partial, shape, lengths)
        return b.apply("scatter", x, _row(b, values, len(partial)), *places, proved=True)
    literal = _literal(ints, starts, partial, shape, lengths)
    if literal is None:
        return b.apply("block_write", x, values, *_given(ints, starts, partial), axes=tuple(partial))
    return _replaced(b, x, values, list(zip(partial, literal, strict=True)))


def add_block(ints: Integers, x: int, values: int, starts: Starts) -> int:
    """`x` with `values`, which have the rank of `x`, added to the block."""
    b, shape, lengths = ints.b, ints.b.array_type(x).shape, ints.b.array_type(values).shape
    partial = _partial(shape, lengths)
    if not partial or 0 in lengths:
        return b.apply("add", x, values) if not partial else x
    if _singles(partial, lengths) == len(partial):
        places = _places(ints, starts, partial, shape, lengths)
        return b.apply("scatter_add", x, _row(b, values, len(partial)), *places, proved=True)
    return b.apply("block_add", x, values, *_given(ints, starts, partial), axes=tuple(partial))


def _row(b: Builder, values: int, count: int) -> int:
    return b.apply("reshape", values, shape=b.array_type(values).shape[count:])


def _replaced(b: Builder, x: int, values: int, starts: list[tuple[int, int]]) -> int:
    """Literal starts: what lies before and behind the block is put together with it, one axis within the other."""
    if not starts:
        return values
    (axis, start), *inner = starts
    size, stop = b.array_type(x).shape[axis], b.array_type(values).shape[axis] + start
    middle = _replaced(b, slice_axis(b, x, axis, start, stop), values, inner)
    before = [slice_axis(b, x, axis, 0, start)] if start else []
    behind = [slice_axis(b, x, axis, stop, size)] if stop != size else []
    return b.apply("concat", *before, middle, *behind, axis=axis)


def slice_axis(b: Builder, x: int, axis: int, start: Size, stop: Size) -> int:
    """The part of one axis, everything of the others."""
    shape = b.array_type(x).shape
    starts = tuple(start if k == axis else 0 for k in range(len(shape)))
    limits = tuple(stop if k == axis else size for k, size in enumerate(shape))
    return b.apply("slice", x, starts=starts, limits=limits)
