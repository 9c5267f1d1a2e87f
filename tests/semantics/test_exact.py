"""Exact evaluation: rationals keep every digit and refuse what they lack; many digits agree with the reference."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from pushforward.lang.builder import Builder, body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import F64, I64, ArrayType, Program
from pushforward.semantics.exact import evaluate_exact

MATRIX = ArrayType("f64", (3, 3))


def _one(name: str, *types: ArrayType, **params: object) -> Program:
    return body(name, types, lambda b, x: [b.apply(name, *x, **params)])  # type: ignore[arg-type]


def test_a_hilbert_matrix_is_solved_exactly() -> None:
    hilbert = [[Fraction(1, row + column + 1) for column in range(3)] for row in range(3)]
    identity = [[int(row == column) for column in range(3)] for row in range(3)]
    (inverse,) = evaluate_exact(_one("solve", MATRIX, MATRIX), [hilbert, identity])
    assert inverse.tolist() == [[9, -36, 30], [-36, 192, -180], [30, -180, 180]]
    assert all(isinstance(x, Fraction) for x in inverse.flat)


def test_a_loop_over_rationals() -> None:
    builder = Builder("harmonic", (F64,))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        place = b.apply("add", b.apply("convert", x[1], dtype="f64"), b.constant(1.0))
        return [b.apply("add", x[0], b.apply("div", b.constant(1.0), place))]

    program = builder.build(builder.fold(10, (), (), (0,), body("step", (F64, I64), write)))
    assert evaluate_exact(program, [0]) == [Fraction(7381, 2520)]


@pytest.mark.parametrize("name", ["exp", "sqrt", "sin", "lgamma"])
def test_rationals_refuse_transcendental_functions(name: str) -> None:
    with pytest.raises(DiagnosticError, match="E108"):
        evaluate_exact(_one(name, F64), [2])


def test_rationals_refuse_what_has_no_value() -> None:
    with pytest.raises(DiagnosticError, match="E109"):
        evaluate_exact(_one("div", F64, F64), [1, 0])
    with pytest.raises(DiagnosticError, match="E110"):
        evaluate_exact(_one("neg", F64), [float("inf")])
    with pytest.raises(DiagnosticError, match="E101"):
        evaluate_exact(_one("floordiv", I64, I64), [1, 0])
    with pytest.raises(DiagnosticError, match="E109"):
        evaluate_exact(_one("solve", MATRIX, MATRIX), [np.zeros((3, 3)), np.eye(3)])


def test_whole_powers_of_rationals() -> None:
    assert evaluate_exact(_one("integer_pow", F64, exponent=-2), [Fraction(2, 3)]) == [Fraction(9, 4)]
    assert evaluate_exact(_one("pow", F64, F64), [Fraction(2, 3), 3]) == [Fraction(8, 27)]
    with pytest.raises(DiagnosticError, match="E108"):
        evaluate_exact(_one("pow", F64, F64), [2, Fraction(1, 2)])


def test_many_digits_are_kept() -> None:
    (value,) = evaluate_exact(_one("exp", F64), [1], digits=50)
    with mpmath.mp.workdps(60):
        assert abs(mpmath.mpf(value) - mpmath.e) < mpmath.mpf(10) ** -49


def test_integers_wrap_as_in_the_reference() -> None:
    assert evaluate_exact(_one("add", I64, I64), [2**63 - 1, 1])[0] == -(2**63)


def test_softmax_follows_its_definition() -> None:
    program = _one("softmax", ArrayType("f64", (3,)), axes=(0,))
    (weights,) = evaluate_exact(program, [[1, 2, 3]], digits=30)
    assert abs(sum(weights) - 1) < 1e-28
    assert float(weights[2]) == pytest.approx(float(np.exp(3) / np.exp([1, 2, 3]).sum()), rel=1e-14)
