"""Rows of elimination over leading batch axes: LU, its pivots and orders of rows, and tridiagonal systems.

The tangent of LU follows de Hoog, Anderssen & Lukas 2011 ("Differentiation of matrix functionals using triangular
factorization"). Tangents are linear in the tangents of the operands, so the transposes follow.
"""

from __future__ import annotations

from . import costs, type_rules
from .linalg import Tangents, across, cut, identity, known_size, matmul, only, padded, right_solve
from .row import Discrete, Implicit, Primitive, RuleContext

# --- LU --------------------------------------------------------------------------------------------------------------


def permuted(context: RuleContext, matrix: int, permutation: int) -> int:
    """The rows of matrices in another order."""
    b = context.builder
    shape = context.type(permutation).shape
    lanes = [b.broadcast(b.apply("iota", size=size), shape, (axis,)) for axis, size in enumerate(shape[:-1])]
    places = b.apply("convert", permutation, dtype="i64")
    return b.apply("gather", matrix, *lanes, places, proved=True)


def _lu(context: RuleContext, tangents: Tangents) -> int:
    """``L_dot = L tril(L^-1 P A_dot U^-1, -1)`` and ``U_dot = triu(L^-1 P A_dot U^-1) U``, both in one matrix.

    L is completed to a square matrix by columns of the identity, and so is U by rows.
    """
    b, packed = context.builder, context.results[0]
    m, n = known_size(context, packed)
    k = min(m, n)
    below = padded(context, cut(context, packed, -1, 0, k), -1, 0, m - k)
    upper = padded(context, b.apply("triangle", cut(context, packed, -2, 0, k), lower=False, offset=0), -2, 0, n - k)
    lower = b.apply("triangle", below, lower=True, offset=-1)
    lower = b.apply("add", lower, identity(context, context.type(lower)))
    if n > k:
        corner = context.type(upper).with_shape((*context.type(upper).shape[:-2], n - k, n - k))
        ones = padded(context, padded(context, identity(context, corner), -1, k, 0), -2, k, 0)
        upper = b.apply("add", upper, ones)
    moved = permuted(context, only(tangents), b.apply("lu_permutation", context.operands[0]))
    solved = b.apply("triangular_solve", below, moved, lower=True, transposed=False, unit=True)
    inner = right_solve(context, solved, upper)
    lower_dot = matmul(context, lower, b.apply("triangle", inner, lower=True, offset=-1))
    upper_dot = matmul(context, b.apply("triangle", inner, lower=False, offset=0), upper)
    return b.apply("add", lower_dot, upper_dot)


# --- tridiagonal systems ---------------------------------------------------------------------------------------------


def _tridiagonal_product(context: RuleContext, diagonals: Tangents, x: int) -> int | None:
    """The product of a tridiagonal matrix, some diagonals of which may be absent, with columns."""
    b = context.builder
    type_ = context.type(x)
    n, total = type_.shape[-2], None
    assert isinstance(n, int)
    for place, diagonal in enumerate(diagonals):
        if diagonal is None:
            continue
        along = x
        if place == 0:
            along = padded(context, cut(context, x, -2, 0, n - 1), -2, 1, 0)
        if place == 2:
            along = padded(context, cut(context, x, -2, 1, n), -2, 0, 1)
        term = b.apply("mul", across(context, diagonal, type_, -2), along)
        total = term if total is None else b.apply("add", total, term)
    return total


def _tridiagonal_solve(context: RuleContext, tangents: Tangents) -> int:
    b, right = context.builder, tangents[3]
    change = _tridiagonal_product(context, tangents[:3], context.results[0])
    if change is not None:
        right = b.apply("neg", change) if right is None else b.apply("sub", right, change)
    assert right is not None
    return b.apply("tridiagonal_solve", *context.operands[:3], right)


def _tridiagonal_solve_transposed(context: RuleContext, z: int) -> int:
    low, middle, high = context.operands[:3]
    n = context.type(middle).shape[-1]
    assert isinstance(n, int)
    new_low = padded(context, cut(context, high, -1, 0, n - 1), -1, 1, 0)
    new_high = padded(context, cut(context, low, -1, 1, n), -1, 0, 1)
    return context.builder.apply("tridiagonal_solve", new_low, middle, new_high, z)


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="lu",
        type="[…, m, n]f -> […, m, n]f",
        derivative=Implicit("(tril(y, -1) + I) @ triu(y) - x0[permutation]", _lu),
        doc="L below the diagonal (of ones) and U above, of the rows of x0 in the order of `lu_permutation`.",
        flops=costs.rectangular_elimination,
        domain="the leading square of x0 in that order is not singular",
        elementwise=False,
        type_rule=type_rules.lu,
    ),
    Primitive(
        name="lu_pivots",
        type="[…, m, n]f -> […, k]i",
        derivative=Discrete("rows are exchanged at places that are whole numbers"),
        doc="The row that row number i was exchanged with, for i = 0, 1, … in turn, each time for the largest pivot.",
        flops=costs.rectangular_elimination,
        elementwise=False,
        type_rule=type_rules.lu_pivots,
    ),
    Primitive(
        name="lu_permutation",
        type="[…, m, n]f -> […, m]i",
        derivative=Discrete("an order of rows is made of whole numbers"),
        doc="The order of the rows of x0 in its factors: x0[order] = L @ U.",
        flops=costs.rectangular_elimination,
        elementwise=False,
        type_rule=type_rules.lu_permutation,
    ),
    Primitive(
        name="pivots_to_permutation",
        type="[…, k]i -> […, size]i",
        derivative=Discrete("an order of rows is made of whole numbers"),
        doc="The order that exchanging row i with row x0[i], for i = 0, 1, … in turn, leaves of `size` rows.",
        flops=costs.free,
        params=("size",),
        elementwise=False,
        type_rule=type_rules.pivots_to_permutation,
    ),
    Primitive(
        name="tridiagonal_solve",
        type="([…, n]f, […, n]f, […, n]f, […, n, m]f) -> […, n, m]f",
        derivative=Implicit(
            "tridiagonal(x0, x1, x2) @ y - x3", _tridiagonal_solve, (None, None, None, _tridiagonal_solve_transposed)
        ),
        doc="The y with A @ y = x3, A with x0[1:] below the diagonal x1 and x2[:-1] above it.",
        flops=costs.tridiagonal_solve,
        domain="det(A) != 0",
        elementwise=False,
        type_rule=type_rules.tridiagonal_solve,
    ),
)
