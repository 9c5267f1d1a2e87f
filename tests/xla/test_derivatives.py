"""Derivative programs compiled against the reference; derivatives and batches commute; untaken arms leave no trace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pushforward.ad.derive import value_and_gradient
from pushforward.ad.forward import forward
from pushforward.ad.vmap import vmap
from pushforward.codegen.xla.compile import compile_xla
from pushforward.codegen.xla.pipeline import optimise
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Program
from pushforward.semantics.reference import evaluate

F64, I64, BOOL = ArrayType("f64"), ArrayType("i64"), ArrayType("bool")


def vector(*shape: int) -> ArrayType:
    return ArrayType("f64", shape)


def attraction(n: int) -> Program:
    """Sum over pairs of 1 / sqrt(0.1 + |x_i - x_j|^2) with the diagonal left out by a choice."""

    def component(b: Builder, x: Sequence[int]) -> list[int]:
        gap = b.apply("sub", x[0], x[1])
        return [b.apply("mul", gap, gap)]

    square = body("square", [F64, F64, I64], component)

    def away(b: Builder, x: Sequence[int]) -> list[int]:
        (distance,) = b.each(3, [], x, square, ["sum"])
        return [b.apply("rsqrt", b.apply("add", distance, b.constant(0.1)))]

    apart = body("apart", [vector(3), vector(3)], away)
    same = body("same", [vector(3), vector(3)], lambda b, x: [b.constant(0.0)])

    def pair(b: Builder, x: Sequence[int]) -> Sequence[int]:
        rows = [b.apply("gather", x[0], k, proved=True) for k in x[1:]]
        return b.branch(b.apply("eq", x[1], x[2]), rows, [apart, same])

    inner = body("pair", [vector(n, 3), I64, I64], pair)
    one = body("one", [vector(n, 3), I64], lambda b, x: b.each(n, x, [], inner, ["sum"]))
    return body("attraction", [vector(n, 3)], lambda b, x: b.each(n, x, [], one, ["sum"]))


def network(steps: int, width: int) -> Program:
    """Sum of the states of h <- tanh(W h + U x_t)."""
    matrix, state = vector(width, width), vector(width)

    def step(b: Builder, x: Sequence[int]) -> list[int]:
        w, u, element, hidden, _ = x
        terms = [b.apply("einsum", m, v, spec="ij,j->i") for m, v in ((w, hidden), (u, element))]
        following = b.apply("tanh", b.apply("add", *terms))
        return [following, b.apply("reduce_sum", following, axes=(0,))]

    inner = body("step", [matrix, matrix, state, state, I64], step)

    def write(b: Builder, x: Sequence[int]) -> list[int]:
        return [b.fold(steps, x[:2], [x[2]], [b.zeros(state)], inner, ["sum"])[1]]

    return body("network", [matrix, matrix, vector(steps, width)], write)


def lookup(n: int, rows: int) -> Program:
    """sum_i exp(table[i * i mod rows, 0]) * table[0, 1]: computed and constant places."""

    def one(b: Builder, x: Sequence[int]) -> list[int]:
        table, i = x
        place = b.apply("mod", b.apply("mul", i, i), b.constant(rows, "i64"))
        zero, first = b.constant(0, "i64"), b.constant(1, "i64")
        read = b.apply("exp", b.apply("gather", table, place, zero, proved=True))
        return [b.apply("mul", read, b.apply("gather", table, zero, first, proved=True))]

    inner = body("one", [vector(rows, 2), I64], one)
    return body("lookup", [vector(rows, 2)], lambda b, x: b.each(n, x, [], inner, ["sum"]))


def root() -> Program:
    """The square root of a by Newton steps until |s^2 - a| is small, at most 40."""

    def far(b: Builder, x: Sequence[int]) -> list[int]:
        return [b.apply("gt", b.apply("abs", b.apply("sub", b.apply("mul", x[1], x[1]), x[0])), b.constant(1e-9))]

    def newton(b: Builder, x: Sequence[int]) -> list[int]:
        return [b.apply("mul", b.constant(0.5), b.apply("add", x[1], b.apply("div", x[0], x[1])))]

    condition, inner = body("far", [F64, F64], far), body("newton", [F64, F64, I64], newton)
    return body("root", [F64], lambda b, x: b.fold(40, x, [], [b.constant(1.0)], inner, condition=condition))


PROGRAMS = [attraction(5), network(4, 3), lookup(7, 4), root()]


def _draw(program: Program, rng: np.random.Generator, lanes: tuple[int, ...] = ()) -> list[np.ndarray]:
    shapes = [t.shape for t in program.inputs if isinstance(t, ArrayType)]
    return [rng.uniform(0.5, 1.5, (*lanes, *(n for n in shape if isinstance(n, int)))) for shape in shapes]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_gradients_compile_to_what_the_reference_gives(program: Program) -> None:
    wrt = tuple(range(len(program.inputs)))
    gradient = value_and_gradient(program, wrt)
    args = _draw(program, np.random.default_rng(0))
    for got, expected in zip(compile_xla(gradient)(args), evaluate(gradient, args), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_batches_and_derivatives_commute(program: Program) -> None:
    """The derivative of the batched program, lane by lane, is the batch of the derivative."""
    lanes, count = 3, len(program.inputs)
    args, tangents = (_draw(program, np.random.default_rng(k), (lanes,)) for k in (1, 2))
    batched_first = forward(vmap(program, (True,) * count, lanes))
    pushed = forward(program)
    derived_first = vmap(pushed, (True,) * len(pushed.inputs), lanes)
    for one, two in zip(
        compile_xla(batched_first)([*args, *tangents]), compile_xla(derived_first)([*args, *tangents]), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-11)


def test_gradient_of_a_batched_choice_ignores_the_arm_not_taken() -> None:
    """sum of (if x > 0 then log x else x * x / y), with log at 0 and division by 0 in lanes that do not take them."""
    square = body("square", [F64, F64], lambda b, x: [b.apply("div", b.apply("mul", x[0], x[0]), x[1])])
    log = body("log", [F64, F64], lambda b, x: [b.apply("log", x[0])])

    def one(b: Builder, x: Sequence[int]) -> Sequence[int]:
        return b.branch(b.apply("gt", x[0], b.constant(0.0)), x, [square, log])

    batched = vmap(body("choice", [F64, F64], one), (True, True), 4)
    total = body("total", list(batched.inputs), lambda b, x: [b.apply("reduce_sum", *b.inline(batched, x), axes=(0,))])
    x, y = np.array([0.0, 2.0, -1.0, 4.0]), np.array([1.0, 0.0, 2.0, 0.0])
    value, x_bar, y_bar = compile_xla(value_and_gradient(total, (0, 1)))([x, y])
    np.testing.assert_allclose(value, np.log(8.0) + 0.5)
    np.testing.assert_allclose(x_bar, [0.0, 0.5, -1.0, 0.25])
    np.testing.assert_allclose(y_bar, [0.0, 0.0, -0.25, 0.0])


def test_gradient_of_lanes_that_stop_early_ignores_the_rounds_they_sit_out() -> None:
    program = vmap(root(), (True,), 3)
    total = body("total", list(program.inputs), lambda b, x: [b.apply("reduce_sum", *b.inline(program, x), axes=(0,))])
    a = np.array([1.0, 2.0, 900.0])
    _, a_bar = compile_xla(value_and_gradient(total, (0,)))([a])
    np.testing.assert_allclose(a_bar[1:], 0.5 / np.sqrt(a[1:]), rtol=1e-6)
    assert a_bar[0] == 0.0  # the start is the root already: no round depends on a


def test_reads_at_both_ends_of_a_pair_need_no_scatter_in_the_gradient() -> None:
    """x[i] and x[j] are read under a choice; their cotangents are sums over j and over i."""
    ready = optimise(value_and_gradient(attraction(5), (0,)))
    assert not any(isinstance(step.op, Apply) and step.op.primitive == "scatter_add" for step in ready.steps)


@pytest.mark.parametrize("read_when", [True, False])
@pytest.mark.parametrize("shift", [0, 1])
def test_a_read_in_either_arm_of_a_choice_is_at_its_own_place(read_when: bool, shift: int) -> None:
    """Sum over i, j of x[i - shift, j]^2 where i >= shift and j <= i; reads that are not made may lie outside."""
    read = body(
        "read",
        [vector(80, 80), I64, I64],
        lambda b, x: [b.apply("integer_pow", b.apply("gather", *x, proved=True), exponent=2)],
    )
    nothing = body("nothing", [vector(80, 80), I64, I64], lambda b, x: [b.constant(0.0)])

    def one(b: Builder, x: Sequence[int]) -> Sequence[int]:
        array, i, j = x
        wanted = b.apply("logical_and", b.apply("ge", i, b.constant(shift, "i64")), b.apply("le", j, i))
        selector = wanted if read_when else b.apply("logical_not", wanted)
        captures = [array, b.apply("sub", i, b.constant(shift, "i64")), j]
        return b.branch(selector, captures, [nothing, read] if read_when else [read, nothing])

    entry = body("entry", [vector(80, 80), I64, I64], one)
    row = body("row", [vector(80, 80), I64], lambda b, x: b.each(80, x, [], entry, ["sum"]))
    total = body("total", [vector(80, 80)], lambda b, x: b.each(80, x, [], row, ["sum"]))
    gradient = value_and_gradient(total, (0,))
    if not shift:
        assert not any(isinstance(s.op, Apply) and s.op.primitive == "scatter_add" for s in optimise(gradient).steps)
    x = np.arange(6400.0).reshape(80, 80)
    for ours, wanted in zip(compile_xla(gradient)([x]), evaluate(gradient, [x]), strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_the_place_of_a_minimum_is_found_in_sums_of_computed_terms() -> None:
    """min_k sum_c (x_c - m_kc)^2 for many points: the derivative compares sums with their minimum, bit by bit."""
    points, centres, axes = 3000, 5, 4
    rng = np.random.default_rng(0)

    def write(b: Builder, x: Sequence[int]) -> list[int]:
        shape = (axes, centres, points)
        gap = b.apply("sub", b.broadcast(x[0], shape, (0, 2)), b.broadcast(x[1], shape, (0, 1)))
        near = b.apply("reduce_min", b.apply("reduce_sum", b.apply("mul", gap, gap), axes=(0,)), axes=(0,))
        return [b.apply("reduce_sum", near, axes=(0,))]

    gradient = value_and_gradient(body("cost", [vector(axes, points), vector(axes, centres)], write), (1,))
    args = [rng.normal(size=(axes, points)), rng.normal(size=(axes, centres))]
    for got, expected in zip(compile_xla(gradient)(args), evaluate(gradient, args), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)
