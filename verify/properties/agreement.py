"""When numbers agree: two ways to one answer enter, a `Failure` is raised when they differ.

A number agrees when it differs by at most the tolerance times one plus the magnitudes that went into it. Where that
fails, the program may be ill-conditioned at the point: what rounding the inputs (relative 1e-14) moves is measured, and
a thousand times that is allowed as well.
"""

from __future__ import annotations

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
    allowed = tolerance * (scale + max((largest(e) for e in expected), default=0.0))
    for place, (one, other) in enumerate(zip(got, expected, strict=True)):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            raise Failure(f"{what}: shapes {one.shape} and {other.shape}")
        difference = largest(one - other) if one.dtype.kind in "fO" else float(np.any(one != other))
        if difference > allowed or difference != difference:
            moved = 0.0 if again is None else _moved(again)
            if not difference <= allowed + 1e3 * moved:
                found = f"result {place} is {one.tolist()}, expected {_shown(other)}"
                raise Failure(f"{what}: {found}; off by {difference:.3g}")


def _moved(again: Again) -> float:
    """By how much results change when inputs are moved by rounding."""
    pairs = zip(again(_rounded), again(list), strict=True)
    return max((largest(np.asarray(a) - b) for a, b in pairs), default=0.0)


def largest(array: Any) -> float:
    array = np.asarray(array)
    return max((float(abs(x)) for x in array.flat), default=0.0) if array.dtype.kind in "fO" else 0.0


def _shown(array: np.ndarray) -> Any:
    return np.vectorize(float, otypes=[float])(array).tolist() if array.size else []


def _rounded(xs: Sequence[np.ndarray]) -> Arrays:
    """The inputs moved by a relative 1e-14, up and down by turns."""
    return [x * (1 + 1e-14 * (-1) ** k) if x.dtype.kind == "f" else x for k, x in enumerate(xs)]
