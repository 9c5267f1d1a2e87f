"""Indexing, slicing and updates become ``gather``, ``slice``, ``scatter``.

In: the slots of an array value and one place per leading axis, an index slot or a range of sizes. Out: slots. Whether
the checker proved an index in range travels as the parameter `proved`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..builder import Builder
from ..ir import ArrayType
from ..sizes import Size, sub


@dataclass(frozen=True, slots=True)
class At:
    """An index: a slot that holds an ``i64``, or an array of them."""

    slot: int


@dataclass(frozen=True, slots=True)
class Span:
    """The range ``low:high`` of an axis."""

    low: Size
    high: Size


Place = At | Span


def read(builder: Builder, slot: int, places: Sequence[Place], proved: bool) -> int:
    """``x[places]`` of one array."""
    type_ = builder.array_type(slot)
    ranges = list(places) + [Span(0, size) for size in type_.shape[len(places) :]]
    if any(isinstance(place, Span) for place in places):
        starts = tuple(place.low if isinstance(place, Span) else 0 for place in ranges)
        limits = tuple(
            place.high if isinstance(place, Span) else size for place, size in zip(ranges, type_.shape, strict=True)
        )
        slot = builder.apply("slice", slot, starts=starts, limits=limits)
    indexed = [axis for axis, place in enumerate(places) if isinstance(place, At)]
    if not indexed:
        return slot
    axes = (*indexed, *(axis for axis in range(type_.rank) if axis not in indexed))
    if axes != tuple(range(type_.rank)):
        slot = builder.apply("transpose", slot, axes=axes)
    indices = [place.slot for place in places if isinstance(place, At)]
    return builder.apply("gather", slot, *indices, proved=proved)


def write(builder: Builder, slot: int, places: Sequence[Place], value: int, proved: bool) -> int:
    """``x with [places] = value`` of one array."""
    type_ = builder.array_type(slot)
    shape = tuple(sub(place.high, place.low) for place in places if isinstance(place, Span))
    indices = []
    axis = 0
    for place in places:
        if isinstance(place, At):
            indices.append(builder.broadcast(place.slot, shape, ()))
            continue
        counter = builder.apply("iota", size=sub(place.high, place.low))
        if place.low != 0:
            counter = builder.apply("add", counter, builder.size(place.low))
        indices.append(builder.broadcast(counter, shape, (axis,)))
        axis += 1
    wanted = ArrayType(type_.dtype, shape + type_.shape[len(places) :])
    if not builder.array_type(value).shape:
        value = builder.broadcast(value, wanted.shape, ())
    return builder.apply("scatter", slot, value, *indices, proved=proved)
