"""Kernels: a first-order program after all passes enters, a function of addresses in an LLVM module leaves.

A long program is a line of calls of its parts. Numbers that parts hand on stand in memory that they share, in the order
in which they are made. A part is told where what it makes goes and where what it reads begins, so that parts that do
the same, as those of unrolled loops do, are one function.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from llvmlite import ir

from ...lang.ir import ArrayType, Call, Program, as_array
from . import steps
from .buffers import ALIGN, REGIONS, Buffers
from .code import Code
from .dtypes import I8, I64, POINTER
from .memory import Left, Stored, Target, Value, allocate, deliver, lengths, read, row_major
from .unit import Formulas, Unit, settle

NUMBER = 8  # bytes of a number in shared memory
FAR = 1024  # bytes between stretches of shared memory


def write_kernel(module: ir.Module, program: Program) -> tuple[ir.Function, Buffers]:
    """A function for a program after all passes, internal to a module, and the memory it wants; see `call_kernel`."""
    types = [as_array(type_) for type_ in (*program.inputs, *program.output_types)]
    code, start = _function(module, [POINTER] * len(types), {})
    places = [
        Stored(type_, pointer, row_major(lengths(type_)))
        for type_, pointer in zip(types, code.unit.function.args, strict=False)
    ]
    numbers = sum(not as_array(t).shape for step in program.steps if isinstance(step.op, Call) for t in step.types)
    if numbers:
        code.unit.buffers.shared = numbers * NUMBER
        code.unit.blocks = (allocate(code, ArrayType("uint8", (numbers * NUMBER,))).pointer,)
    inputs: list[Value] = [x if x.shape else read(code, x) for x in places[: len(program.inputs)]]
    steps.run(code, program, inputs, [Target(place) for place in places[len(inputs) :]])
    _close(code, start)
    settle(code.unit.formulas)
    return code.unit.function, code.unit.buffers


def _function(module: ir.Module, parameters: Sequence[ir.Type], formulas: Formulas) -> tuple[Code, ir.Block]:
    """A function to be written, whose last parameters are regions of scratch memory, and the block where it starts."""
    signature = ir.FunctionType(ir.VoidType(), [*parameters, *[POINTER] * REGIONS])
    kernel = ir.Function(module, signature, module.get_unique_name("kernel"))
    kernel.linkage = "internal"
    kernel.attributes.add("noinline")
    for argument in kernel.args:
        if argument.type == POINTER:
            argument.add_attribute("noalias")
    entry, start = kernel.append_basic_block("entry"), kernel.append_basic_block("start")
    buffers = Buffers(tuple(kernel.args[len(parameters) :]))
    return Code(Unit(module, kernel, ir.IRBuilder(entry), buffers, formulas), ir.IRBuilder(start)), start


def _close(code: Code, start: ir.Block) -> None:
    code.b.ret_void()
    code.unit.entry.branch(start)


def call_kernel(b: ir.IRBuilder, kernel: ir.Function, arrays: list[ir.Value], scratch: ir.Value, own: Buffers) -> None:
    """Run a kernel on its operands and on scratch memory."""
    byte = ir.IntType(8)
    regions = [b.gep(scratch, [ir.Constant(I64, place)], source_etype=byte) for place in own.offsets()]
    regions += [scratch] * (REGIONS - len(regions))
    b.call(kernel, [*arrays, *regions])


def call_part(
    code: Code, program: Program, operands: Sequence[Value | Left], goals: Sequence[Target | None]
) -> list[Stored | Left]:
    """A part of a long program as a function of its own, called here; all that it gives stands in memory."""
    begin = code.unit.used
    given = [_passed(code, x, as_array(type_)) for x, type_ in zip(operands, program.inputs, strict=True)]
    results = [
        _result(code, goal, as_array(type_), number)
        for number, (goal, type_) in enumerate(zip(goals, program.output_types, strict=True))
    ]
    blocks = _blocks([x.place for x in given if isinstance(x, Left)])
    inputs = [_within(x, blocks) for x in given]
    outputs = [Left(x.type, x.place - begin) if isinstance(x, Left) else x for x in results]
    starts = [code.at(pointer, "uint8", place) for pointer in code.unit.blocks for place in (begin, *blocks)]
    sent = [*starts, *(sent for x in (*given, *results) for sent in _sent(x))]
    key = (program, *(x if isinstance(x, Left) else str(type(x)) for x in (*inputs, *outputs)))
    if key not in code.unit.parts:
        code.unit.parts[key] = _part(code, program, inputs, outputs, sent, len(starts))
    part = code.unit.parts[key].unit
    own = part.buffers
    scratch = allocate(code, ArrayType("uint8", (own.total + ALIGN,)), "part") if own.total else None
    pointer = ir.Constant(POINTER, None) if scratch is None else _aligned(code, scratch.pointer)
    call_kernel(code.b, part.function, sent, pointer, own)
    return results


def _part(
    code: Code,
    program: Program,
    inputs: Sequence[Value | Left],
    outputs: Sequence[Stored | Left],
    sent: Sequence[ir.Value],
    blocks: int,
) -> Code:
    """Write the function of a part that is told such operands and places.

    LLVM takes longer to polish a straight line that runs once than anybody ever gains by it, so it leaves it alone.
    """
    part, start = _function(code.unit.module, [x.type for x in sent], code.unit.formulas)
    part.unit.blocks = tuple(part.unit.function.args[:blocks])
    arguments = iter(part.unit.function.args[blocks:])
    inside = [_received(x, arguments) for x in inputs]
    targets = [None if isinstance(x, Left) else Target(_received(x, arguments)) for x in outputs]
    leaves = [(slot, x) for slot, x in zip(program.outputs, outputs, strict=True) if isinstance(x, Left)]
    steps.run(part, program, inside, targets, leaves)
    _close(part, start)
    if part.unit.straight:
        part.unit.function.attributes.add("optnone")
    code.unit.straight = code.unit.straight and part.unit.straight
    code.unit.buffers.parts.append(part.unit.buffers)
    return part


def _blocks(places: Sequence[int]) -> list[int]:
    """Where the stretches of shared memory begin that a part reads, far apart from each other.

    >>> _blocks([8000, 16, 0, 8016])
    [0, 8000]
    """
    ordered = sorted(places)
    return [place for before, place in zip([None, *ordered], ordered, strict=False) if _far(before, place)]


def _far(before: int | None, place: int) -> bool:
    return before is None or place - before > FAR


def _within(x: Value | Left, blocks: Sequence[int]) -> Value | Left:
    """An operand as a part sees it: a number of other parts in one of the stretches that it reads."""
    if not isinstance(x, Left):
        return x
    block = bisect_right(blocks, x.place)
    return Left(x.type, x.place - blocks[block - 1], block)


def _passed(code: Code, x: Value | Left, type_: ArrayType) -> Value | Left:
    """An operand as a part takes it: a number, the place of one that another part left, or a dense array in memory."""
    if isinstance(x, Left):
        return x
    if not type_.shape:
        return read(code, x)
    if isinstance(x, Stored) and x.strides == row_major(x.shape) and x.spread is None and x.valid is None:
        return x
    place = allocate(code, type_, "operand")
    deliver(code, x, Target(place))
    return place


def _result(code: Code, goal: Target | None, type_: ArrayType, number: int) -> Stored | Left:
    """Where a result of a part goes."""
    if goal is not None and not goal.adds and goal.place.dense:
        return goal.place
    if type_.shape:
        return allocate(code, type_, "handed on", number)
    code.unit.used += NUMBER
    return Left(type_, code.unit.used - NUMBER)


def _sent(x: Value | Left) -> list[ir.Value]:
    """What is handed to a part for an operand or the place of a result."""
    if isinstance(x, Stored):
        return [x.pointer]
    return [x] if isinstance(x, ir.Value) else []


def _received(x: Value | Left, arguments: Iterator[ir.Value]) -> Any:
    """The same operand or place inside the part."""
    if isinstance(x, Left):
        return x
    return replace(x, pointer=next(arguments)) if isinstance(x, Stored) else next(arguments)


def _aligned(code: Code, pointer: ir.Value) -> ir.Value:
    """The next place that scratch memory may begin at."""
    up = code.b.and_(code.b.neg(code.b.ptrtoint(pointer, I64)), ir.Constant(I64, ALIGN - 1))
    return code.b.gep(pointer, [up], source_etype=I8)
