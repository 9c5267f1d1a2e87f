"""Sizes: integer polynomials in named size variables, in normal form.

A size is an `int` when it is known and a `Poly` when it is not, so equal sizes are equal values and concrete programs
carry plain integers. All arithmetic goes through `add`, `sub`, `mul`, which return `int` whenever nothing symbolic is
left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Monomial = tuple[tuple[str, int], ...]  # ((variable, power), …), sorted by variable; () is the constant term


@dataclass(frozen=True, slots=True)
class Poly:
    """A polynomial with at least one variable: sorted ``(monomial, coefficient)`` pairs, no zero coefficients."""

    terms: tuple[tuple[Monomial, int], ...]

    def __str__(self) -> str:
        return show(self)

    __repr__ = __str__

    def __add__(self, other: Size) -> Size:
        return add(self, other)

    def __sub__(self, other: Size) -> Size:
        return sub(self, other)

    def __rsub__(self, other: int) -> Size:
        return sub(other, self)

    def __mul__(self, other: Size) -> Size:
        return mul(self, other)

    __radd__, __rmul__ = __add__, __mul__


Size = int | Poly


def variable(name: str) -> Poly:
    """The size that is one variable."""
    return Poly(((((name, 1),), 1),))


def _terms(size: Size) -> dict[Monomial, int]:
    if isinstance(size, int):
        return {(): size} if size else {}
    return dict(size.terms)


def _make(terms: dict[Monomial, int]) -> Size:
    kept = tuple(sorted((monomial, count) for monomial, count in terms.items() if count))
    if not kept:
        return 0
    if len(kept) == 1 and kept[0][0] == ():
        return kept[0][1]
    return Poly(kept)


def add(left: Size, right: Size) -> Size:
    """Sum of two sizes."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    terms = _terms(left)
    for monomial, count in _terms(right).items():
        terms[monomial] = terms.get(monomial, 0) + count
    return _make(terms)


def mul(left: Size, right: Size) -> Size:
    """Product of two sizes."""
    if isinstance(left, int) and isinstance(right, int):
        return left * right
    terms: dict[Monomial, int] = {}
    for first, count in _terms(left).items():
        for second, other in _terms(right).items():
            monomial = _times(first, second)
            terms[monomial] = terms.get(monomial, 0) + count * other
    return _make(terms)


def _times(first: Monomial, second: Monomial) -> Monomial:
    powers = dict(first)
    for name, power in second:
        powers[name] = powers.get(name, 0) + power
    return tuple(sorted(powers.items()))


def sub(left: Size, right: Size) -> Size:
    """Difference of two sizes."""
    return add(left, mul(-1, right))


def product(sizes: tuple[Size, ...]) -> Size:
    """Product of a shape: the number of its elements."""
    total: Size = 1
    for size in sizes:
        total = mul(total, size)
    return total


class OpenSize(Exception):
    """Raised where a size must be a number and is not."""


def known(size: Size) -> int:
    """A size that must be a number; `OpenSize` when it is not.

    >>> known(3)
    3
    """
    if isinstance(size, Poly):
        raise OpenSize(size)
    return size


def least(size: Size) -> int | None:
    """The least value of a size whose variables are at least one; None when some of them make it smaller.

    >>> least(sub(mul(2, variable("n")), 1)), least(sub(3, variable("n")))
    (1, None)
    """
    terms = _terms(size)
    return sum(terms.values()) if all(count > 0 for monomial, count in terms.items() if monomial) else None


def variables(size: Size) -> frozenset[str]:
    """The names that occur in a size."""
    if isinstance(size, int):
        return frozenset()
    return frozenset(name for monomial, _ in size.terms for name, _ in monomial)


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """Replace variables by sizes; names that `values` lacks stay."""
    if isinstance(size, int) or not values:
        return size
    total: Size = 0
    for monomial, count in size.terms:
        term: Size = count
        for name, power in monomial:
            factor = values.get(name)
            for _ in range(power):
                term = mul(term, variable(name) if factor is None else factor)
        total = add(total, term)
    return total


def show(size: Size) -> str:
    """A size as the language writes it: ``2*n*m - n + 1``."""
    if isinstance(size, int):
        return str(size)
    text = ""
    for monomial, count in sorted(size.terms, key=lambda term: (-sum(p for _, p in term[0]), term[0])):
        factors = [name for name, power in monomial for _ in range(power)]
        if abs(count) != 1 or not factors:
            factors.insert(0, str(abs(count)))
        sign = "-" if count < 0 else "+"
        body = " * ".join(factors)
        text += (f"-{body}" if sign == "-" else body) if not text else f" {sign} {body}"
    return text
