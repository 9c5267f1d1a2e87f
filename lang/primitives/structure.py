"""Rows that move elements without looking at them: all linear, with the transposes written as builder functions."""

from __future__ import annotations

from ..params import integer, integers, sizes
from ..sizes import Size, add, sub
from . import costs, type_rules
from .row import Discrete, Linear, Primitive, RuleContext


def kept_axes(rank: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that a reduction leaves.

    >>> kept_axes(3, (1,))
    (0, 2)
    """
    return tuple(axis for axis in range(rank) if axis not in axes)


def expand(context: RuleContext, slot: int, shape: tuple[Size, ...], axes: tuple[int, ...]) -> int:
    """Repeat a reduced value along the reduced axes, to `shape`."""
    return context.builder.broadcast(slot, shape, kept_axes(len(shape), axes))


def slice_axis(context: RuleContext, slot: int, axis: int, start: Size, limit: Size) -> int:
    """The part of one axis from `start` to `limit`, everything of the others."""
    shape = context.type(slot).shape
    starts: list[Size] = [0] * len(shape)
    limits = list(shape)
    starts[axis], limits[axis] = start, limit
    return context.builder.apply("slice", slot, starts=tuple(starts), limits=tuple(limits))


def _broadcast(context: RuleContext, z: int) -> int:
    summed = kept_axes(context.type(z).rank, integers(context.params, "axes"))
    return context.builder.apply("reduce_sum", z, axes=summed)


def _reshape(context: RuleContext, z: int) -> int:
    return context.builder.apply("reshape", z, shape=context.type(context.operands[0]).shape)


def _transpose(context: RuleContext, z: int) -> int:
    axes = integers(context.params, "axes")
    inverse = tuple(axes.index(axis) for axis in range(len(axes)))
    return context.builder.apply("transpose", z, axes=inverse)


def _slice(context: RuleContext, z: int) -> int:
    shape = context.type(context.operands[0]).shape
    limits = sizes(context.params, "limits")
    high = tuple(sub(size, limit) for size, limit in zip(shape, limits, strict=True))
    return context.builder.apply("pad", z, low=sizes(context.params, "starts"), high=high)


def _pad(context: RuleContext, z: int) -> int:
    shape = context.type(context.operands[0]).shape
    low = sizes(context.params, "low")
    limits = tuple(add(start, size) for start, size in zip(low, shape, strict=True))
    return context.builder.apply("slice", z, starts=low, limits=limits)


def _reverse(context: RuleContext, z: int) -> int:
    return context.builder.apply("reverse", z, axes=integers(context.params, "axes"))


def _concat(context: RuleContext, z: int, operand: int) -> int:
    axis = integer(context.params, "axis")
    start: Size = 0
    for slot in context.operands[:operand]:
        start = add(start, context.type(slot).shape[axis])
    length = context.type(context.operands[operand]).shape[axis]
    return slice_axis(context, z, axis, start, add(start, length))


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="broadcast",
        type="[…]a -> [shape]a",
        derivative=Linear((_broadcast,)),
        doc="Axis k of x0 becomes axis axes[k] of the result (in increasing order); the other axes repeat it.",
        flops=costs.free,
        params=("shape", "axes"),
        elementwise=False,
        type_rule=type_rules.broadcast,
    ),
    Primitive(
        name="reshape",
        type="[…]a -> [shape]a",
        derivative=Linear((_reshape,)),
        doc="The elements in the same row-major order under another shape.",
        flops=costs.free,
        params=("shape",),
        elementwise=False,
        type_rule=type_rules.reshape,
    ),
    Primitive(
        name="transpose",
        type="[…]a -> […]a",
        derivative=Linear((_transpose,)),
        doc="Axis k of the result is axis axes[k] of x0.",
        flops=costs.free,
        params=("axes",),
        elementwise=False,
        type_rule=type_rules.transpose,
    ),
    Primitive(
        name="slice",
        type="[…]a -> […]a",
        derivative=Linear((_slice,)),
        doc="The elements from starts[k] to limits[k] (exclusive) of every axis k.",
        flops=costs.free,
        params=("starts", "limits"),
        elementwise=False,
        type_rule=type_rules.slice_,
    ),
    Primitive(
        name="pad",
        type="[…]a -> […]a",
        derivative=Linear((_pad,)),
        doc="x0 with low[k] zeros before and high[k] zeros behind it on every axis k.",
        flops=costs.free,
        params=("low", "high"),
        elementwise=False,
        type_rule=type_rules.pad,
    ),
    Primitive(
        name="reverse",
        type="[…]a -> […]a",
        derivative=Linear((_reverse,)),
        doc="The elements in opposite order along the axes.",
        flops=costs.free,
        params=("axes",),
        elementwise=False,
        type_rule=type_rules.same,
    ),
    Primitive(
        name="concat",
        type="([…]a, …) -> […]a",
        derivative=Linear(_concat, jointly=True),
        doc="The operands one behind the other along an axis.",
        flops=costs.free,
        params=("axis",),
        elementwise=False,
        type_rule=type_rules.concat,
    ),
    Primitive(
        name="iota",
        type="() -> [size]i64",
        derivative=Discrete("integers have no tangent"),
        doc="0, 1, …, size - 1.",
        flops=costs.free,
        params=("size",),
        elementwise=False,
        type_rule=type_rules.iota,
    ),
)
