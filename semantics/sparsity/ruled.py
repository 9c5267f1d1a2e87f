"""Calls with derivative rules of their own: a program enters, the program in which each of their float results is the
sum of all their floats leaves. A rule need not follow the body, so nothing smaller is sure.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...lang.builder import Builder
from ...lang.ir import ArrayType, Call, Program, Step, bodies, with_bodies
from ...lang.ir import without_rules as bare
from ...lang.memo import memo


@memo(maxsize=1024)
def without_rules(program: Program) -> Program:
    """The program with the same types in which no call has rules."""
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    for step in program.steps:
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        if isinstance(step.op, Call) and step.op.program.rules:
            slots.extend(_mixed(b, step.op.program, operands))
        else:
            op = with_bodies(step.op, tuple(without_rules(body) for body in bodies(step.op)))
            slots.extend(b.replay(Step(op, step.operands, step.types, step.origin), operands))
    return b.build([slots[slot] for slot in program.outputs])


def _mixed(b: Builder, program: Program, operands: Sequence[int]) -> list[int]:
    """Floats are mixed; integers are those of the body."""
    own = b.call(bare(program), operands)
    total = b.constant(0.0)
    for slot in operands:
        type_ = b.types[slot]
        if isinstance(type_, ArrayType) and type_.is_float:
            part = b.apply("convert", slot, dtype="f64")
            total = b.apply("add", total, b.apply("reduce_sum", part, axes=tuple(range(type_.rank))))
    return [
        b.broadcast(b.apply("convert", total, dtype=type_.dtype), type_.shape, ()) if type_.is_float else slot
        for slot, type_ in ((slot, b.array_type(slot)) for slot in own)
    ]
