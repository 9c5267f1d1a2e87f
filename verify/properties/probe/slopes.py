"""Derivatives from values: a function of one number enters, its slope at 0 and an error estimate leave.

With many digits a central difference of a tiny step is enough. In floating point it is extrapolated (Ridders, Advances
in Engineering Software 4(2), 1982): the tableau gives the value and its error together. Both look for kinks first:
left and right slopes of a smooth function approach each other in proportion to the step, at a kink they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .point import Slope, Unusable

Line = Callable[[Any], np.ndarray]  # a step to all float results in one row, in any arithmetic

_LEVELS = 10
_HALVINGS = 14


def exact_slope(line: Line, number: Callable[[Any], Any], shapes: Sequence[Any]) -> Slope:
    """The slope by numbers of 50 digits; about 30 of them are right."""
    step = number("1e-18")
    _refuse_kinks(line, [number("1e-4"), number("1e-6")])
    rise = (line(step) - line(-step)) / (2 * step)
    values = np.array([_real(item) for item in rise], float)
    return Slope(split(values, shapes), 1e-15 * float(np.max(np.abs(values), initial=0.0)), "50 digits")


def float_slope(line: Line, dtype: type, shapes: Sequence[Any]) -> Slope:
    """The slope by extrapolated central differences in floating point."""
    step = _usable_step(line, dtype)
    _refuse_kinks(line, [step, step / 10, step / 100])
    values, error = _ridders(line, step)
    if not np.all(np.isfinite(values)):
        raise Unusable("the function is not smooth enough to difference here")
    _confirm(line, values, step / 4096, float(np.finfo(dtype).eps))
    return Slope(split(values.astype(float), shapes), error, f"differences in {np.dtype(dtype).name}")


def _usable_step(line: Line, dtype: type) -> Any:
    """The greatest step of a falling row at which both sides are finite."""
    step = dtype(0.03125)
    for _ in range(_HALVINGS):
        if np.all(np.isfinite(line(step))) and np.all(np.isfinite(line(-step))):
            return step
        step = step / 2
    raise Unusable("the function is not finite around this point")


def _ridders(line: Line, step: Any) -> tuple[np.ndarray, float]:
    """Each result takes the entry of the tableau that its neighbours agree with best."""
    previous: list[np.ndarray] = []
    best = np.zeros(np.shape(line(step)))
    error = np.full(best.shape, np.inf)
    for level in range(_LEVELS):
        row = [(line(step) - line(-step)) / (2 * step)]
        for place in range(level):
            row.append(row[place] + (row[place] - previous[place]) / (4 ** (place + 1) - 1))
            spread = np.maximum(abs(row[-1] - row[-2]), abs(row[-1] - previous[place])).astype(float)
            better = spread < error
            best, error = np.where(better, row[-1], best), np.where(better, spread, error)
        previous, step = row, step / 2
    return best, float(np.max(error, initial=0.0))


def _confirm(line: Line, values: np.ndarray, step: Any, eps: float) -> None:
    """Raise when a difference at close range is another slope: wide steps went over several kinks."""
    near = (line(step) - line(-step)) / (2 * step)
    noise = 50 * eps * (1 + np.abs(line(step * 0))) / step
    if np.any(np.abs(near - values) > 1e-5 * (np.abs(near) + np.abs(values)) + noise):
        raise Unusable("too near a kink", kink=True)


def _refuse_kinks(line: Line, steps: Sequence[Any]) -> None:
    """Raise when left and right slopes stay apart while the step falls."""
    middle = line(steps[0] * 0)
    gaps, scales = [], []
    for step in steps:
        right, left = (line(step) - middle) / step, (middle - line(-step)) / step
        gaps.append(np.array([abs(_real(item)) for item in right - left], float))
        scales.append(np.array([abs(_real(a)) + abs(_real(b)) for a, b in zip(right, left, strict=True)], float))
    size = np.array([abs(_real(item)) for item in middle], float)
    for (wide, narrow), scale in zip(zip(gaps, gaps[1:], strict=False), scales[1:], strict=True):
        if np.any((narrow > 0.3 * wide) & (narrow > 1e-6 * (scale + size))):
            raise Unusable("too near a kink", kink=True)


def _real(value: Any) -> float:
    """A number of any arithmetic as a float; complex ones come from outside the domain."""
    try:
        return float(value)
    except TypeError:
        raise Unusable("outside the domain of the function") from None


def split(row: np.ndarray, shapes: Sequence[Any]) -> tuple[Any, ...]:
    """One row of numbers as arrays of the given shapes; None stays None."""
    parts, start = [], 0
    for shape in shapes:
        count = 0 if shape is None else int(np.prod(shape))
        parts.append(None if shape is None else row[start : start + count].reshape(shape))
        start += count
    return tuple(parts)


def side(line: Callable[[float], float], sign: float) -> float | None:
    """The slope to one side, or None where the function ends or rises without bound."""
    middle = line(0.0)
    found = [sign * (line(sign * step) - middle) / step for step in (1e-3, 1e-5, 1e-7)]
    if not np.all(np.isfinite(found)):
        return None
    sizes = [abs(item) for item in found]
    growing = sizes[2] > 1e-6 and sizes[2] > 1.2 * sizes[1] > 1.44 * sizes[0]
    return None if growing else found[2]
