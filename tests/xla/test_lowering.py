"""Compiled programs against the reference evaluator: nests of loops and choices, corner cases, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
import pytest

from pushforward.codegen.errors import ROWS
from pushforward.codegen.xla.compile import compile_xla, to_jax_function
from pushforward.codegen.xla.lower import lower
from pushforward.codegen.xla.table import LOWERINGS
from pushforward.lang import primitives
from pushforward.lang.builder import Builder, body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import ArrayType, Close, Program, Step
from pushforward.lang.sizes import variable
from pushforward.semantics.reference import evaluate

F64, I64, BOOL = ArrayType("f64"), ArrayType("i64"), ArrayType("bool")


def vector(*shape: int, dtype: str = "f64") -> ArrayType:
    return ArrayType(dtype, shape)


def agree(program: Program, args: Sequence[object], tolerance: float = 1e-11) -> None:
    """Optimised and plain lowering both give what the reference gives."""
    arrays = [np.asarray(value) for value in args]
    expected = evaluate(program, arrays)
    got = compile_xla(program)(arrays)
    with jax.enable_x64(True):
        plain = lower(program)(*(jax.numpy.asarray(value) for value in arrays))
    for ours, direct, reference in zip(got, plain, expected, strict=True):
        assert ours.dtype == np.asarray(reference).dtype and ours.shape == np.shape(reference)
        np.testing.assert_allclose(ours, reference, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(np.asarray(direct), reference, rtol=tolerance, atol=tolerance)


def test_every_primitive_has_a_lowering() -> None:
    assert set(primitives.table()) == set(LOWERINGS)


# --- one primitive at a time -----------------------------------------------------------------------------------------


def _one(name: str, types: list[ArrayType], **params: object) -> Program:
    return body(name, types, lambda b, x: [b.apply(name, *x, **params)])  # type: ignore[arg-type]


def test_gather_outside_gives_nan_and_zero_and_negative_indices_are_outside() -> None:
    x, places = np.array([1.0, 2.0, 3.0]), np.array([0, 3, -1, 2])
    gather = _one("gather", [vector(3), vector(4, dtype="i64")], proved=False)
    np.testing.assert_array_equal(compile_xla(gather)([x, places])[0], [1.0, np.nan, np.nan, 3.0])
    whole = _one("gather", [vector(3, dtype="i64"), vector(4, dtype="i64")], proved=False)
    np.testing.assert_array_equal(compile_xla(whole)([x.astype(int), places])[0], [1, 0, 0, 3])
    single = _one("gather", [vector(3), I64], proved=False)
    got = [float(compile_xla(single)([x, np.int64(k)])[0]) for k in (-1, 0, 2, 3)]
    np.testing.assert_array_equal(got, [np.nan, 1.0, 3.0, np.nan])


def test_scatter_outside_is_dropped() -> None:
    add = _one("scatter_add", [vector(3), vector(4), vector(4, dtype="i64")], proved=False)
    got = compile_xla(add)([np.zeros(3), np.ones(4), np.array([-1, 1, 1, 3])])[0]
    np.testing.assert_array_equal(got, [0.0, 2.0, 0.0])
    for name, base in (("scatter", np.arange(3.0)), ("scatter_add", np.arange(3.0))):
        one = _one(name, [vector(3), F64, I64], proved=False)
        for k in (-1, 3):
            np.testing.assert_array_equal(compile_xla(one)([base, 9.0, np.int64(k)])[0], base)


def test_integer_division_floors_and_by_zero_gives_zero() -> None:
    x, y = np.array([7, -7, 7, -7, 5]), np.array([2, 2, -2, -2, 0])
    types = [vector(5, dtype="i64")] * 2
    np.testing.assert_array_equal(compile_xla(_one("floordiv", types))([x, y])[0], [3, -4, -4, 3, 0])
    np.testing.assert_array_equal(compile_xla(_one("mod", types))([x, y])[0], [1, 1, -1, -1, 0])


def test_sort_is_stable_and_logsumexp_survives_infinities() -> None:
    x = np.array([2.0, 1.0, 2.0, 1.0])
    np.testing.assert_array_equal(compile_xla(_one("argsort", [vector(4)], axis=0))([x])[0], [1, 3, 0, 2])
    total = compile_xla(_one("logsumexp", [vector(3, 2)], axes=(1,)))
    got = total([np.array([[1e4, 1e4], [-np.inf, -np.inf], [np.inf, 0.0]])])[0]
    np.testing.assert_allclose(got, [1e4 + np.log(2), -np.inf, np.inf])


@pytest.mark.parametrize(
    "spec", ["ij,jk->ik", "bij,bkj->bik", "ij,j->i", "i,j->ij", "ij,ij->", "ni,nj,n->ij", "ij->ji", "ij->", "bi,bi->b"]
)
def test_einsum_is_numpy_einsum(spec: str) -> None:
    sizes = {"i": 2, "j": 3, "k": 4, "b": 5, "n": 6}
    rng = np.random.default_rng(0)
    args = [rng.normal(size=[sizes[c] for c in term]) for term in spec.split("->")[0].split(",")]
    got = compile_xla(_one("einsum", [vector(*x.shape) for x in args], spec=spec))(args)[0]
    np.testing.assert_allclose(got, np.einsum(spec, *args), rtol=1e-12)


# --- nests -----------------------------------------------------------------------------------------------------------


def pairwise(n: int, m: int) -> Program:
    """Row sums of 1 / (1 + (x_i - y_j)^2) over j != i, a choice inside a nest."""
    far = body(
        "far",
        [F64],
        lambda b, x: [b.apply("div", b.constant(1.0), b.apply("add", b.constant(1.0), b.apply("mul", x[0], x[0])))],
    )
    same = body("same", [F64], lambda b, x: [b.constant(0.0)])

    def pair(b: Builder, x: Sequence[int]) -> Sequence[int]:
        xs, ys, i, j = x
        gap = b.apply("sub", b.apply("gather", xs, i, proved=True), b.apply("gather", ys, j, proved=True))
        return b.branch(b.apply("eq", i, j), [gap], [far, same])

    inner = body("pair", [vector(n), vector(m), I64, I64], pair)
    row = body("row", [vector(n), vector(m), I64], lambda b, x: b.each(m, x, [], inner, ["sum"]))
    return body("pairwise", [vector(n), vector(m)], lambda b, x: b.each(n, x, [], row, ["stack"]))


def recurrence(steps: int, lanes: int, width: int) -> Program:
    """A small recurrent network per lane: W x_t (known before the loop), V h, a loop in a loop over lanes."""
    matrix, state = vector(width, width), vector(width)

    def step(b: Builder, x: Sequence[int]) -> list[int]:
        w, v, element, hidden, _ = x
        inward = b.apply("einsum", w, element, spec="ij,j->i")
        onward = b.apply("einsum", v, hidden, spec="ij,j->i")
        following = b.apply("tanh", b.apply("add", inward, onward))
        outer = b.apply("einsum", following, element, spec="i,j->ij")
        return [following, following, outer]

    inner = body("cell", [matrix, matrix, state, state, I64], step)

    def lane(b: Builder, x: Sequence[int]) -> Sequence[int]:
        w, v, xs, _ = x
        return b.fold(steps, [w, v], [xs], [b.zeros(state)], inner, ["stack", "sum"])

    one = body("lane", [matrix, matrix, vector(steps, width), I64], lane)
    types = [matrix, matrix, vector(lanes, steps, width)]
    return body("recurrence", types, lambda b, x: b.each(lanes, x[:2], [x[2]], one, ["stack", "stack", "sum"]))


def histogram(n: int, bins: int) -> Program:
    """Weights added up by bin, one at a time in a loop, with the running total as the carry."""

    def step(b: Builder, x: Sequence[int]) -> list[int]:
        weight, place, counts, _ = x
        return [b.apply("scatter_add", counts, weight, place, proved=True)]

    inner = body("count", [F64, I64, vector(bins), I64], step)
    types = [vector(n), vector(n, dtype="i64")]
    return body("histogram", types, lambda b, x: b.fold(n, [], x, [b.zeros(vector(bins))], inner))


def collatz(n: int) -> Program:
    """Rounds until each start reaches 1: while loops of different lengths in one Each."""
    even = body("even", [I64], lambda b, x: [b.apply("floordiv", x[0], b.constant(2, "i64"))])
    odd = body(
        "odd", [I64], lambda b, x: [b.apply("add", b.apply("mul", x[0], b.constant(3, "i64")), b.constant(1, "i64"))]
    )

    def step(b: Builder, x: Sequence[int]) -> list[int]:
        value, rounds, _ = x
        parity = b.apply("eq", b.apply("mod", value, b.constant(2, "i64")), b.constant(0, "i64"))
        return [*b.branch(parity, [value], [odd, even]), b.apply("add", rounds, b.constant(1, "i64"))]

    inner = body("step", [I64, I64, I64], step)
    going = body("going", [I64, I64], lambda b, x: [b.apply("gt", x[0], b.constant(1, "i64"))])

    def start(b: Builder, x: Sequence[int]) -> Sequence[int]:
        return b.fold(200, [], [], [x[0], b.constant(0, "i64")], inner, condition=going)[1:]

    one = body("start", [I64, I64], start)
    return body("collatz", [vector(n, dtype="i64")], lambda b, x: b.each(n, [], x, one, ["stack"]))


@pytest.mark.parametrize("n", [0, 1, 4])
def test_nests_agree_with_the_reference(n: int) -> None:
    rng = np.random.default_rng(n)
    agree(pairwise(n, 5), [rng.normal(size=n), rng.normal(size=5)])
    agree(pairwise(3, n), [rng.normal(size=3), rng.normal(size=n)])
    agree(histogram(n, 3), [rng.normal(size=n), rng.integers(0, 3, n)])
    agree(collatz(n), [rng.integers(1, 30, n)])
    w = rng.normal(size=(3, 3)) / 3
    agree(recurrence(n, 2, 3), [w, w.T, rng.normal(size=(2, n, 3))])
    agree(recurrence(2, n, 3), [w, w.T, rng.normal(size=(n, 2, 3))])


def test_long_axes_move_inward_without_changing_anything() -> None:
    rng = np.random.default_rng(1)
    agree(pairwise(40, 60), [rng.normal(size=40), rng.normal(size=60)])
    w = rng.normal(size=(3, 3)) / 3
    agree(recurrence(3, 500, 3), [w, w.T, rng.normal(size=(500, 3, 3))])


def test_reverse_loops_stack_at_their_own_index() -> None:
    step = body("step", [F64, F64, I64], lambda b, x: [b.apply("add", b.apply("mul", x[1], b.constant(0.5)), x[0])] * 2)
    for reverse in (False, True):

        def write(b: Builder, x: Sequence[int], reverse: bool = reverse) -> Sequence[int]:
            return b.fold(4, [], [x[0]], [b.constant(0.0)], step, ["stack"], reverse=reverse)

        agree(body("filter", [vector(4)], write), [np.arange(4.0)])


def test_selectors_count_arms() -> None:
    arms = [body(name, [F64], lambda b, x, name=name: [b.apply(name, x[0])]) for name in ("exp", "neg", "sin")]
    switch = body("switch", [I64, F64], lambda b, x: b.branch(x[0], x[1:], arms))
    for number in range(3):
        agree(switch, [np.int64(number), 0.5])


def chain(length: int) -> Program:
    def write(b: Builder, x: Sequence[int]) -> list[int]:
        y, z = x
        for _ in range(length):
            y, z = z, b.apply("sub", b.apply("mul", b.apply("sin", y), z), b.constant(0.3))
        return [y, z]

    return body("chain", [F64, F64], write)


def test_scalar_chains_compile_up_to_a_limit() -> None:
    agree(chain(40), [0.1, 0.2])
    _refused("E144", chain(4000))


# --- precision, refusals, independence -------------------------------------------------------------------------------


def test_f64_is_kept_whatever_jax_is_set_to_and_nothing_is_configured() -> None:
    before = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    third = body("third", [F64], lambda b, x: [b.apply("div", x[0], b.constant(3.0))])
    (got,) = compile_xla(third)([np.float64(1.0)])
    assert got.dtype == np.float64 and float(got) == 1 / 3
    assert jax.config.jax_enable_x64 == before  # type: ignore[attr-defined]
    single = body("single", [vector(2, dtype="f32")], lambda b, x: [b.apply("exp", x[0])])
    assert compile_xla(single)([np.zeros(2, np.float32)])[0].dtype == np.float32


def _refused(code: str, program: Program, args: Sequence[object] = ()) -> None:
    with pytest.raises(DiagnosticError) as caught:
        compile_xla(program)(args)  # type: ignore[arg-type]
    assert caught.value.diagnostics[0].code == code
    assert code in {row.code for row in ROWS}


def test_what_cannot_be_compiled_is_refused_with_a_code() -> None:
    n = variable("n")
    open_sizes = Builder("open", [ArrayType("f64", (n,))], ("n",))
    _refused("E140", open_sizes.build([open_sizes.apply("exp", 0)]))
    inner = body("inner", [F64], lambda b, x: [x[0]])
    close = Step(Close(inner), (0,), (F64,))
    _refused("E141", Program("closure", (), (F64,), (close,), (1,)), [1.0])
    double = body("double", [vector(4)], lambda b, x: [b.apply("add", x[0], x[0])])
    _refused("E143", double, [np.zeros(3)])
    _refused("E143", double, [])
    with jax.enable_x64(False), pytest.raises(DiagnosticError, match="E142"):
        jax.jit(to_jax_function(double))(np.zeros(4, np.float32))


def test_lowering_uses_no_derivative_of_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a derivative of JAX was used")

    for name in ("grad", "value_and_grad", "jvp", "vjp", "linearize", "jacfwd", "jacrev", "linear_transpose"):
        monkeypatch.setattr(jax, name, refuse)
    for program in (pairwise(6, 7), recurrence(2, 3, 4)):
        shapes = [type_.shape for type_ in program.inputs if isinstance(type_, ArrayType)]
        args = [np.ones([size for size in shape if isinstance(size, int)]) for shape in shapes]
        compile_xla(program)(args)
    solve = _one("solve", [vector(3, 3), vector(3, 1)])
    np.testing.assert_allclose(compile_xla(solve)([np.eye(3), np.ones((3, 1))])[0], np.ones((3, 1)))
