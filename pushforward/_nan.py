"""`pf.explain_nan`: a function or program and arguments enter, the first step that left the finite numbers leaves.

The reference walks the program, and when the value is finite the program of its gradient. The step found is shown at
its line of Python (or of the `.pf` text), with the rewrite that keeps both the value and the derivative finite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from . import _derived, _wire
from ._program import Program
from .lang import ir
from .lang.diagnostics import Diagnostic, render
from .lang.source import Span

_GUARD = (
    "a guard on the result leaves 0 * inf in the derivative; guard the operand as well:\n"
    "    safe = jnp.where(ok, x, 1.0); y = jnp.where(ok, {call}, fallback)"
)
# What to write instead, by the primitive whose value or derivative is not finite.
REWRITES: Mapping[str, str] = MappingProxyType(
    {
        "log": _GUARD.format(call="jnp.log(safe)") + "   with ok = x > 0",
        "sqrt": _GUARD.format(call="jnp.sqrt(safe)") + "   with ok = x > 0",
        "rsqrt": _GUARD.format(call="jax.lax.rsqrt(safe)") + "   with ok = x > 0",
        "cbrt": _GUARD.format(call="jnp.cbrt(safe)") + "   with ok = x != 0",
        "div": _GUARD.format(call="a / safe") + "   with ok = x != 0 for the divisor x",
        "pow": _GUARD.format(call="safe ** p") + "   with ok = x > 0",
        "integer_pow": _GUARD.format(call="safe ** n") + "   with ok = x != 0 for a negative n",
        "log1p": _GUARD.format(call="jnp.log1p(safe)") + "   with ok = x > -1",
        "asin": "keep the operand inside (-1, 1): jnp.arcsin(jnp.clip(x, -1 + eps, 1 - eps))",
        "acos": "keep the operand inside (-1, 1): jnp.arccos(jnp.clip(x, -1 + eps, 1 - eps))",
        "atanh": "keep the operand inside (-1, 1): jnp.arctanh(jnp.clip(x, -1 + eps, 1 - eps))",
        "exp": "subtract the maximum first (jax.nn.softmax, jax.nn.logsumexp do), or work with logarithms",
        "expm1": "work with logarithms, or clip the operand below 709",
        "atan2": _GUARD.format(call="jnp.arctan2(y, safe)") + "   with ok = (x != 0) | (y != 0)",
        "cholesky": "the matrix is not positive definite: add a small multiple of the identity",
        "solve": "the matrix is singular: regularise it, or solve the least-squares problem",
    }
)


@dataclass(frozen=True, slots=True)
class NanReport:
    """Where numbers stopped being finite: in the value or in the gradient, at which step and line, and what to write.

    `where` is None when value and gradient are finite. It prints as a diagnostic.
    """

    where: Literal["value", "gradient"] | None
    what: str
    span: Span | None
    rewrite: str | None

    def __bool__(self) -> bool:
        """Whether something was found."""
        return self.where is not None

    def __str__(self) -> str:
        if self.where is None:
            return "value and gradient are finite here"
        message = f"the {self.where} is not finite; the first step that left the finite numbers is {self.what}"
        return render(Diagnostic("E150", message, self.span, hint=self.rewrite))


def explain_nan(f: Program | Callable[..., Any], *args: Any) -> NanReport:
    """Find the first step at which the value of `f`, or its gradient by all float inputs, stops being finite.

    Args:
        f: a program, or a function that `pf.trace` can trace.
        args: the arguments at which it goes wrong.

    >>> import jax.numpy as jnp
    >>> import pushforward as pf
    >>> report = pf.explain_nan(lambda x: jnp.sqrt(x) * 0.0, 0.0)
    >>> report.where, report.what
    ('gradient', 'the derivative of `sqrt`: `div` of 0 and 0')
    """
    program = f if isinstance(f, Program) else _traced(f, args)
    leaves, sizes = _bound(program, args)
    first = program.first(sizes)
    found = _wire.first_nonfinite(first, None, leaves, sizes)
    if found is not None:
        return NanReport("value", found.what, found.span, _rewrite(found.what))
    both, seeds = _gradient(first)
    found = _wire.first_nonfinite(both, None, [*leaves, *seeds], sizes)
    if found is None:
        return NanReport(None, "", None, None)
    name = _primitive_at(first, found.span)
    what = f"the derivative of `{name}`: {found.what}" if name else found.what
    return NanReport("gradient", what, found.span, REWRITES.get(name or "") or _rewrite(found.what))


def _traced(f: Callable[..., Any], args: Sequence[Any]) -> Program:
    from ._jit import Function
    from ._trace import trace

    return trace(f.fn if isinstance(f, Function) and f.derive is None else f, *args)


def _bound(program: Program, args: Sequence[Any]) -> tuple[list[Any], Mapping[str, int]]:
    import numpy as np

    from .semantics.values import bind

    bound = bind(program.signature, program.ir.sizes, args)
    return [*map(np.asarray, program.captured), *bound.leaves], bound.sizes


def _gradient(first: ir.Program) -> tuple[ir.Program, list[Any]]:
    """The program of the gradient of the sum of all float results, and the ones it is seeded with."""
    import numpy as np

    from .lang.constants import numpy_dtype
    from .lang.sizes import known

    active = tuple(isinstance(type_, ir.ArrayType) and type_.is_float for type_ in first.inputs)
    types = [ir.as_array(type_) for type_ in first.output_types]
    seeds = [np.ones(tuple(map(known, type_.shape)), numpy_dtype(type_.dtype)) for type_ in types if type_.is_float]
    return _wire.reverse(_derived.as_call(first), active), seeds


def _steps(program: ir.Program) -> Iterator[ir.Step]:
    for step in program.steps:
        yield step
        for body in ir.bodies(step.op):
            yield from _steps(body)


def _primitive_at(program: ir.Program, span: Span | None) -> str | None:
    """The primitive on a line of the program whose derivative can be infinite."""
    if span is None:
        return None
    here = [step.op.primitive for step in _steps(program) if step.origin == span and isinstance(step.op, ir.Apply)]
    risky = [name for name in here if name in REWRITES]
    return (risky or here or [None])[0]


def _rewrite(what: str) -> str | None:
    name = what.split("`")[1] if what.count("`") >= 2 else ""
    return REWRITES.get(name)


