"""Rows that order elements along an axis. `sort` moves tangents as it moved values; places have no tangent."""

from __future__ import annotations

from . import costs, type_rules
from .reductions import take_along
from .row import Discrete, Primitive, RuleContext, Selects
from .type_rules import axis_param


def _sort(context: RuleContext, x_dot: int) -> int:
    axis = axis_param(context.params)
    places = context.builder.apply("argsort", context.operands[0], axis=axis)
    return take_along(context, x_dot, places, axis)


_PLACE = Discrete("places are integers, constant between jumps")


def _places(name: str, doc: str) -> Primitive:
    search = name != "argsort"
    return Primitive(
        name=name,
        type="[…]n -> […]i64",
        derivative=_PLACE,
        doc=doc,
        flops=costs.reduction if search else costs.free,
        params=("axis",),
        elementwise=False,
        type_rule=type_rules.arg_reduce if search else type_rules.argsort,
    )


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="sort",
        type="[…]n -> […]n",
        derivative=Selects(_sort),
        doc="The elements along the axis in increasing order, equal ones in their given order, NaN last.",
        flops=costs.free,
        kinks=("two elements tie",),
        params=("axis",),
        elementwise=False,
        type_rule=type_rules.along_axis,
    ),
    _places("argsort", "The places along the axis that bring the elements into the order of `sort`."),
    _places(
        "argmax",
        "The place of the greatest element along the axis, the first of several; NaN counts as greatest.",
    ),
    _places("argmin", "The place of the least element along the axis, the first of several; NaN counts as least."),
)
