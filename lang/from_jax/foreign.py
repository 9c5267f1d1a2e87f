"""Steps that are left to JAX on request: an equation without a meaning here enters, an opaque call leaves.

The call runs JAX's own code, its custom rules are JAX's own derivatives, and every such step is noted, so that the
caller can be told. Nothing is left to JAX unless the caller asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import _jax
from ..builder import Builder
from ..deferred import Deferred
from ..source import Span
from .rule import Equation

if TYPE_CHECKING:
    from ..ir import Program

REPLACED = frozenset({"E200", "E201", "E202"})  # what has no meaning here, but may have one in JAX

_functions: list[Callable[..., Sequence[Any]]] = []
_tokens: dict[Hashable, int] = {}


@dataclass
class Leaving:
    """What one trace has left to JAX: names of primitives and the lines that they come from."""

    steps: list[tuple[str, Span | None]] = field(default_factory=list)


_leaving: ContextVar[Leaving | None] = ContextVar("leaving", default=None)


def current() -> Leaving | None:
    """Where steps that are left to JAX are noted; None where they are refused."""
    return _leaving.get()


@contextmanager
def leaving(where: Leaving | None) -> Iterator[None]:
    """While this is entered, steps without a meaning here are left to JAX and noted (None: refused)."""
    token = _leaving.set(where)
    try:
        yield
    finally:
        _leaving.reset(token)


def left_to_jax(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    """The results of an equation as a call of a program whose steps and rules are JAX's."""
    where = current()
    assert where is not None
    where.steps.append((e.name, e.span))
    token = _token(("equation", e.name, str(e.params), e.inputs), lambda: _jax.equation_function(e.source))
    unit = Builder(e.name, e.inputs)
    results = tuple((type_.dtype, type_.shape) for type_ in e.outputs)
    outputs = [
        unit.apply("foreign", *range(len(e.inputs)), token=token, which=k, results=results)
        for k in range(len(e.outputs))
    ]
    if not any(type_.is_float for type_ in e.inputs):
        return b.inline(unit.build(outputs), x)
    rules = tuple(
        (kind, Deferred((kind, "of JAX", token), _rule(e, kind, where), complete=True)) for kind in ("jvp", "vjp")
    )
    return b.call(unit.build(outputs, rules=rules), x)


def _rule(e: Equation, kind: str, where: Leaving) -> Callable[[], Program]:
    wide = _jax.is_wide()

    def rule() -> Program:
        with _jax.width(wide), leaving(where):
            try:
                jaxpr = _jax.custom_rule(e.source, kind)
            except NotImplementedError:
                raise e.refuse("has no derivative in JAX either", "hold its operands constant") from None
            return e.program(jaxpr, f"{kind} of {e.name}")

    return rule


def _token(key: Hashable, make: Callable[[], Callable[..., Sequence[Any]]]) -> int:
    """The number of a function; equal equations share one."""
    if key not in _tokens:
        _functions.append(make())
        _tokens[key] = len(_functions) - 1
    return _tokens[key]


def run(token: int, operands: Sequence[Any]) -> Sequence[Any]:
    """The results of a step on JAX arrays."""
    return _functions[token](*operands)


def batched(token: int, mapped: tuple[bool, ...]) -> int:
    """The step over lanes: operands marked `mapped` have a leading axis, and all results do."""
    return _token(("batch", token, mapped), lambda: _jax.over_lanes(_functions[token], mapped))
