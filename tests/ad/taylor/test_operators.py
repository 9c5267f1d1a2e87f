"""Differential operators read off series, at known points: exact solutions of equations, and closed formulas.

The values were worked out with many digits, apart from this code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

import pushforward as pf
from pushforward.ad.taylor import Index, JetShape, Series, expand, staircase, univariate
from pushforward.lang.builder import Builder
from pushforward.lang.ir import Apply, Program, as_array
from pushforward.semantics.reference import evaluate

MODULE = pf.parse("""
def exponential(x: [5]f64): f64 = exp(x @ [0.5, -1.0, 0.25, 2.0, -0.75])
def quartic(x: [10]f64): f64 = (x @ x)^2
def polynomial(x: f64, y: f64, t: f64): f64 = x^3 * y + t * y + y^2 + x * y^2 + x^2 * t
def soliton(x: f64, t: f64): f64 = 1.5 / cosh(sqrt(200.0) / 2.0 * (x - 0.5 * t))^2
def two_body(x: [3]f64): f64 =
  let pair = fn (a: f64, b: f64) => sin(a + cos(b) + b * cos(a)) in
  (1.0 - x @ x) * (pair(x[0], x[1]) - 0.5 * pair(x[1], x[2]))
def three_body(x: [4]f64): f64 = (1.0 - x @ x) * (exp(x[0] * x[1] * x[2]) + 2.0 * exp(x[1] * x[2] * x[3]))
def network(x: [2]f64): f64 = tanh(x @ [[0.5, -1.0], [0.75, 0.25]] + [0.1, -0.2]) @ [1.0, -1.5]
def front(x: f64, t: f64): f64 = (1.0 - tanh((x - 3.0 * t / sqrt(2.0)) / (2.0 * sqrt(2.0)))) / 2.0
def kink(x: f64, t: f64): f64 = 4.0 * atan(exp((x - 0.6 * t) / 0.8))
def waves(x: f64, t: f64): f64 = cos(x - 2.0 * t) + sin(2.0 * x + t) / 2.0
def heat(x: [4]f64, t: f64): f64 = exp(-(x @ x) / (4.0 * t)) / (4.0 * pi * t)^2
def logarithm(x: [5]f64): f64 = log((1.0 + x @ x) / 2.0)
def mixed(x: [3]f64): f64 = sin(x[0] * x[1]) + x[2]^2 * x[0] + exp(x[1] * x[2])
""")
Curve = Mapping[Index, Mapping[int, object]]


def first(name: str) -> Program:
    return MODULE[name].first()


def derivatives(program: Program, x: Sequence[object], curve: Curve, corners: Sequence[Index]) -> dict[Index, float]:
    """All derivatives below the corners, input number k moving by ``curve[index][k]``."""
    shape, inputs, arrays = staircase(corners), list(program.inputs), [np.asarray(value, float) for value in x]
    places: list[dict[Index, int]] = [{} for _ in program.inputs]
    for index, moves in curve.items():
        for k, direction in moves.items():
            places[k][index] = len(inputs)
            inputs.append(program.inputs[k])
            arrays.append(np.asarray(direction, float))
    b = Builder(program.name, inputs)
    (series,) = expand(b, program, [Series(k, own) for k, own in enumerate(places)], shape)
    keys = list(series.coefficients)
    slots = [series.value, *(slot for slot in series.coefficients.values() if isinstance(slot, int))]
    found = evaluate(b.build(slots), arrays)
    values = dict.fromkeys(shape.indices, 0.0)
    values[shape.zero] = float(found[0])
    for index, value in zip(keys, found[1:], strict=True):
        values[index] = float(value) * math.prod(map(math.factorial, index))
    return values


def scalars(name: str, x: Sequence[float], corners: Sequence[Index]) -> dict[Index, float]:
    """Mixed derivatives of a function of numbers."""
    count = len(x)
    curve = {tuple(int(j == k) for j in range(count)): {k: 1.0} for k in range(count)}
    return derivatives(first(name), x, curve, corners)


def collapsed(name: str, x: Sequence[float], directions: np.ndarray, order: int, *, time: float | None = None) -> float:
    """The sum over directions of the coefficient of an order, collapsed."""
    program = first(name)
    shape = univariate(order, len(directions), collapse=True)
    type_ = as_array(program.inputs[0])
    b = Builder(program.name, [*program.inputs, type_.with_shape(directions.shape)])
    rest = [Series(k) for k in range(1, len(program.inputs))]
    (series,) = expand(b, program, [Series(0, {(1,): len(program.inputs)}), *rest], shape)
    inputs = [np.array(x), *([] if time is None else [np.array(time)]), directions]
    return float(evaluate(b.build([series.slot((order,))]), inputs)[0])


def laplacian(name: str, x: Sequence[float], **more: float) -> float:
    return 2 * collapsed(name, x, np.eye(len(x)), 2, **more)


def bilaplacian(name: str, x: Sequence[float]) -> float:
    """Fourth derivatives along e_i + e_j, e_i - e_j and e_i, by the identity for the square of a squared norm."""
    d, unit = len(x), np.eye(len(x))
    pairs = [unit[i] + sign * unit[j] for i in range(d) for j in range(i) for sign in (1, -1)]
    fourth = 24 * collapsed(name, x, np.array(pairs), 4) / 6 if pairs else 0.0
    return fourth + (4 - d) / 3 * 24 * collapsed(name, x, unit, 4)


def close(value: float, wanted: float, scale: float = 1.0) -> None:
    assert value == pytest.approx(wanted, rel=1e-12, abs=1e-12 * scale)


def test_exponential() -> None:
    x = [0.1, 0.2, -0.3, 0.4, -0.5]
    close(laplacian("exponential", x), 15.19104424848060)
    close(bilaplacian("exponential", x), 89.24738495982350)
    close(24 * collapsed("exponential", x, np.eye(5), 4), 44.94690618732623)
    unit = np.eye(5)
    curve: Curve = {(1, 0, 0): {0: unit[0]}, (0, 1, 0): {0: unit[1]}, (0, 0, 1): {0: unit[3]}}
    close(derivatives(first("exponential"), [x], curve, [(2, 1, 2)])[(2, 1, 2)], -2.585709659315846)


def test_fourth_power_of_the_norm() -> None:
    x = list(np.full(10, math.sqrt(0.2)))
    close(laplacian("quartic", x), 96.0)
    close(bilaplacian("quartic", x), 960.0)


def test_polynomial_in_one_staircase() -> None:
    d = scalars("polynomial", [1.0, 2.0, 3.0], [(3, 1, 0), (0, 2, 0), (1, 2, 0), (2, 0, 1), (0, 1, 1)])
    names = {(0, 0, 1): 3, (1, 0, 0): 16, (0, 1, 0): 12, (2, 0, 0): 18, (1, 1, 0): 7, (0, 2, 0): 4, (0, 1, 1): 1,
             (3, 1, 0): 6, (1, 2, 0): 2, (2, 0, 1): 2}  # fmt: skip
    assert {index: d[index] for index in names} == names
    u_x, u_y, u_xy, u_xx, u_yy = d[1, 0, 0], d[0, 1, 0], d[1, 1, 0], d[2, 0, 0], d[0, 2, 0]
    assert d[0, 1, 1] + d[3, 1, 0] + 3 * (u_xy * u_x + u_y * u_xx) - u_xx + 2 * u_yy == 981


def test_soliton() -> None:
    d = scalars("soliton", [0.3, 0.5], [(3, 1)])
    close(d[0, 0], 1.327086098221278)
    close(d[1, 0], -6.372112334883042)
    close(d[3, 0], 2108.114211394438)
    close(d[3, 1], -6239.814160241255, 1e3)
    close(d[0, 1] + d[0, 0] * d[1, 0] + d[3, 0] / 400, 0.0, 1e3)


def test_many_bodies() -> None:
    close(laplacian("two_body", [0.1, 0.2, -0.3]), -4.511522002649125)
    close(laplacian("three_body", [0.1, 0.2, -0.3, 0.4]), -22.90204580486356)


def test_network() -> None:
    x = [0.3, -0.4]
    close(laplacian("network", x), -1.137131445899699)
    close(bilaplacian("network", x), 5.350085355098411)
    unit = np.eye(2)
    d = derivatives(first("network"), [x], {(1, 0): {0: unit[0]}, (0, 1): {0: unit[1]}}, [(3, 1)])
    close(d[0, 0], 0.7556159755391730)
    close(d[2, 1], -0.2993583404338864)
    close(d[3, 1], -1.375394270308759)


def test_front_and_kink() -> None:
    d = scalars("front", [0.3, 0.7], [(2, 0), (0, 1)])
    close(d[0, 0], 0.6980159950142347)
    close(d[2, 0], -0.04173972539597116)
    close(d[0, 1] - d[2, 0] - d[0, 0] + d[0, 0] ** 3, 0.0)
    d = scalars("kink", [0.5, 0.2], [(2, 0), (0, 2)])
    close(d[0, 0], 4.057760429471451)
    close(d[2, 0], -1.239490851610809)
    close(d[0, 2], -0.4462167065798913)
    close(d[0, 2] - d[2, 0] + math.sin(d[0, 0]), 0.0)


def test_waves() -> None:
    d = scalars("waves", [0.7, 0.2], [(4, 0), (0, 1)])
    close(d[0, 1] + d[0, 0] * d[1, 0] + d[2, 0] + d[4, 0], 6.101375029875172)


def test_heat_kernel() -> None:
    x = [0.5, -0.25, 1.0, 0.0]
    close(laplacian("heat", x, time=0.5), -0.03531693308145503)
    close(derivatives(first("heat"), [x, 0.5], {(1,): {1: 1.0}}, [(1,)])[(1,)], -0.03531693308145503)


def test_logarithm() -> None:
    x = [0.1, 0.2, 0.3, 0.4, 0.5]
    close(laplacian("logarithm", x), 5.535900104058273)


def test_indefinite_second_order_operator() -> None:
    matrix = np.array([[1, 2, 0], [2, -3, 1], [0, 1, 0.5]])
    values, vectors = np.linalg.eigh(matrix)
    parts = [
        sign * 2 * collapsed("mixed", [0.5, -0.3, 0.8], (vectors * np.sqrt(np.maximum(sign * values, 0))).T, 2)
        for sign in (1, -1)
    ]
    assert sum(parts) == pytest.approx(3.987539374148808, rel=1e-12)


def test_a_laplacian_carries_one_vector_per_direction() -> None:
    """Collapsed: of a layer of width h the second order is one vector, and its products are one contraction."""
    program = first("network")
    count = 7
    shape = univariate(2, count, collapse=True)
    b = Builder("laplacian", [*program.inputs, as_array(program.inputs[0]).with_shape((count, 2))])
    (series,) = expand(b, program, [Series(0, {(1,): 1})], shape)
    whole = b.build([series.slot((2,))])
    assert JetShape(shape.indices, count, 2) == shape
    products = [
        str(step.op["spec"]) for step in whole.steps if isinstance(step.op, Apply) and step.op.primitive == "einsum"
    ]
    # The first layer of the value and of the tangents, the sum over directions, and the last layer of that sum.
    assert products == ["i,ij->j", "ai,ij->aj", "ba,ba->a", "i,i->"]
