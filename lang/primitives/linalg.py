"""Rows of linear algebra over leading batch axes. Solutions are implicit: their tangents solve the linearised
equation.

The Cholesky tangent is ``L Φ(L⁻¹ dA L⁻ᵀ)`` with Φ the lower triangle with halved diagonal (Murray 2016, arXiv
1602.07527); it is built from triangular solutions, products and triangles, so the transpose follows.
"""

from __future__ import annotations

from ..ir import ArrayType
from . import costs, type_rules
from .row import Implicit, Linear, Primitive, RuleContext

Tangents = tuple[int | None, ...]
_BATCH = "abcdefgh"


def matmul(context: RuleContext, left: int, right: int) -> int:
    """The batched matrix product ``[…,n,k] @ […,k,m]``."""
    batch = _BATCH[: context.type(left).rank - 2]
    return context.builder.apply("einsum", left, right, spec=f"{batch}ik,{batch}kj->{batch}ij")


def swap(context: RuleContext, matrix: int) -> int:
    """The batched transpose of matrices."""
    rank = context.type(matrix).rank
    axes = (*range(rank - 2), rank - 1, rank - 2)
    return context.builder.apply("transpose", matrix, axes=axes)


def identity(context: RuleContext, type_: ArrayType) -> int:
    """Identity matrices of a batched square type."""
    builder, size, rank = context.builder, type_.shape[-1], type_.rank
    places = builder.apply("iota", size=size)
    rows, columns = (builder.broadcast(places, (size, size), (axis,)) for axis in (0, 1))
    ones = builder.apply("convert", builder.apply("eq", rows, columns), dtype=type_.dtype)
    return builder.broadcast(ones, type_.shape, (rank - 2, rank - 1))


def only(tangents: Tangents) -> int:
    """The tangent of a single operand."""
    (a_dot,) = tangents
    assert a_dot is not None
    return a_dot


def across(context: RuleContext, vector: int, type_: ArrayType, axis: int) -> int:
    """A vector along one of the last two axes (-1 or -2) of a matrix, repeated along the other."""
    kept = (*range(type_.rank - 2), type_.rank + axis)
    return context.builder.broadcast(vector, type_.shape, kept)


def cut(context: RuleContext, slot: int, axis: int, start: int, limit: int) -> int:
    """Part of one of the last two axes (-1 or -2)."""
    shape = list(context.type(slot).shape)
    if (start, limit) == (0, shape[axis]):
        return slot
    starts = [0] * len(shape)
    starts[axis], shape[axis] = start, limit
    return context.builder.apply("slice", slot, starts=tuple(starts), limits=tuple(shape))


def padded(context: RuleContext, slot: int, axis: int, low: int, high: int) -> int:
    """Zeros in front of and behind one of the last two axes."""
    if low == high == 0:
        return slot
    lows, highs = [0] * context.type(slot).rank, [0] * context.type(slot).rank
    lows[axis], highs[axis] = low, high
    return context.builder.apply("pad", slot, low=tuple(lows), high=tuple(highs))


def known_size(context: RuleContext, slot: int) -> tuple[int, int]:
    """Rows and columns, which must be numbers."""
    m, n = context.type(slot).shape[-2:]
    assert isinstance(m, int) and isinstance(n, int)
    return m, n


def right_solve(context: RuleContext, x: int, upper: int) -> int:
    """``x @ inverse(upper)`` of an upper triangular matrix."""
    solved = context.builder.apply(
        "triangular_solve", upper, swap(context, x), lower=False, transposed=True, unit=False
    )
    return swap(context, solved)


def _minus_product(context: RuleContext, b_dot: int | None, a_dot: int | None, y: int) -> int:
    """``b_dot - a_dot @ y`` with absent tangents left out."""
    if a_dot is None:
        assert b_dot is not None
        return b_dot
    change = matmul(context, a_dot, y)
    if b_dot is None:
        return context.builder.apply("neg", change)
    return context.builder.apply("sub", b_dot, change)


def _solve(context: RuleContext, tangents: Tangents) -> int:
    a_dot, b_dot = tangents
    right = _minus_product(context, b_dot, a_dot, context.results[0])
    return context.builder.apply("solve", context.operands[0], right)


def _triangular_solve(context: RuleContext, tangents: Tangents) -> int:
    a_dot, b_dot = tangents
    params = dict(context.params)
    if a_dot is not None:
        offset = 0 if not params["unit"] else -1 if params["lower"] else 1
        a_dot = context.builder.apply("triangle", a_dot, lower=bool(params["lower"]), offset=offset)
        if params["transposed"]:
            a_dot = swap(context, a_dot)
    right = _minus_product(context, b_dot, a_dot, context.results[0])
    return context.builder.apply("triangular_solve", context.operands[0], right, **params)


