"""Elementary functions without calls or branches, so that they run in lanes: f64 enters, f64 leaves.

Reductions and polynomials follow fdlibm (Sun Microsystems 1993: e_exp.c, e_log.c, s_log1p.c, s_expm1.c, k_sin.c,
k_cos.c), whose coefficients they use; fused multiply-adds keep the reductions exact. Errors are below 2 units in the
last place.
"""

from __future__ import annotations

from math import factorial

from .code import Number
from .dtypes import F64
from .real import Real, bits_of, polynomial

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_SHIFT = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to a whole number, which the low bits then hold
_TAYLOR = tuple(1 / factorial(k) for k in range(13, 1, -1))
_LOG = (
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
    2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01,
)  # fmt: skip
_SIN = (
    1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
    -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01,
)  # fmt: skip
_COS = (
    -1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
    2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02,
)  # fmt: skip
_HALF_PI = (1.57079632679489655800e00, 6.12323399573676603587e-17, -1.49738490485919e-33)
# Beyond, the three parts of pi/2 no longer give a reduced argument of full accuracy.
LARGE_ANGLE = 1e5


def _clamped(x: Real, low: float, high: float) -> Real:
    """Between the ends; NaN stays."""
    raised = Real(x.code, x.code.literal(low, F64)).where(x < low, x)
    return Real(x.code, x.code.literal(high, F64)).where(raised > high, raised)


def _reduced(x: Real) -> tuple[Real, Number]:
    """r and k with ``x = k ln 2 + r`` and r at most about ln(2)/2."""
    t = x.times_plus(_LOG2_E, _SHIFT)
    n = t - _SHIFT
    r = n.times_plus(-_LN2_LOW, n.times_plus(-_LN2_HIGH, x))
    return r, x.code.b.sub(t.bits, x.int(bits_of(_SHIFT)))


def _power_of_two(x: Real, k: Number) -> Real:
    """2^k for a normal result; `x` lends its lanes."""
    b = x.code.b
    return x.from_bits(b.shl(b.add(k, x.int(1023)), x.int(52)))


def exp(x: Real) -> Real:
    x = _clamped(x, -746.0, 710.0)
    r, k = _reduced(x)
    p = polynomial(r, (*_TAYLOR, 1.0, 1.0))
    # Two factors reach numbers below the normal ones, and infinity.
    half = x.times_plus(_LOG2_E / 2, _SHIFT)
    first = x.code.b.sub(half.bits, x.int(bits_of(_SHIFT)))
    return p * _power_of_two(x, first) * _power_of_two(x, x.code.b.sub(k, first))


def expm1(x: Real) -> Real:
    near = _clamped(x, -40.0, 700.0)
    r, k = _reduced(near)
    q = (r * r).times_plus(polynomial(r, _TAYLOR), r)
    scale = _power_of_two(x, k)
    return x.where(x.equals(0.0), exp(x).where(x > 700.0, scale.times_plus(q, scale - 1.0)))


def log(x: Real) -> Real:
    b = x.code.b
    tiny = x < 2.2250738585072014e-308
    scaled = (x * 2.0**54).where(tiny, x)
    # 2^k z = x with z in [sqrt(1/2), sqrt(2)); the exponent is read with an offset, so that it has no sign.
    offset = bits_of(0.7071067811865476) - (1024 << 52)
    raised = b.lshr(b.sub(scaled.bits, x.int(offset)), x.int(52))
    z = x.from_bits(b.sub(scaled.bits, b.shl(b.sub(raised, x.int(1024)), x.int(52))))
    k = x.from_bits(b.or_(raised, x.int(bits_of(2.0**52)))) - (2.0**52 + 1024)
    k = (k - 54.0).where(tiny, k)
    f = z - 1.0
    s = f / (f + 2.0)
    square = s * s
    half = f * f * 0.5
    rest = s.times_plus(square.times_plus(polynomial(square, _LOG), half), k * _LN2_LOW)
    found = k.times_plus(_LN2_HIGH, f - (half - rest))
    found = x.where(b.fcmp_unordered("uno", x.value, x.value), found)
    found = Real(x.code, x.code.literal(float("inf"), F64)).where(x.equals(float("inf")), found)
    found = Real(x.code, x.code.literal(float("-inf"), F64)).where(x.equals(0.0), found)
    return Real(x.code, x.code.literal(float("nan"), F64)).where(x < 0.0, found)


def log1p(x: Real) -> Real:
    """log(u) with u = 1 + x, and what the sum lost."""
    u = x + 1.0
    lost = (x - (u - 1.0)) / u
    known = (lost + log(u)).where(x < float("inf"), log(u))
    return x.where(x.equals(0.0), known.where(u > 0.0, log(u)))


def tanh(x: Real) -> Real:
    size = abs(x)
    t = expm1(Real(x.code, x.code.literal(22.0, F64)).where(size > 22.0, size) * 2.0)
    return (t / (t + 2.0)).signed_as(x)


def logistic(x: Real) -> Real:
    return 1.0 / (exp(-x) + 1.0)


def softplus(x: Real) -> Real:
    return x.where(x > 0.0, 0.0) + log1p(exp(-abs(x)))


def _angle(x: Real) -> tuple[Real, Number]:
    """What is left of an angle, at most pi/4, and how many quarters of a turn were taken off."""
    t = x.times_plus(0.6366197723675814, _SHIFT)
    n = t - _SHIFT
    r = x
    for part in _HALF_PI:
        r = n.times_plus(-part, r)
    return r, t.bits


def _sin_kernel(r: Real) -> Real:
    square = r * r
    return (square * r).times_plus(polynomial(square, _SIN), r)


def _cos_kernel(r: Real) -> Real:
    square = r * r
    half = square * 0.5
    first = 1.0 - half
    return first + (square * square).times_plus(polynomial(square, _COS), (1.0 - first) - half)


def _circular(x: Real, quarter: int) -> Real:
    b = x.code.b
    r, turns = _angle(x)
    turns = b.add(turns, x.int(quarter))
    odd = b.icmp_signed("!=", b.and_(turns, x.int(1)), x.int(0))
    negative = b.icmp_signed("!=", b.and_(turns, x.int(2)), x.int(0))
    size = _cos_kernel(r).where(odd, _sin_kernel(r))
    return (-size).where(negative, size)


def sin(x: Real) -> Real:
    """For angles below `LARGE_ANGLE`; -0.0 keeps its sign."""
    return x.where(x.equals(0.0), _circular(x, 0))


def cos(x: Real) -> Real:
    """For angles below `LARGE_ANGLE`."""
    return _circular(x, 1)
