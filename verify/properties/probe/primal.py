"""What a rule leaves alone: the value it gives is the value of the function, and its arguments stay as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .point import Arrays, Missing, Point, Property, Subject, Violation, brief

ALLOWED, LOW = 1e-12, 1e-6


def _primal(subject: Subject, point: Point) -> Violation | None:
    y = subject.value(point.x)
    seen, missing = False, []
    rules: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("jvp", lambda: subject.jvp(point.x, point.x_dot)[0]),
        ("vjp", lambda: subject.vjp(point.x, point.y_bar)[0]),
    )
    for mode, rule in rules:
        try:
            found = rule()
        except Missing as reason:
            missing.append(str(reason))
            continue
        if found is None:
            missing.append(f"the {mode} rule gives no value")
            continue
        seen = True
        wrong = _changed(y, found, mode, LOW if subject.low_precision else ALLOWED)
        if wrong is not None:
            return wrong
    if not seen:
        raise Missing("; ".join(missing))
    return None


def _changed(y: Arrays, found: Arrays, mode: str, allowed: float) -> Violation | None:
    for wanted, item in zip(y, found, strict=True):
        wanted, item = np.asarray(wanted), np.asarray(item)
        if wanted.shape != item.shape:
            text = f"the {mode} rule changes the shape of the value"
            return Violation(text, 1.0, str(list(wanted.shape)), str(list(item.shape)), mode)
        same = (wanted == item) | ((wanted != wanted) & (item != item))
        if np.all(same):
            continue
        off = np.abs(np.asarray(item, float) - np.asarray(wanted, float))[~same]
        scale = np.max(np.abs(np.asarray(wanted, float))) + 1e-100
        size = float(np.max(off) / scale)
        if not size <= allowed:
            return Violation(f"the {mode} rule changes the value", size, brief(wanted), brief(item), mode)
    return None


PRIMAL = Property("primal", "rules leave the value of the function as it is", "comparison of values", _primal)
