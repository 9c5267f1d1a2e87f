"""Curves, their jets, and programs along them: nested forward mode against Taylor coefficients of the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from pushforward.ad.full import pushed_lookup
from pushforward.lang.module import parse_module
from pushforward.lang.types import Scalar
from pushforward.semantics.exact import Digits, ExactArithmetic
from pushforward.semantics.interpreter import Interpreter
from pushforward.semantics.reference import Variant, evaluate
from pushforward.verify.properties import relation
from pushforward.verify.properties.case import Case, run
from pushforward.verify.properties.generator import Generated, seeded_program

PLAIN = [seed for seed in range(2001, 2031, 2) if not Case(seeded_program(seed), seed).differentiates][:8]
TREES = """
data Tree[a: type] = Leaf(a) | Node(Tree[a], Tree[a])
def over(f: f64 -> f64, t: Tree[f64]): Tree[f64] =
  match t { Leaf(x) => Leaf(f(x)); Node(l, r) => Node(over(f, l), over(f, r)) }
def wave(c: f64, x: f64): f64 = sin(c * x)
"""


def test_the_oracle_has_the_taylor_coefficients_that_mpmath_has() -> None:
    context = Digits(60).context
    found = relation.taylor_derivatives(lambda t: [context.exp(context.sin(2 * t + 1))], 3, 60, context)
    expected = mpmath.taylor(lambda t: mpmath.exp(mpmath.sin(2 * t + 1)), 0, 3)
    for m, coefficient in enumerate(expected):
        assert abs(float(found[m][0]) - float(coefficient * mpmath.factorial(m))) < 1e-12


def test_the_oracle_has_digits_for_many_nested_derivatives() -> None:
    """A sixth derivative, moved along a curve: exp(2 x) has 2^6 and 2^7 of itself."""
    text = "def main(x: f64): f64 = " + "grad(" * 6 + "fn (y: f64) => exp(2.0 * y)" + ")" * 6 + "(x)\n"
    case = Case(Generated(text, "smooth", (("x", Scalar("f64")),), (), ()), 5)
    (x,), (curve,) = case.xs, case.flat_curves
    assert isinstance(curve, relation.Path)
    value, slope = (float(order[0]) for order in case.taylor)
    assert value == pytest.approx(2**6 * np.exp(2 * x), rel=1e-12)
    assert slope == pytest.approx(2**7 * np.exp(2 * x) * curve.derivative(1), rel=1e-12)


@pytest.mark.parametrize("seed", PLAIN)
def test_jets_of_order_three_are_derivatives_along_the_curve(seed: int) -> None:
    case = Case(seeded_program(seed), seed)
    field = Digits(70)
    interpreter = Interpreter(ExactArithmetic(field))
    number = np.frompyfunc(field.number, 1, 1)

    def along(t: Any) -> list[Any]:
        return interpreter.run(case.meaning, [relation.at(curve, number, t) for curve in case.flat_curves])

    expected = relation.taylor_derivatives(along, 3, 70, field.context)
    program = relation.nested_forward(case.first, 3)
    found = relation.jet_outputs(case.first, run(program, relation.jet_inputs(case.flat_curves, 3)), 3)
    for m, copies in enumerate(found):
        wanted = [np.asarray(value, float) for value in expected[m]]
        for place, copy in enumerate(copies):
            other = wanted[place % len(wanted)]
            np.testing.assert_allclose(copy, other, rtol=1e-7, atol=1e-7 * (1 + np.abs(other).max()))


def test_a_function_on_a_curve_over_a_tree_on_a_curve_keeps_tags_and_differentiates_leaves() -> None:
    module = parse_module(TREES)
    tree = Variant(1, (Variant(0, (np.float64(0.3),)), Variant(1, (Variant(0, (np.float64(-0.7),)),) * 2)))
    over, wave = module.program("over"), module.program("wave")
    function = relation.FunctionCurve(wave, (relation.Path((np.asarray(0.9), np.asarray(0.4), np.asarray(0.2))),))
    shape = relation.curve_through(tree, np.random.default_rng(0))
    lookup = pushed_lookup(pushed_lookup(module.definitions.resolve))
    inputs = relation.pushed_values([function, shape], 2)
    (result,) = evaluate(relation.pushed_program(over, 2), inputs, {}, lookup)
    leaves, curves = _leaves(result), relation.paths(shape)
    assert _tags(result) == _tags(tree)
    assert len(leaves) == 3
    for leaf, curve in zip(leaves, curves, strict=True):
        assert isinstance(curve, relation.Path)
        expected = _derivatives(lambda t, curve=curve: mpmath.sin((0.9 + 0.4 * t + 0.2 * t**2) * _at(curve, t)))
        np.testing.assert_allclose(leaf, [expected[m] for m in (0, 1, 1, 2)], rtol=1e-9, atol=1e-9)


def _at(curve: relation.Path, t: Any) -> Any:
    return sum(float(c) * t**m for m, c in enumerate(curve.coefficients))


def _derivatives(function: Callable[[Any], Any]) -> list[float]:
    return [float(c * mpmath.factorial(m)) for m, c in enumerate(mpmath.taylor(function, 0, 2))]


def _tags(value: Variant) -> tuple[Any, ...]:
    return (value.tag, *(_tags(item) for item in value.payload if isinstance(item, Variant)))


def _leaves(value: Variant) -> list[list[float]]:
    if value.tag == 0:
        return [[float(x) for x in value.payload]]
    return [leaf for item in value.payload for leaf in _leaves(item)]
