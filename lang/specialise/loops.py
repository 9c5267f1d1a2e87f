"""Loops: bodies are specialised for values of the form they meet; the state of a fold takes one form for all rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..builder import Builder
from ..diagnostics import fail
from ..elaborate.scope import drop_unread
from ..ir import I64, Each, Fold, Program, Step
from .borders import Inner, Values, array_slots, element_type, enter, packed
from .limits import ROUNDS
from .values import PartialValue, Shape, join, shape_of, types_of, unpack

if TYPE_CHECKING:
    from .machine import Machine


def each(machine: Machine, builder: Builder, step: Step, operands: Values) -> Sequence[PartialValue]:
    op = step.op
    assert isinstance(op, Each)
    if machine.is_plain(step, operands):
        return builder.replay(step, array_slots(operands))
    arrays = array_slots(operands[op.captures :])
    elements = [element_type(builder, slot) for slot in arrays]
    inner = enter(builder, operands[: op.captures], op.body.name, [*elements, I64])
    values = machine.run(inner.builder, op.body, [*inner.values, *inner.own])
    body = inner.builder.build(array_slots(values))
    kept, (body,) = drop_unread([body], len(inner.captures))
    captures = [inner.captures[place] for place in kept]
    return builder.each(op.size, captures, arrays, body, op.combine)


def fold(machine: Machine, builder: Builder, step: Step, operands: Values) -> Sequence[PartialValue]:
    op = step.op
    assert isinstance(op, Fold)
    if machine.is_plain(step, operands):
        return builder.replay(step, array_slots(operands))
    captured = operands[: op.captures]
    arrays = array_slots(operands[op.captures : op.captures + op.arrays])
    initial = operands[op.captures + op.arrays :]
    shapes = [shape_of(builder, value) for value in initial]
    for _ in range(ROUNDS):
        inner, values = _round(machine, builder, op, captured, arrays, shapes)
        found = [
            join(shape, shape_of(inner.builder, value), machine.tags)
            for shape, value in zip(shapes, values[: len(shapes)], strict=True)
        ]
        if found == shapes:
            return _finish(machine, builder, op, inner, arrays, initial, shapes, values, captured)
        shapes = found
    raise fail(
        "E125",
        "the state of this loop takes another form in every round",
        step.origin,
        hint="carry numbers and arrays, or variants that do not hold earlier states",
    )


def _round(
    machine: Machine, builder: Builder, op: Fold, captured: Values, arrays: list[int], shapes: list[Shape]
) -> tuple[Inner, Values]:
    """The body of a fold for a state of given shapes, not yet closed."""
    elements = [element_type(builder, slot) for slot in arrays]
    carry = [type_ for shape in shapes for type_ in types_of(shape)]
    inner = enter(builder, captured, op.body.name, [*elements, *carry, I64])
    own = iter(inner.own[len(elements) : -1])
    state = [unpack(shape, own) for shape in shapes]
    inputs = [*inner.values, *inner.own[: len(elements)], *state, inner.own[-1]]
    return inner, machine.run(inner.builder, op.body, inputs)


def _finish(
    machine: Machine,
    builder: Builder,
    op: Fold,
    inner: Inner,
    arrays: list[int],
    initial: Values,
    shapes: list[Shape],
    values: Values,
    captured: Values,
) -> Sequence[PartialValue]:
    state = packed(inner.builder, shapes, values[: len(shapes)])
    extras = array_slots(values[len(shapes) :])
    programs = [inner.builder.build([*state, *extras])]
    if op.condition is not None:
        programs.append(_condition(machine, builder, op.condition, captured, shapes))
    kept, trimmed = drop_unread(programs, len(inner.captures))
    condition = trimmed[1] if op.condition is not None else None
    op = replace(op, captures=len(kept), body=trimmed[0], condition=condition)
    slots = builder.fold(
        op.size,
        [inner.captures[place] for place in kept],
        arrays,
        packed(builder, shapes, initial),
        op.body,
        op.combine,
        reverse=op.reverse,
        condition=op.condition,
        associative=op.associative,
    )
    states = iter(slots)
    return [*(unpack(shape, states) for shape in shapes), *states]


def _condition(
    machine: Machine, builder: Builder, condition: Program, captured: Values, shapes: list[Shape]
) -> Program:
    inner = enter(builder, captured, condition.name, [t for shape in shapes for t in types_of(shape)])
    own = iter(inner.own)
    state = [unpack(shape, own) for shape in shapes]
    outputs = machine.run(inner.builder, condition, [*inner.values, *state])
    return inner.builder.build(array_slots(outputs))
