"""What the passes before lowering make of programs: contractions, slices, lean loops, the order of axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from pushforward.codegen.xla.affine import Affine, affine
from pushforward.codegen.xla.compile import compile_xla
from pushforward.codegen.xla.contract import contract
from pushforward.codegen.xla.layout import preferred
from pushforward.codegen.xla.pipeline import optimise
from pushforward.codegen.xla.stack import stack
from pushforward.codegen.xla.vectorise import vectorise
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Each, Fold, Program, Step, bodies
from pushforward.semantics.reference import evaluate

F64, I64 = ArrayType("f64"), ArrayType("i64")


def vector(*shape: int, dtype: str = "f64") -> ArrayType:
    return ArrayType(dtype, shape)


def steps(program: Program) -> Iterator[Step]:
    for step in program.steps:
        yield step
        for inner in bodies(step.op):
            yield from steps(inner)


def names(program: Program) -> list[str]:
    return [step.op.primitive if isinstance(step.op, Apply) else type(step.op).__name__ for step in steps(program)]


def largest(program: Program) -> int:
    counts = [type_.elements for step in steps(program) for type_ in step.types if isinstance(type_, ArrayType)]
    return max((count for count in counts if isinstance(count, int)), default=0)


def same(program: Program, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    args = []
    for type_ in program.inputs:
        assert isinstance(type_, ArrayType)
        shape = tuple(size for size in type_.shape if isinstance(size, int))
        args.append(rng.normal(size=shape) if type_.dtype == "f64" else rng.integers(0, 3, shape))
    for got, expected in zip(compile_xla(program)(args), evaluate(program, args), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-11)


def each(size: int, types: Sequence[ArrayType], how: str, write: object) -> Program:
    """``for i < size => write`` over captures of the given types, as a program of those captures and outer indices."""
    inner = body("inner", [*types, I64], write)  # type: ignore[arg-type]
    return body("outer", list(types), lambda b, x: b.each(size, x, [], inner, [how]))


def product(left: str, right: str, order: str) -> Program:
    """Nested loops in `order` (the last one sums) over x[left] * y[right], letters i j k of lengths 3 4 5."""
    length = dict(zip("ijk", (3, 4, 5), strict=True))
    arrays = [vector(*(length[c] for c in left)), vector(*(length[c] for c in right))]

    def write(b: Builder, x: Sequence[int]) -> list[int]:
        place = dict(zip(order, x[2:], strict=True))
        reads = [
            b.apply("gather", y, *(place[c] for c in term), proved=True) for y, term in ((x[0], left), (x[1], right))
        ]
        return [b.apply("mul", *reads)]

    program = body("element", [*arrays, *[I64] * len(order)], write)
    for depth in range(len(order) - 1, -1, -1):
        types = [*arrays, *[I64] * depth]
        how = "sum" if depth == len(order) - 1 else "stack"
        inner, size = program, length[order[depth]]
        program = body("nest", types, lambda b, x, inner=inner, size=size, how=how: b.each(size, x, [], inner, [how]))
    return program


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("ik", "kj", "ijk"),
        ("ki", "kj", "ijk"),
        ("ik", "jk", "jik"),
        ("k", "k", "k"),
        ("ik", "k", "ik"),
        ("jik", "jk", "ijk"),
    ],
)
def test_nested_loops_become_one_contraction(left: str, right: str, order: str) -> None:
    program = product(left, right, order)
    made = names(optimise(program))
    assert "gather" not in made and "Each" not in made
    assert set(made) <= {"einsum", "transpose"}
    same(program)


def test_products_that_are_summed_are_never_stored() -> None:
    """Outer product of rows summed over 50 rows: 50 x 30 x 30 numbers if it were stored."""

    def write(b: Builder, x: Sequence[int]) -> list[int]:
        row = b.apply("gather", x[0], x[1], proved=True)
        left = b.broadcast(row, (30, 30), (0,))
        return [b.apply("neg", b.apply("mul", left, b.broadcast(row, (30, 30), (1,))))]

    program = each(50, [vector(50, 30)], "sum", write)
    assert largest(vectorise(program)) == 50 * 30 * 30
    assert largest(optimise(program)) == 30 * 30
    same(program)


def test_sums_of_cotangents_at_rows_become_one_scatter() -> None:
    """Each row adds to one place of a table: the sum over 40 tables of 40 places is one scatter-add."""

    def write(b: Builder, x: Sequence[int]) -> list[int]:
        place = b.apply("gather", x[1], x[2], proved=True)
        value = b.apply("gather", x[0], x[2], proved=True)
        return [b.apply("scatter_add", b.zeros(vector(40)), value, place, proved=True)]

    program = each(40, [vector(40), vector(40, dtype="i64")], "sum", write)
    assert largest(optimise(program)) == 40
    same(program)


def _reader(indices: object) -> Program:
    def write(b: Builder, x: Sequence[int]) -> list[int]:
        return [b.apply("gather", x[0], *indices(b, x), proved=False)]  # type: ignore[operator]

    return each(4, [vector(6, 5), vector(4, dtype="i64")], "stack", write)


@pytest.mark.parametrize(
    ("indices", "gathers"),
    [
        (lambda b, x: [x[2]], 0),
        (lambda b, x: [b.apply("add", x[2], b.constant(2, "i64"))], 0),
        (lambda b, x: [b.constant(1, "i64"), x[2]], 0),
        (lambda b, x: [x[2], x[2]], 1),
        (lambda b, x: [b.apply("gather", x[1], x[2], proved=True)], 1),
        (lambda b, x: [b.apply("gather", x[1], b.constant(0, "i64"), proved=True), x[2]], 1),
    ],
)
def test_reads_at_known_places_are_no_gathers(indices: object, gathers: int) -> None:
    program = _reader(indices)
    assert names(optimise(program)).count("gather") == gathers
    same(program)


def test_reads_that_may_fall_outside_stay_gathers() -> None:
    program = _reader(lambda b, x: [b.apply("add", x[2], b.constant(3, "i64"))])
    assert names(optimise(program)).count("gather") == 1
    assert np.isnan(compile_xla(program)([np.ones((6, 5)), np.zeros(4, int)])[0][3]).all()


def test_scatter_add_at_a_run_is_padding() -> None:
    def write(b: Builder, x: Sequence[int]) -> list[int]:
        places = b.apply("add", b.apply("iota", size=3), b.constant(2, "i64"))
        return [b.apply("scatter_add", x[0], x[1], places, proved=True)]

    program = body("write", [vector(7, 2), vector(3, 2)], write)
    assert names(contract(program)) == ["pad", "add"]
    same(program)


def test_affine_forms() -> None:
    b = Builder("affine", [I64])
    run = b.apply("add", b.apply("iota", size=5), b.constant(2, "i64"))
    grid = b.broadcast(run, (3, 5), (1,))
    assert affine(b, grid) == Affine(2, (0, 1))
    assert affine(b, b.apply("mul", grid, b.constant(-3, "i64"))) == Affine(-6, (0, -3))
    assert affine(b, b.constant(np.array([4, 6, 8]), "i64", (3,))) == Affine(4, (2,))
    assert affine(b, b.constant(np.array([4, 6, 9]), "i64", (3,))) is None
    assert affine(b, 0) is None


# --- loops -----------------------------------------------------------------------------------------------------------


def network(steps_: int, batch: int, width: int) -> Program:
    """Backward sweep of a recurrent layer: the weight cotangent is a sum over rounds of outer products."""
    state, weights = vector(batch, width), vector(width, width)

    def step(b: Builder, x: Sequence[int]) -> list[int]:
        w, seen, bar, grown, _ = x
        inward = b.apply("exp", seen)
        w_bar = b.apply("transpose", b.apply("einsum", bar, inward, spec="bi,bj->ij"), axes=(1, 0))
        return [b.apply("tanh", b.apply("einsum", bar, w, spec="bi,ij->bj")), b.apply("add", grown, w_bar)]

    inner = body("step", [weights, state, state, weights, I64], step)

    def write(b: Builder, x: Sequence[int]) -> Sequence[int]:
        return b.fold(steps_, [x[0]], [x[1]], [x[2], b.zeros(weights)], inner, reverse=True)

    return body("network", [weights, vector(steps_, batch, width), state], write)


def test_weight_cotangents_are_contracted_once_behind_the_loop() -> None:
    program = network(6, 2, 8)
    made = optimise(program)
    (loop,) = [step.op for step in made.steps if isinstance(step.op, Fold)]
    assert len(loop.body.outputs) == 2  # the carry and the stacked cotangent: nothing of the size of the weights
    assert "exp" in [step.op.primitive for step in made.steps if isinstance(step.op, Apply)]
    assert "exp" not in names(loop.body)
    same(program)


def test_a_loop_that_only_adds_is_no_loop() -> None:
    inner = body("add", [F64, F64, F64, I64], lambda b, x: [b.apply("add", x[2], b.apply("mul", x[0], x[1]))])
    program = body("dot", [vector(9), vector(9)], lambda b, x: b.fold(9, [], x, [b.constant(0.0)], inner))
    assert "Fold" not in names(optimise(program))
    same(program)


def test_no_each_is_left_in_bodies() -> None:
    inner = body("square", [F64, I64], lambda b, x: [b.apply("mul", x[0], x[0])])
    step = body("step", [vector(5), I64], lambda b, x: b.each(5, [], [x[0]], inner, ["stack"]))
    program = body("loop", [vector(5)], lambda b, x: b.fold(3, [], [], x, step))
    assert not any(isinstance(step.op, Each) for step in steps(vectorise(program)))
    same(program)


# --- mixture likelihood, the nest that everything above serves -------------------------------------------------------


def mixture(n: int, k: int, d: int) -> Program:
    """sum_i logsumexp_k (a_k - |Q_k (x_i - mu_k)|^2 / 2), written as four nested loops."""
    arrays = [vector(n, d), vector(k, d), vector(k, d, d), vector(k)]

    def term(b: Builder, x: Sequence[int]) -> list[int]:
        xs, means, factors, _, i, c, r, j = x
        gap = b.apply("sub", b.apply("gather", xs, i, j, proved=True), b.apply("gather", means, c, j, proved=True))
        return [b.apply("mul", b.apply("gather", factors, c, r, j, proved=True), gap)]

    inner = body("term", [*arrays, *[I64] * 4], term)

    def row(b: Builder, x: Sequence[int]) -> list[int]:
        (whitened,) = b.each(d, x, [], inner, ["sum"])
        return [b.apply("mul", whitened, whitened)]

    rows = body("row", [*arrays, *[I64] * 3], row)

    def component(b: Builder, x: Sequence[int]) -> list[int]:
        (distance,) = b.each(d, x, [], rows, ["sum"])
        return [b.apply("sub", b.apply("gather", x[3], x[5], proved=True), b.apply("mul", b.constant(0.5), distance))]

    components = body("component", [*arrays, I64, I64], component)

    def point(b: Builder, x: Sequence[int]) -> list[int]:
        return [b.apply("logsumexp", *b.each(k, x, [], components, ["stack"]), axes=(0,))]

    points = body("point", [*arrays, I64], point)
    return body("mixture", arrays, lambda b, x: b.each(n, x, [], points, ["sum"]))


def test_mixture_likelihood_is_one_batched_product_with_points_innermost() -> None:
    made = optimise(mixture(500, 7, 5))
    (product_,) = [step for step in made.steps if isinstance(step.op, Apply) and step.op.primitive == "einsum"]
    assert product_.types[0] == vector(7, 5, 500)
    assert largest(made) == 500 * 7 * 5
    same(mixture(30, 4, 3))


def test_the_longest_axis_goes_innermost_unless_the_last_is_long_already() -> None:
    assert preferred((1000, 25, 10)) == (1, 2, 0)
    assert preferred((1000, 512)) == (0, 1)
    assert preferred((4, 3)) == (0, 1)


# --- scatters at places known beforehand -----------------------------------------------------------------------------


def triangle(size: int, twice: bool) -> Program:
    """Adds a square's strict lower triangle to a base, row by row; once more at the first places if `twice`."""
    length = size * (size - 1) // 2

    def write(b: Builder, x: Sequence[int]) -> list[int]:
        line = b.apply("iota", size=size)
        rows, columns = b.broadcast(line, (size, size), (0,)), b.broadcast(line, (size, size), (1,))
        below = b.apply("lt", columns, rows)
        first = b.apply(
            "floordiv", b.apply("mul", rows, b.apply("sub", rows, b.constant(1, "i64"))), b.constant(2, "i64")
        )
        place = b.apply("where", below, b.apply("add", first, columns), b.constant(0, "i64"))
        value = b.apply("where", below, x[1], b.zeros(vector(size, size)))
        added = b.apply("scatter_add", x[0], value, place, proved=True)
        again = b.apply("mod", rows, b.constant(2, "i64"))
        return [b.apply("scatter_add", added, x[1], again, proved=True) if twice else added]

    return body("triangle", [vector(length), vector(size, size)], write)


