"""Which loop bodies may run all rounds together: a body enters, a decision leaves.

Elementwise kernels of NumPy do not care about one more axis, so a body that only computes with scalars is run once, on
arrays of all rounds, instead of round by round.
"""

from __future__ import annotations

from ..lang import primitives
from ..lang.ir import Apply, ArrayType, Constant, Program, SizeValue, Step


def is_scalar_line(program: Program, captures: int) -> bool:
    """Whether a body only computes with scalars, elementwise or read from captured arrays by index."""
    types = program.types
    scalar = [isinstance(type_, ArrayType) and not type_.shape for type_ in types]
    slot = len(program.inputs)
    if not all(scalar[captures:slot]):
        return False
    for step in program.steps:
        if not (all(scalar[slot : slot + len(step.types)]) and _is_scalar_step(step, scalar, captures)):
            return False
        slot += len(step.types)
    return all(scalar[output] for output in program.outputs)


def _is_scalar_step(step: Step, scalar: list[bool], captures: int) -> bool:
    match step.op:
        case Constant() | SizeValue():
            return True
        case Apply("gather"):
            return step.operands[0] < captures and all(scalar[slot] for slot in step.operands[1:])
        case Apply(name):
            return primitives.get(name).elementwise and all(scalar[slot] for slot in step.operands)
        case _:
            return False
