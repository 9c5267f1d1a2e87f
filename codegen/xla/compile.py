"""The XLA back end as a whole: a first-order program enters, a callable over NumPy arrays leaves.

Vectorises, hoists, recognises contractions, lowers, and compiles once per program. Everything runs under a local x64
scope, so 64-bit programs keep their precision whatever the global JAX configuration says, which stays untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import jax
import numpy as np

from ...lang.diagnostics import fail
from ...lang.ir import ArrayType, Program, numpy_dtype
from .lower import Lowered, lower
from .pipeline import optimise
from .split import split


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled program; calling it takes and returns NumPy arrays in the order of the program's slots."""

    program: Program

    def __call__(self, args: Sequence[np.ndarray]) -> list[np.ndarray]:
        with jax.enable_x64(True):
            results = _jitted(self.program)(*_checked(self.program, args))
            return [np.asarray(result) for result in results]


def compile_xla(program: Program) -> Compiled:
    """The program compiled for JAX's default device, on the first call; equal programs share one compilation.

    Raises diagnostics for sizes that are still variables (E140) and for steps that are not first-order (E141).

    >>> import numpy as np
    >>> from pushforward.lang.builder import body
    >>> double = body("double", [ArrayType("f64")], lambda b, x: [b.apply("add", x[0], x[0])])
    >>> float(compile_xla(double)([np.float64(1.5)])[0])
    3.0
    """
    _jitted(program)
    return Compiled(program)


def to_jax_function(program: Program) -> Lowered:
    """The optimised program as a function over JAX arrays (a tuple leaves), to be jitted by the caller.

    A program with 64-bit floats wants x64 enabled while it is traced (E142).
    """
    function = _lowered(program)
    wide = any(_is_wide(type_) for type_ in program.inputs + program.output_types)

    def checked(*operands: jax.Array) -> tuple[jax.Array, ...]:
        if wide and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            raise fail(
                "E142",
                f"`{program.name}` computes in f64, but JAX is tracing in 32 bits here",
                hint='use `program.astype("f32")`, or trace under `jax.enable_x64(True)`',
            )
        return function(*operands)

    checked.__name__ = checked.__qualname__ = program.name or "program"
    return checked


@lru_cache(maxsize=256)
def _lowered(program: Program) -> Lowered:
    return lower(optimise(program))


@lru_cache(maxsize=256)
def _jitted(program: Program) -> Lowered:
    """The optimised program, jitted whole or, when it is very long, piece by piece."""
    ready = optimise(program)
    pieces = split(ready)
    if len(pieces) == 1:
        return jax.jit(lower(ready))
    compiled = [(piece, jax.jit(lower(piece.program))) for piece in pieces]

    def run(*operands: jax.Array) -> tuple[jax.Array, ...]:
        slots = dict(enumerate(operands))
        for piece, function in compiled:
            slots.update(zip(piece.makes, function(*(slots[slot] for slot in piece.reads)), strict=True))
        return tuple(slots[slot] for slot in ready.outputs)

    return run


def _is_wide(type_: object) -> bool:
    return isinstance(type_, ArrayType) and type_.dtype == "f64"


def _checked(program: Program, args: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The arguments as arrays of exactly the declared types."""
    if len(args) != len(program.inputs):
        raise fail(
            "E143",
            f"`{program.name}` got a wrong number of arrays",
            expected=str(len(program.inputs)),
            actual=str(len(args)),
        )
    checked = []
    for value, type_ in zip(args, program.inputs, strict=True):
        assert isinstance(type_, ArrayType)
        found = np.asarray(value, numpy_dtype(type_.dtype))
        if found.shape != type_.shape:
            shape = str(list(found.shape))
            raise fail("E143", f"`{program.name}` got an array of a wrong shape", expected=str(type_), actual=shape)
        checked.append(found)
    return checked
