"""Random programs with loops and branches: one variable, several variables, directions, collapsed orders."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.ad.taylor import JetShape, staircase, univariate
from pushforward.semantics.reference import evaluate
from tests.ad.numbers import arguments
from tests.ad.taylor.oracle import curve_indices, nested
from tests.ad.taylor.series import Coefficients, random_series, run_series
from tests.ir.programs import seeded_program

SEEDS = range(24)


def _close(found: np.ndarray, wanted: np.ndarray) -> None:
    scale = 1 + float(np.max(np.abs(wanted), initial=0.0))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("corners", [((3,),), ((2, 1),), ((1, 1, 1),)], ids=str)
def test_against_nested_forward_mode(corners: tuple[tuple[int, ...], ...], seed: int) -> None:
    program, rng = seeded_program(seed), np.random.default_rng(seed)
    shape = staircase(corners)
    x, series = arguments(program.inputs, rng), random_series(program, shape, rng)
    values, found = run_series(program, shape, x, series)
    for value, wanted in zip(values, evaluate(program, x), strict=True):
        np.testing.assert_array_equal(value, wanted)
    order, variables = shape.order, shape.variables
    curve = [
        own.get(index, np.zeros_like(value))
        for value, own in zip(x, series, strict=True)
        for index in curve_indices(order, variables)
    ]
    for index in shape.above if seed < 12 else corners:
        for own, wanted in zip(found, nested(program, index, x, curve, order), strict=True):
            _close(own[index], wanted)


def _direction(series: list[Coefficients], r: int) -> list[Coefficients]:
    return [{index: array[r] for index, array in own.items()} for own in series]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("corners", [((3,),), ((2, 1),), ((1,),)], ids=str)
def test_directions_and_collapsed_orders(corners: tuple[tuple[int, ...], ...], seed: int) -> None:
    program, rng, count = seeded_program(seed), np.random.default_rng(seed), 3
    single = staircase(corners)
    many = JetShape(single.indices, count)
    x, series = arguments(program.inputs, rng), random_series(program, many, rng)
    _, found = run_series(program, many, x, series)
    each = [run_series(program, single, x, _direction(series, r))[1] for r in range(count)]
    for k, own in enumerate(found):
        for index, array in own.items():
            for r in range(count):
                _close(array[r], each[r][k][index])
    top = single.order
    collapsed = JetShape(single.indices, count, top)
    summed = [{index: array.sum(0) if sum(index) == top else array for index, array in own.items()} for own in series]
    _, sums = run_series(program, collapsed, x, summed)
    for own, wanted in zip(sums, found, strict=True):
        for index, array in own.items():
            _close(array, wanted[index].sum(0) if sum(index) == top else wanted[index])


def test_zero_coefficients_cost_nothing() -> None:
    from pushforward.ad.taylor import Series, expand
    from pushforward.lang.builder import Builder, body
    from pushforward.lang.ir import F64

    line = body("line", [F64, F64], lambda b, x: [b.apply("add", b.apply("mul", x[1], x[0]), x[1])])
    b = Builder("jet", [F64, F64, F64])
    (series,) = expand(b, line, [Series(0, {(1,): 2}), Series(1)], univariate(6))
    assert sorted(series.coefficients) == [(1,)]
    assert len(b.build([series.value, series.slot((1,))]).steps) == 3
