"""Rows of factorisations over leading batch axes: eigenvalues, singular values, QR, LU, and tridiagonal systems.

A factorisation with several results is several rows; equal work is done once when they are compiled. Tangents follow
Giles 2008 ("Collected matrix derivative results for forward and reverse mode algorithmic differentiation", sections
2.3 and 3) for eigenvalues and singular values, Walter & Lehmann 2012 (arXiv 1001.1654) for QR, and de Hoog, Anderssen &
Lukas 2011 ("Differentiation of matrix functionals using triangular factorization") for LU. They are built from
products, triangles and triangular solutions, which are linear in the tangents, so the transposes follow.
"""

from __future__ import annotations

from ..diagnostics import fail
from ..ir import ArrayType
from . import costs, type_rules
from .linalg import Tangents, identity, matmul, swap
from .row import Discrete, Implicit, Primitive, RuleContext

_BATCH = "abcdefgh"


def _only(tangents: Tangents) -> int:
    (a_dot,) = tangents
    assert a_dot is not None
    return a_dot


def _across(context: RuleContext, vector: int, type_: ArrayType, axis: int) -> int:
    """A vector along one of the last two axes (-1 or -2) of a matrix, repeated along the other."""
    kept = (*range(type_.rank - 2), type_.rank + axis)
    return context.builder.broadcast(vector, type_.shape, kept)


def _diagonal_of_product(context: RuleContext, left: int, right: int) -> int:
    """The diagonal of ``transpose(left) @ right``."""
    batch = _BATCH[: context.type(left).rank - 2]
    return context.builder.apply("einsum", left, right, spec=f"{batch}ji,{batch}ji->{batch}i")


def _inverse_of_differences(context: RuleContext, differences: int) -> int:
    """``1 / differences`` off the diagonal, and 0 on it, where the differences are 0."""
    b = context.builder
    ones = identity(context, context.type(differences))
    one = b.constant(1.0, context.type(differences).dtype)
    return b.apply("sub", b.apply("div", one, b.apply("add", ones, differences)), ones)


def _cut(context: RuleContext, slot: int, axis: int, start: int, limit: int) -> int:
    """Part of one of the last two axes (-1 or -2)."""
    shape = list(context.type(slot).shape)
    if (start, limit) == (0, shape[axis]):
        return slot
    starts = [0] * len(shape)
    starts[axis], shape[axis] = start, limit
    return context.builder.apply("slice", slot, starts=tuple(starts), limits=tuple(shape))


def _padded(context: RuleContext, slot: int, axis: int, low: int, high: int) -> int:
    """Zeros in front of and behind one of the last two axes."""
    if low == high == 0:
        return slot
    lows, highs = [0] * context.type(slot).rank, [0] * context.type(slot).rank
    lows[axis], highs[axis] = low, high
    return context.builder.apply("pad", slot, low=tuple(lows), high=tuple(highs))


def _size(context: RuleContext, slot: int) -> tuple[int, int]:
    m, n = context.type(slot).shape[-2:]
    assert isinstance(m, int) and isinstance(n, int)
    return m, n


# --- eigenvalues of symmetric matrices -------------------------------------------------------------------------------


def _eigenvalues(context: RuleContext, tangents: Tangents) -> int:
    """``w_dot = diag(V^T A_dot V)`` (Giles 2008, section 3.1)."""
    vectors = context.builder.apply("eigh_vectors", context.operands[0], lower=bool(context.param("lower")))
    return _diagonal_of_product(context, vectors, matmul(context, _only(tangents), vectors))


def _eigenvectors(context: RuleContext, tangents: Tangents) -> int:
    """``V_dot = V (F o V^T A_dot V)`` with ``F_ij = 1 / (w_j - w_i)`` (Giles 2008, section 3.1)."""
    b, a, v = context.builder, context.operands[0], context.results[0]
    type_ = context.type(a)
    w = b.apply("eigh_values", a, lower=bool(context.param("lower")))
    differences = b.apply("sub", _across(context, w, type_, -1), _across(context, w, type_, -2))
    factors = _inverse_of_differences(context, differences)
    inner = matmul(context, swap(context, v), matmul(context, _only(tangents), v))
    return matmul(context, v, b.apply("mul", factors, inner))


