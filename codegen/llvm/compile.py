"""The LLVM back end as a whole: a first-order program enters, a callable over NumPy arrays leaves."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from llvmlite import ir

from ...lang.constants import numpy_dtype
from ...lang.diagnostics import DiagnosticError, fail
from ...lang.ir import Program, as_array
from ..refusals import require_count, require_known_sizes, wrong_shape
from . import cache, library
from .buffers import ALIGN, Buffers
from .dtypes import I64, POINTER
from .kernel import call_kernel, write_kernel
from .machine import Loaded, assembly, compiled, load
from .memory import lengths
from .pipeline import optimise
from .python_call import Direct, can_be_called, direct, write_python_call


@dataclass(frozen=True)
class Compiled:
    """A compiled program; calling it takes and returns NumPy arrays in the order of the program's slots."""

    program: Program
    scratch: int
    loaded: Loaded = field(repr=False)
    function: Callable[..., None] = field(repr=False)
    inputs: tuple[tuple[np.dtype, tuple[int, ...]], ...] = field(repr=False)
    outputs: tuple[tuple[np.dtype, tuple[int, ...]], ...] = field(repr=False)

    @cached_property
    def direct(self) -> Direct | None:
        """The shortest way in from Python, see `python_call`."""
        return direct(self.loaded, self.program, self.scratch)

    def __call__(self, args: Sequence[npt.ArrayLike]) -> list[np.ndarray]:
        given = _checked(self.program, self.inputs, args)
        results = [np.empty(shape, dtype) for dtype, shape in self.outputs]
        scratch = np.empty(self.scratch + ALIGN, np.uint8)
        start = scratch.ctypes.data
        arrays = [*given, *results]
        table = (ctypes.c_void_p * (len(arrays) + 1))()
        for k, array in enumerate(arrays):
            table[k] = array.ctypes.data
        table[len(arrays)] = start + (-start) % ALIGN
        self.function(table)
        return results


@lru_cache(maxsize=128)
def compile_llvm(program: Program) -> Compiled:
    """The program compiled for this computer; equal programs share one compilation.

    Raises diagnostics for sizes that are still variables (E140), steps that are not first-order (E141) and primitives
    that this back end lacks (E145).

    >>> from pushforward.lang.builder import body
    >>> from pushforward.lang.ir import ArrayType
    >>> double = body("double", [ArrayType("f64")], lambda b, x: [b.apply("add", x[0], x[0])])
    >>> float(compile_llvm(double)([1.5])[0])
    3.0
    """
    require_known_sizes(program)
    native = machine_code(program)
    loaded = load(native.code)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(loaded.address("entry"))
    inputs, outputs = (
        tuple((numpy_dtype(as_array(t).dtype), lengths(as_array(t))) for t in types)
        for types in (program.inputs, program.output_types)
    )
    return Compiled(program, native.scratch, loaded, function, inputs, outputs)


def machine_code(program: Program) -> cache.Native:
    """The object code of a program, from the disk when it is kept there; what it calls is known to LLVM afterwards."""
    name = cache.key(program)
    native = None if name is None else cache.read(name)
    if native is None:
        text, scratch = written(optimise(program))
        native = cache.Native(compiled(text).code, scratch, library.named_in(text))
        if name is not None:
            cache.write(name, native)
    for function in native.functions:
        library.make_known(function)
    return native


def shown(program: Program, stage: str) -> str:
    """What a first-order program becomes: optimised LLVM (`llvm`) or assembly (`asm`), for people."""
    machine = compiled(written(optimise(program))[0])
    return machine.text if stage == "llvm" else assembly(machine.text)


def written(program: Program) -> tuple[str, int]:
    """The text of the module, and how many bytes of scratch memory it wants."""
    module = ir.Module(program.name or "program")
    kernel, buffers = write_kernel(module, program)
    _entry(module, kernel, len(program.inputs) + len(program.outputs), buffers)
    if can_be_called(program):
        write_python_call(module, kernel, program, buffers)
    return str(module), buffers.total


def _entry(module: ir.Module, kernel: ir.Function, own: int, buffers: Buffers) -> None:
    """The function that is called: a table of addresses enters, those of the arrays and, last, of scratch memory."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), "entry")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    (table,) = function.args
    addresses = [
        b.load(b.gep(table, [ir.Constant(I64, k)], source_etype=POINTER), typ=POINTER, align=8) for k in range(own + 1)
    ]
    scratch = addresses.pop()
    call_kernel(b, kernel, addresses, scratch, buffers)
    b.ret_void()


def _checked(
    program: Program, inputs: Sequence[tuple[np.dtype, tuple[int, ...]]], args: Sequence[npt.ArrayLike]
) -> list[np.ndarray]:
    """The arguments as dense, aligned arrays of exactly the declared types, in the byte order of the processor."""
    require_count(program, args)
    checked = []
    for number, (value, (dtype, shape)) in enumerate(zip(args, inputs, strict=True)):
        array = _array(program, number, value)
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            raise _other_kind(program, number, str(array.dtype))
        with np.errstate(over="ignore"):
            found = np.require(array, dtype, ["C", "A"])
        if found.shape != shape:
            raise wrong_shape(program, number, found.shape)
        if not np.can_cast(array.dtype, dtype) and not _fits(found, array):
            raise _other_kind(program, number, f"{array.dtype}, with numbers that do not fit")
        checked.append(found)
    return checked


def _array(program: Program, number: int, value: npt.ArrayLike) -> np.ndarray:
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise _other_kind(program, number, f"{type(value).__name__}, which is no array: {error}") from None


def _fits(found: np.ndarray, array: np.ndarray) -> bool:
    """Whether numbers of the same kind survived a smaller dtype: whole numbers as they are, floats rounded."""
    if found.dtype.kind == "f":
        return bool(np.all(np.isfinite(found) | ~np.isfinite(array)))
    return np.array_equal(found, array)


def _other_kind(program: Program, number: int, actual: str) -> DiagnosticError:
    return fail(
        "E143",
        f"`{program.name}` got an array of another kind",
        expected=str(program.inputs[number]),
        actual=actual,
        hint="convert it: whole numbers are not rounded or reinterpreted silently",
    )
