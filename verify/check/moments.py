"""Moments of the random vectors that a plan may draw: the mean of a monomial in their entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod


def _sampled(powers: Sequence[int], n: int) -> Fraction:
    """A unit vector drawn uniformly: only powers of one entry survive."""
    return Fraction(1, n) if len(powers) == 1 else Fraction(0)


def _rademacher(powers: Sequence[int], n: int) -> Fraction:
    """Independent signs."""
    return Fraction(int(all(power % 2 == 0 for power in powers)))


def _gaussian(powers: Sequence[int], n: int) -> Fraction:
    """Independent standard normal numbers: (2k - 1)!! for the power 2k."""
    if any(power % 2 for power in powers):
        return Fraction(0)
    return Fraction(prod(prod(range(1, power, 2)) for power in powers))


def _sphere(powers: Sequence[int], n: int) -> Fraction:
    """A uniform unit vector: the Gaussian moment over n (n + 2) … (n + degree - 2)."""
    return _gaussian(powers, n) / prod(range(n, n + sum(powers), 2))


LAWS: dict[str, Callable[[Sequence[int], int], Fraction]] = {
    "sampled": _sampled,
    "rademacher": _rademacher,
    "gaussian": _gaussian,
    "sphere": _sphere,
}


def mean(law: str, entries: Sequence[int], n: int) -> Fraction:
    """The mean of a product of entries, named by their numbers, of a vector of length n.

    >>> mean("gaussian", [0, 0, 0, 0, 1, 1], 9), mean("sphere", [0, 0], 4)
    (Fraction(3, 1), Fraction(1, 4))
    """
    return LAWS[law](list(Counter(entries).values()), n) if entries else Fraction(1)
