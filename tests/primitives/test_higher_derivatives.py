"""Second derivatives through the stable forms: no NaN from guards, at zero and at large arguments."""

from __future__ import annotations

from typing import Any

import pytest

from pushforward.ad.derive import gradient
from pushforward.lang.builder import body
from pushforward.lang.ir import F64, Param
from pushforward.lang.primitives import get
from pushforward.lang.primitives.row import Primitive, Smooth
from pushforward.semantics.oracle import scalar_function
from pushforward.semantics.reference import evaluate

from .oracle import MP, case_name, derivative, exact, float_rows, functions

CASES = [
    (row, params)
    for row, params in float_rows()
    if isinstance(row.derivative, Smooth) and len(row.samples) == 1 and row.name != "polygamma"
]
PLACES = (0.0, 0.5, -0.5, 1.5, 25.0, -25.0)
# Here the first or second derivative is infinite or jumps.
SINGULAR = {("sqrt", 0.0), ("cbrt", 0.0), ("bessel_i0e", 0.0), ("bessel_i1e", 0.0)}


@pytest.mark.parametrize(("row", "params"), CASES, ids=case_name)
def test_second_derivative(row: Primitive, params: dict[str, Param]) -> None:
    function = exact(row, params)
    inside = scalar_function(row.domain, params, functions)

    def slope(*x: Any) -> Any:
        return derivative(function, x, 0)

    value = body(row.name, (F64,), lambda b, x: [b.apply(row.name, *x, **params)])
    twice = gradient(gradient(value, (0,)), (0,))
    for x in PLACES:
        if inside(MP.mpf(x)) and (row.name, x) not in SINGULAR:
            result = float(evaluate(twice, [x])[0])
            assert result == pytest.approx(float(derivative(slope, (x,), 0)), rel=1e-9, abs=1e-12), x


@pytest.mark.parametrize("name", ["tanh", "logistic", "softplus", "asinh", "erf", "atan", "expm1"])
@pytest.mark.parametrize("x", [-1e3, 1e3, -1e200])
def test_derivatives_of_flat_parts_vanish_without_nan(name: str, x: float) -> None:
    value = body(name, (F64,), lambda b, s: [b.apply(get(name).name, *s)])
    twice = gradient(gradient(value, (0,)), (0,))
    if (name, x) != ("expm1", 1e3):
        assert abs(float(evaluate(twice, [x])[0])) <= 1e-5
