"""Borders: how values enter a body, and in which form they enter and leave the compiled program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..builder import Builder
from ..diagnostics import InternalError, fail
from ..elaborate.definitions import Definitions
from ..elaborate.patterns import constructor_fields
from ..ir import ArrayType, Constant, FunType, Inject, SizeValue, SlotType, leaves
from .values import NodeShape, PartialValue, Shape, UnionShape, pack, renamed, slots_of, zeros

Values = list[PartialValue]


@dataclass(frozen=True, slots=True)
class Inner:
    """An open body: its builder, the captured values as it sees them, its own inputs, the slots captured outside."""

    builder: Builder
    values: Values
    own: list[int]
    captures: list[int]


def enter(outer: Builder, values: Sequence[PartialValue], name: str, own: Sequence[ArrayType]) -> Inner:
    """Open a body that captures values; scalar literals and sizes are written again inside."""
    slots = dict.fromkeys(slot for value in values for slot in slots_of(value))
    literal = {slot for slot in slots if _is_literal(outer, slot)}
    captures = [slot for slot in slots if slot not in literal]
    builder = Builder(name, [*(outer.types[slot] for slot in captures), *own])
    builder.origin = outer.origin
    names = {slot: place for place, slot in enumerate(captures)}
    for slot in literal:
        step = outer.definition(slot)
        assert step is not None
        (names[slot],) = builder.emit(step.op, (), step.types)
    inside = []
    for value in values:
        inside.append(renamed(value, names))
    count = len(captures)
    return Inner(builder, inside, list(range(count, count + len(own))), captures)


def border(definitions: Definitions, type_: SlotType, name: str, above: tuple[SlotType, ...] = ()) -> Shape:
    """The shape in which a value crosses the border of the compiled program: every constructor has its place."""
    if isinstance(type_, ArrayType):
        return type_
    if isinstance(type_, FunType):
        raise fail(
            "E123",
            f"`{name}` takes or gives a function, which must be known at compile time",
            hint="write a definition that calls it with the function",
        )
    if type_ in above:
        raise fail(
            "E122",
            f"`{name}` takes or gives `{type_}`, a recursive variant whose constructors are not known",
            hint="give the value where the program is compiled, or use the reference evaluator",
        )
    data = definitions.data(type_.data.name)
    cases = []
    for tag in range(len(data.constructors)):
        fields = [leaf for item in constructor_fields(data, type_.data, tag) for leaf in leaves(item)]
        children = tuple([border(definitions, field, name, (*above, type_)) for field in fields])
        cases.append(NodeShape(Inject(tag), type_, children))
    return UnionShape(type_, tuple(cases))


def array_slots(values: Sequence[PartialValue]) -> list[int]:
    """The slots of values that must be arrays."""
    found: list[int] = []
    for value in values:
        if not isinstance(value, int):
            raise InternalError(f"a value of type {value.type} where an array was expected")
        found.append(value)
    return found


def packed(builder: Builder, shapes: Sequence[Shape], values: Values | None) -> list[int]:
    """The slots of values in given shapes; zeros when there are none."""
    if values is None:
        return [slot for shape in shapes for slot in zeros(builder, shape)]
    return [slot for shape, value in zip(shapes, values, strict=True) for slot in pack(builder, shape, value)]


def element_type(builder: Builder, slot: int) -> ArrayType:
    """The type of an element along the first axis."""
    type_ = builder.array_type(slot)
    return ArrayType(type_.dtype, type_.shape[1:])


def _is_literal(builder: Builder, slot: int) -> bool:
    step = builder.definition(slot)
    if step is None:
        return False
    return isinstance(step.op, SizeValue) or (isinstance(step.op, Constant) and builder.scalar(slot) is not None)
