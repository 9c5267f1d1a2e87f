"""Precision: a first-order program enters, the same program with another float width leaves.

Constants are re-encoded and every f64 (or f32) type becomes the other; nothing is converted while the program runs.
"""

from __future__ import annotations

from dataclasses import replace

from .lang.constants import constant_bytes, constant_value
from .lang.deferred import changed
from .lang.diagnostics import fail
from .lang.ir import Apply, ArrayType, Constant, Op, Program, Signature, SlotType, Step, bodies, with_bodies
from .lang.types import FLOATS, Array, Record, Scalar, Tuple, Type

OF_ONE_WIDTH = frozenset({"bitcast", "foreign", "random_gamma"})  # what these mean depends on the width of floats


def convert(program: Program, dtype: str) -> Program:
    """The program with every f32 and f64 replaced by `dtype`; E186 when a step means something in one width only."""
    for step in program.steps:
        if isinstance(step.op, Apply) and step.op.primitive in OF_ONE_WIDTH:
            hint = "trace the function with arguments of the other width"
            raise fail("E186", f"`{step.op.primitive}` cannot change its width", step.origin, hint=hint)
    return replace(
        program,
        inputs=tuple(_slot(type_, dtype) for type_ in program.inputs),
        steps=tuple(_step(step, dtype) for step in program.steps),
        rules=tuple((kind, changed(rule, dtype, lambda inner: convert(inner, dtype))) for kind, rule in program.rules),
        signature=None if program.signature is None else _signature(program.signature, dtype),
    )


def _step(step: Step, dtype: str) -> Step:
    op: Op = with_bodies(step.op, tuple(convert(body, dtype) for body in bodies(step.op)))
    (first, *_) = step.types or (None,)
    if isinstance(op, Constant) and isinstance(first, ArrayType) and first.dtype in FLOATS:
        op = Constant(constant_bytes(constant_value(op, first), dtype))
    if isinstance(op, Apply):
        params = tuple((name, dtype if name == "dtype" and value in FLOATS else value) for name, value in op.params)
        op = Apply(op.primitive, params)
    return replace(step, op=op, types=tuple(_slot(type_, dtype) for type_ in step.types))


def _slot(type_: SlotType, dtype: str) -> SlotType:
    return ArrayType(dtype, type_.shape) if isinstance(type_, ArrayType) and type_.dtype in FLOATS else type_


def _signature(signature: Signature, dtype: str) -> Signature:
    inputs = tuple((name, _type(type_, dtype)) for name, type_ in signature.inputs)
    return Signature(inputs, _type(signature.output, dtype))


def _type(type_: Type, dtype: str) -> Type:
    match type_:
        case Scalar(own):
            return Scalar(dtype) if own in FLOATS else type_
        case Array(shape, element):
            return Array(shape, _type(element, dtype))
        case Tuple(items):
            return type_.with_items(_type(item, dtype) for item in items)
        case Record(fields):
            return Record(tuple((name, _type(item, dtype)) for name, item in fields))
        case _:
            return type_
