"""Rows that read and write by index: `gather` and its transpose `scatter_add`, and `scatter`.

Index arrays of one shape S address the leading axes. An index below 0 or at and above the length is out of
range: the reference stops with a span, compiled `gather` gives NaN (0 for integers) and compiled scatters
drop the element.
"""

from __future__ import annotations

from . import costs, type_rules
from .row import Linear, Primitive, RuleContext


def _proved(context: RuleContext) -> bool:
    return bool(dict(context.params).get("proved", False))


def _gather(context: RuleContext, z: int, operand: int) -> int | None:
    if operand != 0:
        return None
    base = context.builder.zeros(context.type(context.operands[0]))
    return context.builder.apply("scatter_add", base, z, *context.operands[1:], proved=_proved(context))


def _read_back(context: RuleContext, z: int) -> int:
    return context.builder.apply("gather", z, *context.operands[2:], proved=_proved(context))


def _scatter_add(context: RuleContext, z: int, operand: int) -> int | None:
    if operand == 0:
        return z
    return _read_back(context, z) if operand == 1 else None


def _scatter(context: RuleContext, z: int, operand: int) -> int | None:
    if operand == 1:
        return _read_back(context, z)
    if operand > 1:
        return None
    zeros = context.builder.zeros(context.type(context.operands[1]))
    return context.builder.apply("scatter", z, zeros, *context.operands[2:], proved=_proved(context))


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="gather",
        type="([…]a, […]i, …) -> […]a",
        derivative=Linear(_gather),
        doc="The parts of x0 at the places that the index arrays x1, … name along its leading axes.",
        flops=costs.free,
        params=("proved",),
        elementwise=False,
        type_rule=type_rules.gather,
    ),
    Primitive(
        name="scatter_add",
        type="([…]n, […]n, […]i, …) -> […]n",
        derivative=Linear(_scatter_add, jointly=True),
        doc="x0 with x1 added at the indexed places; repeated indices accumulate.",
        flops=costs.scatter_add,
        params=("proved",),
        elementwise=False,
        type_rule=type_rules.scatter,
    ),
    Primitive(
        name="scatter",
        type="([…]a, […]a, […]i, …) -> […]a",
        derivative=Linear(_scatter, jointly=True),
        doc="x0 with the indexed places set to x1; the indices are distinct.",
        flops=costs.free,
        params=("proved",),
        elementwise=False,
        type_rule=type_rules.scatter,
    ),
)
