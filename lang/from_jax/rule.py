"""What a rule of tracing is: one equation of a JAX program enters, steps of a builder leave.

A family module lists its rules in ``RULES``, a table from the *name* of a JAX primitive to a `Rule` (many primitives
have no public object). A rule says which parameters it reads and which it may ignore; an equation with any other
parameter is refused, because a parameter that is not understood could change what the primitive means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..diagnostics import DiagnosticError, fail
from ..ir import ArrayType, Program
from ..sizes import Size
from ..source import Span

if TYPE_CHECKING:
    from ..builder import Builder


@dataclass(frozen=True, slots=True)
class Equation:
    """One application of a JAX primitive: its name, parameters, types of operands and results, and the Python line.

    `program` reads a closed jaxpr among the parameters as a program of ours (with a name, if one is given); `onto`
    writes its steps at once, on slots of an open program; `source` is the equation of JAX itself, for rules that users
    gave.
    """

    name: str
    params: Mapping[str, Any]
    inputs: tuple[ArrayType, ...]
    outputs: tuple[ArrayType, ...]
    span: Span | None
    program: Callable[..., Program]
    onto: Callable[[Builder, Any, Sequence[int]], list[int]]
    source: Any = None

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
    precision, layout, sharding). A rule that only refuses need not be `strict` about parameters.
    """

    write: Write
    reads: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    strict: bool = True


def aligned(b: Builder, shape: tuple[Size, ...], x: Sequence[int]) -> list[int]:
    """Operands of an elementwise primitive: JAX lets axes of length 1 stand for any length, ours have one shape.

    Scalars stay scalars, which our elementwise primitives repeat themselves.
    """
    return [_spread(b, shape, slot) for slot in x]


def _spread(b: Builder, shape: tuple[Size, ...], slot: int) -> int:
    own = b.array_type(slot).shape
    if own in ((), shape):
        return slot
    kept = tuple(axis for axis, size in enumerate(own) if size == shape[axis])
    if len(kept) < len(own):
        slot = b.apply("reshape", slot, shape=tuple(own[axis] for axis in kept))
    return b.broadcast(slot, shape, kept) if kept else slot


def same(primitive: str) -> Write:
    """An elementwise primitive of ours with the same operands and no parameters."""

    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        return b.apply(primitive, *aligned(b, e.outputs[0].shape, x))

    return write
