"""Rows that mean other rows: a first-order program enters, the same program with their definitions leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from ...lang import primitives
from ...lang.builder import Builder
from ...lang.ir import Apply, Program, Step, bodies
from ...lang.passes.walk import rebuild
from ...lang.primitives.row import Defined, RuleContext
from .rows import is_native


@lru_cache(maxsize=1024)
def expand(program: Program) -> Program:
    """The program with the definitions of primitives that have no native form of their own, in bodies too."""
    if not any(bodies(step.op) or _definition(step) for step in program.steps):
        return program
    result = rebuild(program, expand, _expanded)
    return result if result == program else expand(result)


def _expanded(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
    definition = _definition(step)
    if definition is None or not isinstance(step.op, Apply):
        return None
    return (definition(RuleContext(b, tuple(operands), (), step.op.params)),)


def _definition(step: Step) -> Callable[[RuleContext], int] | None:
    if not isinstance(step.op, Apply) or is_native(step.op.primitive):
        return None
    derivative = primitives.get(step.op.primitive).derivative
    return derivative.definition if isinstance(derivative, Defined) else None
