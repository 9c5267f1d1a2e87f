"""Sparsity patterns read off programs, colourings, and Jacobians compressed by them, against dense Jacobians."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import pushforward as pf
from pushforward.ad.colouring import at_least, colour_columns
from pushforward.ad.compressed import choose, compressed
from pushforward.ad.derive import jacobian
from pushforward.lang import primitives
from pushforward.lang.builder import Builder
from pushforward.lang.ir import ArrayType, Program, as_array
from pushforward.lang.primitives.row import Discrete, Linear
from pushforward.semantics.sparsity import pattern
from pushforward.semantics.sparsity.rules import RULES
from pushforward.verify.cases import CURVED, FACTORISATIONS, LINEAR, Case
from tests.ir.programs import programs

from .numbers import arguments, run

SEEDS = st.integers(0, 2**31)


def first(text: str, **sizes: int) -> Program:
    return pf.parse(text)["f"].first(sizes)


def places(program: Program, wrt: int = 0) -> np.ndarray:
    return pattern(program, wrt).toarray()


def dense(program: Program, wrt: int, xs: list[np.ndarray]) -> np.ndarray:
    """The Jacobian as a matrix, by forward mode on the reference."""
    columns = xs[wrt].size
    return np.concatenate([block.reshape(-1, columns) for block in run(jacobian(program, wrt, mode="forward"), xs)])


def reached(program: Program, wrt: int = 0, points: int = 3, seed: int = 0) -> np.ndarray:
    """Where the Jacobian is not zero at one of several points."""
    random = np.random.default_rng(seed)
    found = [dense(program, wrt, arguments(program.inputs, random)) != 0 for _ in range(points)]
    return np.any(found, axis=0)


def check(program: Program, wrt: int = 0, seed: int = 0) -> None:
    """The pattern holds the Jacobian, and compression gives the dense Jacobian in both modes."""
    xs = arguments(program.inputs, np.random.default_rng(seed))
    expected = dense(program, wrt, xs)
    own = pattern(program, wrt)
    outside = (expected != 0) & ~own.toarray()
    assert not outside.any(), np.argwhere(outside)
    choice = choose(own, has_rows=False)
    found = run(compressed(program, wrt, choice), xs)
    np.testing.assert_allclose(np.concatenate([part.reshape(-1, xs[wrt].size) for part in found]), expected, 1e-9, 1e-9)


# --- patterns: never too small ----------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(programs(), SEEDS)
def test_patterns_hold_the_jacobians_of_random_programs(program: Program, seed: int) -> None:
    for wrt in range(len(program.inputs)):
        xs = arguments(program.inputs, np.random.default_rng(seed))
        assume(bool(np.all(np.isfinite(dense(program, wrt, xs)))))
        check(program, wrt, seed)


@settings(max_examples=40, deadline=None)
@given(pf.strategies.generated("guarded", fuel=8), SEEDS)
def test_patterns_hold_the_jacobians_of_random_texts(generated: Any, seed: int) -> None:
    from pushforward.verify.properties.case import Case

    case = Case(generated, seed)
    xs = [np.asarray(x) for x in case.xs]
    for wrt, type_ in enumerate(case.first.inputs):
        if as_array(type_).is_float and xs[wrt].size:
            expected = dense(case.first, wrt, xs)
            assert not (np.nan_to_num(expected) != 0)[~places(case.first, wrt)].any()


def case_program(case: Case, known: bool) -> tuple[Program, list[int], list[np.ndarray]]:
    """One primitive with its whole numbers known or given, the inputs that are floats, and arguments."""
    drawn = case.apart()
    literal = [known and not type_.is_float for type_ in case.types]
    given = [k for k, flag in enumerate(literal) if not flag]
    b = Builder(case.name, [case.types[k] for k in given])
    operands = [
        b.constant(drawn[k], type_.dtype, drawn[k].shape) if literal[k] else given.index(k)
        for k, type_ in enumerate(case.types)
    ]
    program = b.build([b.apply(case.name, *operands, **case.params)])
    floats = [slot for slot, type_ in enumerate(program.inputs) if as_array(type_).is_float]
    return program, floats, [drawn[k] for k in given]


def _result_types(case: Case) -> tuple[ArrayType, ...]:
    return primitives.result_types(case.name, case.types, tuple(sorted(case.params.items())))


WITH_DERIVATIVES = [
    case
    for case in (*LINEAR, *FACTORISATIONS, *CURVED)
    if not isinstance(primitives.get(case.name).derivative, Discrete)
    and all(type_.dtype == "f64" for type_ in _result_types(case))
]


@pytest.mark.parametrize("known", [True, False], ids=["known", "given"])
@pytest.mark.parametrize("case", WITH_DERIVATIVES, ids=str)
def test_patterns_hold_the_jacobian_of_every_primitive(case: Case, known: bool) -> None:
    program, floats, xs = case_program(case, known)
    for wrt in floats:
        found = dense(program, wrt, xs) != 0
        own = places(program, wrt)
        assert not (found & ~own).any()
        exact = isinstance(primitives.get(case.name).derivative, Linear) and known and case.name not in GROUPED
        assert not exact or (own == found).all(), case.name


GROUPED = ("conv", "scatter_last")  # groups of channels, and which of several updates stays, are not told apart


def test_every_primitive_with_a_derivative_has_a_rule() -> None:
    rows = primitives.table().values()
    left = {row.name for row in rows if not row.elementwise and not isinstance(row.derivative, Discrete)} - set(RULES)
    assert left == set()
    assert set(RULES) <= {row.name for row in rows}


# --- patterns: exact where indices are known --------------------------------------------------------------------------


def band(n: int, below: int, above: int) -> np.ndarray:
    distance = np.subtract.outer(np.arange(n), np.arange(n))
    return (distance <= below) & (-distance <= above)


TRIDIAGONAL = """
def f[n](x: [n]f64): [n]f64 = for i < n =>
  let left = if i == 0 then 0.0 else x[i - 1]
  let right = if i == n - 1 then 0.0 else x[i + 1]
  in left - 2.0 * x[i] + right + exp(x[i])
