"""Sizes put into programs: a program and values of some size variables enter, the program at these sizes leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .deferred import changed
from .ir import (
    Apply,
    ArrayType,
    DataType,
    Each,
    Fold,
    Function,
    FunType,
    Op,
    Param,
    Program,
    Signature,
    SizeValue,
    SlotType,
    Step,
    Transform,
    bodies,
    with_bodies,
)
from .sizes import Poly, Size, substitute
from .types import Data, substitute_type


def substitute_param(value: Param, sizes: Mapping[str, Size]) -> Param:
    """Replace size variables inside a parameter."""
    if isinstance(value, Poly):
        return substitute(value, sizes)
    if isinstance(value, tuple):
        return tuple(substitute_param(item, sizes) for item in value)
    return value


def substitute_slot_type(type_: SlotType, sizes: Mapping[str, Size]) -> SlotType:
    """Replace size variables inside a slot type."""
    match type_:
        case ArrayType(dtype, shape):
            return ArrayType(dtype, tuple(substitute(size, sizes) for size in shape))
        case FunType(inputs, outputs):
            return FunType(
                tuple(substitute_slot_type(item, sizes) for item in inputs),
                tuple(substitute_slot_type(item, sizes) for item in outputs),
            )
        case DataType(data, tangent):
            inner = substitute_type(data, {}, sizes)
            assert isinstance(inner, Data)
            return DataType(inner, tangent)


def substitute_sizes(program: Program, sizes: Mapping[str, Size]) -> Program:
    """The program with size variables replaced; variables that `sizes` names leave `program.sizes`."""
    if not sizes or not (program.sizes or program.steps):
        return program
    return _substitute(program, sizes, {})


def _substitute(program: Program, sizes: Mapping[str, Size], done: dict[int, Program]) -> Program:
    if id(program) in done:
        return done[id(program)]
    steps = tuple(
        Step(
            _substitute_op(step.op, sizes, done),
            step.operands,
            tuple(substitute_slot_type(type_, sizes) for type_ in step.types),
            step.origin,
        )
        for step in program.steps
    )
    key = tuple(sorted((name, str(size)) for name, size in sizes.items()))

    def sized(rule: Program) -> Program:
        return _substitute(rule, sizes, {})

    result = replace(
        program,
        sizes=tuple(name for name in program.sizes if name not in sizes),
        inputs=tuple(substitute_slot_type(type_, sizes) for type_ in program.inputs),
        steps=steps,
        rules=tuple((kind, changed(rule, key, sized)) for kind, rule in program.rules),
        signature=_substitute_signature(program.signature, sizes),
    )
    done[id(program)] = result
    return result


def _substitute_signature(signature: Signature | None, sizes: Mapping[str, Size]) -> Signature | None:
    if signature is None:
        return None
    inputs = tuple((name, substitute_type(type_, {}, sizes)) for name, type_ in signature.inputs)
    return Signature(inputs, substitute_type(signature.output, {}, sizes))


def _substitute_op(op: Op, sizes: Mapping[str, Size], done: dict[int, Program]) -> Op:
    inner = tuple(_substitute(body, sizes, done) for body in bodies(op))
    op = with_bodies(op, inner)
    match op:
        case SizeValue(size):
            return SizeValue(substitute(size, sizes))
        case Apply(primitive, params):
            return Apply(primitive, tuple((key, substitute_param(value, sizes)) for key, value in params))
        case Each() | Fold():
            return replace(op, size=substitute(op.size, sizes))
        case Function(module, name, types, own):
            types = tuple(substitute_type(type_, {}, sizes) for type_ in types)
            return Function(module, name, types, tuple(substitute(size, sizes) for size in own))
        case Transform(kind, params):
            return Transform(kind, tuple((key, substitute_param(value, sizes)) for key, value in params))
        case _:
            return op
