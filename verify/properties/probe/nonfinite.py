"""NaN-safety: where the value is finite and has a slope to some side, the derivative is finite too.

Looked at where functions have kinks: at zeros, at ties, at ones. A derivative that is infinite because the function
rises without bound (the square root at 0) is right; one that is nan because a rule multiplied 0 by inf is not. For
rules written by hand a cotangent of zeros is tried as well: it must give zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .point import EXAMPLE, Arrays, Missing, Point, Property, Subject, Unusable, Violation, brief, finite, largest


def _safe(subject: Subject, point: Point) -> Violation | None:
    if not finite(subject.value(point.x)):
        raise Unusable("the value is not finite")
    if point.label != EXAMPLE and not subject.in_domain(point.x):
        raise Unusable("an operation on the way leaves its domain")
    if not subject.has_rules and largest(point.y_bar) == 0:
        raise Unusable("a cotangent of zeros says nothing here")
    found, missing = [], []
    for side in (_reverse, _forward):
        try:
            found.append(side(subject, point))
        except Missing as reason:
            missing.append(str(reason))
    if not found:
        raise Missing("; ".join(missing))
    return next((violation for violation in found if violation is not None), None)


def _reverse(subject: Subject, point: Point) -> Violation | None:
    zeros = tuple(None if u is None else np.zeros_like(u) for u in point.y_bar)
    for y_bar in (point.y_bar, zeros) if subject.has_rules else (point.y_bar,):
        x_bar = subject.vjp(point.x, y_bar)[1]
        for leaf, place in _bad(x_bar):
            axis = tuple(_unit(v, place if k == leaf else None) for k, v in enumerate(point.x_dot))
            slope = _either(subject.one_sided(point.x, axis, y_bar))
            if slope is not None:
                name = subject.leaves[leaf].name + (str(list(place)) if place else "")
                expected = f"slope {slope:.6g} of <y_bar, f> along {name}, y_bar = {_shown(y_bar)}"
                return _violation("vjp", expected, f"cotangent of {name} = {float(np.asarray(x_bar[leaf])[place])}")
    return None


def _forward(subject: Subject, point: Point) -> Violation | None:
    y_dot = subject.jvp(point.x, point.x_dot)[1]
    bad = next(_bad(y_dot), None)
    if bad is None:
        return None
    y_bar = tuple(_unit(v, bad[1] if k == bad[0] else None) for k, v in enumerate(y_dot))
    slope = _either(subject.one_sided(point.x, point.x_dot, y_bar))
    if slope is None:
        return None
    return _violation("jvp", f"slope {slope:.6g}", f"y_dot = {brief(y_dot[bad[0]])}", ("x", "x_dot"))


def _violation(mode: str, expected: str, actual: str, shows: tuple[str, ...] = ("x",)) -> Violation:
    return Violation(
        f"the value is finite, the derivative by {mode} is not",
        1.0,
        expected,
        actual,
        mode,
        shows,
        "a guard has to keep the bad operand away from the operation, not only from the result",
    )


def _bad(arrays: Arrays) -> Iterator[tuple[int, tuple[int, ...]]]:
    for leaf, array in enumerate(arrays):
        if array is not None:
            for place in np.argwhere(~np.isfinite(np.asarray(array, float))):
                yield leaf, tuple(int(k) for k in place)


def _unit(like: Any, place: tuple[int, ...] | None) -> Any:
    if like is None:
        return None
    array = np.zeros_like(np.asarray(like))
    if place is not None:
        array[place] = 1
    return array


def _either(sides: tuple[float | None, float | None]) -> float | None:
    return sides[1] if sides[1] is not None else sides[0]


def _shown(y_bar: Arrays) -> str:
    return ", ".join(brief(u) for u in y_bar if u is not None)


FINITE = Property(
    "finite", "where value and slope are finite, so is the derivative", "zeros, ties and ones", _safe, special=True
)
