"""Linear algebra in jaxprs: factorisations become one step per factor, linear systems become solutions.

JAX takes operands of `cholesky` and `eigh` to be symmetric, and so their tangents, which it reads whole although it
reads one triangle of the operand; the rows `symmetric_cholesky`, `eigh_values` and `eigh_vectors` have that convention
(from JAX 0.12 on, `cholesky` reads one triangle of both).
Where an operand is not symmetric, the factors and their derivatives are those of the triangle that is read. JAX takes
second derivatives of `eigh` along the symmetric part of a direction only; here all orders read directions whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import _jax
from ..builder import Builder
from ..ir import Program
from ..sizes import known
from ..solution import solution
from .rule import Equation, Rule, Write

LAPACK = ("f64", "f32")


def _need_lapack(e: Equation) -> None:
    """Factorisations exist for two widths of floats."""
    dtype = e.inputs[0].dtype
    if dtype not in LAPACK:
        raise e.refuse(f"of {dtype} has no factorisation", "convert to float32 first")


def _swap(b: Builder, matrix: int) -> int:
    rank = b.array_type(matrix).rank
    return b.apply("transpose", matrix, axes=(*range(rank - 2), rank - 1, rank - 2))


def _refused(why: str, hint: str) -> Write:
    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        raise e.refuse(why, hint)

    return write


# --- factorisations --------------------------------------------------------------------------------------------------


def _whole(e: Equation, size: int) -> None:
    """Only whole decompositions are supported."""
    subset = e.params.get("subset_by_index")
    if subset is not None and tuple(subset) != (0, size):
        raise e.refuse(f"takes only numbers {tuple(subset)} of a decomposition", "take all, and slice the result")


def _cholesky(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    _need_lapack(e)
    return b.apply("cholesky" if _jax.READS_ONE_TRIANGLE else "symmetric_cholesky", x[0])


def _eigh(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    _need_lapack(e)
    _whole(e, known(e.inputs[0].shape[-1]))
    lower = bool(e["lower"])
    return b.apply("eigh_vectors", x[0], lower=lower), b.apply("eigh_values", x[0], lower=lower)


def _svd(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    _need_lapack(e)
    m, n = map(known, e.inputs[0].shape[-2:])
    _whole(e, min(m, n))
    values = b.apply("svd_values", x[0])
    if not e["compute_uv"]:
        return (values,)
    full = bool(e["full_matrices"]) and m != n
    return values, b.apply("svd_left", x[0], full=full), b.apply("svd_right", x[0], full=full)


def _qr(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    _need_lapack(e)
    if e["pivoting"]:
        raise e.refuse("chooses columns (pivoting)", "leave pivoting out, or use the singular values")
    m, n = map(known, e.inputs[0].shape[-2:])
    full = bool(e["full_matrices"]) and m > n
    return b.apply("qr_q", x[0], full=full), b.apply("qr_r", x[0], full=full)


def _lu(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    _need_lapack(e)
    return b.apply("lu", x[0]), b.apply("lu_pivots", x[0]), b.apply("lu_permutation", x[0])


def _pivots(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return b.apply("pivots_to_permutation", x[0], size=int(known(e["permutation_size"])))


def _symmetric_product(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """``alpha A A^T + beta C``."""
    dtype = e.outputs[0].dtype
    batch = "abcdefgh"[: e.inputs[0].rank - 2]
    product = b.apply("einsum", x[0], x[0], spec=f"{batch}ik,{batch}jk->{batch}ij")
    scaled = [
        b.apply("mul", b.constant(float(e[name]), dtype), part) for name, part in (("alpha", product), ("beta", x[1]))
    ]
    return b.apply("add", *scaled)


# --- systems ---------------------------------------------------------------------------------------------------------


def _triangular_solve(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """``op(A) Y = B``, or ``Y op(A) = B``, which is a system for the transposes."""
    left, transposed = bool(e["left_side"]), bool(e["transpose_a"])
    params: dict[str, bool] = {"lower": bool(e["lower"]), "unit": bool(e["unit_diagonal"])}
    if left:
        return b.apply("triangular_solve", *x, transposed=transposed, **params)
    return _swap(b, b.apply("triangular_solve", x[0], _swap(b, x[1]), transposed=not transposed, **params))


def _tridiagonal_solve(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    _need_lapack(e)
    if e.params.get("perturb_singular"):
        raise e.refuse("moves singular systems (perturb_singular)", "leave that out, and keep the system regular")
    return b.apply("tridiagonal_solve", *x)


def _linear_solve(b: Builder, e: Equation, x: tuple[int, ...]) -> Sequence[int]:
    """A solution: what runs is the solver that the user gave, what is differentiated is the equation.

    The solver alone would not do: in `jnp.linalg.solve` its constants are factors of a matrix that is held constant.
    """
    lengths, jaxprs = e["const_lengths"], e["jaxprs"]
    names = ("matvec", "vecmat", "solve", "transpose_solve")
    if jaxprs.transpose_solve is None or jaxprs.vecmat is None:
        raise e.refuse("has no `transpose_solve`", "give one, or symmetric=True, so that there is reverse mode")
    if len(jaxprs.solve.out_avals) != len(jaxprs.matvec.out_avals):
        raise e.refuse("returns auxiliary data (has_aux)", "return the solution alone")
    counts = [int(getattr(lengths, name)) for name in names]
    ends = [sum(counts[: k + 1]) for k in range(len(counts))]
    fixed, right = tuple(dict.fromkeys(x[: ends[-1]])), x[ends[-1] :]
    own = [[fixed.index(slot) for slot in x[end - count : end]] for count, end in zip(counts, ends, strict=True)]
    programs = {
        name: _over(b, e.program(getattr(jaxprs, name), name), (*fixed, *right), places, len(fixed))
        for name, places in zip(names, own, strict=True)
    }
    return b.call(solution(programs.pop("solve"), **programs), (*fixed, *right))


def _over(b: Builder, program: Program, slots: Sequence[int], places: Sequence[int], fixed: int) -> Program:
    """A program of some of the constants as one of all of them."""
    inner = Builder(program.name, [b.array_type(slot) for slot in slots])
    return inner.build(inner.inline(program, [*places, *range(fixed, len(slots))]))


# --- what is not supported -------------------------------------------------------------------------------------------

_COMPLEX = _refused("has complex results", "use `eigh` for symmetric matrices, or `svd`")
_REFLECTIONS = _refused("works on packed reflections", "use `jnp.linalg.qr`, which gives Q and R (`slogdet`: LU)")
_UPDATE = _refused("changes a factor in place", "factorise the changed matrix")

RULES: dict[str, Rule] = {
    "cholesky": Rule(_cholesky),
    "eigh": Rule(_eigh, ("lower", "subset_by_index"), ("sort_eigenvalues", "algorithm", "implementation")),
    "svd": Rule(_svd, ("full_matrices", "compute_uv", "subset_by_index"), ("algorithm",)),
    "qr": Rule(_qr, ("pivoting", "full_matrices"), ("use_magma",)),
    "lu": Rule(_lu),
    "lu_pivots_to_permutation": Rule(_pivots, ("permutation_size",)),
    "symmetric_product": Rule(_symmetric_product, ("alpha", "beta")),
    "triangular_solve": Rule(
        _triangular_solve, ("left_side", "lower", "transpose_a", "unit_diagonal"), ("conjugate_a",)
    ),
    "tridiagonal_solve": Rule(_tridiagonal_solve, ("perturb_singular",)),
    "custom_linear_solve": Rule(_linear_solve, ("const_lengths", "jaxprs")),
    "eig": Rule(
        _COMPLEX,
        (),
        (
            "compute_left_eigenvectors",
            "compute_right_eigenvectors",
            "enable_eigvec_derivs",
            "implementation",
            "use_magma",
        ),
    ),
    "schur": Rule(_COMPLEX, (), ("compute_schur_vectors", "sort_eig_vals", "select_callable")),
    "hessenberg": Rule(_REFLECTIONS),
    "tridiagonal": Rule(_REFLECTIONS, (), ("lower",)),
    "householder_product": Rule(_REFLECTIONS),
    "ormqr": Rule(_REFLECTIONS, (), ("left", "transpose")),
    "geqrf": Rule(_REFLECTIONS),
    "geqp3": Rule(_REFLECTIONS, (), ("use_magma",)),
    "cholesky_update": Rule(_UPDATE),
}
