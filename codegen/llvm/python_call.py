"""Calls from Python without a detour: a kernel enters, a function of CPython that takes arrays and floats leaves.

A call of a small program spends its time outside the program: in Python, and in ctypes. So the module gets a function
of CPython's own calling convention (METH_FASTCALL) that compares type, dtype, layout and shape of every argument with
what the kernel was compiled for, runs it with the interpreter unlocked, and makes the results. Where an argument is
anything else it gives None, and the caller takes the long way, which converts or says what is wrong.

Addresses come in a table at run time (`python_layout.py`), so the code does not depend on the process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from ...lang.constants import numpy_dtype
from ...lang.ir import ArrayType, Program, as_array
from .buffers import ALIGN, Buffers
from .dtypes import F64, I8, I64, POINTER, is_float, is_signed, memory_type
from .kernel import call_kernel
from .machine import Loaded
from .memory import count, lengths
from .python_layout import DATA, DENSE, DTYPE, DTYPES, ENTRIES, FLAGS, NUMBER, RANK, SHAPE, TYPE, layout_holds, table
from .unit import call_address

NAME = "python_call"
KEPT = 1 << 26  # bytes of memory for intermediate arrays that stay between calls


def can_be_called(program: Program) -> bool:
    """Whether the arguments and results of a program are of kinds that this way knows."""
    inputs, outputs = (list(map(as_array, types)) for types in (program.inputs, program.output_types))
    known = all(type_.dtype in DTYPES for type_ in (*inputs, *outputs))
    return (
        known
        and all(t.shape or t.dtype == "f64" for t in inputs)
        and all(t.shape or t.dtype != "uint64" for t in outputs)
    )


# --- the function ----------------------------------------------------------------------------------------------------


def write_python_call(module: ir.Module, kernel: ir.Function, program: Program, own: Buffers) -> None:
    """Add the function to a module: arguments, then new arrays for results that are arrays, scratch memory if there is
    any, and whether to look at the results; a tuple of the results and
    of whether all their floats are finite, or None."""
    _Writer(module, kernel, program).write(own)


class _Writer:
    """The function while it is written."""

    def __init__(self, module: ir.Module, kernel: ir.Function, program: Program) -> None:
        self.function = ir.Function(module, ir.FunctionType(POINTER, [POINTER, POINTER, I64]), NAME)
        self.kernel = kernel
        self.inputs = [as_array(t) for t in program.inputs]
        self.outputs = [as_array(t) for t in program.output_types]
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.refused = self.function.append_basic_block("refused")
        self.table = self._field(self.function.args[0], DATA, POINTER)

    def write(self, own: Buffers) -> None:
        b = self.b
        given = len(self.inputs) + sum(bool(t.shape) for t in self.outputs)
        behind = given + bool(own.total)
        self._require(b.icmp_signed("==", self.function.args[2], ir.Constant(I64, behind + 1)))
        places = [self._input(self._argument(k), type_) for k, type_ in enumerate(self.inputs)]
        fresh = iter(range(len(self.inputs), given))
        arrays = [self._argument(next(fresh)) if type_.shape else None for type_ in self.outputs]
        results = [
            b.alloca(memory_type(type_.dtype)) if array is None else self._field(array, DATA, POINTER)
            for type_, array in zip(self.outputs, arrays, strict=True)
        ]
        for place in results:
            place.type = POINTER
        self._run([*places, *results], own, given)
        unchecked = b.icmp_unsigned("!=", self._argument(behind), self._entry("True"))
        b.ret(self._tuple(results, arrays, unchecked))
        b.position_at_end(self.refused)
        none = self._entry("None")
        self._call("Py_IncRef", ir.VoidType(), none)
        b.ret(none)

    # --- objects ---

    def _field(self, value: ir.Value, place: int, type_: ir.Type) -> ir.Value:
        return self.b.load(
            self._behind(value, ir.Constant(I64, place)), typ=type_, align=4 if type_ == ir.IntType(32) else 8
        )

    def _behind(self, value: ir.Value, place: ir.Value) -> ir.Value:
        return self.b.gep(value, [place], source_etype=I8)

    def _entry(self, name: str) -> ir.Value:
        return self._field(self.table, 8 * ENTRIES.index(name), POINTER)

    def _call(self, name: str, result: ir.Type, *xs: ir.Value) -> ir.Value:
        return call_address(self.b, self._entry(name), result, *xs)

    def _argument(self, number: int) -> ir.Value:
        return self._field(self.function.args[1], 8 * number, POINTER)

    def _require(self, condition: ir.Value) -> None:
        going = self.function.append_basic_block("checked")
        self.b.cbranch(condition, going, self.refused)
        self.b.position_at_end(going)

    def _same(self, x: ir.Value, y: ir.Value) -> None:
        self._require(self.b.icmp_unsigned("==", x, y))

    def _input(self, value: ir.Value, type_: ArrayType) -> ir.Value:
        """Where the numbers of an argument are, once it is found to be what is expected."""
        if not type_.shape:
            self._same(self._field(value, TYPE, POINTER), self._entry("float"))
            return self._behind(value, ir.Constant(I64, NUMBER))
        shape, i32 = lengths(type_), ir.IntType(32)
        self._same(self._field(value, TYPE, POINTER), self._entry("ndarray"))
        self._same(self._field(value, DTYPE, POINTER), self._entry(type_.dtype))
        self._same(self._field(value, RANK, i32), ir.Constant(i32, len(shape)))
        dense = ir.Constant(i32, DENSE)
        self._same(self.b.and_(self._field(value, FLAGS, i32), dense), dense)
        sizes = self._field(value, SHAPE, POINTER)
        for axis, size in enumerate(shape):
            self._same(self._field(sizes, 8 * axis, I64), ir.Constant(I64, size))
        return self._field(value, DATA, POINTER)

    # --- the run ---

    def _run(self, places: list[ir.Value], own: Buffers, scratch: int) -> None:
        b = self.b
        null = ir.Constant(POINTER, None)
        start = null
        if own.total:
            memory = self._field(self._argument(scratch), DATA, POINTER)
            up = b.and_(b.neg(b.ptrtoint(memory, I64)), ir.Constant(I64, ALIGN - 1))
            start = self._behind(memory, up)
        thread = self._call("PyEval_SaveThread", POINTER)
        call_kernel(b, self.kernel, places, start, own)
        self._call("PyEval_RestoreThread", ir.VoidType(), thread)

    # --- results ---

    def _tuple(self, results: Sequence[ir.Value], arrays: Sequence[ir.Value | None], unchecked: ir.Value) -> ir.Value:
        b = self.b
        finite = self._all_finite(results, unchecked)
        found: list[ir.Value] = []
        for type_, place, array in zip(self.outputs, results, arrays, strict=True):
            if array is None:
                found.append(self._number(place, type_.dtype))
            else:
                self._call("Py_IncRef", ir.VoidType(), array)
                found.append(array)
        found.append(self._call("PyBool_FromLong", POINTER, b.zext(finite, I64)))
        made = self._call("PyTuple_New", POINTER, ir.Constant(I64, len(found)))
        with b.if_then(b.icmp_unsigned("==", made, ir.Constant(POINTER, None))):
            b.ret(made)
        for k, value in enumerate(found):
            self._call("PyTuple_SetItem", ir.IntType(32), made, ir.Constant(I64, k), value)
        return made

    def _all_finite(self, results: Sequence[ir.Value], unchecked: ir.Value) -> ir.Value:
        b, before = self.b, self.b.block
        look, after = b.append_basic_block("check"), b.append_basic_block("known")
        b.cbranch(unchecked, after, look)
        b.position_at_end(look)
        finite: ir.Value = ir.Constant(ir.IntType(1), True)
        for type_, place in zip(self.outputs, results, strict=True):
            if is_float(type_.dtype):
                finite = b.and_(finite, self._is_finite(place, type_))
        end = b.block
        b.branch(after)
        b.position_at_end(after)
        found = b.phi(ir.IntType(1))
        found.add_incoming(ir.Constant(ir.IntType(1), True), before)
        found.add_incoming(finite, end)
        return found

    def _number(self, place: ir.Value, dtype: str) -> ir.Value:
        x = self.b.load(place, typ=memory_type(dtype))
        if dtype == "bool":
            return self._call("PyBool_FromLong", POINTER, self.b.zext(x, I64))
        if is_float(dtype):
            wide = x if x.type == F64 else self.b.fpext(x, F64)
            return self._call("PyFloat_FromDouble", POINTER, wide)
        if x.type != I64:
            x = self.b.sext(x, I64) if is_signed(dtype) else self.b.zext(x, I64)
        return self._call("PyLong_FromLongLong", POINTER, x)

    def _is_finite(self, place: ir.Value, type_: ArrayType) -> ir.Value:
        """Whether no exponent has all its bits set."""
        b, size = self.b, count(lengths(type_))
        bits = ir.IntType(8 * numpy_dtype(type_.dtype).itemsize)
        mask = ir.Constant(bits, 0x7FF0 << 48 if bits.width == 64 else 0x7F80 << 16)

        def bad(number: ir.Value) -> ir.Value:
            x = b.load(b.gep(place, [number], source_etype=bits), typ=bits)
            return b.zext(b.icmp_unsigned("==", b.and_(x, mask), mask), bits)

        none = ir.Constant(bits, 0)
        if size <= 1:
            return b.icmp_unsigned("==", bad(ir.Constant(I64, 0)) if size else none, none)
        before, body, after = b.block, b.append_basic_block("look"), b.append_basic_block("looked")
        b.branch(body)
        b.position_at_end(body)
        index, total = b.phi(I64), b.phi(bits)
        index.add_incoming(ir.Constant(I64, 0), before)
        total.add_incoming(none, before)
        found, following = b.or_(total, bad(index)), b.add(index, ir.Constant(I64, 1), flags=("nuw", "nsw"))
        index.add_incoming(following, body)
        total.add_incoming(found, body)
        b.cbranch(b.icmp_signed("<", following, ir.Constant(I64, size)), body, after)
        b.position_at_end(after)
        return b.icmp_unsigned("==", found, none)


# --- the object ------------------------------------------------------------------------------------------------------

Direct = Callable[..., tuple[Any, ...] | None]


class _Method(ctypes.Structure):
    """`PyMethodDef`."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


