"""Gathers and scatters at known places: index arrays enter, slices, transpositions and smaller gathers leave.

Every index of a gather is one of three kinds: a constant place, a run ``c + i`` along one axis of the result, or
computed. Constant places and runs are slices of the operand; computed indices are gathered over the axes they depend on
only; axes that no index depends on are broadcast. The transpose of all that serves a scatter-add.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...lang.builder import Builder
from ...lang.ir import Apply
from .affine import affine


@dataclass(frozen=True, slots=True)
class Plan:
    """How to index: per indexed axis its first place and length (None: computed), and the result axis along it."""

    windows: tuple[tuple[int, int] | None, ...]
    runs: dict[int, int]  # indexed axis -> axis of the index arrays
    computed: tuple[int, ...]  # indexed axes with computed indices
    needed: tuple[int, ...]  # axes of the index arrays that computed indices depend on


def plan(b: Builder, shape: tuple[int, ...], indices: tuple[int, ...]) -> Plan | None:
    """The cheapest way to index an array of `shape` by `indices`, or None when nothing is known about them."""
    places = b.array_type(indices[0]).shape
    windows: list[tuple[int, int] | None] = []
    runs: dict[int, int] = {}
    for axis, slot in enumerate(indices):
        window, along = _window(b, slot, shape[axis])
        if along is not None and along in runs.values():
            window, along = None, None
        windows.append(window)
        if along is not None:
            runs[axis] = along
    needed = _needed(b, indices, windows)
    for axis, along in list(runs.items()):
        if along in needed:  # a computed index varies along this axis too: they must be gathered together
            windows[axis] = None
            del runs[axis]
            needed = _needed(b, indices, windows)
    computed = tuple(axis for axis, window in enumerate(windows) if window is None)
    if len(computed) == len(indices) and len(needed) == len(places):
        return None
    return Plan(tuple(windows), runs, computed, needed)


def _window(b: Builder, slot: int, length: int) -> tuple[tuple[int, int] | None, int | None]:
    """The places an index visits when they are one place or a run inside the axis, and the axis it runs along."""
    form = affine(b, slot)
    if form is None:
        return None, None
    moving = [axis for axis, slope in enumerate(form.slopes) if slope]
    if not moving and 0 <= form.constant < length:
        return (form.constant, 1), None
    if len(moving) == 1 and form.slopes[moving[0]] == 1:
        count = b.array_type(slot).shape[moving[0]]
        if isinstance(count, int) and form.constant >= 0 and form.constant + count <= length:
            return (form.constant, count), moving[0]
    return None, None


def _needed(b: Builder, indices: tuple[int, ...], windows: list[tuple[int, int] | None]) -> tuple[int, ...]:
    axes: set[int] = set()
    for slot, window in zip(indices, windows, strict=True):
        if window is None:
            axes.update(_core(b, slot)[1])
    return tuple(sorted(axes))


def _core(b: Builder, slot: int) -> tuple[int, tuple[int, ...]]:
    """What a broadcast repeats, and the axes it really depends on."""
    step = b.definition(slot)
    if step is not None and isinstance(step.op, Apply) and step.op.primitive == "broadcast":
        return step.operands[0], step.op.integers("axes")
    return slot, tuple(range(b.array_type(slot).rank))


def _narrow(b: Builder, slot: int, needed: tuple[int, ...], places: tuple[int, ...]) -> int:
    """An index array over the needed axes only."""
    core, axes = _core(b, slot)
    shape = tuple(places[axis] for axis in needed)
    return b.broadcast(core, shape, tuple(needed.index(axis) for axis in axes))


def _ints(shape: tuple[object, ...]) -> tuple[int, ...] | None:
    found = tuple(size for size in shape if isinstance(size, int))
    return found if len(found) == len(shape) else None


def gather_at(b: Builder, op: Apply, x: int, indices: tuple[int, ...]) -> int | None:
    """A gather by slices and a smaller gather, or None when it is best left alone."""
    shape = _ints(b.array_type(x).shape)
    places = _ints(b.array_type(indices[0]).shape) if indices else None
    if not indices or shape is None or places is None:
        return None
    how = plan(b, shape, indices)
    if how is None:
        return None
    count, rest = len(indices), shape[len(indices) :]
    window = [part or (0, shape[axis]) for axis, part in enumerate(how.windows)]
    starts = (*(start for start, _ in window), *(0 for _ in rest))
    limits = (*(start + length for start, length in window), *rest)
    part = b.apply("slice", x, starts=starts, limits=limits)
    kept = [axis for axis in range(count) if axis in how.runs or axis in how.computed]
    part = b.apply("reshape", part, shape=(*(window[axis][1] for axis in kept), *rest))
    order = [kept.index(axis) for axis in (*how.computed, *how.runs)]
    part = b.apply("transpose", part, axes=(*order, *range(len(kept), len(kept) + len(rest))))
    if how.computed:
        narrow = [_narrow(b, indices[axis], how.needed, places) for axis in how.computed]
        part = b.apply("gather", part, *narrow, **dict(op.params))
    tail = range(len(places), len(places) + len(rest))
    targets = [*(how.needed if how.computed else ()), *how.runs.values(), *tail]
    increasing = sorted(range(len(targets)), key=targets.__getitem__)
    part = b.apply("transpose", part, axes=tuple(increasing))
    return b.broadcast(part, (*places, *rest), tuple(sorted(targets)))


def scatter_add_at(b: Builder, op: Apply, base: int, values: int, indices: tuple[int, ...]) -> int | None:
    """A scatter-add by sums, a smaller scatter-add and padding, or None when it is best left alone."""
    shape = _ints(b.array_type(base).shape)
    places = _ints(b.array_type(indices[0]).shape) if indices else None
    if not indices or shape is None or places is None:
        return None
    how = plan(b, shape, indices)
    if how is None:
        return None
    rest = shape[len(indices) :]
    needed = how.needed if how.computed else ()
    used = [*needed, *how.runs.values()]
    repeated = tuple(axis for axis in range(len(places)) if axis not in used)
    part = b.apply("reduce_sum", values, axes=repeated)
    left = [axis for axis in range(len(places)) if axis not in repeated]
    order = [left.index(axis) for axis in used]
    part = b.apply("transpose", part, axes=(*order, *range(len(left), len(left) + len(rest))))
    if how.computed:
        sizes = [shape[axis] for axis in how.computed] + [places[axis] for axis in how.runs.values()]
        zeros = b.zeros(b.array_type(values).with_shape((*sizes, *rest)))
        narrow = [_narrow(b, indices[axis], how.needed, places) for axis in how.computed]
        part = b.apply("scatter_add", zeros, part, *narrow, **dict(op.params))
    made = [*how.computed, *how.runs]
    increasing = sorted(range(len(made)), key=made.__getitem__)
    part = b.apply("transpose", part, axes=(*increasing, *range(len(made), len(made) + len(rest))))
    window = [span or (0, shape[axis]) for axis, span in enumerate(how.windows)]
    part = b.apply("reshape", part, shape=(*(length for _, length in window), *rest))
    low = (*(start for start, _ in window), *(0 for _ in rest))
    high = (*(shape[axis] - start - length for axis, (start, length) in enumerate(window)), *(0 for _ in rest))
    part = b.apply("pad", part, low=low, high=high) if any(low) or any(high) else part
    return part if is_zero(b, base) else b.apply("add", base, part)


def is_zero(b: Builder, slot: int) -> bool:
    """Whether a slot is an array of literal zeros (positive ones)."""
    core, _ = _core(b, slot)
    known = b.scalar(core)
    return known is not None and known == 0 and str(known)[0] != "-"
