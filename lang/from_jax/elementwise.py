"""Elementwise primitives of JAX: functions of floats, integers and truth values, comparisons, conversions, choices.

Most have a primitive of ours with the same meaning. The others depend on the kind of number (`div` of integers rounds
towards zero), act on truth values as on one-bit integers, or follow the total order of floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..primitives.type_rules import INTEGER_DTYPES, width
from .rule import Equation, Rule, Write, aligned, same

if TYPE_CHECKING:
    from ..builder import Builder

# --- by kind of number -----------------------------------------------------------------------------------------------


def _by_kind(*, floats: str, integers: str, truth: str | None = None) -> Write:
    """The primitive of ours that serves the dtype of the first operand."""

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        dtype = e.inputs[0].dtype
        name = truth if dtype == "bool" else integers if dtype in INTEGER_DTYPES else floats
        if name is None:
            raise e.refuse("of truth values has no meaning here", "convert them to numbers first")
        return b.apply(name, *aligned(b, e.outputs[0].shape, x))

    return write


def _comparison(name: str, of_truth: Callable[[Builder, int, int], int]) -> Write:
    """An ordering; false comes before true."""

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        left, right = aligned(b, e.outputs[0].shape, x)
        return of_truth(b, left, right) if e.inputs[0].dtype == "bool" else b.apply(name, left, right)

    return write


def _less(b: Builder, left: int, right: int) -> int:
    return b.apply("logical_and", b.apply("logical_not", left), right)


def _at_most(b: Builder, left: int, right: int) -> int:
    return b.apply("logical_or", b.apply("logical_not", left), right)


def _swapped(function: Callable[[Builder, int, int], int]) -> Callable[[Builder, int, int], int]:
    return lambda b, left, right: function(b, right, left)


def _equality(name: str, join: str) -> Write:
    """Whether elements are the same; keys, which have an axis of words behind, are compared as wholes."""

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        result = e.outputs[0]
        shape = max((type_.shape for type_ in e.inputs), key=len)
        if len(shape) <= result.rank:
            return b.apply(name, *aligned(b, result.shape, x))
        words = b.apply(name, *aligned(b, (*result.shape, *shape[result.rank :]), x))
        return b.apply(join, words, axes=tuple(range(result.rank, len(shape))))

    return write


def _in_total_order(name: str) -> Write:
    """A comparison in which -0 is less than 0 and every NaN has a place at the ends (IEEE 754-2019, 5.10).

    The bits of positive floats are ordered as integers are; those of negative ones the other way round.
    """

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int | Sequence[int]:
        if not e.inputs[0].is_float:
            return RULES[name].write(b, e, x)
        left, right = aligned(b, e.outputs[0].shape, x)
        return b.apply(name, _ordered(b, left), _ordered(b, right))

    return write


def _ordered(b: Builder, slot: int) -> int:
    bits = width(b.array_type(slot).dtype)
    dtype = "i64" if bits == 64 else f"int{bits}"
    pattern = b.apply("bitcast", slot, dtype=dtype)
    turned = b.apply("shift_right_arithmetic", pattern, b.constant(bits - 1, dtype))
    below_sign = b.apply("shift_right_logical", turned, b.constant(1, dtype))
    return b.apply("bit_xor", pattern, below_sign)


# --- with parameters -------------------------------------------------------------------------------------------------


def _product(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    if e.params.get("out_dtype") is not None:
        raise e.refuse("into another dtype is not supported", "convert the factors before the product")
    return b.apply("mul", *aligned(b, e.outputs[0].shape, x))


def _power(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    base, exponent = aligned(b, e.outputs[0].shape, x)
    return b.apply("pow", base, b.apply("convert", exponent, dtype=e.inputs[0].dtype))


def _integer_power(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("integer_pow", x[0], exponent=int(e["y"]))


def _round(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    method = getattr(e["rounding_method"], "name", str(e["rounding_method"]))
    names = {"AWAY_FROM_ZERO": "round_away", "TO_NEAREST_EVEN": "round"}
    if method not in names:
        raise e.refuse(f"by the method {method} is not supported", "round to nearest, half to even or away from zero")
    return b.apply(names[method], x[0])


def _reduce_precision(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    bits = {name: int(e[name]) for name in ("exponent_bits", "mantissa_bits")}
    return b.apply("reduce_precision", x[0], **bits)


def _convert(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("convert", x[0], dtype=e.outputs[0].dtype)


def _bitcast(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    (source,), (result,) = e.inputs, e.outputs
    if source == result:
        return x[0]
    if width(source.dtype) != width(result.dtype):
        raise e.refuse(f"from {source.dtype} to {result.dtype} is not supported", "take a dtype of the same width")
    return b.apply("bitcast", x[0], dtype=result.dtype)


def _polygamma(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """The order must be a literal: there is one function per order."""
    order = b.scalar(_repeated(b, x[0]))
    if order is None or order != int(order) or order < 0:
        raise e.refuse("of an order that is not a known whole number is not supported", "write the order as a number")
    (place,) = aligned(b, e.outputs[0].shape, x[1:])
    place = b.broadcast(place, e.outputs[0].shape, ()) if not b.array_type(place).shape else place
    return b.apply("polygamma", place, order=int(order)) if order else b.apply("digamma", place)


def _repeated(b: Builder, slot: int) -> int:
    """The scalar that an array repeats, if it does."""
    step = b.definition(slot)
    name = getattr(step.op, "primitive", None) if step is not None else None
    return step.operands[0] if step is not None and name == "broadcast" else slot


# --- choices ---------------------------------------------------------------------------------------------------------


def _clamp(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    low, place, high = aligned(b, e.outputs[0].shape, x)
    if e.inputs[1].dtype == "bool":
        return b.apply("logical_and", b.apply("logical_or", place, low), high)
    return b.apply("clip", place, low, high)


def _select(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """The case with the number that `which` gives; numbers outside take the case at that end."""
    which, *cases = x
    shape = e.outputs[0].shape
    if len(cases) == 1:
        return cases[0]
    own = b.array_type(which).shape
    if own and own != shape:  # keys have an axis of words behind those that `which` decides
        which = b.broadcast(which, shape, tuple(range(len(own))))
    if e.inputs[0].dtype == "bool":
        return b.apply("where", which, cases[1], cases[0])
    chosen = cases[-1]
    for number in reversed(range(len(cases) - 1)):
        here = b.apply("le", which, b.constant(number, e.inputs[0].dtype))
        chosen = b.apply("where", here, cases[number], chosen)
    return chosen


def _stopped(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("stop_gradient", x[0]) if e.inputs[0].is_float else x[0]


def _complex(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    raise e.refuse("makes or takes complex numbers", "compute with real and imaginary parts")


_NAMED = (
    "exp exp2 log log1p sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh sqrt rsqrt cbrt "
    "add sub neg abs sign floor ceil is_finite nextafter erf erfc erf_inv lgamma digamma bessel_i0e bessel_i1e igamma "
    "igammac igamma_grad_a zeta mulhi population_count clz shift_left shift_right_logical shift_right_arithmetic"
)

# JAX differentiates these from their results, which costs nothing and loses digits only where they saturate.
_BY_RESULT = ("tanh", "logistic", "expm1")


def _by_result(name: str) -> Write:
    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        return b.apply(name, x[0], partials="algebraic")

    return write


def _log2(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("div", b.apply("log", x[0]), b.constant(math.log(2.0), e.outputs[0].dtype))


def _one_minus_square(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("sub", b.constant(1, e.outputs[0].dtype), b.apply("mul", x[0], x[0]))


def _polynomial(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """Horner's rule; coefficients stand from the lowest degree to the highest."""
    place, *coefficients = aligned(b, e.outputs[0].shape, x)
    total = coefficients.pop()
    while coefficients:
        total = b.apply("add", b.apply("mul", total, place), coefficients.pop())
    return total


