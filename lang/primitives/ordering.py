"""Rows that order elements along an axis. `sort` moves tangents as it moved values; places have no tangent."""

from __future__ import annotations

from ..ir import ArrayType
from ..params import Params, integer
from . import costs, type_rules
from .reductions import take_along
from .row import Discrete, Primitive, RuleContext, Selects
from .type_rules import Types, drop_axes, require


def _sort(context: RuleContext, x_dot: int) -> int:
    axis = integer(context.params, "axis")
    places = context.builder.apply("argsort", context.operands[0], axis=axis)
    return take_along(context, x_dot, places, axis)


def _top_type(operands: Types, params: Params) -> Types:
    (x,), axis, k = operands, integer(params, "axis"), integer(params, "k")
    drop_axes(x, (axis,))
    length = x.shape[axis]
    require(0 <= k and not (isinstance(length, int) and k > length), f"the {k} greatest of {x} along axis {axis}")
    return (ArrayType("i64", (*x.shape[:axis], k, *x.shape[axis + 1 :])),)


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
    Primitive(
        name="top_places",
        type="[…]n -> […]i64",
        derivative=_PLACE,
        doc="The places along the axis of the k greatest elements, the greatest and of equals the first in front, in "
        "the total order of IEEE 754: -0.0 is below 0.0 and NaN greatest (with a minus sign, least).",
        flops=costs.free,
        params=("axis", "k"),
        elementwise=False,
        type_rule=_top_type,
    ),
)
