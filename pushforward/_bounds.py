"""Indices in compiled code: a first-order program enters, the same program with a count of bad indices leaves.

Compiled code gives NaN for a float read out of range, which the check for finite results finds. Integer and boolean
reads give 0 and writes are dropped, which nothing would find, so `counted` adds an `i64` output: how many indices of
such steps were out of range. Steps whose indices the checker proved in range cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .lang.builder import Builder
from .lang.ir import Apply, ArrayType, Branch, Call, Each, Fold, Program, Step, bodies

COUNT = ArrayType("i64")


def counted(program: Program) -> Program | None:
    """The program with the count as its last output, or None when there is nothing to count."""
    return _counted(program) if _needs_count(program) else None


def _needs_count(program: Program) -> bool:
    return any(_is_blind(step) or any(map(_needs_count, bodies(step.op))) for step in program.steps)


def _is_blind(step: Step) -> bool:
    """Whether an index out of range would leave no trace in the result of this step."""
    if not isinstance(step.op, Apply) or step.op.primitive not in ("gather", "scatter", "scatter_add"):
        return False
    (type_,) = step.types
    traced = step.op.primitive == "gather" and isinstance(type_, ArrayType) and type_.is_float
    return not traced and dict(step.op.params).get("proved") is not True


def _counted(program: Program) -> Program:
    builder = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    total = builder.constant(0, "i64")
    for step in program.steps:
        builder.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        if _is_blind(step):
            total = builder.apply("add", total, _bad_indices(builder, step.op, operands))
            slots.extend(builder.replay(step, operands))
        elif any(map(_needs_count, bodies(step.op))):
            *results, count = _inside(builder, step, operands)
            slots.extend(results)
            total = builder.apply("add", total, count)
        else:
            slots.extend(builder.replay(step, operands))
    return builder.build([*(slots[slot] for slot in program.outputs), total])


def _bad_indices(builder: Builder, op: object, operands: Sequence[int]) -> int:
    """How many of the index arrays' entries are out of range."""
    assert isinstance(op, Apply)
    indices = operands[1:] if op.primitive == "gather" else operands[2:]
    total = builder.constant(0, "i64")
    for size, index in zip(builder.array_type(operands[0]).shape, indices, strict=False):
        low = builder.apply("lt", index, builder.constant(0, "i64"))
        high = builder.apply("ge", index, builder.size(size))
        bad = builder.apply("convert", builder.apply("logical_or", low, high), dtype="i64")
        rank = builder.array_type(index).rank
        total = builder.apply("add", total, builder.apply("reduce_sum", bad, axes=tuple(range(rank))) if rank else bad)
    return total


def _inside(builder: Builder, step: Step, operands: Sequence[int]) -> tuple[int, ...]:
    """The step with counting bodies; its last result is the count."""
    op = step.op
    if isinstance(op, Fold) and op.condition is not None:
        return _while(builder, op, step, operands)
    if isinstance(op, (Each, Fold)):
        op = replace(op, body=_counted(op.body), combine=(*op.combine, "sum"))
    elif isinstance(op, Branch):
        op = Branch(tuple(_counted(arm) for arm in op.arms))
    elif isinstance(op, Call):
        op = Call(_counted(op.program))
    return builder.emit(op, operands, (*step.types, COUNT))


def _while(builder: Builder, op: Fold, step: Step, operands: Sequence[int]) -> tuple[int, ...]:
    """A while loop carries the count, since it has no other way to give one."""
    assert op.condition is not None
    inner = _counted(op.body)
    fixed, last = len(op.body.inputs) - 1, len(op.body.inputs)  # carry ends at `fixed`; then count, then the index
    body = Builder(op.body.name, [*op.body.inputs[:fixed], COUNT, *op.body.inputs[fixed:]], op.body.sizes)
    *carry, count = body.inline(inner, [*range(fixed), last])
    body_program = body.build([*carry, body.apply("add", count, fixed)])
    test = Builder(op.condition.name, [*op.condition.inputs, COUNT], op.condition.sizes)
    condition = test.build(test.inline(op.condition, range(len(op.condition.inputs))))
    zero = builder.constant(0, "i64")
    counting = replace(op, body=body_program, condition=condition)
    return builder.emit(counting, (*operands, zero), (*step.types, COUNT))