def test_a_triangle_is_filled_by_reading() -> None:
    program = triangle(6, twice=False)
    made = names(contract(program))
    assert "scatter_add" not in made and made.count("gather") == 1
    same(program)


def test_places_where_many_values_meet_are_scattered_to() -> None:
    program = triangle(6, twice=True)
    assert names(contract(program)).count("scatter_add") == 1
    same(program)


def test_rows_that_meet_are_added_and_rows_outside_dropped() -> None:
    def write(b: Builder, x: Sequence[int]) -> list[int]:
        places = b.constant(np.array([2, 0, 2, 9, -1, 2]), "i64", (6,))
        return [b.apply("scatter_add", x[0], x[1], places, proved=False)]

    program = body("rows", [vector(4, 3), vector(6, 3)], write)
    assert names(contract(program)).count("gather") == 3
    base, values = np.ones((4, 3)), np.arange(18.0).reshape(6, 3)
    expected = base.copy()
    expected[2] += values[0] + values[2] + values[5]
    expected[0] += values[1]
    np.testing.assert_array_equal(compile_xla(program)([base, values])[0], expected)


@pytest.mark.parametrize("turned", [False, True])
def test_few_rows_are_stacked_before_a_large_matrix(turned: bool) -> None:
    """Value and coefficients of a series are multiplied by one matrix; what is only known later, or long, is not."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        end = "cb->ac" if turned else "bc->ac"
        value = b.apply("einsum", x[0], x[3], spec=f"ab,{end}")
        second = b.apply("einsum", x[1], x[3], spec=f"dab,{end[:2]}->da{end[-1]}")
        long = b.apply("einsum", x[2], x[3], spec=f"ab,{end}")
        later = b.apply("einsum", b.apply("tanh", value), x[3], spec=f"ab,{end}")
        return [value, second, long, later]

    types = [vector(3, 512), vector(2, 4, 512), vector(600, 512), vector(512, 512)]
    program = body("series", types, write)
    products = [s for s in stack(program).steps if isinstance(s.op, Apply) and s.op.primitive == "einsum"]
    assert [step.types[0] for step in products] == [vector(11, 512), vector(600, 512), vector(3, 512)]
    same(program)
