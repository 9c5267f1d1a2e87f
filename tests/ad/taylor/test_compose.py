"""Functions along many directions against the same function along one direction after the other."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.ad.taylor import Series, expand, univariate
from pushforward.ad.taylor.compose import HIGHEST
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Program, as_array
from pushforward.semantics.reference import evaluate

WIDTH, COUNT = 4, 3
VECTOR = ArrayType("f64", (WIDTH,))
FUNCTIONS = ("tanh", "exp", "sin", "logistic", "erf", "softplus", "log", "atan", "lgamma", "rsqrt", "expm1")


def _function(name: str) -> Program:
    return body(name, [VECTOR], lambda b, x: [b.apply("mul", b.apply(name, x[0]), b.apply("sin", x[0]))])


def _along(program: Program, x: np.ndarray, series: np.ndarray, order: int, *, collapse: bool) -> list[np.ndarray]:
    """All coefficients, given those of the operand for every direction: [order, directions, width]."""
    shape = univariate(order, series.shape[1], collapse=collapse)
    types = [VECTOR.with_shape((series.shape[1], WIDTH) if shape.mapped(k) else (WIDTH,)) for k in range(1, order + 1)]
    b = Builder(program.name, [VECTOR, *types])
    (found,) = expand(b, program, [Series(0, {(k,): k for k in range(1, order + 1)})], shape)
    given = [c if shape.mapped(k) else c.sum(0) for k, c in enumerate(series, 1)]
    return list(map(np.asarray, evaluate(b.build([found.slot(index) for index in shape.above]), [x, *given])))


def _alone(program: Program, x: np.ndarray, series: np.ndarray, order: int) -> np.ndarray:
    """The same along one direction, by the equation of the function."""
    b = Builder(program.name, [VECTOR] * (order + 1))
    (found,) = expand(b, program, [Series(0, {(k,): k for k in range(1, order + 1)})], univariate(order))
    return np.array(evaluate(b.build([found.slot((k,)) for k in range(1, order + 1)]), [x, *series]))


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("order", range(1, HIGHEST + 2))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_directions_share_a_function(name: str, order: int, collapse: bool) -> None:
    program = _function(name)
    rng = np.random.default_rng(order)
    x, series = rng.uniform(0.3, 1.7, WIDTH), rng.normal(size=(order, COUNT, WIDTH))
    wanted = np.stack([_alone(program, x, series[:, k], order) for k in range(COUNT)], 1)
    for number, got in enumerate(_along(program, x, series, order, collapse=collapse)):
        top = collapse and number == order - 1
        np.testing.assert_allclose(got, wanted[number].sum(0) if top else wanted[number], rtol=1e-11, atol=1e-11)


def test_what_directions_have_of_a_layer() -> None:
    """The tangents before and after the function, and nothing else that is as large."""
    program = body("layer", [VECTOR, VECTOR.with_shape((WIDTH, WIDTH))], _layer)
    shape = univariate(2, COUNT, collapse=True)
    b = Builder("layer", [*program.inputs, VECTOR.with_shape((COUNT, WIDTH))])
    (series,) = expand(b, program, [Series(0, {(1,): 2}), Series(1)], shape)
    whole = b.build([series.slot((2,))])
    large = [step.op for step in whole.steps if as_array(step.types[0]).shape == (COUNT, WIDTH)]
    names = [op.primitive for op in large if isinstance(op, Apply)]
    assert names == ["einsum", "broadcast", "mul", "einsum"]


def _layer(b: Builder, x: tuple[int, ...]) -> list[int]:
    for _ in range(2):
        x = (b.apply("tanh", b.apply("einsum", x[0], x[1], spec="i,ij->j")), x[1])
    return [x[0]]
