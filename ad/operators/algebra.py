"""What coefficients of jets without lanes are, exactly, and how to solve for the derivatives in them.

The coefficient at an index is a rational combination of partial derivatives: a `Functional` maps the multi-index of a
derivative over the active variables to its factor.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from fractions import Fraction
from math import factorial

from .jets import Index, Jet

Functional = Mapping[Index, Fraction]
Slot = tuple[int, tuple[Index, ...]]  # number of a jet, and an index for each of its levels
Coordinate = tuple[str, int]  # a variable, and which coordinate of it (-1 for a scalar)


def functionals(jets: Sequence[Jet], active: Sequence[Coordinate]) -> dict[Slot, Functional]:
    """Every coefficient of some jets, as a combination of derivatives by the `active` coordinates."""
    return {
        (number, index): functional
        for number, jet in enumerate(jets)
        for index, functional in _of_jet(jet, active).items()
    }


def _of_jet(jet: Jet, active: Sequence[Coordinate]) -> dict[tuple[Index, ...], Functional]:
    """Expand u(x + seeds) by Taylor's theorem: the sum over b of u_b / b! times the b-th power of the seeds."""
    shape = [len(level.indices[0]) for level in jet.levels]
    allowed = {_joined(index): index for index in _grid([level.indices for level in jet.levels])}
    seeds: list[list[tuple[Index, Fraction]]] = [[] for _ in active]
    start = 0
    for level, width in zip(jet.levels, shape, strict=True):
        for seed in level.seeds:
            place = active.index((seed.variable, seed.number if seed.direction == "unit" else -1))
            index = (0,) * start + seed.index + (0,) * (sum(shape) - start - width)
            seeds[place].append((index, seed.scale))
        start += width
    found: dict[tuple[Index, ...], dict[Index, Fraction]] = {index: {} for index in allowed.values()}
    origin = (0,) * sum(shape)
    start_series: dict[Index, Fraction] = {origin: Fraction(1)}
    waiting: list[tuple[Index, int, dict[Index, Fraction]]] = [((0,) * len(active), 0, start_series)]
    while waiting:
        powers, first, series = waiting.pop()
        scale = Fraction(1)
        for power in powers:
            scale /= factorial(power)
        for index, factor in series.items():
            found[allowed[index]][powers] = factor * scale
        for place in range(first, len(active)):
            longer = _times(series, seeds[place], allowed.keys())
            if longer:
                raised = (*powers[:place], powers[place] + 1, *powers[place + 1 :])
                waiting.append((raised, place, longer))
    return dict(found)


def _grid(parts: Sequence[Sequence[Index]]) -> Iterator[tuple[Index, ...]]:
    if not parts:
        yield ()
        return
    for first in parts[0]:
        for rest in _grid(parts[1:]):
            yield (first, *rest)


def _joined(index: tuple[Index, ...]) -> Index:
    return tuple(entry for part in index for entry in part)


def _times(
    series: Mapping[Index, Fraction], seeds: Sequence[tuple[Index, Fraction]], allowed: Container[Index]
) -> dict[Index, Fraction]:
    found: dict[Index, Fraction] = {}
    for index, factor in series.items():
        for step, scale in seeds:
            total = tuple(a + b for a, b in zip(index, step, strict=True))
            if total in allowed:
                found[total] = found.get(total, Fraction(0)) + factor * scale
    return {index: factor for index, factor in found.items() if factor}


def solve(known: Mapping[Slot, Functional], wanted: Index) -> dict[Slot, Fraction] | None:
    """The combination of coefficients that is one derivative; None when there is none.

    Gaussian elimination over the rationals; a coefficient that is the derivative up to a factor is taken alone.
    """
    for slot, functional in known.items():
        if functional.keys() == {wanted}:
            return {slot: 1 / functional[wanted]}
    basis: dict[Index, tuple[dict[Index, Fraction], dict[Slot, Fraction]]] = {}
    for slot, functional in known.items():
        row, made = _reduced(dict(functional), {slot: Fraction(1)}, basis)
        if row:
            pivot = min(row)
            basis[pivot] = (row, made)
    rest, made = _reduced({wanted: Fraction(1)}, {}, basis)
    return None if rest else {slot: -factor for slot, factor in made.items() if factor}


def _reduced(
    row: dict[Index, Fraction],
    made: dict[Slot, Fraction],
    basis: Mapping[Index, tuple[Mapping[Index, Fraction], Mapping[Slot, Fraction]]],
) -> tuple[dict[Index, Fraction], dict[Slot, Fraction]]:
    """A row minus multiples of the basis; its pivots are the least indices, so one pass upwards is enough."""
    for pivot in sorted(basis):
        factor = row.get(pivot)
        if factor:
            other, recipe = basis[pivot]
            ratio = factor / other[pivot]
            for index, value in other.items():
                row[index] = row.get(index, Fraction(0)) - ratio * value
            for slot, value in recipe.items():
                made[slot] = made.get(slot, Fraction(0)) - ratio * value
    return {index: value for index, value in row.items() if value}, made
