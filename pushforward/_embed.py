"""Programs inside JAX: a program and JAX arrays enter, results leave, under any transformation of JAX.

A program is carried by a primitive of our own (`lang._jax`). What that primitive means is put together here from the
other packages: how it runs (`codegen`), how it is differentiated and batched (`ad`), each a function from program to
program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np

from .ad.linear_map import Tangent, halves
from .ad.vmap import vmap
from .codegen.xla.compile import to_jax_function
from .lang import _jax
from .lang.constants import numpy_dtype
from .lang.diagnostics import fail
from .lang.ir import Program, as_array
from .lang.passes import normalise


@dataclass(frozen=True, slots=True)
class _Meaning:
    """See `lang._jax.Meaning`; with `llvm` programs run as native code on a CPU."""

    llvm: bool

    def function(self, program: Program) -> Callable[..., Sequence[Any]]:
        return to_jax_function(program)

    def native(self, program: Program) -> Callable[..., Sequence[Any]] | None:
        if not self.llvm:
            return None
        from .codegen.native_call import native_function

        return native_function(program)

    def halves(self, program: Program, active: tuple[bool, ...]) -> tuple[Program, Tangent, tuple[bool, ...]]:
        return halves(program, active)

    def batched(self, program: Program, mapped: tuple[bool, ...], size: int) -> Program:
        return normalise(vmap(program, mapped, size))


@cache
def primitives(llvm: bool) -> _jax.Pair:
    """The primitives of programs that run as code of XLA or of LLVM, declared once."""
    return _jax.pair(_Meaning(llvm))


def apply(program: Program, leaves: Sequence[Any], backend: str = "auto") -> list[Any]:
    """Results of a first-order program on arrays of its input types; arrays stay on their devices.

    With the back end ``llvm`` it runs as native code where its arrays stand on one CPU. An f64 program inside a 32-bit
    trace is E142, an array that would have to be rounded E164.
    """
    wide = any(as_array(type_).dtype == "f64" for type_ in (*program.inputs, *program.output_types))
    if wide and not _jax.is_wide():
        raise fail(
            "E142",
            f"`{program.name}` computes in f64, but JAX is tracing in 32 bits here",
            hint='use `program.astype("f32")`, or trace under `jax.enable_x64(True)`',
        )
    types = [as_array(type_) for type_ in program.inputs]
    arrays = [_as(value, type_.dtype, k, program) for k, (value, type_) in enumerate(zip(leaves, types, strict=True))]
    return primitives(backend == "llvm").apply(program, arrays)


def _as(value: Any, dtype: str, position: int, program: Program) -> Any:
    wanted = jax.dtypes.canonicalize_dtype(numpy_dtype(dtype))
    found = getattr(value, "dtype", None)
    if found == wanted:
        return value if isinstance(value, jax.Array) else jax.numpy.asarray(value)
    if found is not None and not np.can_cast(found, wanted, "safe") and not getattr(value, "weak_type", False):
        raise fail(
            "E164",
            f"input {position} of `{program.name}` has another dtype",
            expected=dtype,
            actual=str(found),
            hint=f"convert it first, x.astype('{wanted}')",
        )
    return jax.numpy.asarray(value, wanted)