_FASTCALL = 0x80


@dataclass(frozen=True)
class _Made:
    """The function as an object; what it stands on lives as long as this."""

    loaded: Loaded
    method: _Method
    function: Direct


def direct(loaded: Loaded, program: Program, scratch: int) -> Direct | None:
    """The function for a program: arguments enter; a tuple of its results and, last, of whether all their floats are
    finite leaves, or None where an argument is not exactly what the program was compiled for. None where no such
    function can be. Numbers are Python floats, arrays NumPy arrays.
    """
    if not can_be_called(program) or not layout_holds():
        return None
    method = _Method(b"call", loaded.address(NAME), _FASTCALL, None)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    made = _Made(loaded, method, new(ctypes.addressof(method), table(), None))
    call, empty = made.function, np.empty
    arrays = [(lengths(t), numpy_dtype(t.dtype)) for t in map(as_array, program.output_types) if t.shape]
    size, kept = scratch + ALIGN, list[np.ndarray]()

    def run(*args: Any, check: bool = True, made: _Made = made) -> tuple[Any, ...] | None:
        results = [empty(shape, dtype) for shape, dtype in arrays]
        # Memory that was used before is in place already; a thread that finds none takes some of its own.
        memory = [kept.pop() if kept else empty(size, np.uint8)] if scratch else []
        found = call(*args, *results, *memory, check)
        if found is None and any(map(_has_gaps, args)):
            dense = [np.ascontiguousarray(x) if _has_gaps(x) else x for x in args]
            found = call(*dense, *results, *memory, check)
        if memory and size <= KEPT and not kept:
            kept.extend(memory)
        return found

    return run


def _has_gaps(x: object) -> bool:
    return type(x) is np.ndarray and not x.flags.c_contiguous
