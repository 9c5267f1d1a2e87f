"""Rows that mean other rows: a first-order program enters, the same program with their definitions leaves."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ...lang import primitives
from ...lang.builder import Builder
from ...lang.ir import Apply, Program, Step, bodies, with_bodies
from ...lang.primitives.row import Defined, RuleContext
from .rows import is_native


@lru_cache(maxsize=1024)
def expand(program: Program) -> Program:
    """The program with the definitions of primitives that have no native form of their own, in bodies too."""
    if not any(bodies(step.op) or _definition(step) for step in program.steps):
        return program
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    for step in program.steps:
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        definition = _definition(step)
        if definition is not None and isinstance(step.op, Apply):
            slots.append(definition(RuleContext(b, tuple(operands), (), step.op.params)))
            continue
        op = with_bodies(step.op, tuple(expand(inner) for inner in bodies(step.op)))
        slots.extend(b.replay(Step(op, step.operands, step.types, step.origin), operands))
    result = b.build([slots[slot] for slot in program.outputs], program.signature)
    return result if result == program else expand(result)


def _definition(step: Step) -> Callable[[RuleContext], int] | None:
    if not isinstance(step.op, Apply) or is_native(step.op.primitive):
        return None
    derivative = primitives.get(step.op.primitive).derivative
    return derivative.definition if isinstance(derivative, Defined) else None
