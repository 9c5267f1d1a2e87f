"""Batches: a first-order program and axes enter, the program over a new axis of its inputs and results leaves."""

from __future__ import annotations

from collections.abc import Sequence

from . import _wire
from ._derived import hidden, signature
from .lang.builder import Builder
from .lang.diagnostics import fail
from .lang.ir import ArrayType, Program, Signature, SlotType, leaves
from .lang.sizes import Size, variable
from .lang.types import Array, Record, Scalar, Tuple, Type, array


def batch(program: Program, in_axes: Sequence[int | None], out_axes: int) -> Program:
    """The program over a new axis: position `in_axes[k]` of every array of input k, `out_axes` of every result."""
    own = signature(program)
    if all(axis is None for axis in in_axes):
        raise fail("E185", "vmap needs an input with a batch axis", hint="give in_axes an axis for at least one input")
    name = _fresh("batch", program.sizes)
    size = variable(name)
    shared: list[int | None] = [None] * hidden(program)
    axes = shared + [axis for (_, type_), axis in zip(own.inputs, in_axes, strict=True) for _ in leaves(type_)]
    outer = [_with_axis(type_, size, axis) for type_, axis in zip(program.inputs, axes, strict=True)]
    builder = Builder(f"vmap_{program.name}", outer, (*program.sizes, name))
    lanes = _wire.vmap(program, tuple(axis is not None for axis in axes), size)
    moved = [
        slot if axis is None else _move_axis(builder, slot, _axis(axis, outer[slot]), 0)
        for slot, axis in enumerate(axes)
    ]
    results = builder.inline(lanes, moved)
    placed = [_move_axis(builder, slot, 0, _axis(out_axes, builder.array_type(slot))) for slot in results]
    inputs = tuple(
        (label, _type_with_axis(type_, size, axis)) for (label, type_), axis in zip(own.inputs, in_axes, strict=True)
    )
    return builder.build(placed, Signature(inputs, _type_with_axis(own.output, size, out_axes)))


def _fresh(name: str, taken: Sequence[str]) -> str:
    number, found = 1, name
    while found in taken:
        number, found = number + 1, f"{name}{number + 1}"
    return found


def _axis(axis: int | None, type_: SlotType) -> int:
    """A batch axis counted from the front; the type already has it."""
    if axis is None or not isinstance(type_, ArrayType) or not -type_.rank <= axis < type_.rank:
        raise fail("E185", f"there is no axis {axis} in {type_} for vmap", hint="axes are counted from 0")
    return axis % type_.rank


def _with_axis(type_: SlotType, size: Size, axis: int | None) -> SlotType:
    if axis is None:
        return type_
    if not isinstance(type_, ArrayType):
        hint = "share it between the lanes: None for it in in_axes"
        raise fail("E185", f"vmap cannot batch a value of type {type_}", hint=hint)
    return type_.with_shape(_inserted(type_.shape, size, axis))


def _inserted(shape: tuple[Size, ...], size: Size, axis: int) -> tuple[Size, ...]:
    rank = len(shape) + 1
    if not -rank <= axis < rank:
        hint = f"use an axis from 0 to {rank - 1}"
        raise fail("E185", f"there is no axis {axis} in an array of {rank} axes for vmap", hint=hint)
    return (*shape[: axis % rank], size, *shape[axis % rank :])


def _type_with_axis(type_: Type, size: Size, axis: int | None) -> Type:
    match type_:
        case _ if axis is None:
            return type_
        case Tuple(items, node):
            return Tuple(tuple(_type_with_axis(item, size, axis) for item in items), node)
        case Record(fields):
            return Record(tuple((name, _type_with_axis(item, size, axis)) for name, item in fields))
        case Array(shape, Scalar() as element):
            return array(_inserted(shape, size, axis), element)
        case Array(shape, element):
            if axis < 0:
                message = "vmap over an array of tuples needs an axis counted from the front"
                raise fail("E185", message, hint="use 0 for the first axis")
            return array(_inserted(shape, size, axis), element)
        case _:
            return array((size,), type_)


def _move_axis(builder: Builder, slot: int, source: int, target: int) -> int:
    if source == target:
        return slot
    axes = [axis for axis in range(builder.array_type(slot).rank) if axis != source]
    axes.insert(target, source)
    return builder.apply("transpose", slot, axes=tuple(axes))
