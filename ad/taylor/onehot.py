"""Coefficients that are zero except at one place, and products with them.

A direction along one coordinate of a long array is such a coefficient. Products with it read the entries of the other
factors at that place, so the tangent of a first layer is one column of its matrix and never a dense product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ...lang.ir import Apply, ArrayType
from ...lang.sizes import Size, add
from ..vmap_rules import Lane, fresh_letter

if TYPE_CHECKING:
    from .emit import Coefficient, Emitter

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class OneHot:
    """An array that is zero except where its axis number `axis` is at `index`; there it is `value`, or 1.

    `index` is the slot of a whole number, `value` that of an array without the axis. Along several directions both
    have the axis of directions in front; `summed` marks the sum over these.
    """

    index: int
    value: int | None = None
    axis: int = 0
    summed: bool = False

    def at_same_place(self, other: OneHot) -> bool:
        """Whether the sum of both is zero except at one place again."""
        return replace(self, value=None) == replace(other, value=None)


def place(e: Emitter, hot: OneHot) -> Lane:
    """The index; it has the axis of directions when it is no scalar."""
    return Lane(hot.index, e.builder.array_type(hot.index).rank > 0)


def value(e: Emitter, hot: OneHot, type_: ArrayType) -> Lane:
    """What stands at the place."""
    mapped = place(e, hot).mapped
    if hot.value is not None:
        return Lane(hot.value, mapped)
    return ones(e, type_.with_shape(without(type_.shape, hot.axis)), mapped)


def ones(e: Emitter, type_: ArrayType, mapped: bool) -> Lane:
    lane = Lane(e.builder.full(1, type_), False)
    return Lane(e.batch.full(lane), True) if mapped and e.batch is not None else lane


def without(items: tuple[Part, ...], place: int) -> tuple[Part, ...]:
    """The items but one.

    >>> without((1, 2, 3), 1)
    (1, 3)
    """
    return (*items[:place], *items[place + 1 :])


def dense(e: Emitter, hot: OneHot, type_: ArrayType) -> Lane:
    """The whole array, written out by comparing places, which a compiler does where it is read."""
    if hot.summed:
        return _dense_sum(e, hot, type_)
    index, entry, length = place(e, hot), value(e, hot, type_), type_.shape[hot.axis]
    places = Lane(e.builder.apply("iota", size=length), False)
    here = e.apply("eq", places, e.apply("broadcast", index, shape=(length,), axes=()))
    others = without(tuple(range(type_.rank)), hot.axis)
    return e.apply(
        "where",
        e.apply("broadcast", here, shape=type_.shape, axes=(hot.axis,)),
        e.apply("broadcast", entry, shape=type_.shape, axes=others),
        Lane(e.builder.zeros(type_), False),
    )


def _dense_sum(e: Emitter, hot: OneHot, type_: ArrayType) -> Lane:
    """The sum over directions, which are so many updates of one array."""
    rest = without(type_.shape, hot.axis)
    base = e.builder.zeros(type_.with_shape((type_.shape[hot.axis], *rest)))
    index, entry = place(e, hot).slot, value(e, hot, type_).slot
    written = e.builder.apply("scatter_add", base, entry, index, proved=False)
    order = list(range(1, type_.rank))
    order.insert(hot.axis, 0)
    return Lane(e.builder.apply("transpose", written, axes=tuple(order)), False)


def take(e: Emitter, lane: Lane, rank: int, axis: int, hot: OneHot) -> Lane:
    """The entries of a dense array of a rank where the axis is at the place."""
    order = (axis, *(k for k in range(rank) if k != axis))
    first = e.apply("transpose", lane, axes=order)
    places = None if lane.mapped else _range(e, hot)
    if places is None:
        return e.apply("gather", first, place(e, hot), proved=False)
    shape = e.builder.array_type(first.slot).shape
    if places == (0, shape[0]):
        return Lane(first.slot, True)
    start, stop = places
    limits = (stop, *shape[1:])
    return Lane(e.builder.apply("slice", first.slot, starts=(start, *(0 for _ in shape[1:])), limits=limits), True)


def _range(e: Emitter, hot: OneHot) -> tuple[int, Size] | None:
    """The first place and the one behind the last, where the directions are all places between them in order."""
    step, start = e.builder.definition(hot.index), 0
    if step is not None and isinstance(step.op, Apply) and step.op.primitive == "add":
        step, start = e.builder.definition(step.operands[0]), e.builder.scalar(step.operands[1])
    if step is None or not isinstance(step.op, Apply) or step.op.primitive != "iota" or not isinstance(start, int):
        return None
    (length,) = e.builder.array_type(hot.index).shape
    return start, add(start, length)


def einsum(
    e: Emitter, terms: Sequence[str], out: str, factors: Sequence[Coefficient], types: Sequence[ArrayType], sums: bool
) -> Coefficient:
    """The product of coefficients over letters; with `sums` also the sum over directions."""
    hot, letter = next(
        ((c, term[c.axis]) for c, term in zip(factors, terms, strict=True) if isinstance(c, OneHot)), (None, "")
    )
    if hot is None:
        return contraction(e, terms, out, [e.dense(*pair) for pair in zip(factors, types, strict=True)], sums)
    kept = [
        found
        for term, factor, type_ in zip(terms, factors, types, strict=True)
        if (found := _at_place(e, hot, letter, term, factor, type_)) is not None
    ]
    mapped = place(e, hot).mapped
    if letter in out and not kept:
        return OneHot(hot.index, None, out.index(letter), sums)
    if not kept:
        kept = [("", ones(e, ArrayType(types[0].dtype), mapped))]
    names, lanes = [name for name, _ in kept], [lane for _, lane in kept]
    if mapped and not any(lane.mapped for lane in lanes):
        lanes[0] = e.spread(lanes[0], mapped)
    if letter in out:
        inner = contraction(e, names, out.replace(letter, ""), lanes, False)
        return OneHot(hot.index, inner.slot, out.index(letter), sums)
    return contraction(e, names, out, lanes, sums)


def _at_place(
    e: Emitter, hot: OneHot, letter: str, term: str, factor: Coefficient, type_: ArrayType
) -> tuple[str, Lane] | None:
    """A factor where the letter is at the place; None for a factor that is 1 there."""
    if letter not in term:
        return term, e.dense(factor, type_)
    axis = term.index(letter)
    rest = without(tuple(term), axis)
    if not isinstance(factor, OneHot) or not factor.at_same_place(replace(hot, axis=axis)):
        return "".join(rest), take(e, e.dense(factor, type_), len(term), axis, hot)
    return None if factor.value is None and not rest else ("".join(rest), value(e, factor, type_))


def contraction(e: Emitter, terms: Sequence[str], out: str, lanes: Sequence[Lane], sums: bool) -> Lane:
    """An einsum of dense factors, in which the axis of directions is one letter more."""
    mapped = any(lane.mapped for lane in lanes)
    letter = fresh_letter("".join((*terms, out)))
    named = [letter + term if lane.mapped else term for term, lane in zip(terms, lanes, strict=True)]
    kept = mapped and not sums
    target = letter + out if kept else out
    slots = [lane.slot for lane in lanes]
    if any(term != target for term in named):
        return Lane(e.builder.apply("einsum", *slots, spec=f"{','.join(named)}->{target}"), kept)
    total = slots[0]
    for slot in slots[1:]:
        total = e.builder.apply("mul", total, slot)
    return Lane(total, kept)
