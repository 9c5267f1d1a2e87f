"""Linearity: a derivative rule is linear in the tangent (forward) and in the cotangent (reverse)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .point import Arrays, Point, Property, Subject, Unusable, Violation, brief, combined, finite, largest

A, B = 2.0, -3.0
ALLOWED, LOW = 1e-6, 1e-2  # above the rounding of float32, which is a matter of `precision`


def _tangents(subject: Subject, point: Point) -> Violation | None:
    return _linear(
        subject,
        lambda v: subject.jvp(point.x, v)[1],
        (point.x_dot, point.x_dot2),
        "the jvp is not linear in the tangent",
        ("x", "x_dot", "x_dot2"),
    )


def _cotangents(subject: Subject, point: Point) -> Violation | None:
    return _linear(
        subject,
        lambda u: subject.vjp(point.x, u)[1],
        (point.y_bar, point.y_bar2),
        "the vjp is not linear in the cotangent",
        ("x", "y_bar", "y_bar2"),
    )


def _linear(
    subject: Subject,
    rule: Callable[[Arrays], Arrays],
    directions: tuple[Arrays, Arrays],
    message: str,
    shows: tuple[str, ...],
) -> Violation | None:
    """``rule(2 v - 3 w) = 2 rule(v) - 3 rule(w)``."""
    v, w = directions
    one, two, together = rule(v), rule(w), rule(combined(A, v, B, w))
    if not (finite(one) and finite(two) and finite(together)):
        raise Unusable("the derivative is not finite")
    wanted = combined(A, one, B, two)
    scale = largest(one) + largest(two) + largest(together) + 1e-100
    worst = max(
        ((_off(a, b), a, b) for a, b in zip(together, wanted, strict=True) if a is not None),
        key=lambda item: item[0],
        default=(0.0, 0.0, 0.0),
    )
    if worst[0] <= (LOW if subject.low_precision else ALLOWED) * scale:
        return None
    expected = f"2 rule(v) - 3 rule(w) = {brief(worst[2])}"
    return Violation(message, worst[0] / scale, expected, f"rule(2 v - 3 w) = {brief(worst[1])}", shows=shows)


def _off(found: Any, wanted: Any) -> float:
    return float(np.max(np.abs(np.asarray(found, float) - np.asarray(wanted, float)), initial=0.0))


TANGENTS = Property("tangents", "forward mode is linear in the tangent", "random combinations", _tangents)
COTANGENTS = Property("cotangents", "reverse mode is linear in the cotangent", "random combinations", _cotangents)
