"""Native code as XLA calls it: a compiled program enters, the address of a handler leaves.

A handler is a function ``XLA_FFI_Error* (XLA_FFI_CallFrame*)`` of XLA's foreign function interface. It answers the
question for the version of the interface, compares every buffer with the program, takes scratch memory, and calls the
program with subnormal numbers as they are everywhere else, whatever the thread of XLA does with them.

The places in structures are facts of xla/ffi/api/c_api.h as jaxlib 0.10.2 ships it (version 0.3, processors of 64
bits). Structures say their own size, which is compared before anything in them is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llvmlite import binding, ir

from ...lang.constants import numpy_dtype
from ...lang.ir import ArrayType, Program, as_array
from .buffers import ALIGN
from .compile import Compiled
from .dtypes import I8, I64, POINTER
from .machine import Loaded, compiled, load
from .memory import lengths
from .unit import call_address

I32 = ir.IntType(32)
VERSION = (0, 3)
INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 3, 8
# XLA_FFI_CallFrame; its `args` and `rets` are structures inside it.
FRAME_EXTENSION, FRAME_API, FRAME_ARGS, FRAME_RETS, FRAME_SIZE = 8, 16, 40, 80, 120
LIST_COUNT, LIST_ITEMS, LIST_SIZE = 16, 32, 40  # XLA_FFI_Args, XLA_FFI_Rets
BUFFER_DTYPE, BUFFER_DATA, BUFFER_RANK, BUFFER_DIMS, BUFFER_SIZE = 16, 24, 32, 40, 48  # XLA_FFI_Buffer
API_ERROR_CREATE = 48  # XLA_FFI_Api
ERROR_MESSAGE, ERROR_CODE, ERROR_SIZE = 16, 24, 28  # XLA_FFI_Error_Create_Args
EXTENSION_TYPE, EXTENSION_METADATA, METADATA = 8, 24, 1  # XLA_FFI_Extension_Base, XLA_FFI_Metadata_Extension
METADATA_MAJOR, METADATA_MINOR, METADATA_SIZE = 24, 28, 32  # XLA_FFI_Metadata, up to what is written
# XLA_FFI_DataType
DTYPES: Mapping[str, int] = {
    "bool": 1,
    "int8": 2,
    "int16": 3,
    "int32": 4,
    "int64": 5,
    "uint8": 6,
    "uint16": 7,
    "uint32": 8,
    "uint64": 9,
    "float32": 11,
    "float64": 12,
}
# By processor: how its floating-point mode is read and written, and the bits of it that make subnormals zero.
MODES: Mapping[str, tuple[str, str, ir.IntType, int]] = {
    "x86_64": ("llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr", I32, 1 << 15 | 1 << 6),
    "aarch64": ("llvm.aarch64.get.fpcr", "llvm.aarch64.set.fpcr", I64, 1 << 24 | 1 << 19),
    "arm64": ("llvm.aarch64.get.fpcr", "llvm.aarch64.set.fpcr", I64, 1 << 24 | 1 << 19),
}


@dataclass(frozen=True)
class Handler:
    """A handler in this process; it and the program stay as long as this object."""

    address: int
    kept: tuple[Compiled, Loaded] = field(repr=False)


def handler(program: Compiled) -> Handler:
    """The handler of a compiled program.

    >>> from pushforward.codegen.llvm.compile import compile_llvm
    >>> from pushforward.lang.builder import body
    >>> double = body("double", [ArrayType("f64")], lambda b, x: [b.apply("add", x[0], x[0])])
    >>> handler(compile_llvm(double)).address > 0
    True
    """
    text = written(program.program, program.scratch, program.loaded.address("entry"), binding.get_default_triple())
    loaded = load(compiled(text).code)
    return Handler(loaded.address("handler"), (program, loaded))


def written(program: Program, scratch: int, entry: int, triple: str) -> str:
    """The text of the module of a handler, for the function at `entry`."""
    module = ir.Module("handler")
    function = ir.Function(module, ir.FunctionType(POINTER, [POINTER]), "handler")
    h = _Writer(module, function, ir.IRBuilder(function.append_basic_block("start")))
    (frame,) = function.args
    _answer_version(h, frame)
    h.require(h.at_least(frame, 0, FRAME_SIZE), "the call frame is of another version")
    types = [as_array(type_) for type_ in program.inputs]
    given = _buffers(h, frame, FRAME_ARGS, types, f"argument {{}} of `{program.name}`")
    results = [as_array(type_) for type_ in program.output_types]
    given += _buffers(h, frame, FRAME_RETS, results, f"result {{}} of `{program.name}`")
    _call(h, given, scratch, entry, MODES.get(triple.partition("-")[0]))
    h.b.ret(ir.Constant(POINTER, None))
    h.give_up(frame)
    return str(module)


@dataclass
class _Writer:
    """The handler that is being written; where a requirement does not hold it gives up with a message."""

    module: ir.Module
    function: ir.Function
    b: ir.IRBuilder
    refusals: list[tuple[ir.Block, int, str]] = field(default_factory=list)

    def place(self, base: ir.Value, offset: int) -> ir.Value:
        return self.b.gep(base, [ir.Constant(I64, offset)], source_etype=I8)

    def load(self, base: ir.Value, offset: int, type_: ir.Type) -> ir.Value:
        return self.b.load(self.place(base, offset), typ=type_, align=4 if type_ is I32 else 8)

    def store(self, base: ir.Value, offset: int, value: ir.Value) -> None:
        self.b.store(value, self.place(base, offset), align=4 if value.type is I32 else 8)

    def at_least(self, base: ir.Value, offset: int, size: int) -> ir.Value:
        """Whether the structure there says that it has so many bytes."""
        return self.b.icmp_unsigned(">=", self.load(base, offset, I64), ir.Constant(I64, size))

    def equals(self, base: ir.Value, offset: int, type_: ir.Type, wanted: int) -> ir.Value:
        return self.b.icmp_signed("==", self.load(base, offset, type_), ir.Constant(type_, wanted))

    def external(self, name: str, result: ir.Type, parameters: list[ir.Type]) -> ir.Function:
        return ir.Function(self.module, ir.FunctionType(result, parameters), name)

    def require(self, condition: ir.Value, message: str, code: int = INVALID_ARGUMENT) -> None:
        """Go on where the condition holds."""
        on, no = (self.function.append_basic_block(name) for name in ("on", "no"))
        self.b.cbranch(condition, on, no)
        self.refusals.append((no, code, message))
        self.b = ir.IRBuilder(on)

    def give_up(self, frame: ir.Value) -> None:
        """Where requirements end that do not hold: an error is made, and left to XLA."""
        last = self.function.append_basic_block("refuse")
        self.b = ir.IRBuilder(last)
        message, code = self.b.phi(POINTER), self.b.phi(I32)
        for block, number, text in self.refusals:
            ir.IRBuilder(block).branch(last)
            message.add_incoming(self._text(f"pushforward: {text}"), block)
            code.add_incoming(ir.Constant(I32, number), block)
        error = self.b.alloca(I64, ir.Constant(I64, -(-ERROR_SIZE // 8)))
        error.type = POINTER
        self.store(error, 0, ir.Constant(I64, ERROR_SIZE))
        self.store(error, 8, ir.Constant(POINTER, None))
        self.store(error, ERROR_MESSAGE, message)
        self.store(error, ERROR_CODE, code)
        create = self.load(self.load(frame, FRAME_API, POINTER), API_ERROR_CREATE, POINTER)
        self.b.ret(call_address(self.b, create, POINTER, error))

    def _text(self, text: str) -> ir.Value:
        data = bytearray(text.replace("\0", " ").encode() + b"\0")
        type_ = ir.ArrayType(I8, len(data))
        kept = ir.GlobalVariable(self.module, type_, f"text{len(self.module.globals)}")
        kept.linkage, kept.global_constant, kept.initializer = "internal", True, ir.Constant(type_, data)
        return self.b.bitcast(kept, POINTER)


def _answer_version(h: _Writer, frame: ir.Value) -> None:
    """When a handler is registered it is asked what version of the interface it speaks."""
    asked, further, answer, calls = (h.function.append_basic_block(n) for n in ("asked", "further", "answer", "calls"))
    extension = h.load(frame, FRAME_EXTENSION, POINTER)
    h.b.cbranch(h.b.icmp_unsigned("==", extension, ir.Constant(POINTER, None)), calls, asked)
    h.b = ir.IRBuilder(asked)
    h.b.cbranch(h.equals(extension, EXTENSION_TYPE, I32, METADATA), further, calls)
    h.b = ir.IRBuilder(further)
    metadata = h.load(extension, EXTENSION_METADATA, POINTER)
    done = h.function.append_basic_block("done")
    h.b.cbranch(h.at_least(metadata, 0, METADATA_SIZE), answer, done)
    h.b = ir.IRBuilder(answer)
    for place, number in zip((METADATA_MAJOR, METADATA_MINOR), VERSION, strict=True):
        h.store(metadata, place, ir.Constant(I32, number))
    h.b.branch(done)
    ir.IRBuilder(done).ret(ir.Constant(POINTER, None))
    h.b = ir.IRBuilder(calls)


def _buffers(h: _Writer, frame: ir.Value, place: int, types: list[ArrayType], what: str) -> list[ir.Value]:
    """Where the arrays of a list of buffers stand, once they are known to be those of the program."""
    h.require(h.at_least(frame, place, LIST_SIZE), "a list of buffers is of another version")
    h.require(h.equals(frame, place + LIST_COUNT, I64, len(types)), f"{what.format('list')}: expected {len(types)}")
    items = h.load(frame, place + LIST_ITEMS, POINTER)
    found = []
    for number, type_ in enumerate(types):
        buffer = h.load(items, 8 * number, POINTER)
        shape, wrong = lengths(type_), f"{what.format(number)}: expected {type_}"
        h.require(h.at_least(buffer, 0, BUFFER_SIZE), "a buffer is of another version")
        h.require(h.equals(buffer, BUFFER_DTYPE, I32, DTYPES[numpy_dtype(type_.dtype).name]), wrong)
        h.require(h.equals(buffer, BUFFER_RANK, I64, len(shape)), wrong)
        for axis, length in enumerate(shape):
            h.require(h.equals(h.load(buffer, BUFFER_DIMS, POINTER), 8 * axis, I64, length), wrong)
        found.append(h.load(buffer, BUFFER_DATA, POINTER))
    return found


def _call(
    h: _Writer, arrays: list[ir.Value], scratch: int, entry: int, mode: tuple[str, str, ir.IntType, int] | None
) -> None:
    """Call the program with a table of its arrays and aligned scratch memory."""
    memory = h.b.call(h.external("malloc", POINTER, [I64]), [ir.Constant(I64, scratch + ALIGN)])
    there = h.b.icmp_unsigned("!=", memory, ir.Constant(POINTER, None))
    h.require(there, f"no memory for {scratch} bytes of intermediate arrays", RESOURCE_EXHAUSTED)
    address = h.b.ptrtoint(memory, I64)
    aligned = h.b.and_(h.b.add(address, ir.Constant(I64, ALIGN - 1)), ir.Constant(I64, -ALIGN))
    table = h.b.alloca(I64, ir.Constant(I64, len(arrays) + 1))
    table.type = POINTER
    for number, array in enumerate([*arrays, h.b.inttoptr(aligned, POINTER)]):
        h.store(table, 8 * number, array)
    before = None if mode is None else _set_mode(h, mode, None)
    call_address(h.b, h.b.inttoptr(ir.Constant(I64, entry), POINTER), ir.VoidType(), table)
    if mode is not None:
        _set_mode(h, mode, before)
    h.b.call(h.external("free", ir.VoidType(), [POINTER]), [memory])


def _set_mode(h: _Writer, mode: tuple[str, str, ir.IntType, int], wanted: ir.Value | None) -> ir.Value:
    """Set the floating-point mode, or without one the mode in which subnormals count; what it was leaves."""
    read, write, type_, bits = mode
    get, set_ = (h.module.globals.get(name) for name in (read, write))
    in_memory = type_ is I32  # x86 reads and writes through memory
    if get is None or set_ is None:
        get = h.external(read, ir.VoidType() if in_memory else type_, [POINTER] if in_memory else [])
        set_ = h.external(write, ir.VoidType(), [POINTER if in_memory else type_])
    if not in_memory:
        found = h.b.call(get, [])
        h.b.call(set_, [h.b.and_(found, ir.Constant(type_, ~bits)) if wanted is None else wanted])
        return found
    place = h.b.alloca(type_)
    place.type = POINTER
    h.b.call(get, [place])
    found = h.load(place, 0, type_)
    h.store(place, 0, h.b.and_(found, ir.Constant(type_, ~bits & 0xFFFFFFFF)) if wanted is None else wanted)
    h.b.call(set_, [place])
    return found