"""
LAPLACIAN = """
def f[n, m](u: [n, m]f64): [n, m]f64 = for i < n, j < m =>
  (if i == 0 then 0.0 else u[i - 1, j]) + (if i == n - 1 then 0.0 else u[i + 1, j])
  + (if j == 0 then 0.0 else u[i, j - 1]) + (if j == m - 1 then 0.0 else u[i, j + 1]) - 4.0 * u[i, j] + u[i, j]^2
"""
# Residuals of observations, each of a camera and a point of its own.
BUNDLE = """
def f[n](cameras: [n, 3]f64, points: [n, 2]f64): [n, 2]f64 = for i < n, k < 2 =>
  cameras[i, 0] * sin(points[i, k]) + cameras[i, 1 + k] * points[i, 0] * points[i, 1]
"""
ARROW = "def f[n](x: [n]f64): [n]f64 = for i < n => if i == 0 then sum(x * x) else x[0] * x[i]"
DENSE = "def f[n](x: [n]f64): [n]f64 = let s = sum(sin(x)) in for i < n => s * x[i]"
RECURRENCE = "def f[n](x: [n]f64): [n]f64 = scan y = 1.0 for i < n do sin(y) * x[i]"
STRIDED = "def f(x: [12]f64): [4]f64 = for i < 4 => x[3 * i] * x[3 * i + 2]"
BLOCKS = "def f(a: [4, 3]f64): [4, 3]f64 = for i < 4, j < 3 => sum(for k < 3 => a[i, k] * a[i, j])"
MATRIX = "def f(x: [4]f64): [3]f64 = [[1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 3.0, 0.0], [0.0, 4.0, 0.0, 0.0]] @ x"
TABLE = "def f(x: [5]f64): [3]f64 = let t = [4, 0, 4] in for i < 3 => x[t[i]] * x[2]"


def stencil(n: int, m: int) -> np.ndarray:
    return np.kron(np.eye(n), band(m, 1, 1)).astype(bool) | np.kron(band(n, 1, 1), np.eye(m)).astype(bool)


def arrow(n: int) -> np.ndarray:
    found = np.eye(n, dtype=bool)
    found[0] = found[:, 0] = True
    return found


EXACT = {
    "tridiagonal": (first(TRIDIAGONAL, n=9), band(9, 1, 1)),
    "five points": (first(LAPLACIAN, n=4, m=5), stencil(4, 5)),
    "blocks of cameras": (first(BUNDLE, n=4), np.kron(np.eye(4), [[1, 1, 0], [1, 0, 1]]).astype(bool)),
    "arrow": (first(ARROW, n=6), arrow(6)),
    "dense": (first(DENSE, n=4), np.ones((4, 4), bool)),
    "recurrence": (first(RECURRENCE, n=7), band(7, 7, 0)),
    "strided": (first(STRIDED), np.kron(np.eye(4), [[1, 0, 1]]).astype(bool)),
    "block diagonal": (first(BLOCKS), np.kron(np.eye(4), np.ones((3, 3))).astype(bool)),
    "constant matrix": (first(MATRIX), np.array([[1, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], bool)),
    "table": (first(TABLE), np.array([[0, 0, 1, 0, 1], [1, 0, 1, 0, 0], [0, 0, 1, 0, 1]], bool)),
}


@pytest.mark.parametrize("name", EXACT)
def test_patterns_of_known_indices_are_exact(name: str) -> None:
    program, expected = EXACT[name]
    np.testing.assert_array_equal(places(program), expected)
    np.testing.assert_array_equal(reached(program), expected)
    check(program)


def test_an_index_from_data_may_be_any_place_of_its_axis_and_of_no_other() -> None:
    program = first("def f(x: [3, 4]f64, k: [3]i64): [3]f64 = for i < 3 => x[i, k[i]]")
    np.testing.assert_array_equal(places(program), np.kron(np.eye(3), np.ones(4)).astype(bool))


def test_a_branch_on_data_is_the_union_of_its_arms() -> None:
    program = first("def f(x: [3]f64): f64 = if x[0] > 0.0 then x[1] * x[1] else x[2]")
    assert places(program).tolist() == [[False, True, True]]


def test_integers_and_stopped_gradients_carry_nothing() -> None:
    program = first("def f(x: [2]f64): [2]f64 = [floor(x[0]) * x[1], stop_gradient(x[1]) * x[0]]")
    assert places(program).tolist() == [[False, True], [True, False]]


LOOP = """
def f(x: [6]f64): [6]f64 =
  loop y = x for step < {rounds} do for i < 6 => (if i == 0 then y[0] else y[i] * y[i - 1])
