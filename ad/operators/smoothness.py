"""Where a field has kinks: a first-order program and its variables enter, the steps that bend sharply leave.

Derivatives are taken almost everywhere, so what a second derivative of a kink would be, a jump of the slope, is left
out: the second derivative of a network of `relu` is zero. Kinks are read off the rows of primitives, not off names of
networks. A function with a rule of its own is judged by the rule: it bends where its slope is selected by an order.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...lang.diagnostics import Diagnostic, render
from ...lang.ir import Apply, Branch, Call, Constant, Each, Fold, Program, Step
from ...lang.primitives import get
from ...lang.source import Span
from ..activity import activity, fold_carry_activity, is_float
from ..rules import carries_tangent

Flags = tuple[bool, ...]
ZERO, OTHER = -2, -1  # in place of a slot
ORDERED = ("lt", "le", "gt", "ge")
LOGIC = ("logical_and", "logical_or", "logical_not", "broadcast", "reshape")


class NotSmoothWarning(UserWarning):
    """A field with kinks under an operator of second order or higher; `diagnostic` says where."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(render(diagnostic))
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Kink:
    """A step whose slope jumps, by the name of its function, and its place in the text or in Python."""

    name: str
    span: Span | None


def warn_of_kinks(program: Program, active: Sequence[bool], order: int, operator: str) -> None:
    """Say which steps of a field make derivatives of this order wrong; nothing for first-order operators."""
    found = list(kinks(program, tuple(active))) if order > 1 else []
    if not found:
        return
    names = ", ".join(dict.fromkeys(f"`{kink.name}`" for kink in found))
    message = f"`{operator}` takes derivatives of order {order} of a field with kinks, made by {names}"
    hint = "the jumps of its slope are left out, so these derivatives of a network of `relu` are 0: use tanh or gelu"
    diagnostic = Diagnostic("E242", message, found[0].span, hint=hint, severity="warning")
    warnings.warn(NotSmoothWarning(diagnostic), stacklevel=2)


def kinks(program: Program, active: Flags) -> Iterator[Kink]:
    """The kinks that active inputs of a first-order program pass through, in the order of its steps."""
    flags = activity(program, active)
    needed = _needed(program)
    for first, step in program.numbered():
        own = tuple(flags[slot] for slot in step.operands)
        if not any(own) or not any(slot in needed for slot in range(first, first + len(step.types))):
            continue
        match step.op:
            case Apply():
                if _bends(program, step, flags):
                    yield Kink(step.op.primitive, step.origin)
            case Each(body=body):
                yield from kinks(body, (*own, False))
            case Fold():
                outer = step.op.captures + step.op.arrays
                yield from kinks(step.op.body, (*own[:outer], *fold_carry_activity(step.op, own), False))
            case Branch(arms):
                if any(_is_ramp(program, step.operands[0], taken, flags) for taken in _taken(program, step, flags)):
                    yield Kink("if", step.origin)
                for arm in arms:
                    yield from kinks(arm, own[1:])
            case Call(called) if not called.rules:
                yield from kinks(called, own)
            case Call(called):
                if any(_selects_by_order(called.rule(kind), len(called.inputs)) for kind, _ in called.rules):
                    yield Kink(called.name, step.origin)
            case _:
                pass


def _needed(program: Program) -> set[int]:
    """The slots that the tangents of the outputs depend on: not a maximum that is only subtracted for safety."""
    found, types = set(program.outputs), program.types
    for first, step in reversed(list(program.numbered())):
        if any(slot in found for slot in range(first, first + len(step.types))):
            found.update(
                slot
                for place, slot in enumerate(step.operands)
                if not isinstance(step.op, Apply) or carries_tangent(step.op, place, types[slot])
            )
    return found


def _bends(program: Program, step: Step, flags: Flags) -> bool:
    """Whether a primitive has a kink in an active operand, or takes one value by two slopes (`leaky_relu`, or 0)."""
    assert isinstance(step.op, Apply)
    types = program.types
    reached = any(
        flags[slot] and carries_tangent(step.op, place, types[slot]) for place, slot in enumerate(step.operands)
    )
    if reached and get(step.op.primitive).kinks:
        return step.op.primitive != "abs" or step.operands[0] not in _positive(program)
    if not reached or step.op.primitive != "where":
        return False
    selector, left, right = step.operands
    arms = [_unscaled(program, slot, flags) for slot in (left, right)]
    if _is_ramp(program, selector, arms, flags):
        return not _is_chosen_away(program, step, left if arms[1] == ZERO else right)
    return left != right and arms[0] == arms[1]


