"""Shapes: a cotangent has the shape of its input, a tangent that of its result; rules work where the function does."""

from __future__ import annotations

from .point import Missing, Point, Property, Subject, Violation, WrongShape


def _shapes(subject: Subject, point: Point) -> Violation | None:
    missing = []
    for rule in (lambda: subject.jvp(point.x, point.x_dot), lambda: subject.vjp(point.x, point.y_bar)):
        try:
            rule()
        except Missing as reason:
            missing.append(str(reason))
        except WrongShape as wrong:
            return Violation(str(wrong), 1.0, wrong.expected, wrong.actual, wrong.mode, ("x",), _hint(wrong))
    if len(missing) == 2:
        raise Missing("; ".join(missing))
    return None


def _hint(wrong: WrongShape) -> str | None:
    if wrong.mode != "vjp" or "wrong shape" not in str(wrong):
        return None
    return "where an input is broadcast, its cotangent is summed over the axes that repeat it"


SHAPES = Property("shapes", "cotangents have the shapes of inputs, tangents those of results", "one call", _shapes)
