"""Floating-point formulas: f64 numbers with operators, whose use writes the instructions."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from .code import Code, Number, lanes_of
from .dtypes import F64, I64


def bits_of(value: float) -> int:
    """The bit pattern of a number.

    >>> hex(bits_of(1.0))
    '0x3ff0000000000000'
    """
    return struct.unpack("<q", struct.pack("<d", value))[0]


@dataclass(frozen=True)
class Real:
    """An f64 number, in one lane or in many."""

    code: Code
    value: Number

    def _other(self, x: Real | float) -> Number:
        return x.value if isinstance(x, Real) else self.code.literal(float(x), F64)

    def _both(self, x: Real | float) -> tuple[Number, ...]:
        return self.code.alike(self.value, self._other(x))

    def _real(self, value: Number) -> Real:
        return Real(self.code, value)

    def __add__(self, x: Real | float) -> Real:
        return self._real(self.code.b.fadd(*self._both(x)))

    def __sub__(self, x: Real | float) -> Real:
        return self._real(self.code.b.fsub(*self._both(x)))

    def __rsub__(self, x: float) -> Real:
        left, right = self.code.alike(self._other(x), self.value)
        return self._real(self.code.b.fsub(left, right))

    def __mul__(self, x: Real | float) -> Real:
        return self._real(self.code.b.fmul(*self._both(x)))

    def __truediv__(self, x: Real | float) -> Real:
        return self._real(self.code.b.fdiv(*self._both(x)))

    def __rtruediv__(self, x: float) -> Real:
        left, right = self.code.alike(self._other(x), self.value)
        return self._real(self.code.b.fdiv(left, right))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Real:
        return self._real(self.code.b.fneg(self.value))

    def __lt__(self, x: Real | float) -> Number:
        return self.code.b.fcmp_ordered("<", *self._both(x))

    def __gt__(self, x: Real | float) -> Number:
        return self.code.b.fcmp_ordered(">", *self._both(x))

    def equals(self, x: Real | float) -> Number:
        return self.code.b.fcmp_ordered("==", *self._both(x))

    def __abs__(self) -> Real:
        return self._real(self.code.intrinsic("fabs", self.value))

    def times_plus(self, y: Real | float, z: Real | float) -> Real:
        """``self * y + z``, rounded once."""
        return self._real(self.code.fma(self.value, self._other(y), self._other(z)))

    def signed_as(self, x: Real) -> Real:
        """The magnitude of this with the sign of `x`."""
        return self._real(self.code.intrinsic("copysign", self.value, x.value))

    def where(self, condition: Number, other: Real | float) -> Real:
        """This where the condition holds, else the other."""
        return self._real(self.code.select(condition, self.value, self._other(other)))

    @property
    def bits(self) -> Number:
        """The bit pattern."""
        return self.code.cast(self.value, I64)

    def from_bits(self, bits: Number) -> Real:
        """The number with a bit pattern."""
        return self._real(self.code.cast(bits, F64))

    def int(self, value: int) -> Number:
        """A whole number in as many lanes as this."""
        lanes = lanes_of(self.value)
        return self.code.literal(value, ir.VectorType(I64, lanes) if lanes else I64)


def polynomial(x: Real, coefficients: Sequence[float]) -> Real:
    """The polynomial with these coefficients, the highest power's first, by Horner's rule with fused steps."""
    first, *rest = coefficients
    total: Real | float = first
    for coefficient in rest:
        total = x.times_plus(total, coefficient)
    assert isinstance(total, Real)
    return total
