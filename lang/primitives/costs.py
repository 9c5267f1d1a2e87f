"""Operation counts of primitives that are not elementwise: operand types, result types and parameters enter.

An addition, multiplication, division, comparison, square root and each elementary call count 1; selections
and moves count 0. Counts are sizes, so programs with unknown sizes have a polynomial cost.
"""

from __future__ import annotations

from ..ir import Params
from ..params import sizes
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
    """One operation per scattered value."""
    return operands[1].elements


def conv(operands: Types, results: Types, params: Params) -> Size:
    """A multiplication and an addition for every element of the kernel that meets a result element."""
    kernel, result = operands[1], results[0].elements
    terms = mul(result, product(kernel.shape[1:]))
    return sub(mul(2, terms), result) if terms else 0


def window(operands: Types, results: Types, params: Params) -> Size:
    """``n - 1`` operations for each result of a window of n elements."""
    elements = product(sizes(params, "window"))
    return mul(sub(elements, 1), results[0].elements)


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


def _tall(types: Types) -> Size:
    """The batch size times (larger size) (smaller size)^2 of matrices."""
    m, n = types[0].shape[-2:]
    smaller = min(m, n) if isinstance(m, int) and isinstance(n, int) else n
    return mul(types[0].elements, smaller)


def eigenvalues(operands: Types, results: Types, params: Params) -> Size:
    """``4 n^3 / 3``, the reduction to a tridiagonal matrix (Golub & Van Loan 2013, section 8.3)."""
    return _third(mul(4, _cubic(operands)))


def eigenvectors(operands: Types, results: Types, params: Params) -> Size:
    """``9 n^3`` (Golub & Van Loan 2013, section 8.3)."""
    return mul(9, _cubic(operands))


def singular_values(operands: Types, results: Types, params: Params) -> Size:
    """``4 m n^2`` for m >= n, the reduction to a bidiagonal matrix (Golub & Van Loan 2013, section 8.6)."""
    return mul(4, _tall(operands))


def singular_vectors(operands: Types, results: Types, params: Params) -> Size:
    """``14 m n^2`` for m >= n (Golub & Van Loan 2013, section 8.6)."""
    return mul(14, _tall(operands))


def orthogonalisation(operands: Types, results: Types, params: Params) -> Size:
    """``2 m n^2`` for m >= n (Golub & Van Loan 2013, section 5.2)."""
    return mul(2, _tall(operands))


def rectangular_elimination(operands: Types, results: Types, params: Params) -> Size:
    """``m n^2`` for m >= n, less for square matrices (Golub & Van Loan 2013, section 3.4)."""
    m, n = operands[0].shape[-2:]
    return elimination(operands, results, params) if m == n else _tall(operands)


def tridiagonal_solve(operands: Types, results: Types, params: Params) -> Size:
    """Eight operations for each number on the right (elimination and substitution with three diagonals)."""
    return mul(8, operands[3].elements)