# --- singular values -------------------------------------------------------------------------------------------------


def _singular_values(context: RuleContext, tangents: Tangents) -> int:
    """``s_dot = diag(U^T A_dot V)`` (Giles 2008, section 3.2)."""
    b, a = context.builder, context.operands[0]
    u, vt = b.apply("svd_left", a, full=False), b.apply("svd_right", a, full=False)
    return _diagonal_of_product(context, u, matmul(context, _only(tangents), swap(context, vt)))


def _thin(context: RuleContext) -> None:
    """Singular vectors that complete a basis are not determined, so they have no derivative."""
    m, n = _size(context, context.operands[0])
    if context.param("full") and m != n:
        raise fail(
            "E112",
            f"singular vectors that complete a basis ({m} by {n}) have no derivative",
            context.builder.origin,
            hint="take the thin decomposition: full_matrices=False",
        )


def _singular_vectors(context: RuleContext, base: int, change: int, s: int) -> int:
    """The tangent of the left singular vectors `base`, where `change` is ``A_dot V`` (Giles 2008, section 3.2).

    They turn among themselves by ``F o (M + M^T)`` with ``M = U^T A_dot V diag(s)`` and ``F_ij = 1 / (s_j^2 - s_i^2)``,
    and leave their span by the rest of ``A_dot V diag(s)^-1``.
    """
    b = context.builder
    inner = matmul(context, swap(context, base), change)
    type_ = context.type(inner)
    columns, rows = _across(context, s, type_, -1), _across(context, s, type_, -2)
    differences = b.apply("mul", b.apply("add", columns, rows), b.apply("sub", columns, rows))
    scaled = b.apply("mul", columns, inner)
    both = b.apply("add", scaled, swap(context, scaled))
    turned = matmul(context, base, b.apply("mul", _inverse_of_differences(context, differences), both))
    long, short = _size(context, base)
    if long <= short:
        return turned
    outside = b.apply("sub", change, matmul(context, base, inner))
    return b.apply("add", turned, b.apply("div", outside, _across(context, s, context.type(base), -1)))


def _left_vectors(context: RuleContext, tangents: Tangents) -> int:
    _thin(context)
    b, a, u = context.builder, context.operands[0], context.results[0]
    s, vt = b.apply("svd_values", a), b.apply("svd_right", a, full=False)
    return _singular_vectors(context, u, matmul(context, _only(tangents), swap(context, vt)), s)


def _right_vectors(context: RuleContext, tangents: Tangents) -> int:
    """Right singular vectors are the left ones of the transpose."""
    _thin(context)
    b, a, vt = context.builder, context.operands[0], context.results[0]
    s, u = b.apply("svd_values", a), b.apply("svd_left", a, full=False)
    change = matmul(context, swap(context, _only(tangents)), u)
    return swap(context, _singular_vectors(context, swap(context, vt), change, s))


# --- QR --------------------------------------------------------------------------------------------------------------


def _over(context: RuleContext, x: int, upper: int) -> int:
    """``x @ inverse(upper)`` of an upper triangular matrix."""
    solved = context.builder.apply(
        "triangular_solve", upper, swap(context, x), lower=False, transposed=True, unit=False
    )
    return swap(context, solved)


def _thin_qr(context: RuleContext, q: int, r: int, a_dot: int) -> tuple[int, int]:
    """Tangents of the factors of a matrix with no more columns than rows (Walter & Lehmann 2012, section 3)."""
    b = context.builder
    whole = _over(context, a_dot, r)
    inner = matmul(context, swap(context, q), whole)
    low = b.apply("triangle", inner, lower=True, offset=-1)
    skew = b.apply("sub", low, swap(context, low))
    q_dot = b.apply("add", matmul(context, q, b.apply("sub", skew, inner)), whole)
    return q_dot, matmul(context, b.apply("sub", inner, skew), r)


