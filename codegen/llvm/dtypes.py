"""Dtypes of programs as types of LLVM: a name enters; a type, a width or a kind leaves."""

from __future__ import annotations

from llvmlite import ir

from ...lang.constants import numpy_dtype
from ...lang.diagnostics import fail

I1, I8, I64, F64 = ir.IntType(1), ir.IntType(8), ir.IntType(64), ir.DoubleType()
POINTER = ir.PointerType()
_FLOATS = {"f64": F64, "f32": ir.FloatType()}


def is_float(dtype: str) -> bool:
    """Whether numbers of a dtype are floats."""
    return dtype in _FLOATS


def is_signed(dtype: str) -> bool:
    """Whether whole numbers of a dtype have a sign."""
    return numpy_dtype(dtype).kind == "i"


def llvm_type(dtype: str) -> ir.Type:
    """The type of a number in a register; truth values are one bit."""
    if dtype in _FLOATS:
        return _FLOATS[dtype]
    if dtype == "bool":
        return I1
    if numpy_dtype(dtype).kind not in "iu":
        raise fail("E145", f"numbers of type {dtype} are not in the llvm back end", hint='use backend="xla"')
    return ir.IntType(8 * numpy_dtype(dtype).itemsize)


def memory_type(dtype: str) -> ir.Type:
    """The type of a number in memory; truth values are one byte."""
    return I8 if dtype == "bool" else llvm_type(dtype)


def width(dtype: str) -> int:
    """Bytes of a number in memory."""
    return numpy_dtype(dtype).itemsize
