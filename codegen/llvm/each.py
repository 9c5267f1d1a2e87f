"""Independent rounds: operands of an `Each` enter, a loop is written, results leave.

Rounds run several at once, each in its own lane, where the body allows that. The last rounds overlap the ones before
when their number is no multiple of the lanes: what they store is the same again, and in sums they do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...lang.ir import Apply, ArrayType, Each, Fold, Program, bodies
from . import rows, steps
from .code import Code, Number
from .dtypes import width
from .memory import Array, Stored, Target, Value, allocate, count, deliver, known, lengths, put, read, row
from .results import Sum, results_of, round_targets, rows_of, settled, share, stacks_of, sums_of

LANES = 8
SUM_LANES = 4  # of an array in a sum: fewer lanes take less memory
LANE_SUMS = 1 << 20  # bytes of sums kept per lane
TILE = 4096  # elements of a row that is copied so that lanes stand side by side


def each(
    code: Code, op: Each, operands: list[Value], types: Sequence[ArrayType], goals: Sequence[Target | None]
) -> Sequence[Value]:
    """Independent rounds."""
    size = known(op.size)
    captures = settled(code, operands[: op.captures])
    arrays = rows_of(code, operands[op.captures :], once=True)
    sums = sums_of(code, op.combine, types, goals)
    stacks = stacks_of(code, op.combine, types, goals)
    lanes = _lanes(code, op, size, types)
    if not size:
        pass
    elif lanes:
        _side_by_side(code.in_lanes(lanes), op, size, captures, arrays, stacks, sums)
    else:
        with code.loop(size) as index:
            code.unit.buffers.open()
            inputs = [*captures, *(row(code, x, index) for x in arrays), index]
            targets = round_targets(code, stacks, sums, index)
            share(code, sums, steps.run(code, op.body, inputs, targets))
            code.unit.buffers.close()
    return results_of(stacks, sums)


def _lanes(code: Code, op: Each, size: int, types: Sequence[ArrayType]) -> int:
    """How many rounds run at once; 0 for one after another."""
    if code.lanes or size < 4 or not allows_lanes(op.body):
        return 0
    sums = [t for how, t in zip(op.combine, types, strict=True) if how == "sum"]
    if sum(count(lengths(t)) * width(t.dtype) for t in sums) * SUM_LANES > LANE_SUMS:
        return 0
    return LANES if size >= LANES else 4


@lru_cache(maxsize=4096)
def allows_lanes(program: Program) -> bool:
    """Whether every step has a form for lanes."""
    for step in program.steps:
        if isinstance(step.op, Fold) and step.op.condition is not None:
            return False
        if isinstance(step.op, Apply) and step.op.primitive in rows.ONE_BY_ONE:
            return False
        if not all(map(allows_lanes, bodies(step.op))):
            return False
    return True


def _side_by_side(
    code: Code,
    op: Each,
    size: int,
    captures: Sequence[Value],
    arrays: Sequence[Array],
    stacks: Sequence[Target | None],
    sums: Sequence[Sum | None],
) -> None:
    """Rounds in lanes. Sums are taken lane by lane, and over the lanes in the end."""
    lanes, outer, narrow = code.lanes, code.in_lanes(0), code.in_lanes(min(code.lanes, SUM_LANES))
    partial = [
        None
        if total is None
        else Sum(narrow if total.type.shape else code, total.type, None, narrow.lanes, number=number)
        for number, total in enumerate(sums)
    ]
    blocks = -(-size // lanes) * lanes
    with code.loop(blocks, lanes) as base:
        code.unit.buffers.open()
        start, fresh = base, None
        if size % lanes:
            last = code.integer(size - lanes)
            start = code.select(code.b.icmp_signed("<", base, last), base, last)
        index = code.plus(start, code.lane_numbers())
        if size % lanes:
            fresh = code.b.icmp_signed(">=", index, code.splat(base, lanes))
        elements = [_tile(code, x, start) for x in arrays]
        targets = round_targets(code, stacks, partial, start, side_by_side=True, fresh=fresh)
        share(code, partial, steps.run(code, op.body, [*captures, *elements, index], targets), fresh)
        code.unit.buffers.close()
    for total, part in zip(sums, partial, strict=True):
        if total is None or part is None:
            continue
        if total.variable is not None:
            total.add(outer, code.sum_of_lanes(read(code, part.result)))
        else:
            _over_lanes(narrow, part.target.place, total.target)


def _over_lanes(code: Code, share: Stored, target: Target) -> None:
    outer = code.in_lanes(0)
    code.loops(share.shape, lambda at: put(outer, target, at, code.sum_of_lanes(read(code, share, at))))


def _tile(code: Code, x: Array, start: Number) -> Value:
    """The rows of the lanes; copied so that the lanes of an element stand side by side, if that is short enough."""
    found = row(code, x, start, side_by_side=True)
    if isinstance(found, Stored) and not found.packed and count(found.shape) <= TILE:
        target = Target(allocate(code, found.type, "side by side"))
        deliver(code, found, target)
        return target.place
    return found