def _square_qr(context: RuleContext, q: int, r: int, a_dot: int) -> tuple[int, int]:
    """The same for any matrix: of a wide one the first columns decide Q, and the others are ``R_2 = Q^T A_2``."""
    b, a = context.builder, context.operands[0]
    m, n = _size(context, a)
    if m >= n:
        return _thin_qr(context, q, r, a_dot)
    q_dot, first = _thin_qr(context, q, _cut(context, r, -1, 0, m), _cut(context, a_dot, -1, 0, m))
    rest = matmul(context, swap(context, q_dot), _cut(context, a, -1, m, n))
    rest = b.apply("add", rest, matmul(context, swap(context, q), _cut(context, a_dot, -1, m, n)))
    return q_dot, b.apply("concat", first, rest, axis=context.type(a).rank - 1)


def _completed(context: RuleContext, q: int, thin_dot: int) -> int:
    """The tangent of all columns of Q from that of the first n.

    A product of n reflections is ``Q = I - Y T Y^T`` (Schreiber & Van Loan 1989), Y n columns below a unit triangle. So
    with ``Z = Q_21 (Q_11 - I)^-1`` the other columns are ``Q_2 = E_2 + (Q_1 - E_1) Z^T``, of which this is the tangent.
    """
    b = context.builder
    m, n = _size(context, thin_dot)
    q1 = _cut(context, q, -1, 0, n)
    square = _cut(context, q1, -2, 0, n)
    square = swap(context, b.apply("sub", square, identity(context, context.type(square))))
    lower = _cut(context, q1, -2, n, m)
    z = swap(context, b.apply("solve", square, swap(context, lower)))
    change = b.apply("sub", _cut(context, thin_dot, -2, n, m), matmul(context, z, _cut(context, thin_dot, -2, 0, n)))
    z_dot = swap(context, b.apply("solve", square, swap(context, change)))
    unit = _padded(context, identity(context, context.type(square)), -2, 0, m - n)
    rest = matmul(context, thin_dot, swap(context, z))
    rest = b.apply("add", rest, matmul(context, b.apply("sub", q1, unit), swap(context, z_dot)))
    return b.apply("concat", thin_dot, rest, axis=context.type(q).rank - 1)


def _qr_left(context: RuleContext, tangents: Tangents) -> int:
    a, q = context.operands[0], context.results[0]
    m, n = _size(context, a)
    r = context.builder.apply("qr_r", a, full=False)
    q_dot, _ = _square_qr(context, _cut(context, q, -1, 0, min(m, n)), r, _only(tangents))
    return _completed(context, q, q_dot) if context.param("full") and m > n else q_dot


def _qr_right(context: RuleContext, tangents: Tangents) -> int:
    a, r = context.operands[0], context.results[0]
    m, n = _size(context, a)
    q = context.builder.apply("qr_q", a, full=False)
    _, r_dot = _square_qr(context, q, _cut(context, r, -2, 0, min(m, n)), _only(tangents))
    return _padded(context, r_dot, -2, 0, m - n) if context.param("full") and m > n else r_dot


# --- LU --------------------------------------------------------------------------------------------------------------


