"""Rows of orthogonal factorisations over leading batch axes: eigenvalues, singular values and QR.

A factorisation with several results is several rows; equal work is done once when they are compiled. Tangents follow
Giles 2008 ("Collected matrix derivative results for forward and reverse mode algorithmic differentiation", sections
3.1 and 3.2) for eigenvalues and singular values and Walter & Lehmann 2012 (arXiv 1001.1654) for QR. They are built from
products, triangles and triangular solutions, which are linear in the tangents, so the transposes follow.
"""

from __future__ import annotations

from ..diagnostics import fail
from . import costs, type_rules
from .linalg import Tangents, across, cut, identity, known_size, matmul, only, padded, right_solve, swap
from .row import Implicit, Primitive, RuleContext

_BATCH = "abcdefgh"


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


# --- eigenvalues of symmetric matrices -------------------------------------------------------------------------------


def _eigenvalues(context: RuleContext, tangents: Tangents) -> int:
    """``w_dot = diag(V^T A_dot V)`` (Giles 2008, section 3.1)."""
    vectors = context.builder.apply("eigh_vectors", context.operands[0], lower=bool(context.param("lower")))
    return _diagonal_of_product(context, vectors, matmul(context, only(tangents), vectors))


def _eigenvectors(context: RuleContext, tangents: Tangents) -> int:
    """``V_dot = V (F o V^T A_dot V)`` with ``F_ij = 1 / (w_j - w_i)`` (Giles 2008, section 3.1)."""
    b, a, v = context.builder, context.operands[0], context.results[0]
    type_ = context.type(a)
    w = b.apply("eigh_values", a, lower=bool(context.param("lower")))
    differences = b.apply("sub", across(context, w, type_, -1), across(context, w, type_, -2))
    factors = _inverse_of_differences(context, differences)
    inner = matmul(context, swap(context, v), matmul(context, only(tangents), v))
    return matmul(context, v, b.apply("mul", factors, inner))


# --- singular values -------------------------------------------------------------------------------------------------


def _singular_values(context: RuleContext, tangents: Tangents) -> int:
    """``s_dot = diag(U^T A_dot V)`` (Giles 2008, section 3.2)."""
    b, a = context.builder, context.operands[0]
    u, vt = b.apply("svd_left", a, full=False), b.apply("svd_right", a, full=False)
    return _diagonal_of_product(context, u, matmul(context, only(tangents), swap(context, vt)))


def _thin(context: RuleContext) -> None:
    """Singular vectors that complete a basis are not determined, so they have no derivative."""
    m, n = known_size(context, context.operands[0])
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
    columns, rows = across(context, s, type_, -1), across(context, s, type_, -2)
    differences = b.apply("mul", b.apply("add", columns, rows), b.apply("sub", columns, rows))
    scaled = b.apply("mul", columns, inner)
    both = b.apply("add", scaled, swap(context, scaled))
    turned = matmul(context, base, b.apply("mul", _inverse_of_differences(context, differences), both))
    long, short = known_size(context, base)
    if long <= short:
        return turned
    outside = b.apply("sub", change, matmul(context, base, inner))
    return b.apply("add", turned, b.apply("div", outside, across(context, s, context.type(base), -1)))


def _left_vectors(context: RuleContext, tangents: Tangents) -> int:
    _thin(context)
    b, a, u = context.builder, context.operands[0], context.results[0]
    s, vt = b.apply("svd_values", a), b.apply("svd_right", a, full=False)
    return _singular_vectors(context, u, matmul(context, only(tangents), swap(context, vt)), s)


def _right_vectors(context: RuleContext, tangents: Tangents) -> int:
    """Right singular vectors are the left ones of the transpose."""
    _thin(context)
    b, a, vt = context.builder, context.operands[0], context.results[0]
    s, u = b.apply("svd_values", a), b.apply("svd_left", a, full=False)
    change = matmul(context, swap(context, only(tangents)), u)
    return swap(context, _singular_vectors(context, swap(context, vt), change, s))


# --- QR --------------------------------------------------------------------------------------------------------------


def _thin_qr(context: RuleContext, q: int, r: int, a_dot: int) -> tuple[int, int]:
    """Tangents of the factors of a matrix with no more columns than rows (Walter & Lehmann 2012)."""
    b = context.builder
    whole = right_solve(context, a_dot, r)
    inner = matmul(context, swap(context, q), whole)
    low = b.apply("triangle", inner, lower=True, offset=-1)
    skew = b.apply("sub", low, swap(context, low))
    q_dot = b.apply("add", matmul(context, q, b.apply("sub", skew, inner)), whole)
    return q_dot, matmul(context, b.apply("sub", inner, skew), r)


def _square_qr(context: RuleContext, q: int, r: int, a_dot: int) -> tuple[int, int]:
    """The same for any matrix: of a wide one the first columns decide Q, and the others are ``R_2 = Q^T A_2``."""
    b, a = context.builder, context.operands[0]
    m, n = known_size(context, a)
    if m >= n:
        return _thin_qr(context, q, r, a_dot)
    q_dot, first = _thin_qr(context, q, cut(context, r, -1, 0, m), cut(context, a_dot, -1, 0, m))
    rest = matmul(context, swap(context, q_dot), cut(context, a, -1, m, n))
    rest = b.apply("add", rest, matmul(context, swap(context, q), cut(context, a_dot, -1, m, n)))
    return q_dot, b.apply("concat", first, rest, axis=context.type(a).rank - 1)


def _completed(context: RuleContext, q: int, thin_dot: int) -> int:
    """The tangent of all columns of Q from that of the first n.

    A product of n reflections is ``Q = I - Y T Y^T`` (Schreiber & Van Loan 1989), Y n columns below a unit triangle. So
    with ``Z = Q_21 (Q_11 - I)^-1`` the other columns are ``Q_2 = E_2 + (Q_1 - E_1) Z^T``, of which this is the tangent.
    """
    b = context.builder
    m, n = known_size(context, thin_dot)
    q1 = cut(context, q, -1, 0, n)
    square = cut(context, q1, -2, 0, n)
    square = swap(context, b.apply("sub", square, identity(context, context.type(square))))
    lower = cut(context, q1, -2, n, m)
    z = swap(context, b.apply("solve", square, swap(context, lower)))
    change = b.apply("sub", cut(context, thin_dot, -2, n, m), matmul(context, z, cut(context, thin_dot, -2, 0, n)))
    z_dot = swap(context, b.apply("solve", square, swap(context, change)))
    unit = padded(context, identity(context, context.type(square)), -2, 0, m - n)
    rest = matmul(context, thin_dot, swap(context, z))
    rest = b.apply("add", rest, matmul(context, b.apply("sub", q1, unit), swap(context, z_dot)))
    return b.apply("concat", thin_dot, rest, axis=context.type(q).rank - 1)


def _qr_left(context: RuleContext, tangents: Tangents) -> int:
    a, q = context.operands[0], context.results[0]
    m, n = known_size(context, a)
    r = context.builder.apply("qr_r", a, full=False)
    q_dot, _ = _square_qr(context, cut(context, q, -1, 0, min(m, n)), r, only(tangents))
    return _completed(context, q, q_dot) if context.param("full") and m > n else q_dot


def _qr_right(context: RuleContext, tangents: Tangents) -> int:
    a, r = context.operands[0], context.results[0]
    m, n = known_size(context, a)
    q = context.builder.apply("qr_q", a, full=False)
    _, r_dot = _square_qr(context, q, cut(context, r, -2, 0, min(m, n)), only(tangents))
    return padded(context, r_dot, -2, 0, m - n) if context.param("full") and m > n else r_dot


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
)
