"""Primitives: one table of rows; names and operand types enter, result types, rules and costs leave.

Every family module lists its rows in ``ROWS``. All passes read this table, so adding a primitive touches one
family file (and, where a primitive is not elementwise, one line in the structural table of each evaluator).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from ..diagnostics import InternalError
from ..ir import ArrayType, Params
from ..sizes import Size, mul
from . import type_rules
from .row import Primitive

# Primitives whose steps may be neither merged nor dropped; all of today's are pure.
EFFECTS: frozenset[str] = frozenset()


@cache
def table() -> Mapping[str, Primitive]:
    """Every primitive by name.

    >>> table()["exp"].type
    '(f) -> f'
    """
    from . import (
        arithmetic,
        bits,
        blocks,
        comparison,
        contraction,
        convolution,
        elementary,
        elimination,
        environment,
        factorisations,
        generators,
        indexing,
        linalg,
        ordering,
        piecewise,
        reductions,
        special,
        special_gamma,
        structure,
        updates,
        windows,
    )

    families = (
        arithmetic,
        bits,
        comparison,
        elementary,
        special,
        special_gamma,
        piecewise,
        structure,
        environment,
        indexing,
        blocks,
        updates,
        reductions,
        ordering,
        windows,
        contraction,
        convolution,
        linalg,
        factorisations,
        elimination,
        generators,
    )
    rows = [row for family in families for row in family.ROWS]
    found = {row.name: row for row in rows}
    if len(found) != len(rows):
        raise InternalError("two primitives have one name")
    return MappingProxyType(found)


def get(name: str) -> Primitive:
    """The row of a primitive; an unknown name is a bug of the caller (`InternalError`)."""
    row = table().get(name)
    if row is None:
        raise InternalError(f"no primitive is called {name}")
    return row


def result_types(name: str, operands: tuple[ArrayType, ...], params: Params = ()) -> tuple[ArrayType, ...]:
    """The types of the results of a primitive; ill-typed operands raise `InternalError`.

    >>> [str(type_) for type_ in result_types("le", (ArrayType("f64"),) * 2)]
    ['bool']
    """
    row = get(name)
    if row.type_rule is not None:
        return row.type_rule(operands, params)
    return type_rules.elementwise(name, row.type, operands, params)


def has_effect(name: str) -> bool:
    """Whether steps of this primitive must stay where they are (none of today's primitives)."""
    return name in EFFECTS


def flops(name: str, operands: tuple[ArrayType, ...], results: tuple[ArrayType, ...], params: Params = ()) -> Size:
    """The number of operations of one step, a polynomial when sizes are unknown.

    >>> matrix, vector = ArrayType("f64", (2, 3)), ArrayType("f64", (3,))
    >>> flops("einsum", (matrix, vector), (ArrayType("f64", (2,)),), (("spec", "ij,j->i"),))
    10
    """
    cost = get(name).flops
    if isinstance(cost, int):
        return mul(cost, results[0].elements)
    return cost(operands, results, params)