def _permuted(context: RuleContext, matrix: int, permutation: int) -> int:
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
    m, n = _size(context, packed)
    k = min(m, n)
    below = _padded(context, _cut(context, packed, -1, 0, k), -1, 0, m - k)
    upper = _padded(context, b.apply("triangle", _cut(context, packed, -2, 0, k), lower=False, offset=0), -2, 0, n - k)
    lower = b.apply("triangle", below, lower=True, offset=-1)
    lower = b.apply("add", lower, identity(context, context.type(lower)))
    if n > k:
        corner = context.type(upper).with_shape((*context.type(upper).shape[:-2], n - k, n - k))
        ones = _padded(context, _padded(context, identity(context, corner), -1, k, 0), -2, k, 0)
        upper = b.apply("add", upper, ones)
    moved = _permuted(context, _only(tangents), b.apply("lu_permutation", context.operands[0]))
    solved = b.apply("triangular_solve", below, moved, lower=True, transposed=False, unit=True)
    inner = _over(context, solved, upper)
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
            along = _padded(context, _cut(context, x, -2, 0, n - 1), -2, 1, 0)
        if place == 2:
            along = _padded(context, _cut(context, x, -2, 1, n), -2, 0, 1)
        term = b.apply("mul", _across(context, diagonal, type_, -2), along)
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
    new_low = _padded(context, _cut(context, high, -1, 0, n - 1), -1, 1, 0)
    new_high = _padded(context, _cut(context, low, -1, 1, n), -1, 0, 1)
    return context.builder.apply("tridiagonal_solve", new_low, middle, new_high, z)


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="eigh_values",
        type="[…, n, n]f -> […, n]f",
        derivative=Implicit("diag(y) - transpose(V) @ x0 @ V", _eigenvalues),
        doc="Eigenvalues, ascending, of the symmetric x0, of which one triangle is read; tangents are read whole.",
        flops=costs.eigenvalues,
        domain="x0 is symmetric",
        params=("lower",),
        elementwise=False,
        type_rule=type_rules.eigenvalues,
    ),
    Primitive(
        name="eigh_vectors",
        type="[…, n, n]f -> […, n, n]f",
        derivative=Implicit("x0 @ y - y @ diag(w)", _eigenvectors),
        doc="Orthonormal eigenvectors (columns) of the symmetric x0, of which one triangle is read, as `eigh_values`.",
        flops=costs.eigenvectors,
        domain="x0 is symmetric with distinct eigenvalues",
        params=("lower",),
        elementwise=False,
        type_rule=type_rules.square,
    ),
    Primitive(
        name="svd_values",
        type="[…, m, n]f -> […, k]f",
        derivative=Implicit("diag(y) - transpose(U) @ x0 @ V", _singular_values),
        doc="The singular values, descending, as many as the smaller size.",
        flops=costs.singular_values,
        elementwise=False,
        type_rule=type_rules.singular_values,
    ),
    Primitive(
        name="svd_left",
        type="[…, m, n]f -> […, m, k]f",
        derivative=Implicit("x0 @ V - y @ diag(s)", _left_vectors),
        doc="Left singular vectors as columns, completed to a basis if `full`.",
        flops=costs.singular_vectors,
        domain="x0 has distinct singular values",
        params=("full",),
        elementwise=False,
        type_rule=type_rules.left_factor,
    ),
    Primitive(
        name="svd_right",
        type="[…, m, n]f -> […, k, n]f",
        derivative=Implicit("transpose(x0) @ U - transpose(y) @ diag(s)", _right_vectors),
        doc="Right singular vectors as rows, completed to a basis if `full`.",
        flops=costs.singular_vectors,
        domain="x0 has distinct singular values",
        params=("full",),
        elementwise=False,
        type_rule=type_rules.right_factor,
    ),
    Primitive(
        name="qr_q",
        type="[…, m, n]f -> […, m, k]f",
        derivative=Implicit("y @ R - x0", _qr_left),
        doc="The orthonormal columns Q of x0 = Q @ R by reflections, completed to a basis if `full`.",
        flops=costs.orthogonalisation,
        domain="the first columns of x0 are independent",
        params=("full",),
        elementwise=False,
        type_rule=type_rules.left_factor,
    ),
    Primitive(
        name="qr_r",
        type="[…, m, n]f -> […, k, n]f",
        derivative=Implicit("Q @ y - x0", _qr_right),
        doc="The upper triangular R of x0 = Q @ R by reflections, with rows of zeros below if `full`.",
        flops=costs.orthogonalisation,
        domain="the first columns of x0 are independent",
        params=("full",),
        elementwise=False,
        type_rule=type_rules.upper_factor,
    ),
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
