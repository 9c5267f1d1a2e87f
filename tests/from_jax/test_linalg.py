"""Linear algebra traced from JAX: values and derivatives against JAX, which is the oracle of these tests only."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpy as np
import pytest
from jax import lax

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.lang.check_ir import check_program
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.semantics.reference import evaluate

from .agreement import agree, traced

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def regular(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape) + 3 * np.eye(shape[-1])


def symmetric(*shape: int) -> np.ndarray:
    a = RNG.normal(size=shape)
    return a + np.swapaxes(a, -1, -2) + np.diag(3.0 * np.arange(shape[-1]))


def positive(*shape: int) -> np.ndarray:
    a = RNG.normal(size=shape)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


def several(function: Callable[..., Any]) -> Callable[..., list[Any]]:
    """Results as a list, as tracing wants them."""
    return lambda *x: list(function(*x))


Named = dict[str, tuple[Any, ...]]

FACTORISATIONS: Named = {
    "cholesky": (jnp.linalg.cholesky, positive(2, 3, 3)),
    "cholesky upper": (lambda a: jnp.linalg.cholesky(a, upper=True), positive(4, 4)),
    "cholesky of one triangle": (lambda a: lax.linalg.cholesky(a, symmetrize_input=False), positive(4, 4)),
    "scipy cholesky": (jsl.cholesky, positive(3, 3)),
    "eigh": (several(jnp.linalg.eigh), symmetric(2, 4, 4)),
    "eigh upper": (several(lambda a: jnp.linalg.eigh(a, UPLO="U")), symmetric(3, 3)),
    "eigh of one triangle": (several(lambda a: lax.linalg.eigh(a, symmetrize_input=False)), symmetric(4, 4)),
    "eigh of the upper triangle": (
        several(lambda a: lax.linalg.eigh(a, lower=False, symmetrize_input=False)),
        symmetric(4, 4),
    ),
    "eigvalsh": (jnp.linalg.eigvalsh, symmetric(3, 3)),
    "svd tall": (several(lambda a: jnp.linalg.svd(a, full_matrices=False)), normal(2, 5, 3)),
    "svd wide": (several(lambda a: jnp.linalg.svd(a, full_matrices=False)), normal(3, 5)),
    "svd square": (several(jnp.linalg.svd), normal(3, 3)),
    "singular values": (jnp.linalg.svdvals, normal(2, 3, 4)),
    "qr tall": (several(jnp.linalg.qr), normal(2, 5, 3)),
    "qr complete": (several(lambda a: jnp.linalg.qr(a, mode="complete")), normal(2, 5, 3)),
    "qr wide": (several(jnp.linalg.qr), normal(2, 3, 5)),
    "qr alone": (lambda a: jnp.linalg.qr(a, mode="r"), normal(4, 3)),
    "lu": (several(lax.linalg.lu), normal(2, 4, 4)),
    "lu tall": (several(lax.linalg.lu), normal(2, 5, 3)),
    "lu wide": (several(lax.linalg.lu), normal(3, 5)),
    "lu in three": (several(jsl.lu), normal(4, 3)),
}

SYSTEMS: Named = {
    "vector": (jnp.linalg.solve, regular(4, 4), normal(4)),
    "matrix": (jnp.linalg.solve, regular(4, 4), normal(4, 2)),
    "batches": (jnp.linalg.solve, regular(2, 4, 4), normal(2, 4, 3)),
    "batch of matrices": (jnp.linalg.solve, regular(2, 4, 4), normal(4, 3)),
    "batch of right sides": (jnp.linalg.solve, regular(4, 4), normal(2, 4, 3)),
    "vmap": (jax.vmap(jnp.linalg.solve), regular(2, 4, 4), normal(2, 4)),
    "vmap of right sides": (jax.vmap(jnp.linalg.solve, (None, 0)), regular(4, 4), normal(3, 4)),
    "vmap of matrices": (jax.vmap(jnp.linalg.solve, (0, None)), regular(2, 4, 4), normal(4, 3)),
    "inverse": (jnp.linalg.inv, regular(2, 3, 3)),
    "scipy": (jsl.solve, regular(4, 4), normal(4)),
    "positive": (lambda a, b: jsl.solve(a, b, assume_a="pos"), positive(4, 4), normal(4)),
    "by cholesky": (lambda a, b: jsl.cho_solve(jsl.cho_factor(a), b), positive(4, 4), normal(4, 2)),
    "by lu": (lambda a, b: jsl.lu_solve(jsl.lu_factor(a), b), regular(4, 4), normal(4)),
    "by lu, transposed": (lambda a, b: jsl.lu_solve(jsl.lu_factor(a), b, trans=1), regular(4, 4), normal(4)),
    "triangular": (jsl.solve_triangular, regular(4, 4), normal(4)),
    "tensors": (jnp.linalg.tensorsolve, normal(2, 2, 4), normal(2, 2)),
    "inverse tensor": (jnp.linalg.tensorinv, normal(2, 2, 4)),
    "tridiagonal": (lax.linalg.tridiagonal_solve, normal(2, 5), normal(2, 5) + 4, normal(2, 5), normal(2, 5, 3)),
    "conjugate gradients": (
        lambda a, b: jax.scipy.sparse.linalg.cg(lambda x: a @ x, b, tol=1e-14)[0],
        positive(4, 4),
        normal(4),
    ),
}

FUNCTIONS: Named = {
    "det": (jnp.linalg.det, normal(4, 4)),
    "det of batches": (jnp.linalg.det, normal(2, 5, 5)),
    "det of 3": (jnp.linalg.det, normal(3, 3)),
    "slogdet": (several(jnp.linalg.slogdet), normal(2, 4, 4)),
    "pinv": (jnp.linalg.pinv, normal(5, 3)),
    "lstsq": (lambda a, b: jnp.linalg.lstsq(a, b)[0], normal(5, 3), normal(5)),
    "spectral norm": (lambda a: jnp.linalg.norm(a, 2), normal(3, 4)),
    "nuclear norm": (lambda a: jnp.linalg.norm(a, "nuc"), normal(3, 4)),
    "cond": (jnp.linalg.cond, regular(4, 4)),
    "power": (lambda a: jnp.linalg.matrix_power(a, 3), normal(3, 3)),
    "inverse power": (lambda a: jnp.linalg.matrix_power(a, -2), regular(3, 3)),
    "expm": (jsl.expm, normal(3, 3)),
    "polar": (several(lambda a: jsl.polar(a, method="svd")), normal(4, 3)),
    "hermitian svd": (several(lambda a: jnp.linalg.svd(a, hermitian=True)), symmetric(3, 3)),
    "block_diag": (jsl.block_diag, normal(2, 3), normal(1, 2)),
    "toeplitz": (jsl.toeplitz, normal(4)),
    "cross": (jnp.cross, normal(3), normal(3)),
    "multi_dot": (lambda a, b: jnp.linalg.multi_dot([a, a, b]), normal(3, 3), normal(3, 2)),
}


# Compiling is slow, and derivatives are steps that the values of other cases have too.
COMPILED = ("cholesky", "eigh", "svd tall", "qr complete", "lu tall", "batches", "tridiagonal", "expm", "pinv")


@pytest.mark.parametrize("name", FACTORISATIONS)
def test_factorisations(name: str) -> None:
    agree(*FACTORISATIONS[name], compiled=name in COMPILED, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems(name: str) -> None:
    agree(*SYSTEMS[name], compiled=name in COMPILED, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_matrices(name: str) -> None:
    agree(*FUNCTIONS[name], compiled=name in COMPILED, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["eigh", "svd tall", "qr complete", "lu", "cholesky"])
def test_factorisations_in_32_bits(name: str) -> None:
    function, *arrays = FACTORISATIONS[name]
    agree(function, *(x.astype(np.float32) for x in arrays), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", ["batches", "positive", "tridiagonal"])
def test_systems_in_32_bits(name: str) -> None:
    function, *arrays = SYSTEMS[name]
    agree(function, *(x.astype(np.float32) for x in arrays), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("flags", [*product((False, True), repeat=4)], ids=str)
def test_triangular_systems(flags: tuple[bool, ...]) -> None:
    left, lower, transposed, unit = flags

    def solve(a: Any, b: Any) -> Any:
        return lax.linalg.triangular_solve(
            a, b, left_side=left, lower=lower, transpose_a=transposed, unit_diagonal=unit, conjugate_a=transposed
        )

    agree(solve, regular(2, 3, 3), normal(2, 3, 4) if left else normal(2, 4, 3), rtol=1e-11)


def test_pivots_become_an_order() -> None:
    pivots = np.array([[2, 2, 3], [0, 1, 2]], np.int32)
    agree(lambda p: lax.linalg.lu_pivots_to_permutation(p, 5), pivots, derivatives=False, compiled=True)


def test_symmetric_product() -> None:
    def product_(a: Any, c: Any) -> Any:
        return lax.linalg.symmetric_product(a, c, alpha=2.0, beta=0.5)

    agree(product_, normal(2, 3, 2), symmetric(2, 3, 3), derivatives=False, compiled=True)


# --- second derivatives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cholesky", "eigh", "svd tall", "svd wide", "qr complete", "qr wide", "lu tall"])
def test_second_derivatives_of_factorisations(name: str) -> None:
    _second(*FACTORISATIONS[name])


@pytest.mark.parametrize("name", ["vector", "batches", "vmap of right sides", "positive", "tridiagonal", "inverse"])
def test_second_derivatives_of_solutions(name: str) -> None:
    _second(*SYSTEMS[name])


def _second(function: Callable[..., Any], *arrays: np.ndarray) -> None:
    """Tangents of cotangents."""

    def floats(*x: Any) -> list[Any]:
        result = function(*x)
        results = result if isinstance(result, (list, tuple)) else [result]
        return [y for y in results if jnp.issubdtype(y.dtype, np.inexact)]

    program = traced(floats, *arrays)
    rng = np.random.default_rng(3)
    with jax.enable_x64(True):
        bars = [rng.normal(size=y.shape) for y in floats(*arrays)]
        dots = tuple(rng.normal(size=x.shape) for x in arrays)
        wanted = jax.jvp(lambda *x: jax.vjp(floats, *x)[1](bars), arrays, dots)[1]
    twice = forward(reverse(program), [True] * len(arrays) + [False] * len(bars))
    check_program(twice)
    found = evaluate(twice, [*arrays, *bars, *dots])[-len(arrays) :]
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_third_derivative_of_a_solution() -> None:
    a, b, direction = regular(9, 9), normal(9), normal(9, 9)
    once = traced(jnp.linalg.solve, a, b)
    twice = forward(once, [True, False])
    thrice = forward(forward(twice, [True, False, False]), [True, False, False, False])
    found = evaluate(thrice, [a, b, *[direction] * 3])[-1]

    def along(function: Any) -> Any:
        return lambda a: jax.jvp(function, (a,), (direction,))[1]

    with jax.enable_x64(True):
        wanted = along(along(along(lambda a: jnp.linalg.solve(a, b))))(a)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


# --- edges -----------------------------------------------------------------------------------------------------------


def _same_numbers(function: Callable[..., Any], *arrays: np.ndarray) -> None:
    """The reference and JAX have NaN, infinities and numbers at the same places."""
    program = traced(function, *arrays)
    with jax.enable_x64(True):
        result = function(*arrays)
    wanted = result if isinstance(result, list) else [result]
    for ours, theirs in zip(evaluate(program, list(arrays)), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_matrices_without_a_factor_are_not_numbers_alone() -> None:
    bad = np.stack([-np.eye(3), np.eye(3)])
    _same_numbers(jnp.linalg.cholesky, bad)
    nothing = np.stack([np.full((3, 3), np.nan), np.diag([1.0, 2.0, 3.0])])
    _same_numbers(several(jnp.linalg.eigh), nothing)
    _same_numbers(several(lambda a: jnp.linalg.svd(a, full_matrices=False)), nothing)
    _same_numbers(several(lax.linalg.lu), np.zeros((3, 3)))
    zeros = np.zeros((2, 3))
    _same_numbers(lax.linalg.tridiagonal_solve, zeros, np.stack([zeros[0], np.ones(3)]), zeros, np.ones((2, 3, 1)))


@pytest.mark.parametrize("name", ["eigh", "svd"])
def test_repeated_values_follow_jax(name: str) -> None:
    """Vectors of repeated values have no derivative; what is not a number is so in JAX as well."""
    function = several(getattr(jnp.linalg, name))
    a, dot = np.eye(3), symmetric(3, 3)
    pushed = forward(traced(function, a))
    with jax.enable_x64(True):
        wanted = jax.jvp(function, (a,), (dot,))[1]
    for ours, theirs in zip(evaluate(pushed, [a, dot])[-len(wanted) :], wanted, strict=True):
        assert (np.isfinite(ours) == np.isfinite(theirs)).all()
        kept = np.isfinite(ours)
        np.testing.assert_allclose(ours[kept], np.asarray(theirs)[kept], rtol=1e-12)


REFUSED: Named = {
    "qr with pivoting": ("E202", several(lambda a: jsl.qr(a, pivoting=True)), normal(3, 3)),
    "eig": ("E203", jnp.linalg.eigvals, normal(3, 3)),
    "schur": ("E202", several(jsl.schur), normal(3, 3)),
    "hessenberg": ("E202", jsl.hessenberg, normal(3, 3)),
    "reflections": ("E202", lax.linalg.householder_product, normal(4, 3), normal(3)),
    "slogdet by qr": ("E202", several(lambda a: jnp.linalg.slogdet(a, method="qr")), normal(3, 3)),
    "no transposed solver": (
        "E202",
        lambda a, b: lax.custom_linear_solve(lambda x: a * x, b, lambda _, b: b / a),
        normal(3),
        normal(3),
    ),
    "moved systems": (
        "E202",
        lambda d, b: lax.linalg.tridiagonal_solve(d, d, d, b, perturb_singular=True),
        normal(3),
        normal(3, 1),
    ),
}


@pytest.mark.parametrize("case", [*REFUSED.values()], ids=[*REFUSED])
def test_what_is_not_supported_is_said(case: tuple[Any, ...]) -> None:
    code, function, *arrays = case
    with pytest.raises(DiagnosticError, match=code):
        traced(function, *arrays)


def test_completed_singular_vectors_have_values_but_no_derivative() -> None:
    function = several(jnp.linalg.svd)
    a = normal(4, 3)
    program = agree(function, a, derivatives=False, compiled=True)
    with pytest.raises(DiagnosticError, match="E112"):
        forward(program)
    dot = normal(4, 3)
    with jax.enable_x64(True):
        wanted = jax.jvp(jnp.linalg.svdvals, (a,), (dot,))[1]
    values = forward(traced(lambda a: jnp.linalg.svd(a)[1], a))
    np.testing.assert_allclose(evaluate(values, [a, dot])[1], wanted, rtol=1e-11)
