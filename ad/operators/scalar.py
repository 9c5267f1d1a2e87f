"""Candidate jets for derivatives by scalar coordinates: staircases, polarised jets, clean single jets, nested ones.

In: multi-indices over some coordinates. Out: jets from which all of them can be read, or why there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product

from .algebra import Coordinate, functionals, solve
from .jets import Index, Jet, Level, Seed, closure

MOST_SLOT_ORDER = 20
SLOPES = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (2, -1), (1, 2), (1, -2), (3, 1), (3, -1), (1, 3), (1, -3))

Found = tuple[Jet, ...] | str
"""The jets of a candidate, or why there are none."""


def staircase(field: str, wanted: Sequence[Index], active: Sequence[Coordinate]) -> Found:
    """One jet in as many parameters as there are active coordinates, truncated to what lies below the demands."""
    return (Jet(field, (staircase_level(wanted, active),)),)


def staircase_level(wanted: Sequence[Index], active: Sequence[Coordinate]) -> Level:
    """The level of a staircase; coordinates that no demand differentiates by are left out.

    The indices of the level are over the coordinates that are left.
    """
    used = [place for place in range(len(active)) if any(index[place] for index in wanted)]
    indices = closure(frozenset(tuple(index[place] for place in used) for index in wanted))
    seeds = tuple(_seed(active[place], tuple(int(other == place) for other in used), Fraction(1)) for place in used)
    return Level(indices, seeds)


def polarised(field: str, wanted: Sequence[Index], active: Sequence[Coordinate]) -> Found:
    """Univariate jets along rational directions."""
    orders: dict[Index, int] = {}

    def jets() -> tuple[Jet, ...]:
        return tuple(_univariate(field, direction, order, active) for direction, order in orders.items())

    for index in sorted(wanted, key=sum, reverse=True):
        if any(index) and solve(functionals(jets(), active), index) is None:
            found = directions(index)
            if found is None:
                return f"no real directions of order {sum(index)} are tabulated for a derivative in this many variables"
            for direction in found:
                orders[direction] = max(orders.get(direction, 0), sum(index))
    return jets()


def directions(index: Index) -> list[Index] | None:
    """Directions whose powers span the monomial of a derivative: one, two or pairwise different variables.

    For ``x^a y^b`` these are a + b lines whose product has no term in ``X^a Y^b`` (apolarity, Sylvester 1851); for k
    different variables the 2^(k-1) patterns of signs.
    """
    used = [place for place, order in enumerate(index) if order]
    if len(used) == 1:
        return [tuple(int(place == used[0]) for place in range(len(index)))]
    if all(index[place] == 1 for place in used):
        signs = [(1, *rest) for rest in product((1, -1), repeat=len(used) - 1)]
        return [_spread(pattern, used, len(index)) for pattern in signs]
    if len(used) != 2:
        return None
    first, second = (index[place] for place in used)
    for lines in combinations(SLOPES, first + second):
        if _coefficient(lines, first) == 0:
            return [_spread(line, used, len(index)) for line in lines]
    return None


def clean(field: str, wanted: Sequence[Index], active: Sequence[Coordinate]) -> Found:
    """Single jets with each coordinate at a slot of its own, so that nothing else falls on the order that is read."""
    jets: list[Jet] = []
    for index in sorted(wanted, key=sum, reverse=True):
        if any(index) and solve(functionals(jets, active), index) is None:
            found = clean_slots(index)
            if found is None:
                return f"a clean jet for order {sum(index)} needs more than {MOST_SLOT_ORDER} orders"
            order, slots = found
            seeds = tuple(_seed(active[place], (slot,), Fraction(1)) for place, slot in enumerate(slots) if slot)
            jets.append(Jet(field, (Level(tuple((k,) for k in range(order + 1)), seeds),)))
    return tuple(jets)


def clean_slots(index: Index) -> tuple[int, Index] | None:
    """The least order that only one derivative falls on, and the slot of each coordinate (0: it does not move).

    >>> clean_slots((2, 1)), clean_slots((3, 1))
    ((7, (2, 3)), (11, (2, 5)))
    """
    used = [place for place, order in enumerate(index) if order]
    powers = tuple(index[place] for place in used)
    for order in range(1, MOST_SLOT_ORDER + 1):
        for slots in _splits(order, powers):
            if sum(1 for _ in _splits(order, slots, least=0)) == 1:
                return order, _spread(slots, used, len(index))
    return None


def nested(field: str, wanted: Sequence[Index], active: Sequence[Coordinate]) -> Found:
    """First-order forward mode, applied once per derivative: what a program gets without jets."""
    maximal = [index for index in wanted if not any(_below(index, other) for other in wanted if other != index)]
    return tuple(
        Jet(
            field,
            tuple(
                Level(((0,), (1,)), (_seed(active[place], (1,), Fraction(1)),))
                for place, order in enumerate(index)
                for _ in range(order)
            ),
        )
        for index in maximal
        if any(index)
    )


SCALAR: dict[str, Callable[[str, Sequence[Index], Sequence[Coordinate]], Found]] = {
    "staircase": staircase,
    "polarised": polarised,
    "clean": clean,
    "nested": nested,
}


def _univariate(field: str, direction: Index, order: int, active: Sequence[Coordinate]) -> Jet:
    seeds = tuple(_seed(active[place], (1,), Fraction(scale)) for place, scale in enumerate(direction) if scale)
    return Jet(field, (Level(tuple((k,) for k in range(order + 1)), seeds),))


def _seed(coordinate: Coordinate, index: Index, scale: Fraction) -> Seed:
    name, number = coordinate
    return Seed(name, index, scale=scale) if number < 0 else Seed(name, index, "unit", scale, number)


def _spread(values: Sequence[int], places: Sequence[int], length: int) -> Index:
    """Values at some places, zeros elsewhere."""
    found = dict(zip(places, values, strict=True))
    return tuple(found.get(place, 0) for place in range(length))


def _coefficient(lines: Sequence[tuple[int, int]], power: int) -> int:
    """The coefficient of ``X^power`` in the product of ``q X - p Y`` over lines (p, q)."""
    polynomial = [1]
    for p, q in lines:
        longer = [0] * (len(polynomial) + 1)
        for place, value in enumerate(polynomial):
            longer[place] -= p * value
            longer[place + 1] += q * value
        polynomial = longer
    return polynomial[power]


def _splits(total: int, weights: Sequence[int], least: int = 1) -> Iterator[Index]:
    """All ways to write a total as a sum of multiples of the weights."""
    if not weights:
        if total == 0:
            yield ()
        return
    for count in range(least, total // weights[0] + 1):
        for rest in _splits(total - count * weights[0], weights[1:], least):
            yield (count, *rest)


def _below(index: Index, other: Index) -> bool:
    return all(a <= b for a, b in zip(index, other, strict=True))