def _solve_transposed(context: RuleContext, z: int) -> int:
    return context.builder.apply("solve", swap(context, context.operands[0]), z)


def _triangular_solve_transposed(context: RuleContext, z: int) -> int:
    params = {**dict(context.params), "transposed": not context.param("transposed")}
    return context.builder.apply("triangular_solve", context.operands[0], z, **params)


def _half_lower(context: RuleContext, matrix: int) -> int:
    """The lower triangle with half the diagonal."""
    builder = context.builder
    whole = builder.apply("triangle", matrix, lower=True, offset=0)
    strict = builder.apply("triangle", matrix, lower=True, offset=-1)
    half = builder.constant(0.5, context.type(matrix).dtype)
    return builder.apply("mul", half, builder.apply("add", whole, strict))


def _cholesky(context: RuleContext, tangents: Tangents) -> int:
    builder, factor = context.builder, context.results[0]
    (a_dot,) = tangents
    assert a_dot is not None
    # Only the lower triangle of the operand is read, so only it carries a tangent.
    half = _half_lower(context, a_dot)
    symmetric = builder.apply("add", half, swap(context, half))

    def solved(right: int) -> int:
        return builder.apply("triangular_solve", factor, right, lower=True, transposed=False, unit=False)

    inner = solved(swap(context, solved(symmetric)))
    return matmul(context, factor, _half_lower(context, inner))


def _symmetric_cholesky(context: RuleContext, tangents: Tangents) -> int:
    factor, (a_dot,) = context.results[0], tangents
    assert a_dot is not None

    def solved(right: int) -> int:
        return context.builder.apply("triangular_solve", factor, right, lower=True, transposed=False, unit=False)

    inner = swap(context, solved(swap(context, solved(a_dot))))
    return matmul(context, factor, _half_lower(context, inner))


def _logdet(context: RuleContext, tangents: Tangents) -> int:
    builder, a = context.builder, context.operands[0]
    (a_dot,) = tangents
    assert a_dot is not None
    type_ = context.type(a)
    inverse = builder.apply("solve", a, identity(context, type_))
    batch = _BATCH[: type_.rank - 2]
    return builder.apply("einsum", inverse, a_dot, spec=f"{batch}ij,{batch}ji->{batch}")


def _triangle(context: RuleContext, z: int) -> int:
    return context.builder.apply("triangle", z, **dict(context.params))


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="solve",
        type="([…, n, n]f, […, n, m]f) -> […, n, m]f",
        derivative=Implicit("x0 @ y - x1", _solve, (None, _solve_transposed)),
        doc="The y with x0 @ y = x1.",
        flops=costs.solve,
        domain="det(x0) != 0",
        elementwise=False,
        type_rule=type_rules.solve,
    ),
    Primitive(
        name="triangular_solve",
        type="([…, n, n]f, […, n, m]f) -> […, n, m]f",
        derivative=Implicit("op(triangle(x0)) @ y - x1", _triangular_solve, (None, _triangular_solve_transposed)),
        doc="The y with op(x0) @ y = x1, op transposing or not; reads one triangle of x0 (`unit`: diagonal ones).",
        flops=costs.triangular_solve,
        domain="no zero on the diagonal of x0",
        params=("lower", "transposed", "unit"),
        elementwise=False,
        type_rule=type_rules.solve,
    ),
    Primitive(
        name="cholesky",
        type="[…, n, n]f -> […, n, n]f",
        derivative=Implicit("y @ transpose(y) - x0", _cholesky),
        doc="The lower triangular y with y @ transpose(y) = x0; reads the lower triangle of the symmetric x0.",
        flops=costs.cholesky,
        domain="x0 is positive definite",
        elementwise=False,
        type_rule=type_rules.square,
    ),
    Primitive(
        name="symmetric_cholesky",
        type="[…, n, n]f -> […, n, n]f",
        derivative=Implicit("y @ transpose(y) - x0", _symmetric_cholesky),
        doc="The same as `cholesky`, but tangents are symmetric too and are read whole.",
        flops=costs.cholesky,
        domain="x0 is symmetric and positive definite",
        elementwise=False,
        type_rule=type_rules.square,
    ),
    Primitive(
        name="logdet",
        type="[…, n, n]f -> […]f",
        derivative=Implicit("y - log(abs(det(x0)))", _logdet),
        doc="The logarithm of the absolute value of the determinant.",
        flops=costs.elimination,
        domain="det(x0) != 0",
        elementwise=False,
        type_rule=type_rules.logdet,
    ),
    Primitive(
        name="triangle",
        type="[…, n, m]a -> […, n, m]a",
        derivative=Linear((_triangle,)),
        doc="Zero above (`lower`) or below diagonal number `offset`, x0 elsewhere.",
        flops=costs.free,
        params=("lower", "offset"),
        elementwise=False,
        type_rule=type_rules.same,
    ),
)
