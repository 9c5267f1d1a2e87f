"""The price of a gradient: operations of value and cotangents over operations of the value. Reported, never refuted."""

from __future__ import annotations

from typing import Any

from ....ad.cost import flops
from ....lang.passes import normalise
from .point import Missing, Point, Property, Violation
from .programs import ProgramSubject


def ratio(subject: Any) -> str:
    """The counts in words."""
    if not isinstance(subject, ProgramSubject):
        raise Missing("operations of Python functions are not counted")
    value, both = flops(normalise(subject.base)), flops(normalise(subject.pulled))
    return f"value and gradient take {both} operations, the value {value}: ratio {both / max(1, value):.2f}"


def _counted(subject: Any, point: Point) -> Violation | None:
    ratio(subject)
    return None


COST = Property("cost", "the price of a gradient is known", "operation counts", _counted, most=1)
