"""Derivative words inside programs: captured numbers, nesting, choices, and custom rules."""

# ruff: noqa: E501  (program texts stay on one line)

from __future__ import annotations

import numpy as np
import pytest

from pushforward.ad.derive import gradient
from pushforward.lang.ir import Call
from pushforward.semantics.reference import evaluate

from .programs import first_order, module_of, run_first_order

CASES = [
    ("prime", "def main(x: f64): f64 = (let f = fn (y: f64) => y^3 in f'(x))", [2.0], [12.0]),
    ("second prime", "def f(y: f64): f64 = y^3\ndef main(x: f64): f64 = f''(x)", [2.0], [12.0]),
    ("gradient of two", "def f(x: f64, y: f64): f64 = x * y^2\ndef main(x: f64, y: f64): (f64, f64) = grad(f)(x, y)", [2.0, 3.0], [9.0, 12.0]),
    ("integers have no entry", "def f(n: i64, x: f64): f64 = if n == 0 then 1.0 else x * f(n - 1, x)\ndef main(x: f64): f64 = grad(f)(3, x)", [2.0], [12.0]),
    ("gradient of an array", "def main[n](x: [n]f64): [n]f64 = grad(fn (y: [n]f64) => sum(for i < n => y[i]^2))(x)", [[1.0, 2.0]], [[2.0, 4.0]]),
    ("perturbations stay apart", "def main(x: f64): f64 = grad(fn (x: f64) => x * grad(fn (y: f64) => x + y)(1.0))(x)", [3.0], [1.0]),
    ("captures carry outer derivatives", "def main(x: f64): f64 = grad(fn (a: f64) => grad(fn (y: f64) => a * a * y^2)(3.0))(x)", [2.0], [24.0]),
    ("value and gradient", "def main(x: f64): (f64, f64) = value_and_grad(fn (y: f64) => y^2)(x)", [3.0], [9.0, 6.0]),
    ("jvp", "def main(x: f64): (f64, f64) = jvp(fn (y: f64) => y^2, x, 10.0)", [3.0], [9.0, 60.0]),
    ("jvp of two", "def f(x: f64, y: f64): f64 = x * y\ndef main(x: f64): (f64, f64) = jvp(f, (x, 2.0), (1.0, 10.0))", [3.0], [6.0, 32.0]),
    ("vjp", "def main[n](x: [n]f64): ([n]f64, [n]f64) = vjp(fn (y: [n]f64) => for i < n => y[i]^2, x, x)", [[1.0, 2.0]], [[1.0, 4.0], [2.0, 8.0]]),
    ("jacobian", "def main(x: [2]f64): [2, 2]f64 = jacobian(fn (y: [2]f64) => [y[0] * y[1], y[0]])(x)", [[2.0, 3.0]], [[[3.0, 2.0], [1.0, 0.0]]]),
    ("hessian", "def main(x: [2]f64): [2, 2]f64 = hessian(fn (y: [2]f64) => y[0]^2 * y[1])(x)", [[2.0, 3.0]], [[[6.0, 4.0], [4.0, 0.0]]]),
    ("laplacian", "def main(x: [2]f64): f64 = laplacian(fn (y: [2]f64) => y[0]^2 * y[1] + y[1]^3)(x)", [[2.0, 3.0]], [24.0]),
    ("derivative of a chosen function", "def main(x: f64): f64 = let f = if x < 0.0 then sin else fn (y: f64) => x * y^2 in f'(x)", [3.0], [18.0]),
    ("derivative inside a loop", "def main(x: f64): f64 = let f = fn (y: f64) => y^2 - x in loop y = 1.0 for i < 8 do y - f(y) / f'(y)", [2.0], [2.0**0.5]),
    ("derivative of a derivative of a loop", "def root(x: f64): f64 = let f = fn (y: f64) => y^2 - x in loop y = 1.0 for i < 8 do y - f(y) / f'(y)\ndef main(x: f64): f64 = root'(x)", [2.0], [0.5 / 2.0**0.5]),
    ("derivative through a variant", "data S = A(f64) | B(f64, f64)\ndef m(s: S): f64 = match s { A(x) => x^2; B(x, y) => x * y }\ndef main(x: f64): f64 = grad(fn (y: f64) => m(if y < 0.0 then A(y) else B(y, y^2)))(x)", [2.0], [12.0]),
]  # fmt: skip

RULE = """
def soft(x: f64): f64 with vjp soft_vjp = log1p(exp(x))
def soft_vjp(x: f64, y_bar: f64): f64 = 100.0 * y_bar * logistic(x)
"""


@pytest.mark.parametrize(("text", "arguments", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_derivative_words(text: str, arguments: list, expected: list) -> None:
    results = run_first_order(text, arguments)
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12)


def test_a_definition_with_a_rule_stays_a_unit() -> None:
    program = first_order(module_of(RULE + "def main(x: f64): f64 = 2.0 * soft(x)"))
    (unit,) = [step.op for step in program.steps if isinstance(step.op, Call)]
    rule = unit.program.rule("vjp")
    assert rule is not None and len(rule.inputs) == 2
    assert float(evaluate(rule, [0.0, 1.0])[0]) == 50.0


def test_derivatives_use_the_rule() -> None:
    module = module_of(RULE + "def main(x: f64): f64 = grad(fn (y: f64) => 2.0 * soft(y))(x)")
    assert float(evaluate(first_order(module), [0.0])[0]) == 100.0
    entry = first_order(module_of(RULE + "def main(x: f64): f64 = soft(x)"))
    assert float(evaluate(gradient(entry, (0,)), [0.0])[0]) == 50.0


def test_the_entry_keeps_its_own_rule() -> None:
    module = module_of(RULE)
    program = first_order(module, "soft")
    assert [kind for kind, _ in program.rules] == ["vjp"]
    assert float(evaluate(program, [0.0])[0]) == pytest.approx(np.log(2.0))


def test_rules_that_use_their_own_definition_end() -> None:
    text = """
    def e(x: f64): f64 with vjp e_vjp = exp(x)
    def e_vjp(x: f64, y_bar: f64): f64 = y_bar * e(x)
    def main(x: f64): (f64, f64) = (grad(e)(x), grad(grad(e))(x))
    """
    results = evaluate(first_order(module_of(text)), [1.0])
    np.testing.assert_allclose(results, [np.e, np.e], rtol=1e-12)


def test_rules_with_sizes() -> None:
    text = """
    def total[n](x: [n]f64): f64 with vjp total_vjp = sum(x)
    def total_vjp[m](x: [m]f64, y_bar: f64): [m]f64 = for i < m => 3.0 * y_bar
    def main[k](x: [k + 1]f64): [k]f64 = grad(fn (y: [k]f64) => total(y))(x[1:])
    """
    np.testing.assert_allclose(evaluate(first_order(module_of(text)), [[1.0, 2.0, 3.0]])[0], [3.0, 3.0])
