"""Properties of first derivatives: the two modes agree with each other and with the slope of the values.

dot: <u, J v> by forward mode equals <J' u, v> by reverse mode. curve: along x + t v, both equal what the values do.
precision: the same comparison to all digits, for errors that are small everywhere. Huot, Staton & Vákár (2022,
arXiv 2101.06757) state the curve property as the correctness of the whole macro.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .point import Missing, Point, Property, Slope, Subject, Unusable, Violation, brief, inner, largest, magnitude

DOT = 1e-8
COARSE = 1e-5  # wrong derivatives differ by more, rounding of the slope by less
FINE = 2e-9
LOW = 5e-3  # for programs in f32


@dataclass(frozen=True, slots=True)
class Gap:
    """What a rule gives against what values do: their distance and the scale to compare it with."""

    off: float
    scale: float
    expected: str
    actual: str
    mode: str
    shows: tuple[str, ...]


def _dot(subject: Subject, point: Point) -> Violation | None:
    try:
        y_dot, x_bar = subject.jvp(point.x, point.x_dot)[1], subject.vjp(point.x, point.y_bar)[1]
    except Missing as missing:
        raise Missing(f"needs both modes: {missing}") from None
    pushed, pulled = inner(point.y_bar, y_dot), inner(x_bar, point.x_dot)
    scale = magnitude(point.y_bar, y_dot) + magnitude(x_bar, point.x_dot) + 1e-12
    allowed = LOW if subject.low_precision else DOT
    _refuse_nonfinite(pushed, pulled)
    if abs(pushed - pulled) <= allowed * scale:
        return None
    return Violation(
        "forward and reverse mode disagree",
        abs(pushed - pulled) / scale,
        f"<y_bar, J x_dot> = {pushed!r}",
        f"<J' y_bar, x_dot> = {pulled!r}",
        shows=("x", "x_dot", "y_bar"),
    )


def _curve(subject: Subject, point: Point) -> Violation | None:
    slope, gaps = _gaps(subject, point)
    allowed = LOW if subject.low_precision else COARSE
    worst = max(gaps, key=lambda gap: gap.off / gap.scale)
    if worst.off <= allowed * worst.scale + 10 * slope.error:
        return None
    return Violation(
        f"the derivative by {worst.mode} is not the slope of the values",
        worst.off / worst.scale,
        f"{worst.expected} ({slope.how})",
        worst.actual,
        worst.mode,
        worst.shows,
    )


def _precision(subject: Subject, point: Point) -> Violation | None:
    if subject.low_precision:
        raise Missing("the arguments or results have fewer digits than f64")
    slope, gaps = _gaps(subject, point)
    found = [gap for gap in [*gaps, *_values(subject, point)] if gap.off > FINE * gap.scale + 20 * slope.error]
    if not found:
        if all(slope.error > 1e-8 * gap.scale for gap in gaps):
            raise Unusable("the slope of the values is not known to enough digits")
        return None
    worst = max(found, key=lambda gap: gap.off / gap.scale)
    size = worst.off / worst.scale
    if size > COARSE:
        return None  # no matter of precision: the curve property shows it
    digits = int(-np.log10(size))
    like = ": looks like float32" if 2**-33 < size < 2**-20 else ""
    return Violation(
        f"{worst.mode} agrees with the exact numbers to {digits} digits only{like}",
        size,
        worst.expected,
        worst.actual,
        worst.mode,
        worst.shows,
        hint="look for a cast to float32 (or a tolerance of an inner solver) on the way" if like else None,
    )


def _gaps(subject: Subject, point: Point) -> tuple[Slope, list[Gap]]:
    """The gap of every rule there is."""
    sides: tuple[Callable[..., Gap], ...] = (_forward_gap, _reverse_gap)
    found, missing = [], []
    slope: Slope | None = None
    for gap in sides:
        try:
            derivative = (subject.jvp if gap is _forward_gap else subject.vjp)(
                point.x, point.x_dot if gap is _forward_gap else point.y_bar
            )[1]
        except Missing as reason:
            missing.append(str(reason))
            continue
        slope = slope or subject.slope(point.x, point.x_dot)
        found.append(gap(subject, point, slope, derivative))
    if slope is None or not found:
        raise Missing("; ".join(missing))
    return slope, found


def _forward_gap(subject: Subject, point: Point, slope: Slope, y_dot: Any) -> Gap:
    floor = _floor(subject, point)
    gaps = [
        _element(found, wanted, floor) for found, wanted in zip(y_dot, slope.values, strict=True) if found is not None
    ]
    off, scale, expected, actual = max(gaps, key=lambda gap: gap[0] / gap[1], default=(0.0, 1.0, "", ""))
    return Gap(off, scale, f"y_dot = {expected}", f"y_dot = {actual}", "forward mode (jvp)", ("x", "x_dot"))


def _element(found: Any, wanted: Any, floor: float) -> tuple[float, float, str, str]:
    """The worst element of one result: off by, scale, and both values."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    if not np.all(np.isfinite(found)):
        raise Unusable("the derivative is not finite")
    off = float(np.max(np.abs(found - wanted), initial=0.0))
    return off, largest([found, wanted]) + floor, brief(wanted), brief(found)


def _reverse_gap(subject: Subject, point: Point, slope: Slope, x_bar: Any) -> Gap:
    pulled, pushed = inner(x_bar, point.x_dot), inner(point.y_bar, slope.values)
    _refuse_nonfinite(pulled, pushed)
    scale = magnitude(x_bar, point.x_dot) + magnitude(point.y_bar, slope.values)
    scale += _floor(subject, point) * largest(point.y_bar) + 1e-100
    expected, actual = f"<x_bar, x_dot> = {pushed!r}", f"<x_bar, x_dot> = {pulled!r}"
    return Gap(abs(pulled - pushed), scale, expected, actual, "reverse mode (vjp)", ("x", "x_dot", "y_bar"))


def _floor(subject: Subject, point: Point) -> float:
    """A scale below which derivatives are rounding of the values."""
    return 1e-6 * largest(subject.value(point.x)) + 1e-10 * largest(point.x_dot) + 1e-100


def _values(subject: Subject, point: Point) -> Iterator[Gap]:
    """The values against the many-digit evaluator, for subjects that have one."""
    exact = getattr(subject, "exact", None)
    if exact is None:
        return
    try:
        wanted = exact(point.x)
    except Unusable:
        return
    for found, right in zip(subject.value(point.x), wanted, strict=True):
        if np.asarray(found).dtype.kind == "f":
            off, scale, expected, actual = _element(found, right, 1e-100)
            yield Gap(off, scale, f"y = {expected}", f"y = {actual}", "the value", ("x",))


def _refuse_nonfinite(*numbers: float) -> None:
    if not np.all(np.isfinite(numbers)):
        raise Unusable("the derivative is not finite")


DOT_TEST = Property("dot", "forward and reverse mode agree: <u, J v> = <J' u, v>", "random directions", _dot)
CURVE = Property("curve", "derivatives are the slopes of the values along curves", "slopes from values alone", _curve)
PRECISION = Property(
    "precision", "derivatives have the digits of f64", "slopes from values alone", _precision, majority=True
)
