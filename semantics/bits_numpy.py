"""Bit patterns in NumPy: arrays of integers or floats enter, arrays of the same shape leave.

Shifts and integer division are total, as XLA has them (see `lang.primitives.bits`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..lang.constants import numpy_dtype

Array = np.ndarray


def _bits(x: Any) -> int:
    return np.asarray(x).dtype.itemsize * 8


def _unsigned(x: Any) -> Array:
    """The same bits as a number without sign."""
    array = np.asarray(x)
    return array.view(f"uint{_bits(array)}")


def _shift(move: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A shift of unsigned numbers that leaves 0 where the distance is the width or more."""

    def shift(x: Any, distance: Any) -> Any:
        width, by = _bits(x), _unsigned(distance)
        moved = np.where(by < width, move(_unsigned(x), np.where(by < width, by, by.dtype.type(0))), 0)
        return moved.astype(by.dtype).view(np.asarray(x).dtype)[()]

    return shift


def shift_right_arithmetic(x: Any, distance: Any) -> Any:
    array = np.asarray(x)
    signed = array.view(f"int{_bits(array)}")
    by = np.minimum(_unsigned(distance), _bits(array) - 1).astype(signed.dtype)
    return (signed >> by).view(array.dtype)[()]


def population_count(x: Any) -> Any:
    return np.bitwise_count(_unsigned(x)).astype(np.asarray(x).dtype)[()]


def clz(x: Any) -> Any:
    """As many zeros stand in front as there are distances that move every set bit out."""
    array = _unsigned(x)
    found = sum((array >> array.dtype.type(k) == 0).astype(array.dtype) for k in range(_bits(array)))
    return np.asarray(found, np.asarray(x).dtype)[()]


def mulhi(x: Any, y: Any) -> Any:
    array = np.asarray(x)
    product = np.asarray(array.astype(object) * np.asarray(y).astype(object), object) >> _bits(array)
    return np.asarray(product, object).astype(array.dtype)[()]


def truncdiv(x: Any, y: Any) -> Any:
    """Towards zero; all bits set for the divisor 0, and the least integer divided by -1 wraps to itself."""
    x, y = np.broadcast_arrays(x, y)
    divisor = np.where(y == 0, y.dtype.type(1), y)
    below = np.floor_divide(x, divisor)
    inexact = below * divisor != x
    quotient = below + (inexact & ((x < 0) != (divisor < 0))).astype(x.dtype)
    return np.where(y == 0, np.invert(np.zeros((), x.dtype)), quotient)[()]


def rem(x: Any, y: Any) -> Any:
    """What `truncdiv` leaves, for floats too; the integer 0 leaves all of x."""
    if np.asarray(x).dtype.kind not in "iu":
        return np.fmod(x, y)
    return np.where(np.asarray(y) == 0, x, x - truncdiv(x, np.where(np.asarray(y) == 0, y + 1, y)) * y)[()]


def bitcast(x: Any, *, dtype: str) -> Any:
    return np.ascontiguousarray(x).view(numpy_dtype(dtype)).reshape(np.shape(x))[()]


def round_away(x: Any) -> Any:
    """``floor(|x| + 1/2)`` with the sign of x, where the sum is not rounded itself."""
    size = np.abs(x)
    whole = np.floor(size)
    return np.copysign(whole + (size - whole >= 0.5).astype(whole.dtype), x)


_FIELDS = {"float64": (11, 52), "float32": (8, 23), "float16": (5, 10), "bfloat16": (8, 7)}  # exponent, mantissa


def reduce_precision(x: Any, *, exponent_bits: int, mantissa_bits: int) -> Any:
    """Rounding in the bit pattern: a carry out of the mantissa moves on into the exponent, as it should."""
    array = np.asarray(x)
    own_exponent, own_mantissa = _FIELDS[array.dtype.name]
    bits = _unsigned(array)
    unit = bits.dtype.type
    magnitude = bits & unit((1 << (own_exponent + own_mantissa)) - 1)
    dropped = own_mantissa - mantissa_bits
    if dropped > 0:
        odd = (magnitude >> unit(dropped)) & unit(1)
        magnitude = magnitude + unit((1 << (dropped - 1)) - 1) + odd
        magnitude = magnitude & ~unit((1 << dropped) - 1)
    infinite = unit(((1 << own_exponent) - 1) << own_mantissa)
    if exponent_bits < own_exponent:
        middle, reach = (1 << (own_exponent - 1)) - 1, (1 << (exponent_bits - 1)) - 1
        exponent = magnitude >> unit(own_mantissa)
        magnitude = np.where(exponent > unit(middle + reach), infinite, magnitude)
        magnitude = np.where(exponent <= unit(middle - reach), unit(0), magnitude)
    sign = bits & unit(1 << (own_exponent + own_mantissa))
    rounded = np.asarray(sign | magnitude).astype(bits.dtype).view(array.dtype)
    return np.where(np.isnan(array), array, rounded)[()]


BITS: Mapping[str, Callable[..., Any]] = {
    "bit_and": np.bitwise_and,
    "bit_or": np.bitwise_or,
    "bit_xor": np.bitwise_xor,
    "bit_not": np.bitwise_not,
    "shift_left": _shift(np.left_shift),
    "shift_right_logical": _shift(np.right_shift),
    "shift_right_arithmetic": shift_right_arithmetic,
    "population_count": population_count,
    "clz": clz,
    "mulhi": mulhi,
    "truncdiv": truncdiv,
    "rem": rem,
    "bitcast": bitcast,
    "round_away": round_away,
    "nextafter": np.nextafter,
    "reduce_precision": reduce_precision,
}