"""


def test_short_loops_are_followed_round_by_round_and_long_ones_to_a_fixed_point() -> None:
    np.testing.assert_array_equal(places(first(LOOP.format(rounds=2))), band(6, 2, 0))
    np.testing.assert_array_equal(places(first(LOOP.format(rounds=10**6))), band(6, 6, 0))


def test_a_loop_that_settles_late_depends_on_everything() -> None:
    text = LOOP.replace("[6]", "[30]").replace("i < 6", "i < 30").format(rounds=10**6)
    assert places(first(text)).all()


def test_while_loops_hold_what_any_number_of_rounds_gives() -> None:
    text = """
    def f(x: [4]f64): [4]f64 =
      loop y = x while sum(y) < 3.0 limit 5 do for i < 4 => y[i] * 1.5 + (if i == 0 then 0.0 else y[i - 1])
    """
    program = first(text)
    assert (places(program) >= band(4, 0, 0)).all() and not places(program)[0, 1:].any()
    check(program)


def test_custom_rules_read_all_of_their_call_and_calls_in_lanes_all_of_their_lane() -> None:
    text = """
    def g(a: [2]f64): [2]f64 with jvp g_jvp = [floor(a[0]), a[1]]
    def g_jvp(a: [2]f64, a_dot: [2]f64): [2]f64 = [a_dot[1], 3.0 * a_dot[0]]
    def f(x: [3, 2]f64): [3, 2]f64 = for i < 3 => g(x[i])
    """
    program = first(text)
    np.testing.assert_array_equal(places(program), np.kron(np.eye(3), np.ones((2, 2))).astype(bool))
    check(program)


# --- colours ----------------------------------------------------------------------------------------------------------


def colours_needed(matrix: np.ndarray) -> int:
    sparse = csr_array(matrix)
    colours = colour_columns(sparse)
    for row in matrix:
        met = colours[row]
        assert len(set(met.tolist())) == len(met) and (met >= 0).all()
    assert ((colours >= 0) == matrix.any(axis=0)).all()
    found = int(colours.max(initial=-1)) + 1
    assert found >= at_least(sparse)
    return found


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 12), st.integers(1, 12), st.floats(0.0, 0.6))
def test_no_row_meets_two_columns_of_one_colour(seed: int, rows: int, columns: int, share: float) -> None:
    colours_needed(np.random.default_rng(seed).random((rows, columns)) < share)


@pytest.mark.parametrize(
    ("matrix", "most"),
    [(band(1000, 1, 1), 3), (band(300, 2, 3), 6), (stencil(20, 30), 8), (EXACT["block diagonal"][1], 3), (arrow(9), 9),
     (np.zeros((3, 4), bool), 0)],
    ids=["tridiagonal", "band", "five points", "blocks", "arrow", "nothing"],
)  # fmt: skip
def test_colours_of_patterns_that_are_known(matrix: np.ndarray, most: int) -> None:
    assert colours_needed(matrix) <= most


def test_the_cheaper_mode_is_chosen_and_the_dense_one_where_neither_gains() -> None:
    wide, tall = np.kron(np.eye(3), np.ones(40)).astype(bool), np.kron(np.eye(40), np.ones((3, 1))).astype(bool)
    assert choose(csr_array(wide), True).mode == "reverse" and choose(csr_array(wide), True).work == 3
    assert choose(csr_array(wide), False).mode == "forward" and choose(csr_array(wide), False).work == 40
    assert choose(csr_array(tall), True).mode == "forward" and choose(csr_array(tall), True).work == 1
    assert choose(csr_array(arrow(50)), True).mode == "dense"
    assert choose(csr_array(band(8, 1, 1)), True).mode == "forward"
    assert choose(csr_array(band(5, 1, 1)), True).mode == "dense"


# --- compressed Jacobians ---------------------------------------------------------------------------------------------


def compare(program: Any, *arguments: Any, wrt: Any = 0, backend: Any = "llvm") -> None:
    """The compressed against the dense Jacobian on a back end."""
    plain, own = pf.jacobian(program, wrt), pf.jacobian(program, wrt, sparsity="auto")
    expected = plain.compile(backend)(*arguments)
    found = own.compile(backend)(*arguments)
    leaves = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    for left, right in leaves:
        assert left.shape == right.shape and left.dtype == right.dtype
        np.testing.assert_allclose(left, right, 1e-12, 1e-12)


@pytest.mark.parametrize("backend", ["reference", "llvm", "xla"])
def test_compressed_jacobians_are_the_dense_ones_on_every_back_end(backend: str) -> None:
    random = np.random.default_rng(0)
    compare(pf.parse(TRIDIAGONAL)["f"], random.normal(size=40), backend=backend)
    compare(pf.parse(LAPLACIAN)["f"], random.normal(size=(5, 6)), backend=backend)
    compare(pf.parse(BUNDLE)["f"], random.normal(size=(9, 3)), random.normal(size=(9, 2)), wrt=(0, 1), backend=backend)
    compare(pf.parse(DENSE)["f"], random.normal(size=6), backend=backend)


def test_dense_and_compressed_programs_are_not_taken_for_each_other() -> None:
    """While sizes are open both have one form, so what is remembered of one must not answer for the other."""
    program = pf.parse(TRIDIAGONAL)["f"]
    plain, own = pf.jacobian(program), pf.jacobian(program, sparsity="auto")
    assert plain.ir == own.ir and plain != own and plain.digest != own.digest
    for left, right in ((plain, own), (pf.jacobian(plain), pf.jacobian(own)), (plain.astype("f32"), own.astype("f32"))):
        assert left != right and left.first({"n": 20}) != right.first({"n": 20})
    flops = [program.cost(n=200).value for program in (plain, own)]
    assert 20 * flops[1] < flops[0]


def test_a_tridiagonal_residual_of_a_thousand_takes_three_directions() -> None:
    residual = pf.parse(TRIDIAGONAL)["f"]
    x = np.random.default_rng(1).normal(size=1000)
    found = pf.jacobian(residual, sparsity="auto").compile("llvm")(x)
    np.testing.assert_allclose(found, np.eye(1000, k=1) + np.eye(1000, k=-1) + np.diag(np.exp(x) - 2.0), 1e-14, 1e-14)
    text = pf.jacobian(residual, sparsity="auto").show("sparsity", n=1000)
    assert "1000 x 1000, 2998 entries" in text and "forward mode, as much work as 3 columns in place of 1000" in text
    assert residual.show("sparsity", n=1000) == text


def test_a_dense_function_says_that_it_is_dense() -> None:
    text = pf.jacobian(pf.parse(DENSE)["f"], sparsity="auto").show("sparsity", n=30)
    assert "at least 30 of columns" in text and "chosen: dense" in text


def test_few_wide_rows_go_in_reverse() -> None:
    text = "def f[n](x: [n, 20]f64): [n]f64 = for i < n => sum(for k < 20 => x[i, k]^2)"
    program = pf.parse(text)["f"]
    compare(program, np.random.default_rng(2).normal(size=(8, 20)))
    assert "reverse mode, as much work as 3 columns in place of 24" in program.show("sparsity", n=8)


def test_results_in_structures_keep_them() -> None:
    text = "def f[n](x: [n]f64): {a: [n]f64, k: [n]i64, b: f64} = {a = x * x, k = for i < n => i, b = x[0]}"
    program = pf.parse(text)["f"]
    x = np.arange(9.0)
    found, expected = pf.jacobian(program, sparsity="auto")(x), pf.jacobian(program)(x)
    assert sorted(found) == sorted(expected)
    np.testing.assert_array_equal(found["a"], expected["a"])
    np.testing.assert_array_equal(found["b"], expected["b"])


def test_compressed_jacobians_are_differentiated_again() -> None:
    program = pf.parse(TRIDIAGONAL)["f"]
    x = np.random.default_rng(3).normal(size=12)
    again = [pf.jacobian(pf.jacobian(program, sparsity=kind))(x) for kind in (None, "auto")]
    np.testing.assert_allclose(again[1], again[0], 1e-12, 1e-12)


def test_the_hessian_of_a_chain_is_compressed_as_the_jacobian_of_its_gradient() -> None:
    chain = pf.parse(
        "def f[n](x: [n]f64): f64 = sum(for i < n - 1 => 100.0 * (x[i + 1] - x[i]^2)^2 + (1.0 - x[i])^2)"
    )["f"]
    x = np.random.default_rng(4).normal(size=30)
    own = pf.jacobian(pf.grad(chain), sparsity="auto")
    np.testing.assert_allclose(own(x), pf.hessian(chain)(x), 1e-10, 1e-10)
    assert "as much work as 3 columns" in own.show("sparsity", n=30)


def test_functions_of_jax_with_tables_are_read_exactly() -> None:
    table = np.array([0, 3, 1, 2, 5, 4, 7, 6])

    def f(x: Any) -> Any:
        return jnp.sin(x[table]) * x + jnp.roll(x, 1)

    program = pf.trace(f, np.zeros(8))
    at = np.eye(8, dtype=bool)
    np.testing.assert_array_equal(places(program.first()), at | at[table] | np.roll(at, 1, axis=0))
    check(program.first())
    convolved = pf.trace(lambda x: jnp.convolve(x, jnp.array([1.0, -2.0, 1.0]), mode="same"), np.zeros(50))
    np.testing.assert_array_equal(places(convolved.first()), band(50, 1, 1))


def test_jacobians_of_functions_of_jax_are_compressed() -> None:
    def f(x: Any) -> Any:
        return x[1:] * x[:-1]

    x = np.arange(1.0, 13.0, dtype=np.float32)
    own: Any = pf.jacobian(f, sparsity="auto")
    np.testing.assert_array_equal(own(x), np.eye(11, 12) * x[1:, None] + np.eye(11, 12, k=1) * x[:-1, None])
    assert "as much work as 2 columns in place of 12" in own.program(x).show("sparsity")


POINTS_ON_TRIANGLES = """
def residuals[b, n](
  theta: [26]f64, u: [n, 2]f64, relatives: [b, 3, 4]f64, inverses: [b, 3, 4]f64, parents: [b]i64,
  positions: [n, 3, 3]f64, weights: [n, 3, b]f64, points: [n, 3]f64
): [n, 3]f64 =
  let bent = corners(theta, relatives, inverses, parents, positions, weights)
  in for i < n => points[i] - between(bent[i], u[i])
