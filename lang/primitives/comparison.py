"""Rows that decide: comparisons, logic and conversion between kinds of numbers. None but `convert` has a derivative."""

from __future__ import annotations

from . import type_rules
from .row import Discrete, Linear, Primitive, RuleContext

_WIDE = (-1e3, 1e3)
_STEP = Discrete("truth values have no tangent")


def _convert_back(context: RuleContext, z: int) -> int | None:
    """The cotangent in the operand's own precision; a conversion from or to integers carries none."""
    operand = context.type(context.operands[0])
    if not operand.is_float or not context.type(z).is_float:
        return None
    return context.builder.apply("convert", z, dtype=operand.dtype)


def _comparison(name: str, numpy: str, oracle: str, doc: str, type_: str = "(n, n) -> b") -> Primitive:
    return Primitive(
        name=name,
        type=type_,
        derivative=_STEP,
        doc=doc,
        numpy=f"numpy.{numpy}",
        jax=f"jax.numpy.{numpy}",
        oracle=oracle,
        samples=(_WIDE, _WIDE),
    )


def _logic(name: str, type_: str, oracle: str, doc: str) -> Primitive:
    return Primitive(
        name=name,
        type=type_,
        derivative=_STEP,
        doc=doc,
        numpy=f"numpy.{name}",
        jax=f"jax.numpy.{name}",
        oracle=oracle,
    )


ROWS: tuple[Primitive, ...] = (
    _comparison("eq", "equal", "x0 == x1", "Whether both are equal; NaN equals nothing.", "(a, a) -> b"),
    _comparison("ne", "not_equal", "x0 != x1", "Whether both differ; NaN differs from everything.", "(a, a) -> b"),
    _comparison("lt", "less", "x0 < x1", "Whether x0 is less than x1; false for NaN."),
    _comparison("le", "less_equal", "x0 <= x1", "Whether x0 is at most x1; false for NaN."),
    _comparison("gt", "greater", "x0 > x1", "Whether x0 is greater than x1; false for NaN."),
    _comparison("ge", "greater_equal", "x0 >= x1", "Whether x0 is at least x1; false for NaN."),
    _logic("logical_and", "(b, b) -> b", "x0 and x1", "Whether both hold."),
    _logic("logical_or", "(b, b) -> b", "x0 or x1", "Whether one of the two holds."),
    _logic("logical_not", "(b) -> b", "not x0", "Whether x0 does not hold."),
    Primitive(
        name="is_finite",
        type="(f) -> b",
        derivative=_STEP,
        doc="Whether x0 is neither infinite nor NaN.",
        numpy="numpy.isfinite",
        jax="jax.numpy.isfinite",
        oracle="isfinite(x0)",
        samples=(_WIDE,),
    ),
    Primitive(
        name="convert",
        type="(a) -> dtype",
        derivative=Linear((_convert_back,)),
        doc="The nearest value of another dtype; floats become integers towards zero (NaN becomes 0, ends saturate).",
        flops=0,
        oracle="x0",
        samples=(_WIDE,),
        params=("dtype",),
        type_rule=type_rules.convert,
    ),
)
