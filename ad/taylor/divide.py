"""A fraction of a sum: the sum and a number enter, and a sum leaves whose parts hold the number.

The recurrence ``m y[m] = sum j x[j] p[m - j]`` ends in a division by m. Written as the last step, that division makes
y[m] a multiple of one array, and XLA computes such values anew wherever they are read: coefficient m would pay for all
coefficients below it again, and a series for the cube of its order. A value that adds two arrays is computed once. So
the number goes into the two parts of the last addition, where it meets the factors j and mostly costs nothing.
"""

from __future__ import annotations

from fractions import Fraction

from ...lang.builder import Builder
from ...lang.ir import Apply


def fraction_of(b: Builder, slot: int, number: Fraction) -> int | None:
    """The number times what a slot holds: of a sum, a sum; of a product, a product. None for anything else.

    A product with a sum counts as a sum: the other factor goes into the parts too.

    >>> from pushforward.lang.ir import F64
    >>> b = Builder("sum", [F64, F64])
    >>> total = b.apply("add", b.apply("mul", 0, b.constant(2.0)), 1)
    >>> b.definition(fraction_of(b, total, Fraction(1, 2))).operands[0]
    0
    """
    found = _sum(b, slot)
    if found is not None:
        return _spread(b, found, number, None)
    slot, own = _without_numbers(b, slot)
    match _named(b, slot):
        case "mul", (left, right):
            for factor, other in ((left, right), (right, left)):
                found = _sum(b, other)
                if found is not None:
                    return _spread(b, found, number * own, factor)
            return _part(b, slot, number * own, None)
        case _:
            return None


Sum = tuple[str, int, int, Fraction]


def _named(b: Builder, slot: int) -> tuple[str, tuple[int, ...]] | None:
    """The primitive that made a slot, and its operands."""
    step = b.definition(slot)
    return (step.op.primitive, step.operands) if step is not None and isinstance(step.op, Apply) else None


def _number(b: Builder, slot: int) -> Fraction | None:
    """The finite number that a slot is known to hold."""
    found = b.scalar(slot)
    return None if found is None or found - found != 0 else Fraction(found)


def _without_numbers(b: Builder, slot: int) -> tuple[int, Fraction]:
    """The array that a slot holds a multiple of, and the number."""
    total = Fraction(1)
    while True:
        match _named(b, slot):
            case "neg", (inner,):
                slot, total = inner, -total
            case "mul", (left, right):
                known = _number(b, left), _number(b, right)
                if known[0] is None and known[1] is None:
                    return slot, total
                slot, own = (right, known[0]) if known[0] is not None else (left, known[1])
                total *= own or 0
            case _:
                return slot, total


def _sum(b: Builder, slot: int) -> Sum | None:
    """A multiple of a sum or difference of two arrays: what it is, the two, and the number."""
    slot, number = _without_numbers(b, slot)
    match _named(b, slot):
        case ("add" | "sub") as name, (left, right):
            return name, left, right, number
        case _:
            return None


def _spread(b: Builder, found: Sum, number: Fraction, factor: int | None) -> int:
    name, left, right, own = found
    return b.apply(name, *(_part(b, part, number * own, factor) for part in (left, right)))


def _part(b: Builder, slot: int, number: Fraction, factor: int | None) -> int:
    """The number and the factor times one part of a sum, both in its first factor if it is a product."""
    inner, own = _without_numbers(b, slot)
    number *= own
    match _named(b, inner):
        case "mul", (left, right):
            (left, own), (right, other) = _without_numbers(b, left), _without_numbers(b, right)
            return b.apply("mul", _times(b, left, factor, number * own * other), right)
        case _:
            return _times(b, inner, factor, number)


def _times(b: Builder, slot: int, factor: int | None, number: Fraction) -> int:
    """``number * factor * slot``, the factor with the number first: several parts share it."""
    if factor is not None:
        return b.apply("mul", _times(b, factor, None, number), slot)
    return b.apply("mul", slot, b.constant(float(number), b.array_type(slot).dtype))
