"""Unroll loops of few known rounds into straight steps.

Enters and leaves a first-order program with the same meaning. A `Fold` of at most `ROUNDS` rounds becomes that many
copies of its body, which spares back ends a loop inside a loop; arrays are read by constant slices and stacked
results are concatenated, so reading a stacked result again costs nothing after `simplify`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..builder import Builder
from ..ir import Fold, Program, Step, bodies
from ..memo import memo
from .walk import rebuild

ROUNDS = 4
STEPS = 400


@memo(maxsize=2048)
def unroll(program: Program) -> Program:
    """The program with short loops unrolled, inner loops first."""
    if not _has_short(program):
        return program
    return rebuild(program, unroll, _straight)


def _straight(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
    return _unrolled(b, step.op, operands) if isinstance(step.op, Fold) and _is_short(step.op) else None


def _has_short(program: Program) -> bool:
    """Whether there is a loop to unroll, at any depth; where there is none, none becomes short."""
    return any(
        isinstance(step.op, Fold) and _is_short(step.op) or any(map(_has_short, bodies(step.op)))
        for step in program.steps
    )


def _is_short(op: Fold) -> bool:
    if op.condition is not None or not isinstance(op.size, int) or not 0 < op.size <= ROUNDS:
        return False
    return op.size * _steps(op.body) <= STEPS


def _steps(program: Program) -> int:
    return sum(1 + sum(_steps(body) for body in bodies(step.op)) for step in program.steps)


def _unrolled(b: Builder, op: Fold, operands: Sequence[int]) -> list[int]:
    assert isinstance(op.size, int)
    captures = operands[: op.captures]
    arrays = operands[op.captures : op.captures + op.arrays]
    carry: Sequence[int] = operands[op.captures + op.arrays :]
    extras: dict[int, Sequence[int]] = {}
    rounds = range(op.size)
    for i in reversed(rounds) if op.reverse else rounds:
        elements = [_element(b, array, i) for array in arrays]
        results = b.inline(op.body, [*captures, *elements, *carry, b.constant(i, "i64")])
        carry, extras[i] = results[: len(carry)], results[len(carry) :]
    combined = [
        _combine(b, [extras[i][k] for i in rounds], how) for k, how in enumerate(op.combine)
    ]
    return [*carry, *combined]


def _element(b: Builder, array: int, i: int) -> int:
    shape = b.array_type(array).shape
    rest = shape[1:]
    row = b.apply("slice", array, starts=(i, *(0 for _ in rest)), limits=(i + 1, *rest))
    return b.apply("reshape", row, shape=rest)


def _combine(b: Builder, parts: Sequence[int], how: str) -> int:
    if how == "sum":
        total = parts[0]
        for part in parts[1:]:
            total = b.apply("add", total, part)
        return total
    rows = [b.apply("reshape", part, shape=(1, *b.array_type(part).shape)) for part in parts]
    return b.apply("concat", *rows, axis=0)