def _is_ramp(program: Program, selector: int, arms: Sequence[int], flags: Flags) -> bool:
    """Whether a choice by the sign of a value is between multiples of this value and zero."""
    made = dict(program.numbered())
    step = _comparison(made, selector)
    if step is None:
        return False
    sides = [_unscaled(program, slot, flags) for slot in step.operands]
    return ZERO in sides and set(sides) == set(arms)


def _comparison(made: Mapping[int, Step], slot: int) -> Step | None:
    """The comparison that a condition is, also where it is made a whole number that is above 0 (`jax.lax.cond`)."""
    step = made.get(slot)
    if step is None or not isinstance(step.op, Apply) or step.op.primitive not in ORDERED:
        return None
    number = made.get(step.operands[0])
    if number is not None and isinstance(number.op, Apply) and number.op.primitive == "convert":
        return _comparison(made, number.operands[0]) or step
    return step


def _is_chosen_away(program: Program, ramp: Step, kept: int) -> bool:
    """Whether a ramp is only read where it is `kept`: it keeps a function away from where it may fail, as in `elu`."""
    selector, place = ramp.operands[0], ramp.operands.index(kept, 1)
    touched = set[int]()
    for first, step in program.numbered():
        if step is ramp:
            touched.add(first)
        read = [at for at, slot in enumerate(step.operands) if slot in touched]
        chooses = isinstance(step.op, Apply) and step.op.primitive == "where" and step.operands[0] == selector
        if read and not (chooses and read == [place]):
            touched.update(range(first, first + len(step.types)))
    return touched.isdisjoint(program.outputs)


def _taken(program: Program, step: Step, flags: Flags) -> Iterator[list[int]]:
    """For each result of a branch, what every arm gives a multiple of: a slot outside, `ZERO`, or another."""
    assert isinstance(step.op, Branch)
    outside = step.operands[1:]
    for outputs in zip(*(arm.outputs for arm in step.op.arms), strict=True):
        found: list[int] = []
        for arm, output in zip(step.op.arms, outputs, strict=True):
            slot = _unscaled(arm, output, activity(arm, tuple(flags[x] for x in outside)))
            found.append(_unscaled(program, outside[slot], flags) if 0 <= slot < len(outside) else min(slot, OTHER))
        yield found


def _positive(program: Program) -> set[int]:
    """Slots that are sums of exponentials, as in `logsumexp`."""
    found: set[int] = set()
    for first, step in program.numbered():
        name = step.op.primitive if isinstance(step.op, Apply) else ""
        if name == "exp" or (name in ("reduce_sum", "add") and found.issuperset(step.operands)):
            found.add(first)
    return found


def _unscaled(program: Program, slot: int, flags: Flags) -> int:
    """What a slot is a multiple of, by factors that are not active; `ZERO` where it is zero."""
    made = dict(program.numbered())
    while slot in made:
        step = made[slot]
        if _is_zero(made, slot):
            return ZERO
        moving = [operand for operand in step.operands if flags[operand]]
        if not isinstance(step.op, Apply) or step.op.primitive != "mul" or len(moving) != 1:
            break
        slot = moving[0]
    return slot


def _is_zero(made: Mapping[int, Step], slot: int) -> bool:
    """Whether a slot is a literal zero, or an array of them."""
    step = made.get(slot)
    while step is not None and isinstance(step.op, Apply) and step.op.primitive in ("broadcast", "reshape", "convert"):
        step = made.get(step.operands[0])
    return step is not None and isinstance(step.op, Constant) and not any(step.op.data)


def _selects_by_order(rule: Program | None, points: int) -> bool:
    """Whether a custom rule chooses a slope by the order of numbers at the point, its first inputs."""
    if rule is None:
        return False
    moving = [place < points and is_float(type_) for place, type_ in enumerate(rule.inputs)]
    decided = [False] * len(rule.inputs)  # conditions that compare what moves with the point
    for step in rule.steps:
        moves = any(moving[slot] for slot in step.operands)
        decides = any(decided[slot] for slot in step.operands)
        name = step.op.primitive if isinstance(step.op, Apply) else ""
        if (name == "sign" and moves) or (name == "where" and decided[step.operands[0]]):
            return True
        moving += [moves] * len(step.types)
        decided += [(name in ORDERED and moves) or (name in LOGIC and decides)] * len(step.types)
    return False
