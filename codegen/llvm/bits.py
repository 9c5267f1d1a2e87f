"""Bit patterns in native code: functions that write instructions, by the name of the primitive.

Shifts and integer division are total, as `lang.primitives.bits` has them.
"""

from __future__ import annotations

from collections.abc import Mapping

from llvmlite import ir

from .code import Code, Number, lanes_of, scalar_type
from .dtypes import F64, I1, llvm_type
from .library import call
from .writing import Application, Write, in_lanes, narrowed, widened


def _wide(x: Number) -> int:
    return scalar_type(x).width


def _counted(name: str) -> Write:
    """An intrinsic that counts bits; counting zeros wants to be told that 0 has an answer."""

    def write(code: Code, a: Application, x: Number) -> Number:
        flags = [ir.Constant(I1, 0)] if name == "ctlz" else []
        suffix = f"v{lanes_of(x)}i{_wide(x)}" if lanes_of(x) else f"i{_wide(x)}"
        function = code.unit.external(f"llvm.{name}.{suffix}", x.type, [x.type, *(flag.type for flag in flags)])
        return code.b.call(function, [x, *flags])

    return write


def _shift(move: str, *, fills: bool) -> Write:
    """A shift; by the width or more nothing is left, or (`fills`) copies of the highest bit."""

    def write(code: Code, a: Application, x: Number, distance: Number) -> Number:
        x, distance = code.alike(x, distance)
        within = code.b.icmp_unsigned("<", distance, code.literal(_wide(x), distance.type))
        if fills:
            return getattr(code.b, move)(x, code.select(within, distance, code.literal(_wide(x) - 1, distance.type)))
        moved = getattr(code.b, move)(x, code.select(within, distance, code.literal(0, distance.type)))
        return code.select(within, moved, code.literal(0, x.type))

    return write


def _mulhi(code: Code, a: Application, x: Number, y: Number) -> Number:
    x, y = code.alike(x, y)
    twice = in_lanes(ir.IntType(2 * _wide(x)), x)
    grow = code.b.sext if a.is_signed else code.b.zext
    product = code.b.mul(grow(x, twice), grow(y, twice))
    return code.b.trunc(code.b.lshr(product, code.literal(_wide(x), product.type)), x.type)


def _truncated(code: Code, a: Application, x: Number, y: Number) -> tuple[Number, Number, Number]:
    """Quotient and remainder towards zero, and where the divisor is 0; dividing by -1 wraps."""
    b, (x, y) = code.b, code.alike(x, y)
    zero, one = code.literal(0, y.type), code.literal(1, y.type)
    empty = b.icmp_signed("==", y, zero)
    safe = code.select(empty, one, y)
    if not a.is_signed:
        return b.udiv(x, safe), b.urem(x, safe), empty
    minus = b.icmp_signed("==", safe, code.literal(-1, y.type))
    quotient = code.select(minus, b.neg(x), b.sdiv(x, code.select(minus, one, safe)))
    return quotient, b.sub(x, b.mul(quotient, safe)), empty


def _truncdiv(code: Code, a: Application, x: Number, y: Number) -> Number:
    quotient, _, empty = _truncated(code, a, x, y)
    return code.select(empty, code.literal(-1, quotient.type), quotient)


def _rem(code: Code, a: Application, x: Number, y: Number) -> Number:
    if a.is_float:
        found = code.each_lane(lambda *one: call(code, "fmod", *one), widened(code, x), widened(code, y))
        return narrowed(code, found, a.dtype)
    _, rest, empty = _truncated(code, a, x, y)
    return code.select(empty, x, rest)


def _bitcast(code: Code, a: Application, x: Number) -> Number:
    return code.cast(x, llvm_type(a.result))


def _nextafter(code: Code, a: Application, x: Number, y: Number) -> Number:
    """The neighbour of x towards y: one step in the bit pattern."""
    b, (x, y) = code.b, code.alike(x, y)
    kind = ir.IntType(64 if scalar_type(x) == F64 else 32)
    bits = code.cast(x, kind)
    one, zero = code.literal(1, bits.type), code.literal(0.0, x.type)
    away = b.fcmp_ordered(">", code.intrinsic("fabs", y), code.intrinsic("fabs", x))
    same_side = b.icmp_signed(">=", b.xor(bits, code.cast(y, kind)), code.literal(0, bits.type))
    step = code.select(b.and_(away, same_side), b.add(bits, one), b.sub(bits, one))
    least = code.intrinsic("copysign", code.cast(one, scalar_type(x)), y)
    moved = code.select(b.fcmp_ordered("==", x, zero), least, code.cast(step, scalar_type(x)))
    found = code.select(b.fcmp_ordered("==", x, y), y, moved)
    return code.select(b.fcmp_unordered("uno", x, y), code.add(x, y), found)


def _reduce_precision(code: Code, a: Application, x: Number) -> Number:
    """Rounding in the bit pattern: a carry out of the mantissa moves on into the exponent, as it should."""
    b = code.b
    own_exponent, own_mantissa = (11, 52) if scalar_type(x) == F64 else (8, 23)
    exponent_bits, mantissa_bits = a.op.integer("exponent_bits"), a.op.integer("mantissa_bits")
    bits = code.cast(x, ir.IntType(1 + own_exponent + own_mantissa))

    def whole(value: int) -> Number:
        return code.literal(value, bits.type)

    sign = b.and_(bits, whole(1 << (own_exponent + own_mantissa)))
    size = b.xor(bits, sign)
    dropped = own_mantissa - mantissa_bits
    if dropped > 0:
        odd = b.and_(b.lshr(size, whole(dropped)), whole(1))
        size = b.add(size, b.add(odd, whole((1 << (dropped - 1)) - 1)))
        size = b.and_(size, whole(~((1 << dropped) - 1) & ((1 << (1 + own_exponent + own_mantissa)) - 1)))
    if exponent_bits < own_exponent:
        middle, reach = (1 << (own_exponent - 1)) - 1, (1 << (exponent_bits - 1)) - 1
        exponent = b.lshr(size, whole(own_mantissa))
        infinite = whole(((1 << own_exponent) - 1) << own_mantissa)
        size = code.select(b.icmp_unsigned(">", exponent, whole(middle + reach)), infinite, size)
        size = code.select(b.icmp_unsigned("<=", exponent, whole(middle - reach)), whole(0), size)
    rounded = code.cast(b.or_(sign, size), scalar_type(x))
    return code.select(b.fcmp_unordered("uno", x, x), x, rounded)


BITS: Mapping[str, Write] = {
    "population_count": _counted("ctpop"),
    "clz": _counted("ctlz"),
    "shift_left": _shift("shl", fills=False),
    "shift_right_logical": _shift("lshr", fills=False),
    "shift_right_arithmetic": _shift("ashr", fills=True),
    "mulhi": _mulhi,
    "truncdiv": _truncdiv,
    "rem": _rem,
    "bitcast": _bitcast,
    "nextafter": _nextafter,
    "reduce_precision": _reduce_precision,
}