RULES: dict[str, Rule] = {
    **{name: Rule(_by_result(name), ignores=("accuracy",)) for name in _BY_RESULT},
    **{name: Rule(same(name), ignores=("accuracy",)) for name in _NAMED.split()},
    "add_any": Rule(same("add")),
    "mul": Rule(_product, reads=("out_dtype",)),
    "div": Rule(_by_kind(floats="div", integers="truncdiv")),
    "rem": Rule(same("rem")),
    "max": Rule(_by_kind(floats="maximum", integers="maximum", truth="logical_or")),
    "min": Rule(_by_kind(floats="minimum", integers="minimum", truth="logical_and")),
    "and": Rule(_by_kind(floats="bit_and", integers="bit_and", truth="logical_and")),
    "or": Rule(_by_kind(floats="bit_or", integers="bit_or", truth="logical_or")),
    "xor": Rule(_by_kind(floats="bit_xor", integers="bit_xor", truth="ne")),
    "not": Rule(_by_kind(floats="bit_not", integers="bit_not", truth="logical_not")),
    "square": Rule(lambda b, e, x: b.apply("mul", x[0], x[0])),
    "one_minus_square": Rule(_one_minus_square),
    "polynomial": Rule(_polynomial, ignores=("unroll",)),
    "log2": Rule(_log2, ignores=("accuracy",)),
    "pow": Rule(_power),
    "integer_pow": Rule(_integer_power, reads=("y",)),
    "regularized_incomplete_beta": Rule(same("betainc")),
    "polygamma": Rule(_polygamma),
    "round": Rule(_round, reads=("rounding_method",)),
    "reduce_precision": Rule(_reduce_precision, reads=("exponent_bits", "mantissa_bits")),
    "convert_element_type": Rule(_convert, reads=("new_dtype",), ignores=("weak_type", "sharding")),
    "bitcast_convert_type": Rule(_bitcast, reads=("new_dtype",)),
    "eq": Rule(_equality("eq", "reduce_all")),
    "ne": Rule(_equality("ne", "reduce_any")),
    "lt": Rule(_comparison("lt", _less)),
    "le": Rule(_comparison("le", _at_most)),
    "gt": Rule(_comparison("gt", _swapped(_less))),
    "ge": Rule(_comparison("ge", _swapped(_at_most))),
    "eq_to": Rule(_in_total_order("eq")),
    "lt_to": Rule(_in_total_order("lt")),
    "le_to": Rule(_in_total_order("le")),
    "clamp": Rule(_clamp),
    "select_n": Rule(_select),
    "stop_gradient": Rule(_stopped),
    "stage": Rule(lambda b, e, x: x[0]),
    **dict.fromkeys(("real", "imag", "complex"), Rule(_complex)),
    "conj": Rule(_complex, reads=("input_dtype",)),
}