"""


def test_points_on_triangles_of_a_hand_need_two_directions() -> None:
    """As written by hand in ADBench: every residual depends on the two numbers of its own point."""
    hand = Path(__file__).parents[2] / "examples" / "adbench" / "hand.pf"
    program = pf.parse(hand.read_text(encoding="utf-8") + POINTS_ON_TRIANGLES)["residuals"]
    text = pf.jacobian(program, ("theta", "u"), sparsity="auto").show("sparsity", n=20, b=22)
    theta, u = text.split("residuals by ")[1:]
    assert "pattern: 60 x 40, 120 entries" in u and "forward mode, as much work as 2 columns in place of 40" in u
    assert "chosen: dense" in theta


# --- what is said -----------------------------------------------------------------------------------------------------


def test_open_sizes_are_asked_for() -> None:
    with pytest.raises(pf.DiagnosticError, match=r"E166.*`n`"):
        pf.parse(TRIDIAGONAL)["f"].show("sparsity")


def test_patterns_that_are_too_large_are_refused() -> None:
    program = pf.parse("def f(x: [5000]f64): [5000]f64 = for i < 5000 => sum(x) * x[i]")["f"]
    with pytest.raises(pf.DiagnosticError, match="E135"):
        pf.jacobian(program, sparsity="auto")
    matrix = np.zeros((2, 5000), bool)
    matrix[:] = True
    with pytest.raises(pf.DiagnosticError, match="E135"):
        colour_columns(csr_array(matrix))


def test_other_kinds_of_sparsity_are_refused() -> None:
    with pytest.raises(pf.DiagnosticError, match="E136"):
        pf.jacobian(pf.parse(DENSE)["f"], sparsity="banded")  # pyright: ignore[reportArgumentType]
