"""What each elementwise primitive is in native code: one table from names to functions that write instructions.

A function receives the code, what is applied, and the operands; floats narrower than f64 are computed as f64 and
rounded where LLVM has no instruction for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import elementary
from .bits import BITS
from .code import Code, Number, scalar_type
from .dtypes import F64, is_float, is_signed, llvm_type
from .library import call
from .real import Real
from .writing import Application, Write, in_lanes, narrowed, widened


def _by_kind(floats: str, integers: str, truth: str | None = None) -> Write:
    """One instruction for floats, one for whole numbers, one for truth values."""

    def write(code: Code, a: Application, *xs: Number) -> Number:
        name = floats if a.is_float else truth if truth and a.dtype == "bool" else integers
        return getattr(code.b, name)(*code.alike(*xs))

    return write


def _intrinsic(name: str) -> Write:
    return lambda code, a, *xs: code.intrinsic(name, *xs)


def _real(function: Callable[[Real], Real]) -> Write:
    """A formula over f64."""

    def inside(code: Code, x: Number) -> Number:
        return function(Real(code, x)).value

    def write(code: Code, a: Application, x: Number) -> Number:
        return narrowed(code, code.formula(function.__name__, widened(code, x), inside), a.dtype)

    return write


def _called(name: str) -> Write:
    """A function of the C library or of SciPy, called lane by lane."""

    def write(code: Code, a: Application, *xs: Number) -> Number:
        found = code.each_lane(lambda *one: call(code, name, *one), *(widened(code, x) for x in xs))
        return narrowed(code, found, a.dtype)

    return write


def _angle(name: str, near: Callable[[Real], Real]) -> Write:
    """Formulas for usual angles; one lane of an unusual one sends all of them to the C library."""

    def inside(code: Code, x: Number) -> Number:
        usual = near(Real(code, x)).value
        far = code.b.fcmp_unordered(
            ">", *code.alike(code.intrinsic("fabs", x), code.literal(elementary.LARGE_ANGLE, F64))
        )
        before = code.b.block
        with code.when(code.any_lane(far)):
            exact = code.each_lane(lambda one: call(code, name, one), x)
            within = code.b.block
        found = code.b.phi(usual.type)
        found.add_incoming(usual, before)
        found.add_incoming(exact, within)
        return found

    def write(code: Code, a: Application, x: Number) -> Number:
        return narrowed(code, code.formula(name, widened(code, x), inside), a.dtype)

    return write


def _compare(sign: str) -> Write:
    def write(code: Code, a: Application, *xs: Number) -> Number:
        left, right = code.alike(*xs)
        if a.is_float:
            ordered = code.b.fcmp_unordered if sign == "!=" else code.b.fcmp_ordered
            return ordered(sign, left, right)
        return (code.b.icmp_signed if a.is_signed else code.b.icmp_unsigned)(sign, left, right)

    return write


def _zero(code: Code, x: Number) -> Number:
    return code.literal(0, x.type)


def _one(code: Code, x: Number) -> Number:
    return code.literal(1, x.type)


def _neg(code: Code, a: Application, x: Number) -> Number:
    return code.b.fneg(x) if a.is_float else code.b.neg(x)


def _absolute(code: Code, a: Application, x: Number) -> Number:
    if a.is_float:
        return code.intrinsic("fabs", x)
    return code.select(code.b.icmp_signed("<", x, _zero(code, x)), code.b.neg(x), x) if a.is_signed else x


def _sign(code: Code, a: Application, x: Number) -> Number:
    """-1, 0 or 1; zeros and NaN stay as they are."""
    if not a.is_float:
        above = code.b.zext(_compare(">")(code, a, x, _zero(code, x)), x.type)
        below = code.b.zext(_compare("<")(code, a, x, _zero(code, x)), x.type)
        return code.b.sub(above, below) if a.is_signed else above
    moved = code.b.fcmp_ordered("!=", x, _zero(code, x))
    return code.select(moved, code.intrinsic("copysign", _one(code, x), x), x)


def _whole_division(code: Code, a: Application, x: Number, y: Number, *, remainder: bool) -> Number:
    """Floor division of whole numbers and what it leaves; 0 where the divisor is 0."""
    b, (x, y) = code.b, code.alike(x, y)
    empty = b.icmp_signed("==", y, _zero(code, y))
    safe = code.select(empty, _one(code, y), y)
    if not a.is_signed:
        found = b.urem(x, safe) if remainder else b.udiv(x, safe)
        return code.select(empty, _zero(code, x), found)
    # The least number divided by -1 does not fit: dividing by 1 and negating wraps as it should.
    minus = b.icmp_signed("==", safe, code.literal(-1, y.type))
    harmless = code.select(minus, _one(code, y), safe)
    quotient = b.sdiv(x, harmless)
    quotient = code.select(minus, b.neg(x), quotient)
    rest = b.sub(x, b.mul(quotient, safe))
    apart = b.icmp_signed("<", b.xor(rest, safe), _zero(code, x))
    down = b.and_(b.icmp_signed("!=", rest, _zero(code, x)), apart)
    found = code.select(down, b.add(rest, safe), rest) if remainder else b.sub(quotient, b.zext(down, x.type))
    return code.select(empty, _zero(code, x), found)


def _floordiv(code: Code, a: Application, x: Number, y: Number) -> Number:
    """For floats the whole number below that differs from x / y by the remainder, as NumPy has it."""
    if not a.is_float:
        return _whole_division(code, a, x, y, remainder=False)
    x, y = code.alike(x, y)
    rest = _mod(code, a, x, y)
    quotient = code.b.fdiv(code.b.fsub(x, rest), y)
    whole = code.intrinsic("floor", quotient)
    above = code.b.fcmp_ordered(">", code.b.fsub(quotient, whole), code.literal(0.5, x.type))
    rounded = code.select(above, code.b.fadd(whole, _one(code, x)), whole)
    direct = code.b.fdiv(x, y)
    finite = code.b.fcmp_ordered("<", code.intrinsic("fabs", direct), code.literal(float("inf"), x.type))
    usual = code.b.fcmp_ordered("!=", y, _zero(code, y))
    return code.select(code.b.and_(finite, usual), rounded, direct)


def _mod(code: Code, a: Application, x: Number, y: Number) -> Number:
    """The remainder with the sign of the divisor."""
    if not a.is_float:
        return _whole_division(code, a, x, y, remainder=True)
    x, y = code.alike(x, y)
    rest = _called("fmod")(code, a, x, y)
    apart = code.b.fcmp_ordered("<", code.b.fmul(code.intrinsic("copysign", _one(code, x), rest), y), _zero(code, x))
    moved = code.b.and_(code.b.fcmp_ordered("!=", rest, _zero(code, x)), apart)
    found = code.select(moved, code.b.fadd(rest, y), rest)
    return code.select(code.b.fcmp_ordered("==", rest, _zero(code, x)), code.intrinsic("copysign", rest, y), found)


def _extreme(sign: str) -> Write:
    """The greater or lesser; NaN when one is NaN."""

    def write(code: Code, a: Application, x: Number, y: Number) -> Number:
        x, y = code.alike(x, y)
        if not a.is_float:
            return code.select(_compare(sign)(code, a, x, y), x, y)
        return code.intrinsic("maximum" if sign == ">" else "minimum", x, y)

    return write


def _clip(code: Code, a: Application, x: Number, low: Number, high: Number) -> Number:
    return _extreme("<")(code, a, _extreme(">")(code, a, x, low), high)


def _finite(code: Code, a: Application, x: Number) -> Number:
    return code.b.fcmp_ordered("<", code.intrinsic("fabs", x), code.literal(float("inf"), x.type))


def _integer_pow(code: Code, a: Application, x: Number) -> Number:
    """Whole powers by squaring; integers wrap."""
    exponent = a.op.integer("exponent")
    power, square, left = None, x, abs(exponent)
    while left:
        if left & 1:
            power = square if power is None else code.mul(power, square)
        left >>= 1
        square = code.mul(square, square) if left else square
    power = _one(code, x) if power is None else power
    return code.b.fdiv(_one(code, x), power) if exponent < 0 else power


def _convert(code: Code, a: Application, x: Number) -> Number:
    """Floats become whole numbers towards zero: NaN 0, values beyond the ends the ends."""
    target: Any = llvm_type(a.result)
    wanted = in_lanes(target, x)
    b = code.b
    if a.dtype == a.result:
        return x
    if a.result == "bool":
        return b.fcmp_unordered("!=", x, _zero(code, x)) if a.is_float else b.icmp_signed("!=", x, _zero(code, x))
    if is_float(a.result):
        if a.is_float:
            return b.fptrunc(x, wanted) if a.dtype == "f64" else b.fpext(x, wanted)
        return b.sitofp(x, wanted) if a.is_signed else b.uitofp(x, wanted)
    if a.is_float:
        name = "fptosi.sat" if is_signed(a.result) else "fptoui.sat"
        return code.each_lane(lambda one: _saturated(code, name, one, target), x)
    if scalar_type(x).width == target.width:
        return x
    if scalar_type(x).width > target.width:
        return b.trunc(x, wanted)
    return b.sext(x, wanted) if a.is_signed else b.zext(x, wanted)


def _saturated(code: Code, name: str, x: Number, target: Any) -> Number:
    source = "f64" if x.type == F64 else "f32"
    function = code.unit.external(f"llvm.{name}.i{target.width}.{source}", target, [x.type])
    return code.b.call(function, [x])


def _where(code: Code, a: Application, condition: Number, yes: Number, no: Number) -> Number:
    return code.select(condition, yes, no)


def _relu(code: Code, a: Application, x: Number) -> Number:
    return _extreme(">")(code, a, x, _zero(code, x))


def _rsqrt(code: Code, a: Application, x: Number) -> Number:
    return code.b.fdiv(_one(code, x), code.intrinsic("sqrt", x))


def _logical_not(code: Code, a: Application, x: Number) -> Number:
    return code.b.xor(x, code.literal(1, x.type))


def _bit_not(code: Code, a: Application, x: Number) -> Number:
    return code.b.xor(x, code.literal(-1, x.type))


TABLE: Mapping[str, Write] = {
    **BITS,
    "add": lambda code, a, *xs: code.add(*xs),
    "sub": lambda code, a, *xs: code.sub(*xs),
    "mul": lambda code, a, *xs: code.mul(*xs),
    "div": lambda code, a, *xs: code.b.fdiv(*code.alike(*xs)),
    "neg": _neg,
    "floordiv": _floordiv,
    "mod": _mod,
    "pow": _called("pow"),
    "integer_pow": _integer_pow,
    "bit_and": _by_kind("and_", "and_"),
    "bit_or": _by_kind("or_", "or_"),
    "bit_xor": _by_kind("xor", "xor"),
    "bit_not": _bit_not,
    "eq": _compare("=="),
    "ne": _compare("!="),
    "lt": _compare("<"),
    "le": _compare("<="),
    "gt": _compare(">"),
    "ge": _compare(">="),
    "logical_and": _by_kind("and_", "and_"),
    "logical_or": _by_kind("or_", "or_"),
    "logical_not": _logical_not,
    "is_finite": _finite,
    "convert": _convert,
    "abs": _absolute,
    "sign": _sign,
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "round": _intrinsic("roundeven"),
    "round_away": _intrinsic("round"),
    "minimum": _extreme("<"),
    "maximum": _extreme(">"),
    "clip": _clip,
    "where": _where,
    "relu": _relu,
    "stop_gradient": lambda code, a, x: x,
    "exp": _real(elementary.exp),
    "expm1": _real(elementary.expm1),
    "log": _real(elementary.log),
    "log1p": _real(elementary.log1p),
    "tanh": _real(elementary.tanh),
    "logistic": _real(elementary.logistic),
    "softplus": _real(elementary.softplus),
    "sin": _angle("sin", elementary.sin),
    "cos": _angle("cos", elementary.cos),
    "sqrt": _intrinsic("sqrt"),
    "rsqrt": _rsqrt,
    **{
        name: _called(name)
        for name in (
            "exp2 log2 tan asin acos atan atan2 sinh cosh asinh acosh atanh cbrt erf erfc erf_inv lgamma digamma "
            "bessel_i0e bessel_i1e igamma igammac betainc".split()
        )
    },
}
