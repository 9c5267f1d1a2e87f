"""Where a property is looked at, and what a look can say: a subject and a point enter a check, an outcome leaves it.

A check returns None (it holds here) or a `Violation`, and raises `Unusable` where nothing can be said: outside the
domain, too near a kink, or without the rule that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Arrays = tuple[Any, ...]  # one NumPy array per leaf; None where a leaf has no tangent


EXAMPLE = "the example"  # the label of the point that the user gave


@dataclass(frozen=True, slots=True)
class Leaf:
    """One array of an argument: what it is called, its dtype and shape, whether it is differentiated by."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class Point:
    """Arguments, two directions at them and two cotangents of the results."""

    x: Arrays
    x_dot: Arrays
    y_bar: Arrays
    x_dot2: Arrays
    y_bar2: Arrays
    label: str = "a random point"


@dataclass(frozen=True, slots=True)
class Violation:
    """A property that fails at a point. `size` is the relative error; `shows` names the parts of the point it needs."""

    message: str
    size: float
    expected: str
    actual: str
    mode: str = ""
    shows: tuple[str, ...] = ("x",)
    hint: str | None = None


class Unusable(Exception):
    """Nothing can be said about a property at a point; the text says why. `kink` marks points too near a kink."""

    def __init__(self, why: str, kink: bool = False) -> None:
        super().__init__(why)
        self.kink = kink


class Missing(Unusable):
    """Nothing can be said at any point: the subject lacks what the property is about."""


class WrongShape(Unusable):
    """A rule gave an array of another shape or structure than it must."""

    def __init__(self, why: str, expected: str, actual: str, mode: str) -> None:
        super().__init__(why)
        self.expected, self.actual, self.mode = expected, actual, mode


@dataclass(frozen=True, slots=True)
class Slope:
    """The derivative of every result along a direction, found from values alone, and its estimated error."""

    values: Arrays
    error: float
    how: str


class Subject(Protocol):
    """What is probed: values, the rules under test, and slopes that share nothing with the rules."""

    @property
    def name(self) -> str: ...

    @property
    def leaves(self) -> tuple[Leaf, ...]: ...

    @property
    def low_precision(self) -> bool:
        """Computes in fewer digits than f64, so that only coarse comparisons make sense."""
        ...

    @property
    def has_rules(self) -> bool:
        """Derivatives are, or contain, rules that somebody wrote by hand."""
        ...

    def value(self, x: Arrays) -> Arrays:
        """The results."""
        ...

    def jvp(self, x: Arrays, x_dot: Arrays) -> tuple[Arrays | None, Arrays]:
        """The results, if the rule gives them, and the tangents of the results (None for those that have none)."""
        ...

    def vjp(self, x: Arrays, y_bar: Arrays) -> tuple[Arrays | None, Arrays]:
        """The results, if the rule gives them, and one cotangent per active leaf (None for the others)."""
        ...

    def slope(self, x: Arrays, x_dot: Arrays) -> Slope:
        """The derivative along a direction by values alone."""
        ...

    def one_sided(self, x: Arrays, x_dot: Arrays, y_bar: Arrays) -> tuple[float | None, float | None]:
        """Slopes of <y_bar, f> to the left and to the right; None where there is none or it grows without bound."""
        ...

    def in_domain(self, x: Arrays) -> bool:
        """Whether the value is finite for a better reason than an operation that swallowed inf or nan."""
        ...

    def lanes(self, rows: Sequence[Arrays]) -> Arrays:
        """The results on stacked arguments, by the batched form of the subject."""
        ...

    def resized(self, x: Arrays) -> Subject:
        """The same subject for arguments of these shapes."""
        ...


Check = Callable[[Any, Point], Violation | None]


@dataclass(frozen=True, slots=True)
class Property:
    """One property: its name, what holding means, how it is looked at.

    `special` properties are looked at where functions have kinks instead of at random points. With `majority` a
    failure counts only when at least half of the points show it. `most` bounds the number of points.
    """

    name: str
    holds: str
    method: str
    check: Check
    special: bool = False
    majority: bool = False
    most: int = 1_000


def inner(left: Sequence[Any], right: Sequence[Any]) -> float:
    """The sum of products over the pairs where both sides are there."""
    pairs = zip(left, right, strict=True)
    return float(sum(np.sum(np.asarray(a, float) * b) for a, b in pairs if a is not None and b is not None))


def magnitude(left: Sequence[Any], right: Sequence[Any]) -> float:
    """The sum of absolute products: the scale that errors of `inner` are compared with."""
    pairs = zip(left, right, strict=True)
    return float(sum(np.sum(np.abs(np.asarray(a, float) * b)) for a, b in pairs if a is not None and b is not None))


def largest(arrays: Sequence[Any]) -> float:
    """The greatest absolute value, 0 for nothing."""
    return max((float(np.max(np.abs(a))) for a in arrays if a is not None and np.size(a)), default=0.0)


def finite(arrays: Sequence[Any]) -> bool:
    """Whether every float is finite."""
    return all(a is None or np.asarray(a).dtype.kind != "f" or bool(np.all(np.isfinite(a))) for a in arrays)


def combined(a: float, left: Sequence[Any], b: float, right: Sequence[Any]) -> Arrays:
    """``a left + b right``, leaf by leaf."""
    return tuple(
        None if v is None else np.asarray(a * np.asarray(v) + b * np.asarray(w), np.asarray(v).dtype)
        for v, w in zip(left, right, strict=True)
    )


def brief(value: Any) -> str:
    """A number or array in one short line."""
    if isinstance(value, float):
        return repr(value)
    text = np.array2string(np.asarray(value), threshold=8, precision=17, separator=", ")
    return " ".join(text.split())
