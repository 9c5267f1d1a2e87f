"""Which slots can carry a non-zero tangent: the activity analysis both modes start from.

Enters: a first-order program and a flag per input. Leaves: a flag per slot. An active slot is a float that depends
differentiably on an active input.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ..lang.diagnostics import InternalError
from ..lang.ir import Apply, ArrayType, Branch, Call, Each, Fold, Op, Program, SlotType
from .rules import carries_tangent

Flags = tuple[bool, ...]


def is_float(type_: SlotType) -> bool:
    return isinstance(type_, ArrayType) and type_.is_float


@lru_cache(maxsize=4096)
def activity(program: Program, active: Flags) -> Flags:
    """A flag per slot of the program, inputs first."""
    flags = [flag and is_float(type_) for flag, type_ in zip(active, program.inputs, strict=True)]
    types = program.types
    for step in program.steps:
        operands = tuple(flags[slot] for slot in step.operands)
        if not any(operands):
            flags.extend([False] * len(step.types))
            continue
        flags.extend(result_activity(step.op, operands, tuple(types[slot] for slot in step.operands), step.types))
    return tuple(flags)


def output_activity(program: Program, active: Flags) -> Flags:
    """A flag per output."""
    flags = activity(program, active)
    return tuple(flags[slot] for slot in program.outputs)


def result_activity(op: Op, active: Flags, operands: Sequence[SlotType], results: Sequence[SlotType]) -> Flags:
    """Flags of a step's results from flags of its operands, one of which is active."""
    match op:
        case Apply():
            passes = any(
                flag and carries_tangent(op, k, type_)
                for k, (flag, type_) in enumerate(zip(active, operands, strict=True))
            )
            return tuple(passes and is_float(type_) for type_ in results)
        case Each(body=body):
            return output_activity(body, (*active, False))
        case Fold():
            carry = fold_carry_activity(op, active)
            flags = output_activity(op.body, (*active[: op.captures + op.arrays], *carry, False))
            return carry + flags[len(carry) :]
        case Branch(arms):
            each_arm = [output_activity(arm, active[1:]) for arm in arms]
            return tuple(any(flags) for flags in zip(*each_arm, strict=True))
        case Call(program):
            if program.rules:
                return tuple(any(active) and is_float(type_) for type_ in results)
            return output_activity(program, active)
        case _:
            raise InternalError(f"{type(op).__name__} must be specialised before differentiation")


def fold_carry_activity(op: Fold, active: Flags) -> Flags:
    """Which carries are active in some round: the least fixpoint."""
    outer = op.captures + op.arrays
    carry = active[outer:]
    while True:
        flags = output_activity(op.body, (*active[:outer], *carry, False))
        grown = tuple(old or new for old, new in zip(carry, flags[: len(carry)], strict=True))
        if grown == carry:
            return carry
        carry = grown
