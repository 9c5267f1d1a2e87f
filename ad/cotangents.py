"""Cotangents waiting to be used: ``Zero | Slot | At(index, cotangent) | Sum``.

A `Ledger` keeps, for every slot, the contributions that the backward walk has made so far. A read ``x[i]``
contributes an `At`, which stays sparse through enclosing bodies and becomes one `scatter_add` per array where the
array was made. Zero is the absence of an entry; Sum is an entry with several contributions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ..lang.builder import Builder
from ..lang.ir import ArrayType
from ..lang.sizes import Size, product


@dataclass(frozen=True, slots=True)
class At:
    """`value` added at `indices` (slots of i64 arrays of one shape S) of the leading axes; value: S ++ rest.

    `proved` says that the checker proved the read it comes from to be in range.
    """

    indices: tuple[int, ...]
    value: int
    proved: bool


class Ledger:
    """Contributions per slot: dense slots and `At`s."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._dense: dict[int, int] = {}
        self._sparse: dict[int, list[At]] = {}

    def add(self, slot: int, contribution: int | At | None) -> None:
        """Add a contribution to the cotangent of `slot`; None adds nothing."""
        if contribution is None:
            return
        if isinstance(contribution, At):
            self._sparse.setdefault(slot, []).append(contribution)
        elif slot in self._dense:
            self._dense[slot] = self.builder.apply("add", self._dense[slot], contribution)
        else:
            self._dense[slot] = contribution

    def has(self, slot: int) -> bool:
        return slot in self._dense or slot in self._sparse

    def parts(self, slot: int) -> tuple[int | None, tuple[At, ...]]:
        """Take the dense part and the sparse parts, the latter joined where they share a form."""
        b, dense = self.builder, self._dense.pop(slot, None)
        known, parts = _by_known_place(b, self._sparse.pop(slot, []))
        type_ = b.array_type(slot)
        if known and _is_short(type_, known):
            placed = _put_together(b, type_, known)
            dense = placed if dense is None else b.apply("add", dense, placed)
        else:
            parts += [At(tuple(b.constant(k, "i64") for k in place), v, True) for place, v in known.items()]
        return dense, tuple(_join(b, parts))

    def take(self, slot: int) -> int | None:
        """Take the cotangent as one dense slot; None when it is zero."""
        dense, sparse = self.parts(slot)
        for at in sparse:
            base = self.builder.zeros(self.builder.array_type(slot)) if dense is None else dense
            dense = scatter(self.builder, base, at)
        return dense

    def through_gather(self, x: int, indices: tuple[int, ...], result: int, proved: bool) -> None:
        """Pass what waits at ``result = x[indices]`` on to `x`; sparse parts compose with a scalar index."""
        b = self.builder
        dense, sparse = self.parts(result)
        if dense is not None:
            self.add(x, At(indices, dense, proved))
        for at in sparse:
            if b.array_type(indices[0]).shape:
                filled = scatter(b, b.zeros(b.array_type(result)), at)
                self.add(x, At(indices, filled, proved))
            else:
                shape = b.array_type(at.indices[0]).shape
                outer = tuple(b.broadcast(index, shape, ()) for index in indices)
                self.add(x, At((*outer, *at.indices), at.value, proved and at.proved))


def scatter(b: Builder, base: int, at: At) -> int:
    """``base`` with a sparse contribution added."""
    return b.apply("scatter_add", base, at.value, *at.indices, proved=at.proved)


MOST_ROWS = 64  # arrays of more rows are scattered to even where the places are known

Places = dict[tuple[int, ...], int]


def _by_known_place(b: Builder, parts: Sequence[At]) -> tuple[Places, list[At]]:
    """Split contributions at literal places (added up per place) from the others."""
    known: Places = {}
    others: list[At] = []
    depths: set[int] = set()
    for part in parts:
        places = tuple(b.scalar(index) for index in part.indices)
        if any(place is None for place in places) or len(depths | {len(places)}) > 1:
            others.append(part)
            continue
        depths.add(len(places))
        key = tuple(int(place) for place in places if place is not None)
        known[key] = b.apply("add", known[key], part.value) if key in known else part.value
    return known, others


def _is_short(type_: ArrayType, known: Places) -> bool:
    rows = product(type_.shape[: len(next(iter(known)))])
    return isinstance(rows, int) and rows <= MOST_ROWS


def _put_together(b: Builder, type_: ArrayType, known: Places) -> int:
    """The array whose rows are the given contributions at their places and zero elsewhere."""
    depth = len(next(iter(known)))
    leading, rest = type_.shape[:depth], type_.shape[depth:]
    parts: list[int] = []
    for place in itertools.product(*(range(int(size)) for size in leading if isinstance(size, int))):
        row = known[place] if place in known else b.zeros(type_.with_shape(rest))
        parts.append(b.apply("reshape", row, shape=(1, *rest)))
    return b.apply("reshape", b.apply("concat", *parts, axis=0), shape=type_.shape)


def _join(b: Builder, parts: Sequence[At]) -> list[At]:
    """Flatten and concatenate parts that index the same number of axes, so that each array is scattered to once."""
    groups: dict[int, list[At]] = {}
    for part in parts:
        groups.setdefault(len(part.indices), []).append(part)
    return [group[0] if len(group) == 1 else _concatenate(b, group) for group in groups.values()]


def _concatenate(b: Builder, group: Sequence[At]) -> At:
    flat = [_flatten(b, part) for part in group]
    count = len(group[0].indices)
    indices = tuple(b.apply("concat", *(part.indices[k] for part in flat), axis=0) for k in range(count))
    value = b.apply("concat", *(part.value for part in flat), axis=0)
    return At(indices, value, all(part.proved for part in group))


def _flatten(b: Builder, part: At) -> At:
    """The same contribution with its index arrays of rank one."""
    shape = b.array_type(part.indices[0]).shape
    if len(shape) == 1:
        return part
    length: Size = product(shape)
    value = b.array_type(part.value)
    rest = value.shape[len(shape) :]
    indices = tuple(b.apply("reshape", index, shape=(length,)) for index in part.indices)
    return At(indices, b.apply("reshape", part.value, shape=(length, *rest)), part.proved)


@dataclass(frozen=True, slots=True)
class Piece:
    """How one cotangent leaves a body: dense, or as an `At` with `indices` index arrays (0 means dense).

    `type` is the type of the value; `batch` is the shape of the index arrays; `proved` as in `At`.
    """

    indices: int
    type: ArrayType
    batch: tuple[Size, ...] = ()
    proved: bool = True

    @property
    def width(self) -> int:
        """Number of outputs it takes: the indices, then the value."""
        return self.indices + 1
