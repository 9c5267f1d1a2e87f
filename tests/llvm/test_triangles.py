"""Triangular matrices: found by construction, and multiplied without their zeros, infinities and NaN included."""

from __future__ import annotations

import numpy as np
import pytest

import pushforward as pf
from pushforward.codegen.llvm.compile import compile_llvm
from pushforward.codegen.llvm.pipeline import optimise
from pushforward.codegen.llvm.triangles import triangles
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Each, Program, bodies
from pushforward.semantics.reference import evaluate

MODULE = pf.parse("""
def lower[d](a: [d, d]f64): [d, d]f64 = for i < d, j < d => if j <= i then a[i, j] else 0.0

def band[d](a: [d, d]f64): [d, d]f64 =
  for i < d, j < d => if j == i then exp(a[i, i]) else if j < i then a[i, j] else 0.0

def mapped[n, d](a: [d, d]f64, x: [n, d]f64): [n, d]f64 = let l = lower(a) in for i < n => l @ x[i]

def energy[n, d](a: [d, d]f64, x: [n, d]f64): f64 =
  let l = band(a) in sum(for i < n => let y = l @ x[i] in sum(y * y))

def full[n, d](a: [d, d]f64, x: [n, d]f64): f64 = sum(for i < n => let y = a @ x[i] in sum(y * y))

def by_data[n, d](a: [d, d]f64, k: [d]i64, x: [n, d]f64): [n, d]f64 =
  let l = (for i < d, j < d => if j <= k[i] then a[i, j] else 0.0) in for i < n => l @ x[i]
""")


def _marks(program: Program) -> int:
    own = sum(isinstance(s.op, Apply) and s.op.primitive == "triangle" for s in program.steps)
    return own + sum(_marks(inner) for s in program.steps for inner in bodies(s.op))


def _a(d: int) -> np.ndarray:
    return np.random.default_rng(d).normal(size=(d, d))


@pytest.mark.parametrize("d", [2, 5, 16, 17, 23])
def test_products_with_what_is_lower_by_construction(d: int) -> None:
    a, x = _a(d), np.random.default_rng(1).normal(size=(9, d))
    assert np.allclose(MODULE["mapped"].compile("llvm")(a, x), x @ np.tril(a).T, rtol=1e-13, atol=1e-13)
    f = pf.value_and_grad(MODULE["energy"], wrt=(0, 1))
    (value, slopes), (wanted, expected) = f.compile("llvm")(a, x), f.compile("reference")(a, x)
    assert value == pytest.approx(wanted, rel=1e-13)
    for one, other in zip(slopes, expected, strict=True):
        assert np.allclose(one, other, rtol=1e-12, atol=1e-12)
    assert (slopes[0][np.triu_indices(d, 1)] == 0).all()


def test_where_triangles_are_found() -> None:
    sizes = {"n": 9, "d": 5}
    gradient = pf.grad(MODULE["energy"], wrt=(0, 1)).first(sizes)
    assert _marks(optimise(gradient)) == 2  # the factor, in both of its products, and what is added up for it
    assert _marks(optimise(MODULE["mapped"].first(sizes))) == 1
    assert _marks(optimise(pf.grad(MODULE["full"], wrt=(0, 1)).first(sizes))) == 0
    assert _marks(optimise(MODULE["by_data"].first(sizes))) == 0


def _product(lower: bool, by_rows: bool, rows: int, columns: int, rounds: int) -> Program:
    """Products of half a matrix with vectors, round by round."""

    def one(b: Builder, x: tuple[int, ...]) -> list[int]:
        half = b.apply("triangle", x[0], lower=lower, offset=0)
        return [b.apply("einsum", half, x[1], spec="ij,j->i" if by_rows else "ij,i->j")]

    length = columns if by_rows else rows
    matrix, vector = ArrayType("f64", (rows, columns)), ArrayType("f64", (length,))
    inner = body("one", [matrix, vector, ArrayType("i64")], one)
    return body(
        "products", [matrix, ArrayType("f64", (rounds, length))],
        lambda b, x: b.each(rounds, [x[0]], [x[1]], inner, ["stack"]),
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (1, 5), (5, 1), (18, 18), (9, 40), (40, 9)])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("by_rows", [True, False])
@pytest.mark.parametrize("rounds", [3, 11])
def test_zeros_meet_infinities_as_they_would(shape: tuple[int, int], lower: bool, by_rows: bool, rounds: int) -> None:
    program = _product(lower, by_rows, *shape, rounds)
    r = np.random.default_rng(7)
    a = r.normal(size=shape)
    x = r.normal(size=(rounds, shape[1] if by_rows else shape[0]))
    for row, special in enumerate((np.inf, -np.inf, np.nan)):
        x[row % rounds, row % x.shape[1]] = special
    (found,), (wanted,) = compile_llvm(program)([a, x]), evaluate(program, [a, x])
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    assert np.allclose(found, wanted, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_marks_change_no_result() -> None:
    program = pf.grad(MODULE["energy"], wrt=(0, 1)).first({"n": 3, "d": 4})
    args = [_a(4), _a(4)[:3]]
    for one, other in zip(evaluate(triangles(program), args), evaluate(program, args), strict=True):
        assert np.allclose(one, other, rtol=1e-14, atol=1e-14)
    assert any(isinstance(step.op, Each) for step in program.steps)
