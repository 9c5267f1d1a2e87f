"""Primitives of jaxprs that move elements: shapes, slices, padding and putting together."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from ..ir import ArrayType
from ..primitives.sliding import spread as spread_length
from ..sizes import Size, known
from .integers import Integers
from .places import Shape, read_block, slice_axis
from .rule import Equation, Rule
from .sites import Axes, lengths_of, whole_numbers

if TYPE_CHECKING:
    from ..builder import Builder

Width = tuple[int, int, int]  # what is put in front, behind and between elements

# An array of keys has one axis more than JAX says, the words of a key: it stays last.


def _extended(axes: Axes, rank: int) -> Axes:
    """Axes of all of an array, those of the words of keys included."""
    return (*axes, *range(len(axes), rank))


def spread(b: Builder, x: int, shape: Shape, axes: Axes) -> int:
    """Axis k of `x` becomes axis axes[k] of `shape`, where one of length 1 is repeated; all others repeat `x`."""
    old = b.array_type(x).shape
    if prod(old) == prod(shape):
        return b.apply("reshape", x, shape=shape)
    kept = [k for k, axis in enumerate(axes) if old[k] == shape[axis]]
    if len(kept) < len(old):
        kept = [k for k in kept if old[k] != 1]
        x = b.apply("reshape", x, shape=tuple(old[k] for k in kept))
    return b.broadcast(x, shape, tuple(axes[k] for k in kept))


def _known_lengths(e: Equation, count: int) -> None:
    """Lengths that are computed are operands of their own."""
    if len(e.inputs) > count:
        raise e.refuse("has lengths that are computed", "give the shape as numbers")


def _broadcast_in_dim(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    _known_lengths(e, 1)
    axes, shape = whole_numbers(e["broadcast_dimensions"]), e.outputs[0].shape
    words = e.inputs[0].rank - len(axes)
    return spread(b, x[0], shape, (*axes, *range(len(shape) - words, len(shape))))


def _reshape(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    _known_lengths(e, 1)
    first, order = x[0], e["dimensions"]
    if order is not None:
        first = b.apply("transpose", first, axes=_extended(whole_numbers(order), e.inputs[0].rank))
    return b.apply("reshape", first, shape=e.outputs[0].shape)


def _to_result(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """The same elements in the same order."""
    return b.apply("reshape", x[0], shape=e.outputs[0].shape)


def _transpose(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("transpose", x[0], axes=_extended(whole_numbers(e["permutation"]), e.inputs[0].rank))


def _rev(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    axes = tuple(sorted(whole_numbers(e["dimensions"])))
    return b.apply("reverse", x[0], axes=axes) if axes else x[0]


def _concatenate(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("concat", *x, axis=int(e["dimension"]))


def _stack(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    axis, shape = int(e["axis"]), e.inputs[0].shape
    one = (*shape[:axis], 1, *shape[axis:])
    return b.apply("concat", *(b.apply("reshape", slot, shape=one) for slot in x), axis=axis)


def _unstack(b: Builder, e: Equation, x: tuple[int, ...]) -> list[int]:
    axis = int(e["axis"])
    return [_place(b, x[0], axis, k, result) for k, result in enumerate(e.outputs)]


def _place(b: Builder, x: int, axis: int, number: int, result: ArrayType) -> int:
    ints, lengths = Integers(b), list(b.array_type(x).shape)
    lengths[axis] = 1
    part = read_block(ints, x, {axis: b.constant(number, "i64")}, tuple(lengths))
    return b.apply("reshape", part, shape=result.shape)


def _split(b: Builder, e: Equation, x: tuple[int, ...]) -> list[int]:
    axis, parts = int(e["axis"]), []
    start: Size = 0
    for length in lengths_of(e["sizes"]):
        parts.append(slice_axis(b, x[0], axis, start, start + length))
        start += length
    return parts


def _tile(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """Repetitions become axes of their own, in front of the axes they repeat."""
    reps, shape = whole_numbers(e["reps"]), e.inputs[0].shape
    reps = (*[1] * (len(shape) - len(reps)), *reps)
    old = (*[1] * (len(reps) - len(shape)), *shape)
    both = tuple(size for pair in zip(reps, old, strict=True) for size in pair)
    axes = tuple(2 * (len(reps) - len(shape) + k) + 1 for k in range(len(shape)))
    return b.apply("reshape", b.broadcast(x[0], both, axes), shape=e.outputs[0].shape)


def _iota(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    _known_lengths(e, 0)
    (result,), axis = e.outputs, int(e["dimension"])
    numbers = b.apply("convert", b.apply("iota", size=result.shape[axis]), dtype=result.dtype)
    return b.broadcast(numbers, result.shape, (axis,))


def _empty(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """Elements that nobody may rely on: zeros."""
    return b.zeros(e.outputs[0])


# --- slices ---------------------------------------------------------------------------------------------------------


def _slice(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    shape = e.inputs[0].shape
    starts = whole_numbers(e["start_indices"])
    strides = whole_numbers(e["strides"] or [1] * len(starts))
    counts = zip(e.outputs[0].shape, strides, strict=False)
    lengths = [count if stride == 1 else spread_length(known(count), stride) for count, stride in counts]
    taken = (*lengths, *shape[len(strides) :])
    corner = {axis: b.constant(start, "i64") for axis, start in enumerate(starts)}
    part = read_block(Integers(b), x[0], corner, taken)
    for axis, stride in enumerate(strides):
        part = every(b, part, axis, stride)
    return part


def every(b: Builder, x: int, axis: int, stride: int) -> int:
    """Every `stride`-th place of an axis, from the first: the first of each row of that length."""
    shape = b.array_type(x).shape
    if stride == 1 or (size := known(shape[axis])) < 2:
        return x
    count = -(-size // stride)
    low, high = [0] * len(shape), [0] * len(shape)
    high[axis] = count * stride - size
    full = b.apply("pad", x, low=tuple(low), high=tuple(high)) if high[axis] else x
    rows = b.apply("reshape", full, shape=(*shape[:axis], count, stride, *shape[axis + 1 :]))
    return b.apply("reshape", slice_axis(b, rows, axis + 1, 0, 1), shape=(*shape[:axis], count, *shape[axis + 1 :]))


# --- padding --------------------------------------------------------------------------------------------------------


def _pad(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    widths: list[Width] = [(low, high, inner) for low, high, inner in map(whole_numbers, e["padding_config"])]
    if e.outputs[0].elements == 0:
        return b.zeros(e.outputs[0])
    return padded(b, x[0], x[1], [*widths, *[(0, 0, 0)] * (e.inputs[0].rank - len(widths))])


def padded(b: Builder, x: int, value: int, widths: Sequence[Width]) -> int:
    """An array with a number in front, behind and between its elements along every axis; negative widths cut."""
    grown = [axis for axis, (low, high, inner) in enumerate(widths) if low > 0 or high > 0 or inner]
    if not grown or _is_zero(b, value):
        return _with_zeros(b, x, widths)
    if len(grown) == 1 and min(widths[grown[0]]) == 0 == widths[grown[0]][2]:
        cut = [(0, 0, 0) if axis in grown else width for axis, width in enumerate(widths)]
        return _put_between(b, _with_zeros(b, x, cut), value, grown[0], widths[grown[0]])
    there = _with_zeros(b, b.full(True, ArrayType("bool", b.array_type(x).shape)), widths)
    return b.apply("where", there, _with_zeros(b, x, widths), value)


def _is_zero(b: Builder, value: int) -> bool:
    known = b.scalar(value)
    if known is None:
        found = Integers(b).value(value)
        known = None if found is None else int(found)
    return known is not None and known == 0 and str(known)[0] != "-"


def _with_zeros(b: Builder, x: int, widths: Sequence[Width]) -> int:
    """Zeros between elements, then at the ends; negative widths cut."""
    for axis, (_, _, inner) in enumerate(widths):
        if inner:
            x = _dilated(b, x, axis, inner + 1)
    low, high = tuple(max(0, width[0]) for width in widths), tuple(max(0, width[1]) for width in widths)
    grown = b.apply("pad", x, low=low, high=high) if any(low) or any(high) else x
    # What one end cuts may reach into what the other end adds, so cutting comes last.
    return _cut(b, grown, [(max(0, -width[0]), max(0, -width[1])) for width in widths])


def _cut(b: Builder, x: int, cuts: list[tuple[int, int]]) -> int:
    shape = b.array_type(x).shape
    starts = tuple(low for low, _ in cuts)
    limits = tuple(size - high for size, (_, high) in zip(shape, cuts, strict=True))
    return b.apply("slice", x, starts=starts, limits=limits)


def _dilated(b: Builder, x: int, axis: int, step: int) -> int:
    """Elements `step` places apart: rows that begin with them, the last row without its zeros."""
    shape = b.array_type(x).shape
    if known(shape[axis]) < 2:
        return x
    rows = b.apply("reshape", x, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :]))
    high = tuple(step - 1 if k == axis + 1 else 0 for k in range(len(shape) + 1))
    wide = b.apply("pad", rows, low=(0,) * len(high), high=high)
    joined = b.apply("reshape", wide, shape=(*shape[:axis], shape[axis] * step, *shape[axis + 1 :]))
    return slice_axis(b, joined, axis, 0, (shape[axis] - 1) * step + 1)


def _put_between(b: Builder, x: int, value: int, axis: int, width: Width) -> int:
    """A repeated number in front of an axis and behind it."""
    shape = b.array_type(x).shape
    before, behind = (
        [b.broadcast(value, (*shape[:axis], length, *shape[axis + 1 :]), ())] if length else [] for length in width[:2]
    )
    return b.apply("concat", *before, x, *behind, axis=axis)


RULES: dict[str, Rule] = {
    "broadcast_in_dim": Rule(_broadcast_in_dim, reads=("broadcast_dimensions",), ignores=("shape", "sharding")),
    "reshape": Rule(_reshape, reads=("dimensions",), ignores=("new_sizes", "sharding")),
    "squeeze": Rule(_to_result, ignores=("dimensions",)),
    "expand_dims": Rule(_to_result, ignores=("dimensions",)),
    "transpose": Rule(_transpose, reads=("permutation",)),
    "rev": Rule(_rev, reads=("dimensions",)),
    "concatenate": Rule(_concatenate, reads=("dimension",)),
    "stack": Rule(_stack, reads=("axis",), ignores=("out_sharding", "sharding")),
    "unstack": Rule(_unstack, reads=("axis",)),
    "split": Rule(_split, reads=("axis", "sizes")),
    "tile": Rule(_tile, reads=("reps",)),
    "iota": Rule(_iota, reads=("dimension",), ignores=("dtype", "shape", "sharding")),
    "slice": Rule(_slice, reads=("start_indices", "strides"), ignores=("limit_indices",)),
    "pad": Rule(_pad, reads=("padding_config",)),
    "copy": Rule(lambda b, e, x: x[0]),
    "copy_p": Rule(lambda b, e, x: x[0]),
    **dict.fromkeys(("empty", "empty2"), Rule(_empty, ignores=("shape", "dtype", "out_sharding", "memory_space"))),
}
