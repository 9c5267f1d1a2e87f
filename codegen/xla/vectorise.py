"""Vectorisation for array hardware: a first-order program enters, one without `Each` leaves.

Every `Each` becomes its body over a whole axis at once, innermost first so that the axes lie in the order of the nest.
Calls are inlined (custom rules have served by now), and a choice between two small scalar arms becomes a select, which
XLA can fuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...ad.vmap import vmap_partial
from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import ArrayType, Branch, Call, Each, Program, Step
from ...lang.passes.walk import rebuild
from ...lang.sizes import Size
from .effort import is_cheap

SMALL_ARM = 24  # steps of an arm that is worth running needlessly


@lru_cache(maxsize=1024)
def vectorise(program: Program) -> Program:
    """The program with every `Each` turned into whole-array steps."""
    return rebuild(program, vectorise, _vectorised)


def _vectorised(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
    match step.op:
        case Each() as op:
            return _whole(b, op, operands)
        case Call(inner):
            return b.inline(inner, operands)
        case Branch(arms) if all(map(_small, arms)):
            return _select(b, arms, operands)
        case _:
            return None


def _whole(b: Builder, op: Each, operands: Sequence[int]) -> list[int]:
    """All iterations at once; the index becomes the array of all indices."""
    if op.size == 0:
        return [b.zeros(_result(type_, how)) for type_, how in zip(op.body.output_types, op.combine, strict=True)]
    arrays = len(operands) - op.captures
    mask = (False,) * op.captures + (True,) * (arrays + 1)
    inner, mapped = vmap_partial(op.body, mask, op.size, final=True)
    results = b.inline(inner, [*operands, b.apply("iota", size=op.size)])
    return [_gathered(b, slot, how, on, op.size) for slot, how, on in zip(results, op.combine, mapped, strict=True)]


def _result(type_: object, how: str) -> ArrayType:
    if not isinstance(type_, ArrayType):
        raise InternalError(f"{type_} in a first-order program")
    return type_.with_shape((0, *type_.shape)) if how == "stack" else type_


def _gathered(b: Builder, slot: int, how: str, mapped: bool, size: Size) -> int:
    type_ = b.array_type(slot)
    if how == "stack":
        return slot if mapped else b.broadcast(slot, (size, *type_.shape), tuple(range(1, type_.rank + 1)))
    if mapped:
        return b.apply("reduce_sum", slot, axes=(0,))
    count = b.size(size)
    return b.apply("mul", slot, count if type_.dtype == "i64" else b.apply("convert", count, dtype=type_.dtype))


def _small(arm: Program) -> bool:
    return len(arm.steps) <= SMALL_ARM and is_cheap(arm)


def _select(b: Builder, arms: tuple[Program, ...], operands: Sequence[int]) -> list[int]:
    """Run all arms and choose; a selector that is no bool counts from 0 and ends at the last arm."""
    selector, captures = operands[0], operands[1:]
    known = b.scalar(selector)
    if known is not None and 0 <= int(known) < len(arms):
        return list(b.inline(arms[int(known)], captures))
    chosen = list(b.inline(arms[-1], captures))
    for number in reversed(range(len(arms) - 1)):
        results = b.inline(arms[number], captures)
        if b.array_type(selector).dtype == "bool":
            chosen = [b.apply("where", selector, old, new) for new, old in zip(results, chosen, strict=True)]
        else:
            taken = b.apply("le", selector, b.constant(number, b.array_type(selector).dtype))
            chosen = [b.apply("where", taken, new, old) for new, old in zip(results, chosen, strict=True)]
    return chosen
