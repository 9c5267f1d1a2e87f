"""Loops that only add: carries that a loop merely adds to become sums, so that products among the terms are found.

A first-order program enters and leaves. The sum starts from zero and the initial value is added behind the loop, so
results may differ from the sequential ones in the last digits.
"""

from __future__ import annotations

from dataclasses import replace

from ...lang.builder import Builder
from ...lang.ir import Apply, ArrayType, Fold, Program, SlotType, Step
from ...lang.passes.walk import rebuild


def accumulators(program: Program) -> Program:
    """Carries that a loop only adds to become results combined by "sum", so that products among them are found."""
    return rebuild(program, accumulators, _summed_carries)


def _summed_carries(b: Builder, step: Step, operands: list[int]) -> list[int] | None:
    op = step.op
    if not isinstance(op, Fold) or op.condition is not None:
        return None
    fixed = op.captures + op.arrays
    carries = len(operands) - fixed
    added = {k: term for k in range(carries) if (term := _only_added(op.body, fixed + k, k)) is not None}
    if not added:
        return None
    kept = [k for k in range(carries) if k not in added]
    # The body still names the old carries as inputs; it gets zeros there, which nothing reads any more.
    inner = Builder(op.body.name, _without(op.body.inputs, {fixed + k for k in added}))
    dead = {fixed + k for k in added}
    place: list[int] = []
    for slot, type_ in enumerate(op.body.inputs):
        if slot in dead:
            assert isinstance(type_, ArrayType)
            place.append(inner.zeros(type_))
        else:
            place.append(slot - sum(1 for gone in dead if gone < slot))
    for step in op.body.steps:
        place.extend(inner.replay(step, [place[slot] for slot in step.operands]))
    old = op.body.outputs
    outputs = (
        [place[old[k]] for k in kept] + [place[slot] for slot in old[carries:]] + [place[t] for t in added.values()]
    )
    new = replace(op, body=inner.build(outputs), combine=(*op.combine, *["sum"] * len(added)))
    results = b.emit(new, [*operands[:fixed], *(operands[fixed + k] for k in kept)], _fold_types(new, len(kept)))
    answers: dict[int, int] = dict(zip(kept, results, strict=False))
    sums = results[len(results) - len(added) :]
    for k, total in zip(added, sums, strict=True):
        answers[k] = b.apply("add", operands[fixed + k], total)
    extras = results[len(kept) : len(results) - len(added)]
    return [*(answers[k] for k in range(carries)), *extras]


def _without(inputs: tuple[SlotType, ...], dropped: set[int]) -> list[SlotType]:
    return [type_ for slot, type_ in enumerate(inputs) if slot not in dropped]


def _only_added(body: Program, slot: int, output: int) -> int | None:
    """What a float carry grows by in each round, when nothing else reads it."""
    type_ = body.inputs[slot]
    if not isinstance(type_, ArrayType) or not type_.is_float:
        return None
    readers = [(first, step) for first, step in body.numbered() if slot in step.operands]
    if len(readers) != 1 or body.outputs.count(slot):
        return None
    first, step = readers[0]
    if not isinstance(step.op, Apply) or step.op.primitive != "add" or body.outputs[output] != first:
        return None
    if body.outputs.count(first) != 1 or any(first in later.operands for later in body.steps):
        return None
    left, right = step.operands
    other = right if left == slot else left
    same = other != slot and body.types[other] == type_
    return other if same else None


def _fold_types(op: Fold, carries: int) -> list[ArrayType]:
    types = [type_ for type_ in op.body.output_types if isinstance(type_, ArrayType)]
    extras = [
        type_.with_shape((op.size, *type_.shape)) if how == "stack" else type_
        for type_, how in zip(types[carries:], op.combine, strict=True)
    ]
    return types[:carries] + extras
