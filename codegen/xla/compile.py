"""The XLA back end as a whole: a first-order program enters, a callable over NumPy arrays leaves.

Vectorises, hoists, recognises contractions, lowers, and compiles once per program. Everything runs under a local x64
scope, so 64-bit programs keep their precision whatever the global JAX configuration says, which stays untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import jax
import numpy as np
import numpy.typing as npt

from ...lang.constants import numpy_dtype
from ...lang.diagnostics import fail
from ...lang.ir import ArrayType, Program, bodies
from ..refusals import require_count, wrong_shape
from .lower import Lowered, lower
from .pipeline import optimise

# XLA's compile time on CPU grows with the square of a straight line of scalar steps: 0.9 s for 800, 5.5 s for 3200.
STEP_LIMIT = 10_000


Declared = tuple[tuple[ArrayType, np.dtype], ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled program; calling it takes and returns NumPy arrays in the order of the program's slots."""

    program: Program
    function: Callable[..., tuple[jax.Array, ...]] = field(repr=False)
    declared: Declared = field(repr=False)

    def __call__(self, args: Sequence[npt.ArrayLike]) -> list[np.ndarray]:
        checked = _checked(self.program, self.declared, args)
        with jax.enable_x64(True):
            return [np.asarray(result) for result in self.function(*checked)]


def compile_xla(program: Program) -> Compiled:
    """The program compiled for JAX's default device, on the first call; equal programs share one compilation.

    Raises diagnostics for sizes that are still variables (E140) and for steps that are not first-order (E141).

    >>> import numpy as np
    >>> from pushforward.lang.builder import body
    >>> double = body("double", [ArrayType("f64")], lambda b, x: [b.apply("add", x[0], x[0])])
    >>> float(compile_xla(double)([np.float64(1.5)])[0])
    3.0
    """
    types = [type_ for type_ in program.inputs if isinstance(type_, ArrayType)]
    return Compiled(program, _jitted(program), tuple((type_, numpy_dtype(type_.dtype)) for type_ in types))


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
    ready = optimise(program)
    count = step_count(ready)
    if count > STEP_LIMIT:
        raise fail(
            "E144",
            f"`{program.name}` is a straight line of {count} steps, too long for XLA",
            expected=f"at most {STEP_LIMIT}",
            hint='write the repetition as a loop, or use the "llvm" back end',
        )
    return lower(ready)


@lru_cache(maxsize=256)
def _jitted(program: Program) -> Lowered:
    return jax.jit(_lowered(program))


def step_count(program: Program) -> int:
    """Steps of a program and of the bodies in it."""
    return len(program.steps) + sum(step_count(inner) for step in program.steps for inner in bodies(step.op))


def _is_wide(type_: object) -> bool:
    return isinstance(type_, ArrayType) and type_.dtype == "f64"


def _checked(
    program: Program, declared: Declared, args: Sequence[npt.ArrayLike]
) -> list[jax.Array | np.ndarray]:
    """The arguments as arrays of exactly the declared types."""
    require_count(program, args)
    checked = []
    for number, (value, (type_, dtype)) in enumerate(zip(args, declared, strict=True)):
        found = (
            value if isinstance(value, jax.Array | np.ndarray) and value.dtype == dtype else np.asarray(value, dtype)
        )
        if found.shape != type_.shape:
            raise wrong_shape(program, number, found.shape)
        checked.append(found)
    return checked
