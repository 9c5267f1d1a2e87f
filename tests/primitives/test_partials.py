"""Partial derivatives of `Smooth` and `Piecewise` rows against differences at 80 digits.

The stable form is allowed 4 units in the last place times the conditioning of the derivative (and of the
value ``y`` it may read); the algebraic form must agree to many digits when evaluated at 50 digits itself.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pushforward.lang.ir import Param
from pushforward.lang.primitives import get
from pushforward.lang.primitives.row import Primitive, Smooth
from pushforward.semantics.exact import evaluate_exact

from .oracle import (
    MP,
    case_name,
    condition,
    derivative,
    differentiable,
    exact,
    float_rows,
    partial_program,
    points,
    run_partial,
    stated,
    ulp,
)

CASES = [case for case in float_rows() if differentiable(case[0])]
# The rule reads a function of SciPy or NumPy that is itself a few units off.
ULPS = {"lgamma": 8, "digamma": 16, "polygamma": 16}


def _regular(row: Primitive, point: tuple[float, ...]) -> bool:
    """Away from the ends of the domain, where the derivative is infinite, and from jumps of the derivative."""
    match row.name:
        case "asin" | "acos" | "atanh":
            return abs(point[0]) < 1
        case "acosh":
            return point[0] > 1
        case "sqrt" | "cbrt":
            return point[0] != 0
        case "mod" | "rem":
            return math.fmod(point[0], point[1]) != 0
        case _:
            return True


def check_stable(row: Primitive, params: dict[str, Param], found: list[tuple[float, ...]]) -> None:
    """Every partial in its stable form is as accurate as its conditioning allows."""
    function = exact(row, params)
    for operand in stated(row):
        program = partial_program(row, params, operand, stable=True)

        def partial(*x: object, operand: int = operand) -> object:
            return derivative(function, x, operand)  # type: ignore[arg-type]

        for point in found:
            wanted = partial(*point)
            growth = max(1, condition(lambda *x: MP.mpf(partial(*x)), point, wanted))
            allowed = ULPS.get(row.name, 4) * ulp(wanted) * growth + MP.mpf(5e-324)
            result = MP.mpf(run_partial(program, point))
            assert abs(result - wanted) <= allowed, f"d{row.name}{point}/dx{operand} = {result}, not {wanted}"


def check_definition(row: Primitive, params: dict[str, Param], found: list[tuple[float, ...]]) -> None:
    """Every partial in its algebraic form is the derivative, evaluated with 50 digits."""
    function = exact(row, params)
    for operand in stated(row):
        program = partial_program(row, params, operand, stable=False)
        for point in found:
            wanted = derivative(function, point, operand)
            result = evaluate_exact(program, list(point), digits=50)[0]
            bound = MP.mpf(1e-14) * max(abs(wanted), MP.mpf(10) ** -30)
            assert abs(MP.mpf(result) - wanted) <= bound, f"d{row.name}{point}/dx{operand} = {result}, not {wanted}"


@pytest.mark.parametrize(("row", "params"), CASES, ids=case_name)
def test_stable_partial_is_as_accurate_as_its_conditioning_allows(row: Primitive, params: dict[str, Param]) -> None:
    check_stable(row, params, [point for point in points(row, params) if _regular(row, point)])


@pytest.mark.parametrize(("row", "params"), CASES, ids=case_name)
def test_algebraic_partial_is_the_derivative(row: Primitive, params: dict[str, Param]) -> None:
    check_definition(row, params, [point for point in points(row, params) if _regular(row, point)][:20])


def test_a_wrong_power_rule_is_noticed() -> None:
    row = get("pow")
    wrong = replace(row, derivative=Smooth(("x1 * pow(x0, x1)", "y * log(x0)")))
    found = points(row, {})
    check_stable(row, {}, found)
    with pytest.raises(AssertionError, match="dpow"):
        check_stable(wrong, {}, found)
    with pytest.raises(AssertionError, match="dpow"):
        check_definition(wrong, {}, found)


def test_an_unstable_form_is_noticed() -> None:
    row = get("tanh")
    found = points(row, {})
    with pytest.raises(AssertionError, match="dtanh"):
        check_stable(replace(row, derivative=Smooth(("1 - y^2",))), {}, found)
