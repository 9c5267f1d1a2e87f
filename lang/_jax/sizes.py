"""Open sizes while tracing: JAX's symbolic dimensions and our polynomials, one way and the other."""

from __future__ import annotations

from typing import Any

import jax
from jax import export

from ..diagnostics import fail
from ..sizes import Size, add, mul, variable
from ..source import Span

# What JAX raises when Python wants the value of an open size.
OPEN = (jax.errors.InconclusiveDimensionOperation, TypeError)
_OPEN = export.SymbolicScope()  # one name is one size in all specs


def open_size(size: Size) -> Any:
    """What tracing takes for a size; JAX takes the variables in it to be at least one."""
    if isinstance(size, int):
        return size
    total: Any = 0
    for monomial, count in size.terms:
        term: Any = count
        for name, power in monomial:
            term = term * export.symbolic_shape(name, scope=_OPEN)[0] ** power
        total = total + term
    return total


def size_of(size: Any, span: Span | None = None) -> Size:
    """The size that JAX means; a quotient, a remainder or an extremum of open sizes is refused (E202)."""
    if not export.is_symbolic_dim(size):
        return int(size)
    total: Size = 0
    for term, count in size._sorted_terms:
        monomial: Size = int(count)
        for factor, power in term._factors:
            if factor.var is None:
                hint = "sizes are sums and products of names; trace with known sizes where they are divided or compared"
                raise fail("E202", f"the size `{size}`", span, hint=hint)
            for _ in range(int(power)):
                monomial = mul(monomial, variable(factor.var))
        total = add(total, monomial)
    return total


def is_undecided(error: Exception) -> bool:
    """Whether an error of a trace, one of `OPEN`, says that Python wants the value of an open size."""
    return not isinstance(error, TypeError) or "_DimExpr" in str(error) or "Symbolic dimension" in str(error)


def with_sizes(value: Any, span: Span | None = None) -> Any:
    """A parameter of a primitive with its open sizes as ours."""
    if export.is_symbolic_dim(value):
        return size_of(value, span)
    return tuple(with_sizes(item, span) for item in value) if type(value) is tuple else value
