"""Small witnesses: a point at which a property fails enters, a simpler one at which it still fails leaves.

Lengths shrink first, then whole arrays, then single numbers, towards 0, 1 and small integers. A candidate counts only
when the same check fails there with an error that is not much smaller, so a clear failure never shrinks to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .point import Arrays, Check, Missing, Point, Unusable, Violation, WrongShape

MOST_CHECKS = 300
_PARTS = ("x", "x_dot", "y_bar", "x_dot2", "y_bar2")
_SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5)


class _Search:
    """The best failing point so far, and how many checks are left."""

    def __init__(self, check: Check, subject: Any, point: Point, violation: Violation) -> None:
        self.check, self.subject, self.point, self.violation = check, subject, point, violation
        self.left = MOST_CHECKS

    def accept(self, point: Point) -> bool:
        """Whether the property fails here too; then the point is the new best."""
        if self.left <= 0:
            return False
        self.left -= 1
        point = replace(point, label="a smaller point")
        try:
            subject = self.subject.resized(point.x)
            found = self.check(subject, point)
        except (Unusable, Missing, WrongShape):
            return False
        if found is None or found.message != self.violation.message or found.size < 0.01 * self.violation.size:
            return False
        self.subject, self.point, self.violation = subject, point, found
        return True


def shrink(check: Check, subject: Any, point: Point, violation: Violation) -> tuple[Any, Point, Violation]:
    """The simplest failing point that a greedy search of bounded length finds."""
    search = _Search(check, subject, point, violation)
    while search.left > 0 and _shorter(search):
        pass
    for part in _PARTS:
        for leaf, array in enumerate(getattr(search.point, part)):
            if array is not None:
                _simpler_array(search, part, leaf)
    return search.subject, search.point, search.violation


def _shorter(search: _Search) -> bool:
    """Try to cut every axis of one length, in all arguments together."""
    lengths = sorted({length for array in search.point.x for length in np.shape(array) if length > 1}, reverse=True)
    return any(
        search.accept(cut)
        for length in lengths
        for new in _lengths(length)
        if (cut := _cut(search, length, new)) is not None
    )


def _lengths(length: int) -> list[int]:
    return sorted({1, 2, 3, length // 2, length - 1} & set(range(1, length)))


def _cut(search: _Search, old: int, new: int) -> Point | None:
    """The point with axes of one length cut; cotangents are cut to the results that the subject then has."""
    point = search.point

    def short(array: Any) -> Any:
        if array is None:
            return None
        array = np.asarray(array)
        return array[tuple(slice(0, new) if size == old else slice(None) for size in array.shape)]

    x = tuple(short(array) for array in point.x)
    try:
        y = search.subject.resized(x).value(x)
    except Unusable:
        return None
    bars = []
    for bar in (point.y_bar, point.y_bar2):
        bars.append(tuple(_fitted(u, np.shape(v)) for u, v in zip(bar, y, strict=True)) if bar else ())
    dots = [tuple(short(v) for v in dot) for dot in (point.x_dot, point.x_dot2)]
    return replace(point, x=x, x_dot=dots[0], x_dot2=dots[1], y_bar=bars[0], y_bar2=bars[1])


def _fitted(bar: Any, shape: tuple[int, ...]) -> Any:
    if bar is None:
        return None
    bar = np.asarray(bar)
    if bar.ndim != len(shape) or any(a < b for a, b in zip(bar.shape, shape, strict=True)):
        return np.ones(shape, bar.dtype)
    return bar[tuple(slice(0, size) for size in shape)]


def _simpler_array(search: _Search, part: str, leaf: int) -> None:
    """Whole arrays first, then one number after the other."""
    array = np.asarray(getattr(search.point, part)[leaf])
    for number in (0, 1):
        if search.accept(_with(search.point, part, leaf, np.full_like(array, number))):
            break
    array = np.asarray(getattr(search.point, part)[leaf])
    for place in np.ndindex(array.shape):
        now = np.asarray(getattr(search.point, part)[leaf])
        for number in _simpler(now[place].item()):
            changed = np.array(now)
            changed[place] = number
            if search.accept(_with(search.point, part, leaf, changed)):
                break


def _simpler(value: Any) -> Iterator[Any]:
    """Simpler numbers than this one, the simplest first."""
    if isinstance(value, bool):
        if value:
            yield False
        return
    candidates: list[Any] = [number for number in _SIMPLE if not isinstance(value, int) or number == int(number)]
    if isinstance(value, float):
        candidates += [float(round(value)), round(value, 1), round(value, 2)]
    for number in candidates:
        if number == value:
            return
        yield type(value)(number)


def _with(point: Point, part: str, leaf: int, array: Any) -> Point:
    arrays: Arrays = getattr(point, part)
    return replace(point, **{part: (*arrays[:leaf], array, *arrays[leaf + 1 :])})
