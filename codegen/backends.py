"""The back ends that compile, by name: a name and a first-order program enter, a callable over NumPy arrays leaves.

Each is imported when it is first asked for: the llvm back end knows nothing of JAX, and neither is needed to read a
program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from ..lang.diagnostics import fail
from ..lang.ir import Program

Run = Callable[[Sequence[Any]], list[Any]]

COMPILED: tuple[str, ...] = ("xla", "llvm")
_NEEDS = {"xla": "jax", "llvm": "llvmlite"}


def is_installed(backend: str) -> bool:
    """Whether the package that a back end compiles with is there."""
    return find_spec(_NEEDS[backend]) is not None


def compile_with(backend: str, program: Program) -> Run:
    """The program compiled by one back end, whole; equal programs share one compilation.

    Raises diagnostics when the package behind it is missing (E147) and those of the back end.

    >>> from pushforward.lang.builder import body
    >>> from pushforward.lang.ir import ArrayType
    >>> double = body("double", [ArrayType("f64")], lambda b, x: [b.apply("add", x[0], x[0])])
    >>> [float(compile_with(name, double)([1.5])[0]) for name in COMPILED]
    [3.0, 3.0]
    """
    if not is_installed(backend):
        package = _NEEDS[backend]
        raise fail("E147", f"the {backend} back end needs the package {package}", hint=f"pip install {package}")
    if backend == "llvm":
        from .llvm.compile import compile_llvm

        return compile_llvm(program)
    from .xla.compile import compile_xla

    return compile_xla(program)
