"""Rows about how numbers are written: bit patterns of integers, other readings of the same bits, neighbours of floats.

Integer division follows XLA where mathematics gives no answer: x / 0 has all bits set, x rem 0 is x, and the least
integer divided by -1 is itself. A shift by the width or more (a negative distance counts as more) moves every bit out.
"""

from __future__ import annotations

from . import type_rules
from .row import Derivative, Discrete, Linear, Primitive, RuleContext, Smooth

_WHOLE = Discrete("whole numbers have no tangent")


def _integer(name: str, doc: str, *, jax: str, operands: int = 2) -> Primitive:
    return Primitive(
        name=name,
        type=f"({', '.join('i' * operands)}) -> i",
        derivative=_WHOLE,
        doc=doc,
        jax=f"jax.lax.{jax}",
    )


def _of_floats(name: str, type_: str, derivative: Derivative, doc: str, params: tuple[str, ...] = ()) -> Primitive:
    return Primitive(name=name, type=type_, derivative=derivative, doc=doc, jax=f"jax.lax.{name}", params=params)


def _reduced(context: RuleContext, z: int) -> int:
    return context.builder.apply("reduce_precision", z, **dict(context.params))


ROWS: tuple[Primitive, ...] = (
    _integer("bit_and", "The bits that both have.", jax="bitwise_and"),
    _integer("bit_or", "The bits that one of the two has.", jax="bitwise_or"),
    _integer("bit_xor", "The bits in which both differ.", jax="bitwise_xor"),
    _integer("bit_not", "Every bit turned over.", jax="bitwise_not", operands=1),
    _integer("shift_left", "x0 moved by x1 bits towards the high end, zeros behind.", jax="shift_left"),
    _integer(
        "shift_right_logical", "x0 moved by x1 bits towards the low end, zeros in front.", jax="shift_right_logical"
    ),
    _integer(
        "shift_right_arithmetic",
        "x0 moved by x1 bits towards the low end, copies of its highest bit in front.",
        jax="shift_right_arithmetic",
    ),
    _integer("population_count", "How many bits are set.", jax="population_count", operands=1),
    _integer("clz", "How many zeros stand before the highest bit that is set.", jax="clz", operands=1),
    _integer("mulhi", "The high half of the product of twice the width.", jax="mulhi"),
    _integer("truncdiv", "The quotient of integers rounded towards zero.", jax="div"),
    Primitive(
        name="bitcast",
        type="(a) -> dtype",
        derivative=Discrete("the bits of a number have no tangent"),
        doc="The same bits read as another dtype of the same width.",
        flops=0,
        jax="jax.lax.bitcast_convert_type",
        params=("dtype",),
        type_rule=type_rules.bitcast,
    ),
    _of_floats(
        "nextafter",
        "(f, f) -> f",
        Smooth((None, None)),
        "The float next to x0 on the way to x1; x1 when both are equal.",
    ),
    _of_floats(
        "reduce_precision",
        "(f) -> f",
        Linear((_reduced,)),  # as if rounding were linear: a tangent is rounded like the value
        "x0 rounded to a float of so many bits, half to even; beyond its range infinite, below it zero.",
        ("exponent_bits", "mantissa_bits"),
    ),
)
