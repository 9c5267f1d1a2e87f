"""When numbers agree: two ways to one answer enter, a `Failure` is raised when they differ.

A number agrees when it differs by at most the tolerance times one plus the magnitudes that went into it. Where that
fails, the program may be ill-conditioned at the point: what rounding the inputs (relative 1e-14) moves is measured, and
a thousand times that is allowed as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
Move = Callable[[Sequence[np.ndarray]], Arrays]
Again = Callable[[Move], Sequence[Any]]
VALUE, DERIVATIVE, SECOND = 1e-10, 1e-8, 1e-6


class Failure(Exception):
    """Raised inside a check with the words of the disagreement."""


def agree(
    got: Sequence[Any],
    expected: Sequence[Any],
    tolerance: float,
    what: str,
    again: Again | None = None,
    scale: float = 1.0,
) -> None:
    """Raise `Failure` unless all arrays are close; `again` computes `got` at inputs it moves."""
    if len(got) != len(expected):
        raise Failure(f"{what}: {len(got)} results for {len(expected)}")
    allowed = tolerance * (scale + max(map(largest, expected), default=0.0))
    for place, (one, other) in enumerate(zip(got, expected, strict=True)):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            raise Failure(f"{what}: shapes {one.shape} and {other.shape}")
        difference = apart(one, other)
        if difference > allowed:
            moved = 0.0 if again is None else _moved(again)
            if difference > allowed + 1e3 * moved:
                found = f"result {place} is {one.tolist()}, expected {_shown(other)}"
                raise Failure(f"{what}: {found}; off by {difference:.3g}")


def _moved(again: Again) -> float:
    """By how much results change when inputs are moved by rounding; an infinite change excuses nothing."""
    moved = max((apart(a, b) for a, b in zip(again(_rounded), again(list), strict=True)), default=0.0)
    return moved if math.isfinite(moved) else 0.0


def apart(left: Any, right: Any) -> float:
    """The largest distance of two arrays of one shape; infinite where one of them is not finite and the other differs.

    >>> apart([1.0, 2.0], [1.0, 2.5]), apart([0.0, math.nan], [0.0, 1.0]), apart([math.inf], [math.inf])
    (0.5, inf, 0.0)
    """
    pairs = zip(np.asarray(left).flat, np.asarray(right).flat, strict=True)
    return max((_distance(x, y) for x, y in pairs), default=0.0)


def _distance(x: Any, y: Any) -> float:
    if x == y or (x != x and y != y):
        return 0.0
    found = abs(float(x - y)) if not isinstance(x, bool | np.bool_) else 1.0
    return found if math.isfinite(found) else math.inf


def largest(array: Any) -> float:
    """The largest magnitude among the finite numbers of an array of floats."""
    array = np.asarray(array)
    if array.dtype.kind not in "fO":
        return 0.0
    return max((size for size in (float(abs(x)) for x in array.flat) if math.isfinite(size)), default=0.0)


def _shown(array: np.ndarray) -> Any:
    return np.vectorize(float, otypes=[float])(array).tolist() if array.size else []


def _rounded(xs: Sequence[np.ndarray]) -> Arrays:
    """The inputs moved by a relative 1e-14, up and down by turns."""
    return [x * (1 + 1e-14 * (-1) ** k) if x.dtype.kind == "f" else x for k, x in enumerate(xs)]
