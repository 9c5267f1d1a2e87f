"""Special functions of the reference away from where generic tests draw: small and large shapes, both sides, edges."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.primitives import get
from pushforward.semantics.exact import evaluate_exact
from pushforward.semantics.reference_numpy import ELEMENTWISE

from .oracle import partial_program, value_program

PLACES = [(1e-3, 1e-4), (1e-3, 2.0), (0.5, 0.01), (4.0, 6.0), (7.0, 7.0), (7.0, 7.1), (30.0, 12.0), (25.0, 60.0)]


def slope_in_shape(a: float, x: float) -> Any:
    """dP(a, x)/da by a difference at many digits."""
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20

        def lower(shape: Any) -> Any:
            return mpmath.gammainc(shape, 0, mpmath.mpf(x)) / mpmath.gamma(shape)

        return (lower(mpmath.mpf(a) + step) - lower(mpmath.mpf(a) - step)) / (2 * step)


@pytest.mark.parametrize(("a", "x"), PLACES)
def test_derivative_of_the_incomplete_gamma_function_in_its_shape(a: float, x: float) -> None:
    wanted = slope_in_shape(a, x)
    density = mpmath.mpf(x) ** (mpmath.mpf(a) - 1) * mpmath.exp(-x) / mpmath.gamma(a)
    assert float(ELEMENTWISE["igamma_grad_a"](a, x)) == pytest.approx(float(wanted), rel=1e-12)
    assert float(ELEMENTWISE["random_gamma_grad"](a, x)) == pytest.approx(float(-wanted / density), rel=1e-12)


def test_incomplete_gamma_functions_continue_each_other() -> None:
    """Where the own sums end, SciPy's expansions take over."""
    rng = np.random.default_rng(0)
    a = 10 ** rng.uniform(-3, 3, 400)
    x = a * 10 ** rng.uniform(-1, 1, 400)
    np.testing.assert_allclose(ELEMENTWISE["igamma"](a, x), special.gammainc(a, x), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(ELEMENTWISE["igammac"](a, x), special.gammaincc(a, x), rtol=1e-12, atol=1e-300)


def test_bessel_functions_continue_those_of_scipy() -> None:
    x = np.array([-700.0, -31.0, -30.0, -29.0, -1e-200, 0.0, 1e-10, 5.0, 30.0, 30.5, np.inf])
    np.testing.assert_allclose(ELEMENTWISE["bessel_i0e"](x), special.i0e(x), rtol=1e-14)
    np.testing.assert_allclose(ELEMENTWISE["bessel_i1e"](x), special.i1e(x), rtol=1e-14)


def test_one_slow_element_does_not_disturb_the_others() -> None:
    alone = ELEMENTWISE["igamma_grad_a"](np.array([4.0]), np.array([6.0]))
    together = ELEMENTWISE["igamma_grad_a"](np.array([4.0, 3e3]), np.array([6.0, 3.001e3]))
    assert together[0] == alone[0]


@pytest.mark.parametrize(
    ("name", "operand"),
    [("betainc", 0), ("betainc", 1), ("zeta", 0), ("igamma_grad_a", 0), ("random_gamma_grad", 1), ("nextafter", 0)],
)
def test_a_partial_that_is_not_stated_is_refused(name: str, operand: int) -> None:
    with pytest.raises(DiagnosticError) as found:
        partial_program(get(name), {}, operand, stable=True)
    assert found.value.diagnostics[0].code == "E112"


def test_exact_arithmetic_does_not_know_how_floats_are_written() -> None:
    program = value_program(get("nextafter"), {})
    with pytest.raises(DiagnosticError) as found:
        evaluate_exact(program, [np.ones(60), np.ones(60)])
    assert found.value.diagnostics[0].code == "E108"
