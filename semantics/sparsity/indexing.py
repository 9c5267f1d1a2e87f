"""Reading and writing at index arrays: an index that the program alone decides is followed exactly, any other may be
every place of its axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .rows import Along, Rows, along, grouped, ones, picked, selected, union, whole
from .values import Value

Numbers = Sequence["np.ndarray | None"]


def _narrow(shape: Sequence[int], known: Numbers) -> list[int]:
    """The shape with one place on each axis whose index is not known."""
    return [1 if k < len(known) and known[k] is None else n for k, n in enumerate(shape)]


def _places(known: Numbers, batch: tuple[int, ...], shape: Sequence[int]) -> np.ndarray:
    """The flat place in `shape`, by the indices and then along the axes behind them; -1 for one outside its axis, which
    reads and writes nothing: a program that needs it stops, or has no number there."""
    rest = shape[len(known) :]
    lead = [np.zeros(batch, np.int64) if index is None else np.asarray(index, np.int64) for index in known]
    tail = [np.arange(n).reshape([-1 if k == axis else 1 for k in range(len(rest))]) for axis, n in enumerate(rest)]
    wide = [index.reshape((*batch, *(1 for _ in rest))) for index in lead] + tail
    target, place, inside = (*batch, *rest), np.zeros((), np.int64), np.ones((), np.bool_)
    for index, length in zip(wide, shape, strict=True):
        place, inside = place * length + index, inside & (index >= 0) & (index < length)
    return np.broadcast_to(np.where(inside, place, -1), target)


def gathered(x: Value, indices: Sequence[Value]) -> Rows:
    """The parts of an array at index arrays along its leading axes."""
    known = [index.known for index in indices]
    narrow = _narrow(x.shape, known)
    rows = along(x.rows, [Along(ones(1, n)) if n != kept else n for n, kept in zip(x.shape, narrow, strict=True)])
    return picked(rows, _places(known, indices[0].shape, narrow))


def scattered(base: Value, values: Value, indices: Sequence[Value], *, replaces: bool) -> Rows:
    """An array with values put, or added, at index arrays; `replaces` says that nothing of the array stays there."""
    parts: list[Rows] = []
    known = [index.known for index in indices]
    narrow = _narrow(base.shape, known)
    places = _places(known, indices[0].shape, narrow)
    if base.rows is not None:
        kept = np.arange(base.size)
        if replaces and all(index is not None for index in known):
            kept[places[places >= 0]] = -1
        parts.append(picked(base.rows, kept))
    if values.rows is not None:
        rows = grouped(values.rows, places, int(np.prod(narrow, dtype=np.int64)))
        wide = zip(base.shape, narrow, strict=True)
        parts.append(along(rows, [n if n == kept else Along(ones(n, 1)) for n, kept in wide]))
    return union(parts)


def _corner(start: Value | None, size: int, length: int) -> int | None:
    """Where a block begins on an axis, moved so that it lies in the array; None when only the run decides."""
    if start is None:
        return 0
    return None if start.known is None else min(max(int(start.known), 0), size - length)


def block_read(x: Value, starts: Mapping[int, Value], result: Value) -> Rows:
    """A block of an array."""
    axes: list[Along | int] = []
    for axis, (size, length) in enumerate(zip(x.shape, result.shape, strict=True)):
        corner = _corner(starts.get(axis), size, length)
        axes.append(whole(size, length) if corner is None else selected(np.arange(corner, corner + length), size))
    return along(x.rows, axes)


def block_written(base: Value, values: Value, starts: Mapping[int, Value], *, replaces: bool) -> Rows:
    """An array with a block put, or added, in its place."""
    axes: list[Along | int] = []
    inside = np.ones(base.shape, np.bool_)
    for axis, (size, length) in enumerate(zip(base.shape, values.shape, strict=True)):
        corner = _corner(starts.get(axis), size, length)
        if corner is None:
            axes.append(whole(length, size))
            inside[...] = False
            continue
        places = np.arange(size) - corner
        within = (places >= 0) & (places < length)
        axes.append(selected(np.where(within, places, -1), length))
        inside &= within.reshape([-1 if k == axis else 1 for k in range(len(base.shape))])
    parts: list[Rows] = []
    if base.rows is not None:
        parts.append(picked(base.rows, np.where(inside.ravel() & replaces, -1, np.arange(base.size))))
    if values.rows is not None:
        parts.append(along(values.rows, axes))
    return union(parts)
