"""Operation counts of primitives that are not elementwise: operand types, result types and parameters enter.

An addition, multiplication, division, comparison, square root and each elementary call count 1; selections
and moves count 0. Counts are sizes, so programs with unknown sizes have a polynomial cost.
"""

from __future__ import annotations

from ..ir import Params
from ..sizes import Size, add, mul, product, sub
from .row import CostRule
from .type_rules import Types, letter_sizes


def free(operands: Types, results: Types, params: Params) -> Size:
    """Moves cost nothing."""
    return 0


def reduction(operands: Types, results: Types, params: Params) -> Size:
    """``n - 1`` operations for each result of a reduction of n elements (none for an empty one)."""
    count = sub(operands[0].elements, results[0].elements)
    return max(0, count) if isinstance(count, int) else count


def running(operands: Types, results: Types, params: Params) -> Size:
    """``n - 1`` operations along each line of n elements: the first is taken as it is."""
    (x,) = operands
    axis = dict(params)["axis"]
    assert isinstance(axis, int)
    lines = product((*x.shape[:axis], *x.shape[axis + 1 :]))
    count = sub(x.elements, lines)
    return max(0, count) if isinstance(count, int) else count


def per_element(count: int) -> CostRule:
    """A fixed number of operations per element of the first operand."""

    def cost(operands: Types, results: Types, params: Params) -> Size:
        return mul(count, operands[0].elements)

    return cost


def scatter_add(operands: Types, results: Types, params: Params) -> Size:
    """One addition per scattered value."""
    return operands[1].elements


def einsum(operands: Types, results: Types, params: Params) -> Size:
    """One multiplication per further operand and term, and the additions that join terms."""
    terms = product(tuple(letter_sizes(str(dict(params)["spec"]), operands).values()))
    joins = sub(terms, results[0].elements)
    joins = max(0, joins) if isinstance(joins, int) else joins
    return add(mul(len(operands) - 1, terms), joins)


def _cubic(types: Types) -> Size:
    """The batch size times n^3 of square matrices."""
    return mul(types[0].elements, types[0].shape[-1])


def _third(size: Size) -> Size:
    # Counts are whole numbers, so an unknown size keeps the full power rather than a fraction of it.
    return size // 3 if isinstance(size, int) else size


def cholesky(operands: Types, results: Types, params: Params) -> Size:
    """``n^3 / 3``."""
    return _third(_cubic(operands))


def elimination(operands: Types, results: Types, params: Params) -> Size:
    """``2 n^3 / 3``."""
    return _third(mul(2, _cubic(operands)))


def triangular_solve(operands: Types, results: Types, params: Params) -> Size:
    """``n^2`` per right-hand side."""
    return mul(operands[1].elements, operands[0].shape[-1])


def solve(operands: Types, results: Types, params: Params) -> Size:
    """An elimination and two triangular solutions per right-hand side."""
    return add(elimination(operands, results, params), mul(2, triangular_solve(operands, results, params)))
