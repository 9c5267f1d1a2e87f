"""Scatter-adds taken apart: one scatter-add of several reads enters, scatter-adds that may be at known places leave.

The cotangents of several reads of one array arrive concatenated, and where a choice skipped a read they are zero and
lie at place 0. Adding zeros may happen anywhere, so the choice of the place goes; then every read has its own
scatter-add, which is a sum or a padding when its index is the number of a lane.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...lang.builder import Builder
from ...lang.ir import Apply
from .places import is_zero, scatter_add_at


def take_apart(b: Builder, op: Apply, base: int, values: int, indices: tuple[int, ...]) -> int | None:
    """The same sum by scatter-adds of the concatenated parts, or None when nothing is gained."""
    zeros = b.zeros(b.array_type(base))
    unmasked = _without_mask(b, values, indices)
    proved = unmasked is None and bool(op["proved"])
    parts = _parts(b, values, unmasked or indices)
    if parts is None:
        return None
    total: int | None = None
    free = Apply("scatter_add", (("proved", proved),))
    for value, places in parts:
        part = scatter_add_at(b, free, zeros, value, places)
        if part is None:
            return None
        total = part if total is None else b.apply("add", total, part)
    if total is None or is_zero(b, base):
        return total
    return b.apply("add", base, total)


def _chosen(b: Builder, slot: int) -> tuple[int, tuple[int, ...], int, int] | None:
    """``where(mask over some axes, yes, no)`` as (mask, its axes, yes, no)."""
    step = b.definition(slot)
    if step is None or not isinstance(step.op, Apply) or step.op.primitive != "where":
        return None
    mask, yes, no = step.operands
    inner = b.definition(mask)
    if inner is not None and isinstance(inner.op, Apply) and inner.op.primitive == "broadcast":
        return inner.operands[0], _ints(inner.op, "axes"), yes, no
    return mask, tuple(range(b.array_type(mask).rank)), yes, no


def _without_mask(b: Builder, values: int, indices: tuple[int, ...]) -> tuple[int, ...] | None:
    """Indices without the choice of a place for values that are zero, in one arm of the choice or the other."""
    value = _chosen(b, values)
    places = [_chosen(b, index) for index in indices]
    known = [place for place in places if place is not None and value is not None and place[:2] == value[:2]]
    if value is None or len(known) < len(indices):
        return None
    _, _, yes, no = value
    if is_zero(b, yes):
        return tuple(place for _, _, _, place in known)
    return tuple(place for _, _, place, _ in known) if is_zero(b, no) else None


def _parts(b: Builder, values: int, indices: Sequence[int]) -> list[tuple[int, tuple[int, ...]]] | None:
    """Values and indices of each concatenated part."""
    cuts = [_concatenated(b, index) for index in indices]
    first = cuts[0]
    if first is None or any(cut is None or cut[0] != first[0] for cut in cuts):
        return [(values, tuple(indices))]
    axis, pieces = first
    lengths = [b.array_type(piece).shape[axis] for piece in pieces]
    if any(length != 1 for length in lengths):
        return None
    return [
        (_part(b, values, axis, number), tuple(_squeezed(b, cut[1][number], axis) for cut in cuts if cut is not None))
        for number in range(len(pieces))
    ]


def _squeezed(b: Builder, slot: int, axis: int) -> int:
    shape = b.array_type(slot).shape
    return b.apply("reshape", slot, shape=(*shape[:axis], *shape[axis + 1 :]))


def _part(b: Builder, slot: int, axis: int, number: int) -> int:
    """``x[…, number, …]`` along an axis: of a concatenation the operand itself, of a choice the choice of parts."""
    type_, step = b.array_type(slot), b.definition(slot)
    op = step.op if step is not None and isinstance(step.op, Apply) else None
    rest = (*type_.shape[:axis], *type_.shape[axis + 1 :])
    if step is not None and op is not None:
        if op.primitive == "concat" and op["axis"] == axis and len(step.operands) == type_.shape[axis]:
            return _squeezed(b, step.operands[number], axis)
        if op.primitive == "where":
            parts = [_part(b, x, axis, number) if b.array_type(x).shape else x for x in step.operands]
            return b.apply("where", *parts)
        if op.primitive == "broadcast" and axis not in _ints(op, "axes"):
            axes = tuple(place - (place > axis) for place in _ints(op, "axes"))
            return b.broadcast(step.operands[0], rest, axes)
    starts = tuple(number if k == axis else 0 for k in range(type_.rank))
    limits = tuple(number + 1 if k == axis else size for k, size in enumerate(type_.shape))
    return _squeezed(b, b.apply("slice", slot, starts=starts, limits=limits), axis)


def _concatenated(b: Builder, slot: int) -> tuple[int, tuple[int, ...]] | None:
    step = b.definition(slot)
    if step is None or not isinstance(step.op, Apply) or step.op.primitive != "concat":
        return None
    axis = step.op["axis"]
    assert isinstance(axis, int)
    return axis, step.operands


def _ints(op: Apply, name: str) -> tuple[int, ...]:
    value = op[name]
    assert isinstance(value, tuple)
    return tuple(item for item in value if isinstance(item, int))
