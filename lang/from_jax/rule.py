"""What a rule of tracing is: one equation of a JAX program enters, steps of a builder leave.

A family module lists its rules in ``RULES``, a table from the *name* of a JAX primitive to a `Rule` (many primitives have
no public object). A rule says which parameters it reads and which it may ignore; an equation with any other parameter is
refused, because a parameter that is not understood could change what the primitive means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..diagnostics import DiagnosticError, fail
from ..ir import ArrayType, Program
from ..source import Span

if TYPE_CHECKING:
    from ..builder import Builder


@dataclass(frozen=True, slots=True)
class Equation:
    """One application of a JAX primitive: its name, parameters, types of operands and results, and the Python line.

    `program` reads a closed jaxpr among the parameters as a program of ours.
    """

    name: str
    params: Mapping[str, Any]
    inputs: tuple[ArrayType, ...]
    outputs: tuple[ArrayType, ...]
    span: Span | None
    program: Callable[[Any], Program]

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def refuse(self, why: str, hint: str) -> DiagnosticError:
        """The diagnostic (E202) of an equation that is understood but not supported; raise it."""
        return fail("E202", f"`{self.name}` {why}", self.span, hint=hint)


Write = Callable[["Builder", Equation, tuple[int, ...]], int | Sequence[int]]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a JAX primitive is written with ours; `write(builder, equation, operands)` gives the slots of its results.

    `reads` are the parameters that `write` looks at; `ignores` those that say how to compute, not what (hints of
    precision, layout, sharding).
    """

    write: Write
    reads: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()


def same(primitive: str) -> Write:
    """A primitive of ours with the same operands and no parameters."""

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        return b.apply(primitive, *x)

    return write
