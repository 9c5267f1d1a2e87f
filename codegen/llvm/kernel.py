"""Kernels: a first-order program after all passes enters, a function of addresses in an LLVM module leaves."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from ...lang.ir import ArrayType, Program, as_array
from . import steps
from .buffers import ALIGN, REGIONS, Buffers
from .code import Code
from .dtypes import I8, I64, POINTER, memory_type
from .memory import Stored, Target, Value, allocate, deliver, lengths, read, row_major
from .unit import Unit


def write_kernel(module: ir.Module, program: Program) -> tuple[ir.Function, Buffers]:
    """A function for a program after all passes, internal to a module, and the memory it wants; see `call_kernel`."""
    own = len(program.inputs) + len(program.outputs)
    signature = ir.FunctionType(ir.VoidType(), [POINTER] * (own + REGIONS))
    kernel = ir.Function(module, signature, module.get_unique_name("kernel"))
    kernel.linkage = "internal"
    kernel.attributes.add("noinline")
    for argument in kernel.args:
        argument.add_attribute("noalias")
    entry, start = kernel.append_basic_block("entry"), kernel.append_basic_block("start")
    allocas = ir.IRBuilder(entry)
    buffers = Buffers(tuple(kernel.args[own:]))
    code = Code(Unit(module, kernel, allocas, buffers), ir.IRBuilder(start))
    inputs: list[Value] = [_input(code, as_array(t), p) for t, p in zip(program.inputs, kernel.args, strict=False)]
    places = kernel.args[len(inputs) : own]
    targets = [
        Target(Stored(as_array(t), place, row_major(lengths(as_array(t)))))
        for t, place in zip(program.output_types, places, strict=True)
    ]
    steps.run(code, program, inputs, list(targets))
    code.b.ret_void()
    code.unit.close()
    allocas.branch(start)
    return kernel, buffers


def call_kernel(b: ir.IRBuilder, kernel: ir.Function, arrays: list[ir.Value], scratch: ir.Value, own: Buffers) -> None:
    """Run a kernel on the addresses of its inputs and results and of scratch memory."""
    byte = ir.IntType(8)
    regions = [b.gep(scratch, [ir.Constant(I64, place)], source_etype=byte) for place in own.offsets()]
    regions += [scratch] * (REGIONS - len(regions))
    b.call(kernel, [*arrays, *regions])


def call_part(
    code: Code, program: Program, operands: Sequence[Value], goals: Sequence[Target | None]
) -> list[Value]:
    """A part of a long program as a function of its own, called here; all that it gives stands in memory."""
    kernel, own = write_kernel(code.unit.module, program)
    code.unit.buffers.parts.append(own)
    given = [_dense(code, x, as_array(type_)) for x, type_ in zip(operands, program.inputs, strict=True)]
    results = [
        goal.place
        if goal is not None and not goal.adds and goal.place.dense
        else _place(code, as_array(type_), "handed on", number)
        for number, (goal, type_) in enumerate(zip(goals, program.output_types, strict=True))
    ]
    scratch = _place(code, ArrayType("uint8", (own.total + ALIGN,)), "part") if own.total else None
    pointer = ir.Constant(POINTER, None) if scratch is None else _aligned(code, scratch.pointer)
    call_kernel(code.b, kernel, [place.pointer for place in (*given, *results)], pointer, own)
    return list(results)


def _aligned(code: Code, pointer: ir.Value) -> ir.Value:
    """The next place that scratch memory may begin at."""
    up = code.b.and_(code.b.neg(code.b.ptrtoint(pointer, I64)), ir.Constant(I64, ALIGN - 1))
    return code.b.gep(pointer, [up], source_etype=I8)


def _dense(code: Code, x: Value, type_: ArrayType) -> Stored:
    if isinstance(x, Stored) and x.strides == row_major(x.shape) and x.spread is None and x.valid is None:
        return x
    place = _place(code, type_, "operand")
    deliver(code, x, Target(place))
    return place


def _place(code: Code, type_: ArrayType, role: str, number: int = 0) -> Stored:
    if type_.shape:
        return allocate(code, type_, role, number)
    return Stored(type_, code.unit.variable(memory_type(type_.dtype)), ())


def _input(code: Code, type_: ArrayType, pointer: ir.Value) -> Value:
    place = Stored(type_, pointer, row_major(lengths(type_)))
    return place if type_.shape else read(code, place)
