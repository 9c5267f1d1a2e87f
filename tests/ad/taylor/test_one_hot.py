"""Coefficients that are zero except at one place against the same ones written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pushforward.ad.taylor import Index, JetShape, OneHot, Series, expand, univariate
from pushforward.lang.builder import Builder, body
from pushforward.lang.check_ir import check_program
from pushforward.lang.ir import Apply, ArrayType, Program, as_array
from pushforward.lang.sizes import known
from pushforward.semantics.reference import evaluate
from tests.ad.numbers import arguments
from tests.ir.programs import seeded_program

D, H, R = 5, 4, 3
I64 = ArrayType("i64", (1,))
VECTOR, MATRIX = ArrayType("f64", (D,)), ArrayType("f64", (D, H))


def _mlp(b: Builder, x: tuple[int, ...]) -> list[int]:
    hidden = b.apply("tanh", b.apply("einsum", x[0], x[1], spec="i,ij->j"))
    return [b.apply("reduce_sum", b.apply("sin", hidden), axes=(0,))]


def _boundary(b: Builder, x: tuple[int, ...]) -> list[int]:
    norm = b.apply("reduce_sum", b.apply("mul", x[0], x[0]), axes=(0,))
    return [b.apply("mul", b.apply("sub", b.constant(1.0), norm), _mlp(b, x)[0])]


def _two_body(b: Builder, x: tuple[int, ...]) -> list[int]:
    left = b.apply("slice", x[0], starts=(0,), limits=(D - 1,))
    right = b.apply("slice", x[0], starts=(1,), limits=(D,))
    return [b.apply("reduce_sum", b.apply("sin", b.apply("mul", b.apply("cos", left), right)), axes=(0,))]


def _rest(b: Builder, x: tuple[int, ...]) -> list[int]:
    """Most of the operations that keep a coefficient one-hot, and some that write it out."""
    wide = b.broadcast(x[0], (2, D), (1,))
    turned = b.apply("transpose", b.apply("neg", wide), axes=(1, 0))
    other = b.apply("einsum", turned, x[0], spec="ab,a->ab")
    ratio = b.apply("div", other, b.apply("add", b.constant(2.0), b.apply("cosh", turned)))
    shifted = b.apply("sub", b.apply("add", ratio, turned), b.apply("mul", b.constant(0.5), turned))
    twice = b.apply("add", x[0], b.apply("exp", x[0]))
    scaled = b.apply("sub", x[0], b.apply("div", twice, b.apply("gather", x[0], b.constant(1, "i64"), proved=True)))
    return [
        b.apply("reduce_sum", shifted, axes=(1,)), b.apply("einsum", x[0], x[0], spec="i,i->"),
        b.apply("einsum", x[0], x[0], spec="i,j->ij"), b.apply("relu", x[0]), scaled,
        b.apply("einsum", x[0], x[1], spec="i,jk->jk"), b.apply("integer_pow", twice, exponent=3),
    ]  # fmt: skip


def _moves(b: Builder, x: tuple[int, ...]) -> list[int]:
    """What keeps one place where arrays are moved, cut and chosen, and what reads single elements."""
    long = b.apply("concat", b.full(0.5, VECTOR), x[0], b.apply("gather", x[0], b.full(1, I64), proved=True), axis=0)
    weights = b.apply("concat", x[1], x[1], b.apply("slice", x[1], starts=(0, 0), limits=(1, H)), axis=0)
    column = b.apply("reshape", x[0], shape=(D, 1))
    square = b.apply("reshape", b.broadcast(b.apply("abs", x[0]), (2, D), (1,)), shape=(1, 2, D))
    inside = b.apply("clip", x[0], b.constant(-0.5), b.constant(0.5))
    picked = b.apply("where", b.apply("gt", x[0], b.constant(0.0)), x[0], inside)
    return [
        b.apply("einsum", b.apply("relu", long), weights, spec="i,ij->j"),
        b.apply("slice", b.apply("sin", x[0]), starts=(1,), limits=(D - 1,)),
        b.apply("slice", x[0], starts=(2,), limits=(3,)), column, square,
        b.apply("slice", square, starts=(0, 1, 2), limits=(1, 2, D)), picked,
        b.apply("gather", x[0], b.constant(3, "i64"), proved=True),
        b.apply("maximum", x[0], b.apply("neg", x[0])),
    ]  # fmt: skip


PROGRAMS: dict[str, Callable[[Builder, tuple[int, ...]], Sequence[int]]] = {
    "mlp": _mlp, "boundary": _boundary, "two-body": _two_body, "rest": _rest, "moves": _moves,
}  # fmt: skip


def _run(
    program: Program, shape: JetShape, x: list[np.ndarray], *, sparse: bool, weighted: bool
) -> dict[object, np.ndarray]:
    """The series along coordinates ``places`` of the first input."""
    rng = np.random.default_rng(1)
    lead = () if shape.directions is None else (known(shape.directions),)
    width = known(as_array(program.inputs[0]).shape[0])
    places = np.asarray(rng.integers(0, width, lead))
    if lead:
        places[:2] = 0, width - 1  # what is cut off at either end
    weights = np.asarray(rng.normal(size=lead)) if weighted else np.ones(lead)
    written = np.zeros((*lead, width))
    np.put_along_axis(written, places[..., None], weights[..., None], -1)
    index_type, weight_type = ArrayType("i64", lead), ArrayType("f64", lead)
    b = Builder("jet", [*program.inputs, index_type, weight_type, ArrayType("f64", written.shape)], program.sizes)
    first = len(program.inputs)
    seed = OneHot(first, first + 1 if weighted else None) if sparse else first + 2
    operands = [Series(0, {_one(shape): seed}), *(Series(k) for k in range(1, first))]
    results = expand(b, program, operands, shape)
    keys = [(k, index) for k, own in enumerate(results) for index in own.coefficients]
    whole = b.build([results[k].slot(index) for k, index in keys])
    check_program(whole)
    found = evaluate(whole, [*x, places, weights, written])
    return dict(zip(keys, map(np.asarray, found), strict=True))


def _one(shape: JetShape) -> Index:
    return (1,) + (0,) * (shape.variables - 1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "shape", [univariate(3), univariate(3, R), univariate(2, R, collapse=True), univariate(4, R, collapse=True)]
)
@pytest.mark.parametrize("name", PROGRAMS)
def test_sparse_and_dense_agree(name: str, shape: JetShape, weighted: bool) -> None:
    program = body(name, [VECTOR, MATRIX], PROGRAMS[name])
    x = arguments(program.inputs, np.random.default_rng(0))
    sparse = _run(program, shape, x, sparse=True, weighted=weighted)
    dense = _run(program, shape, x, sparse=False, weighted=weighted)
    for key in dense.keys() | sparse.keys():
        wanted = dense.get(key, np.zeros(()))
        np.testing.assert_allclose(sparse.get(key, np.zeros(())), wanted, rtol=1e-11, atol=1e-11)


def _vector_programs() -> list[Program]:
    programs = [seeded_program(seed) for seed in range(60)]
    return [program for program in programs if as_array(program.inputs[0]).rank == 1][:12]


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("shape", [univariate(2), univariate(2, R, collapse=True)])
def test_random_programs(number: int, shape: JetShape) -> None:
    program = _vector_programs()[number]
    x = arguments(program.inputs, np.random.default_rng(0))
    sparse = _run(program, shape, x, sparse=True, weighted=True)
    dense = _run(program, shape, x, sparse=False, weighted=True)
    assert sparse.keys() == dense.keys()
    for key, wanted in dense.items():
        np.testing.assert_allclose(sparse[key], wanted, rtol=1e-9, atol=1e-9)


def test_the_first_layer_is_read_not_multiplied() -> None:
    """Of a Laplacian of a network nothing is as long as the input but the value of the first layer."""
    d = 10_000
    program = body("mlp", [ArrayType("f64", (d,)), ArrayType("f64", (d, H))], _boundary)
    shape = univariate(2, R, collapse=True)
    b = Builder("jet", [*program.inputs, ArrayType("i64", (R,))])
    (series,) = expand(b, program, [Series(0, {(1,): OneHot(2)}), Series(1)], shape)
    whole = b.build([series.value, series.slot((2,))])
    long = [
        step for step in whole.steps
        if any(isinstance(t, ArrayType) and any(isinstance(n, int) and n >= d for n in t.shape) for t in step.types)
    ]  # fmt: skip
    assert [step.op for step in long if isinstance(step.op, Apply)] == [Apply("mul")]
    products = [step for step in whole.steps if step.op == Apply("einsum", (("spec", "i,ij->j"),))]
    assert len(products) == 1


def _field(b: Builder, x: tuple[int, ...]) -> list[int]:
    """A network of a point and a time, the first coordinate of which it also reads by itself."""
    time = b.apply("concat", x[0], b.full(0.5, ArrayType("f64", (1,))), axis=0)
    weights = b.apply("concat", x[1], b.full(0.25, ArrayType("f64", (1, H))), axis=0)
    hidden = b.apply("relu", b.apply("einsum", b.apply("clip", time, b.constant(-9.0), b.constant(9.0)), weights,
                                     spec="i,ij->j"))  # fmt: skip
    first = b.apply("reshape", b.apply("slice", x[0], starts=(0,), limits=(1,)), shape=())
    return [b.apply("mul", first, b.apply("reduce_sum", b.apply("mul", hidden, hidden), axes=(0,)))]


@pytest.mark.parametrize("every", [False, True])
def test_moves_and_choices_keep_one_place(every: bool) -> None:
    """Nothing is written out, and all places in order are a part of the matrix, not so many reads of it."""
    d = 50
    program = body("field", [ArrayType("f64", (d,)), ArrayType("f64", (d, H))], _field)
    count = d if every else R
    b = Builder("jet", [*program.inputs, ArrayType("i64", (count,))])
    index = b.apply("iota", size=count) if every else 2
    shape = univariate(2, count, collapse=True)
    (series,) = expand(b, program, [Series(0, {(1,): OneHot(index)}), Series(1)], shape)
    whole = b.build([series.slot((2,))])
    written = [step for step in whole.steps if as_array(step.types[0]).shape[:2] in ((count, d), (count, d + 1))]
    assert not written
    names = [step.op.primitive for step in whole.steps if isinstance(step.op, Apply)]
    assert names.count("gather") == (0 if every else 2)
    x = arguments(program.inputs, np.random.default_rng(0))
    places = np.arange(count) if every else np.array([0, 7, 7])
    (found,) = evaluate(whole, [*x, places])
    b = Builder("jet", [*program.inputs, ArrayType("f64", (count, d))])
    (series,) = expand(b, program, [Series(0, {(1,): 2}), Series(1)], shape)
    (wanted,) = evaluate(b.build([series.slot((2,))]), [*x, np.eye(d)[places]])
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
