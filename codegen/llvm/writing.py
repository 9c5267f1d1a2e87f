"""What writing one elementwise primitive takes: its application, and floats of other widths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from ...lang.ir import Apply
from .code import Code, Number, lanes_of, scalar_type
from .dtypes import F64, is_float, is_signed, llvm_type


@dataclass(frozen=True)
class Application:
    """A primitive at operands of one dtype (that of the last one), with a result of another."""

    op: Apply
    dtype: str
    result: str

    @property
    def is_float(self) -> bool:
        return is_float(self.dtype)

    @property
    def is_signed(self) -> bool:
        return is_signed(self.dtype)


Write = Callable[..., Number]  # (code, application, *operands)


def in_lanes(type_: ir.Type, x: Number) -> ir.Type:
    """A type in as many lanes as a number has."""
    return ir.VectorType(type_, lanes_of(x)) if lanes_of(x) else type_


def widened(code: Code, x: Number) -> Number:
    """A float as f64."""
    return x if scalar_type(x) == F64 else code.b.fpext(x, in_lanes(F64, x))


def narrowed(code: Code, x: Number, dtype: str) -> Number:
    """An f64 number rounded to a dtype."""
    return x if dtype == "f64" else code.b.fptrunc(x, in_lanes(llvm_type(dtype), x))
