"""Functions that C calls, in the terms of LLVM: the functions of a library enter, one module leaves.

A function checks its sizes and pointers, takes scratch memory from `malloc`, runs the kernel and gives the memory back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from ...lang.diagnostics import fail
from ...lang.ir import Apply, Program, bodies
from ...lang.source import Span
from ..llvm.buffers import ALIGN, Buffers
from ..llvm.dtypes import I8, I64, POINTER, memory_type, width
from ..llvm.kernel import call_kernel, write_kernel
from ..llvm.library import borrowed
from ..llvm.pipeline import optimise
from .library import Array, Function, Library

_INT = ir.IntType(32)

# What every function returns: the name, the number and what it says.
CODES: tuple[tuple[str, int, str], ...] = (
    ("OK", 0, "all results are there"),
    ("WRONG_SIZE", 1, "a size is not the one this library is made for; nothing was written"),
    ("BAD_POINTER", 2, "a pointer is NULL, or a result overlaps another array; nothing was written"),
    ("NO_MEMORY", 3, "malloc gave no memory; nothing was written"),
    ("BAD_INDEX", 4, "the program used an index out of range; the results are not to be used"),
)
_WRONG_SIZE, _BAD_POINTER, _NO_MEMORY, _BAD_INDEX = (number for _, number, _ in CODES[1:])


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that one call takes from `malloc`, and those of its arrays on the stack."""

    heap: int
    stack: int


@dataclass(frozen=True, slots=True)
class _Call:
    """What a function of C was called with; `scalars` of the inputs come by value."""

    sizes: Sequence[ir.Value]
    inputs: Sequence[ir.Value]
    outputs: Sequence[ir.Value]


def write_library(library: Library, triple: str, data_layout: str) -> tuple[str, dict[str, Memory]]:
    """The text of the module for a target, and what memory each function takes.

    Raises E148 for functions that native code takes from SciPy, and the diagnostics of the llvm back end.
    """
    module = ir.Module(library.name)
    module.triple, module.data_layout = triple, data_layout
    memory = {function.name: _write(module, library, function) for function in library.functions}
    return str(module), memory


def _write(module: ir.Module, library: Library, function: Function) -> Memory:
    kernel, buffers = write_kernel(module, optimise(function.program))
    _refuse_borrowed(module, function)
    kinds = [POINTER if array.type.shape else memory_type(array.type.dtype) for array in function.inputs]
    types = [*[I64] * len(library.sizes), *kinds, *[POINTER] * len(function.outputs)]
    own = ir.Function(module, ir.FunctionType(_INT, types), function.name)
    own.attributes.add("nounwind")
    first, last = len(library.sizes), len(types) - len(function.outputs)
    call = _Call(own.args[:first], own.args[first:last], own.args[last:])
    b = ir.IRBuilder(own.append_basic_block("entry"))
    for size, (_, wanted) in zip(call.sizes, library.sizes, strict=True):
        _stop(b, b.icmp_signed("!=", size, ir.Constant(I64, wanted)), _WRONG_SIZE)
    _check_pointers(b, function, call)
    _run(b, module, function, call, kernel, buffers)
    return Memory(buffers.total + ALIGN if buffers.total else 0, buffers.deepest)


def _stop(b: ir.IRBuilder, condition: ir.Value, code: int) -> None:
    """Return an error code where a condition holds."""
    with b.if_then(condition):
        b.ret(ir.Constant(_INT, code))


def _check_pointers(b: ir.IRBuilder, function: Function, call: _Call) -> None:
    """Kernels rely on places that are there and on results that no other array shares."""
    inputs = _places(b, function.inputs, call.inputs)
    outputs = _places(b, function.outputs, call.outputs, by_value=False)
    for start, _ in (*inputs, *outputs):
        _stop(b, b.icmp_unsigned("==", start, ir.Constant(I64, 0)), _BAD_POINTER)
    for number, (start, end) in enumerate(outputs):
        for other, other_end in (*inputs, *outputs[:number]):
            begins = b.icmp_unsigned("<", start, other_end)
            _stop(b, b.and_(begins, b.icmp_unsigned("<", other, end)), _BAD_POINTER)


def _places(
    b: ir.IRBuilder, arrays: Sequence[Array], values: Sequence[ir.Value], by_value: bool = True
) -> list[tuple[ir.Value, ir.Value]]:
    """Where the arrays that hold something begin and end, as numbers."""
    found: list[tuple[ir.Value, ir.Value]] = []
    for array, value in zip(arrays, values, strict=True):
        if array.elements and (array.type.shape or not by_value):
            start = b.ptrtoint(value, I64)
            found.append((start, b.add(start, ir.Constant(I64, array.elements * width(array.type.dtype)))))
    return found


def _run(
    b: ir.IRBuilder, module: ir.Module, function: Function, call: _Call, kernel: ir.Function, buffers: Buffers
) -> None:
    arrays = [
        value if array.type.shape else _on_stack(b, memory_type(array.type.dtype), value)
        for array, value in zip(function.inputs, call.inputs, strict=True)
    ]
    count = _on_stack(b, I64, ir.Constant(I64, 0))
    arrays += [*call.outputs, *([count] if function.counts else [])]
    if buffers.total:
        block = b.call(_external(module, "malloc", POINTER, I64), [ir.Constant(I64, buffers.total + ALIGN)])
        address = b.ptrtoint(block, I64)
        _stop(b, b.icmp_unsigned("==", address, ir.Constant(I64, 0)), _NO_MEMORY)
        gap = b.and_(b.sub(ir.Constant(I64, 0), address), ir.Constant(I64, ALIGN - 1))
        call_kernel(b, kernel, arrays, b.gep(block, [gap], source_etype=I8), buffers)
        b.call(_external(module, "free", ir.VoidType(), POINTER), [block])
    else:
        call_kernel(b, kernel, arrays, ir.Constant(POINTER, None), buffers)
    if function.counts:
        bad = b.icmp_signed("!=", b.load(count, typ=I64, align=8), ir.Constant(I64, 0))
        _stop(b, bad, _BAD_INDEX)
    b.ret(ir.Constant(_INT, 0))


def _on_stack(b: ir.IRBuilder, type_: ir.Type, value: ir.Value) -> ir.Value:
    """The place of a number that came by value."""
    place = b.alloca(type_)
    place.align, place.type = 8, POINTER
    b.store(value, place, align=8)
    return place


def _external(module: ir.Module, name: str, result: ir.Type, parameter: ir.Type) -> ir.Function:
    found = module.globals.get(name)
    return found or ir.Function(module, ir.FunctionType(result, [parameter]), name)


def _refuse_borrowed(module: ir.Module, function: Function) -> None:
    names = borrowed(module)
    if names:
        listed = ", ".join(f"`{name}`" for name in names)
        raise fail(
            "E148",
            f"`{function.name}` needs {listed}, which native code calls in SciPy",
            _place(function.program, names),
            hint="a library for C has no SciPy: leave out this function (--derivative), or the inputs whose derivative "
            "needs it (--wrt)",
        )


def _place(program: Program, names: Sequence[str]) -> Span | None:
    """The text of the first step that applies one of these primitives."""
    for step in program.steps:
        if isinstance(step.op, Apply) and step.op.primitive in names:
            return step.origin
        for inner in bodies(step.op):
            found = _place(inner, names)
            if found is not None:
                return found
    return None
