"""Exact arithmetic of truncated series whose coefficients are polynomials with rational coefficients.

A polynomial maps monomials (sorted tuples of symbols, repeated as often as their power) to rationals. A series maps
multi-indices to polynomials. Symbols stand for what a plan does not know: entries of matrices, and random vectors.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from fractions import Fraction

Index = tuple[int, ...]
Symbol = tuple[str, int, int]
Monomial = tuple[Symbol, ...]
Polynomial = dict[Monomial, Fraction]
Series = dict[Index, Polynomial]


def constant(value: Fraction | int) -> Polynomial:
    """A number as a polynomial."""
    return {(): Fraction(value)} if value else {}


def symbol(name: str, i: int, j: int = 0) -> Polynomial:
    """An unknown as a polynomial."""
    return {((name, i, j),): Fraction(1)}


def add(left: Mapping[Monomial, Fraction], right: Mapping[Monomial, Fraction]) -> Polynomial:
    """The sum of two polynomials, without zero terms."""
    total = dict(left)
    for monomial, value in right.items():
        total[monomial] = total.get(monomial, Fraction(0)) + value
    return {monomial: value for monomial, value in total.items() if value}


def multiply(left: Mapping[Monomial, Fraction], right: Mapping[Monomial, Fraction]) -> Polynomial:
    """The product of two polynomials.

    >>> multiply(symbol("v", 1), add(symbol("v", 0), constant(2)))
    {(('v', 0, 0), ('v', 1, 0)): Fraction(1, 1), (('v', 1, 0),): Fraction(2, 1)}
    """
    total: Polynomial = {}
    for one, value in left.items():
        for other, factor in right.items():
            monomial = tuple(sorted(one + other))
            total[monomial] = total.get(monomial, Fraction(0)) + value * factor
    return {monomial: value for monomial, value in total.items() if value}


def truncated_product(left: Series, right: Series, kept: Container[Index]) -> Series:
    """The product of two series at the kept indices."""
    total: Series = {}
    for one, value in left.items():
        for other, factor in right.items():
            index = tuple(a + b for a, b in zip(one, other, strict=True))
            if index in kept:
                total[index] = add(total.get(index, {}), multiply(value, factor))
    return {index: value for index, value in total.items() if value}


def exponents(count: int, degree: int, most: int | None = None) -> Iterator[Index]:
    """Exponents of monomials in `count` variables up to a total degree; non-increasing ones when `most` is given."""
    if count == 0:
        yield ()
        return
    for first in range(min(degree, degree if most is None else most), -1, -1):
        for rest in exponents(count - 1, degree - first, None if most is None else first):
            yield (first, *rest)
