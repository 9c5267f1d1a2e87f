"""Meanings fixed once: indices, integers, conversions, empty reductions; errors name the place in the text."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.lang.builder import Builder, body
from pushforward.lang.diagnostics import Diagnostic, DiagnosticError
from pushforward.lang.ir import F64, I64, ArrayType, Param, Program
from pushforward.lang.source import Source, Span
from pushforward.semantics.errors import ROWS
from pushforward.semantics.reference import evaluate, first_nonfinite

SOURCE = Source("text.pf", "def f(x: [3]f64, i: i64): f64 = x[i]")
PLACE = Span(SOURCE, 32, 36)
THREE = ArrayType("f64", (3,))


def _program(name: str, *types: ArrayType, **params: Param) -> Program:
    builder = Builder(name, types)
    builder.origin = PLACE
    return builder.build((builder.apply(name, *range(len(types)), **params),))


def _trouble(program: Program, *args: object) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        evaluate(program, list(args))
    return caught.value.diagnostics[0]


@pytest.mark.parametrize("index", [-1, 3, 2**40])
def test_index_out_of_range_stops_with_its_place(index: int) -> None:
    found = _trouble(_program("gather", THREE, I64, proved=False), np.zeros(3), index)
    assert (found.code, found.span) == ("E100", PLACE)
    assert str(index) in found.message


def test_scatters_check_their_indices() -> None:
    add = _program("scatter_add", THREE, F64, I64, proved=False)
    put = _program("scatter", THREE, ArrayType("f64", (2,)), ArrayType("i64", (2,)), proved=False)
    assert _trouble(add, np.zeros(3), 1.0, 3).code == "E100"
    assert _trouble(put, np.zeros(3), np.ones(2), np.array([0, -1])).code == "E100"
    assert _trouble(put, np.zeros(3), np.ones(2), np.array([1, 1])).code == "E107"
    assert evaluate(put, [np.zeros(3), np.ones(2), np.array([2, 0])])[0].tolist() == [1.0, 0.0, 1.0]


def test_an_error_inside_a_loop_has_the_innermost_place() -> None:
    gather = _program("gather", THREE, I64, proved=False)
    builder = Builder("loop", (THREE,))
    builder.origin = Span(SOURCE, 0, 3)
    program = builder.build(builder.each(4, (0,), (), gather, ("stack",)))
    assert _trouble(program, np.zeros(3)).span == PLACE


@pytest.mark.parametrize("name", ["floordiv", "mod"])
def test_integer_division_by_zero_is_an_error(name: str) -> None:
    found = _trouble(_program(name, I64, I64), 1, 0)
    assert (found.code, found.span) == ("E101", PLACE)


@pytest.mark.parametrize(
    ("x", "y", "quotient", "rest"), [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1)]
)
def test_whole_division_floors(x: int, y: int, quotient: int, rest: int) -> None:
    for types in ((I64, I64), (F64, F64)):
        assert evaluate(_program("floordiv", *types), [x, y])[0] == quotient
        assert evaluate(_program("mod", *types), [x, y])[0] == rest


def test_integers_wrap() -> None:
    top = 2**63 - 1
    assert evaluate(_program("add", I64, I64), [top, 1])[0] == -(2**63)
    assert evaluate(_program("mul", I64, I64), [top, 2])[0] == -2
    assert evaluate(_program("integer_pow", I64, exponent=63), [2])[0] == -(2**63)


@pytest.mark.parametrize(
    ("x", "n"),
    [(2.9, 2), (-2.9, -2), (np.nan, 0), (np.inf, 2**63 - 1), (-np.inf, -(2**63)), (1e300, 2**63 - 1)],
)
def test_floats_convert_towards_zero(x: float, n: int) -> None:
    assert evaluate(_program("convert", F64, dtype="i64"), [x])[0] == n


@pytest.mark.parametrize("name", ["reduce_max", "reduce_min"])
def test_extrema_of_nothing_are_an_error(name: str) -> None:
    found = _trouble(_program(name, ArrayType("f64", (0,)), axes=(0,)), np.zeros(0))
    assert (found.code, found.span) == ("E104", PLACE)


@pytest.mark.parametrize(("name", "value"), [("reduce_sum", 0.0), ("reduce_prod", 1.0)])
def test_sums_and_products_of_nothing(name: str, value: float) -> None:
    assert evaluate(_program(name, ArrayType("f64", (0,)), axes=(0,)), [np.zeros(0)])[0] == value


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_nan_propagates_through_extrema(name: str) -> None:
    assert np.isnan(evaluate(_program(name, F64, F64), [np.nan, 1.0])[0])


def test_a_matrix_without_factor_is_nan_not_an_exception() -> None:
    square = ArrayType("f64", (2, 2))
    assert np.isnan(evaluate(_program("cholesky", square), [-np.eye(2)])[0]).all()
    singular = evaluate(_program("solve", square, square), [np.zeros((2, 2)), np.eye(2)])[0]
    assert np.isnan(singular).all()


def test_every_code_has_an_explanation_and_an_example() -> None:
    codes = [row.code for row in ROWS]
    assert codes == sorted(set(codes))
    assert all(row.explanation.endswith((".", ".\n")) and row.example for row in ROWS)


# --- the step that made a number that is not finite ---------------------------------------------------------


def _log_of_difference() -> Program:
    builder = Builder("log of difference", (THREE, THREE))
    difference = builder.apply("sub", 0, 1)
    builder.origin = PLACE
    logarithm = builder.apply("log", difference)
    builder.origin = None
    return builder.build((builder.apply("reduce_sum", logarithm, axes=(0,)),))


def test_the_first_step_with_finite_operands_is_named() -> None:
    found = first_nonfinite(_log_of_difference(), [np.array([2.0, 3.0, 1.0]), np.ones(3)])
    assert found is not None
    assert found.span == PLACE
    assert found.what == "`log` of 0 at [2]"
    assert found.value == -np.inf
    assert first_nonfinite(_log_of_difference(), [np.array([2.0, 3.0, 4.0]), np.ones(3)]) is None


def test_the_blame_goes_into_loops() -> None:
    builder = Builder("step", (F64, F64, I64))
    builder.origin = PLACE
    quotient = builder.apply("div", 1, 0)
    program = Builder("loop", (THREE,))
    one = program.constant(1.0)
    outputs = program.fold(3, (), (0,), (one,), builder.build((quotient,)))
    found = first_nonfinite(program.build(outputs), [np.array([2.0, 0.0, 4.0])])
    assert found is not None
    assert (found.what, found.span) == ("`div` of 0.5 and 0", PLACE)


def test_a_masked_nan_is_not_blamed() -> None:
    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        masked = b.apply("where", b.apply("gt", x[0], b.constant(0.0)), b.apply("log", x[0]), b.constant(0.0))
        return [b.apply("div", b.constant(1.0), masked)]

    found = first_nonfinite(body("masked", (F64,), write), [-1.0])
    assert found is not None
    assert found.what == "`div` of 1 and 0"
