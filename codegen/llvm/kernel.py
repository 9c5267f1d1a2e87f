"""Kernels: a first-order program after all passes enters, a function of addresses in an LLVM module leaves."""

from __future__ import annotations

from llvmlite import ir

from ...lang.ir import ArrayType, Program, as_array
from . import steps
from .buffers import REGIONS, Buffers
from .code import Code, Unit
from .dtypes import I64, POINTER
from .memory import Stored, Target, Value, lengths, read, row_major


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
    allocas.branch(start)
    return kernel, buffers


def call_kernel(b: ir.IRBuilder, kernel: ir.Function, arrays: list[ir.Value], scratch: ir.Value, own: Buffers) -> None:
    """Run a kernel on the addresses of its inputs and results and of scratch memory."""
    byte = ir.IntType(8)
    regions = [b.gep(scratch, [ir.Constant(I64, place)], source_etype=byte) for place in own.offsets()]
    regions += [scratch] * (REGIONS - len(regions))
    b.call(kernel, [*arrays, *regions])


def _input(code: Code, type_: ArrayType, pointer: ir.Value) -> Value:
    place = Stored(type_, pointer, row_major(lengths(type_)))
    return place if type_.shape else read(code, place)
