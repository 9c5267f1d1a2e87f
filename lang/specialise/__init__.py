"""Specialisation: a full-stage program and what is known enter, a first-order program leaves.

Functions and variants disappear: calls of known functions are inlined, matches on known constructors choose their arm,
recursion that known data or known integers decide unrolls (under limits that end in a diagnostic), and what is left
to choose at run time becomes a number and padded arrays. Derivative operators of the language are applied by passes
that the caller gives.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..builder import Builder
from ..diagnostics import InternalError
from ..elaborate.definitions import Definitions
from ..elaborate.patterns import constructor_fields
from ..ir import (
    ArrayType,
    DataType,
    Inject,
    Program,
    Signature,
    SlotType,
    leaves,
)
from ..substitute import substitute_sizes
from ..types import Scalar, Tuple, Type, array
from .borders import border
from .derive import DerivativePass, Transforms
from .machine import Machine
from .values import Node, PartialValue, pack, types_of, unpack

__all__ = ["DerivativePass", "Known", "Tagged", "Transforms", "layout", "specialise"]

FRAMES = 60_000
"""Python frames that the deepest permitted nesting of calls may take."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A variant whose constructor is known; None marks a field that stays an input."""

    tag: int
    fields: tuple[Known | None, ...] = ()


Known = int | float | bool | Tagged


def specialise(
    program: Program,
    definitions: Definitions,
    sizes: Mapping[str, int] | None = None,
    transforms: Transforms | None = None,
    known: Mapping[int, Known] | None = None,
) -> Program:
    """The first-order program of a full-stage program.

    Args:
        program: the entry point; `definitions` gives the programs it calls.
        sizes: values for some of its size variables; the others stay symbolic.
        transforms: the derivative passes by kind (see `DerivativePass`).
        known: values of some inputs by slot: numbers, and the constructors of variants. Known numbers leave the inputs,
            a known variant is replaced by the fields that are not known.

    Raises:
        DiagnosticError: E120 to E128 when the program cannot be made first-order.
    """
    definitions.check_entry(program, sizes or {})
    program = substitute_sizes(program, sizes or {})
    machine = Machine(definitions, transforms or {})
    with _deep():
        return _specialised(machine, program, known or {})


def layout(type_: SlotType, definitions: Definitions, name: str = "value") -> tuple[ArrayType, ...]:
    """The arrays that stand for one slot at the border of a compiled program.

    A variant is its tag and the fields of every constructor in order, those of the others being zeros.
    """
    return tuple(types_of(border(definitions, type_, name)))


def _specialised(machine: Machine, program: Program, known: Mapping[int, Known]) -> Program:
    types = [
        _known_types(machine, type_, known[slot], program.name) if slot in known
        else types_of(border(machine.definitions, type_, program.name))
        for slot, type_ in enumerate(program.inputs)
    ]  # fmt: skip
    builder = Builder(program.name, [type_ for group in types for type_ in group], program.sizes)
    slots = iter(range(len(builder.inputs)))
    inputs: list[PartialValue] = [
        _known_value(machine, builder, type_, known[slot], slots, program.name) if slot in known
        else unpack(border(machine.definitions, type_, program.name), slots)
        for slot, type_ in enumerate(program.inputs)
    ]  # fmt: skip
    outputs = machine.run(builder, program, inputs)
    packed = [
        slot
        for type_, value in zip(program.output_types, outputs, strict=True)
        for slot in pack(builder, border(machine.definitions, type_, program.name), value)
    ]
    return builder.build(packed, _signature(program, known, types), machine.rules(program))


def _known_types(machine: Machine, type_: SlotType, known: Known | None, name: str) -> list[ArrayType]:
    """The inputs left of an input of which something is known."""
    if known is None:
        return types_of(border(machine.definitions, type_, name))
    if not isinstance(known, Tagged):
        return []
    fields = zip(_fields(machine, type_, known), known.fields, strict=True)
    return [leaf for field, inner in fields for leaf in _known_types(machine, field, inner, name)]


def _known_value(
    machine: Machine, builder: Builder, type_: SlotType, known: Known | None, slots: Iterator[int], name: str
) -> PartialValue:
    if known is None:
        return unpack(border(machine.definitions, type_, name), slots)
    if not isinstance(known, Tagged):
        assert isinstance(type_, ArrayType)
        return builder.constant(known, type_.dtype)
    fields = zip(_fields(machine, type_, known), known.fields, strict=True)
    children = [_known_value(machine, builder, field, inner, slots, name) for field, inner in fields]
    return Node(Inject(known.tag), type_, tuple(children))


def _fields(machine: Machine, type_: SlotType, known: Tagged) -> list[SlotType]:
    if not isinstance(type_, DataType):
        raise InternalError(f"a constructor for an input of type {type_}")
    data = machine.definitions.data(type_.data.name)
    return [leaf for item in constructor_fields(data, type_.data, known.tag) for leaf in leaves(item)]


def _signature(program: Program, known: Mapping[int, Known], types: list[list[ArrayType]]) -> Signature | None:
    """The signature with known inputs reduced to what is left of them."""
    if program.signature is None or not known:
        return program.signature
    inputs: list[tuple[str, Type]] = []
    start = 0
    for name, type_ in program.signature.inputs:
        stop = start + len(leaves(type_))
        if any(slot in known for slot in range(start, stop)):
            left = [leaf for group in types[start:stop] for leaf in group]
            type_ = Tuple(tuple(array(leaf.shape, Scalar(leaf.dtype)) for leaf in left))
        inputs.append((name, type_))
        start = stop
    return Signature(tuple(inputs), program.signature.output)


@contextmanager
def _deep() -> Iterator[None]:
    """Python frames enough for the deepest nesting of calls that the limits allow."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
