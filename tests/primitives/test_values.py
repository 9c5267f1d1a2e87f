"""Values of elementwise primitives in the reference against 80 digits, at points that include tiny and large ones."""

from __future__ import annotations

import pytest

from pushforward.lang.builder import body
from pushforward.lang.ir import F64, Param
from pushforward.lang.primitives.row import Primitive
from pushforward.semantics.exact import evaluate_exact
from pushforward.semantics.reference import evaluate

from .oracle import MP, case_name, columns, condition, exact, float_rows, points, ulp, value_program

# Gamma-type functions of SciPy are a little wider than the elementary ones.
ULPS = {"lgamma": 8, "digamma": 8, "polygamma": 16, "erfc": 8, "betainc": 4}


@pytest.mark.parametrize(("row", "params"), list(float_rows()), ids=case_name)
def test_value_is_within_a_few_units_in_the_last_place(row: Primitive, params: dict[str, Param]) -> None:
    found = points(row, params)
    results = evaluate(value_program(row, params), columns(found))[0]
    function = exact(row, params)
    for point, result in zip(found, results, strict=True):
        wanted = function(*(MP.mpf(x) for x in point))
        if results.dtype == bool:
            assert result == wanted, f"{row.name}{point}"
            continue
        wanted = MP.mpf(wanted)
        growth = max(1, condition(function, point, wanted) if row.name in ULPS else 1)
        allowed = ULPS.get(row.name, 4) * ulp(wanted) * growth
        assert abs(MP.mpf(float(result)) - wanted) <= allowed, f"{row.name}{point} = {result}, not {wanted}"


@pytest.mark.parametrize("x", [0.0, 1.5, 3.0])
def test_where_the_ends_of_a_clip_cross_the_upper_one_counts(x: float) -> None:
    program = body("clip", [F64] * 3, lambda b, slots: [b.apply("clip", *slots)])
    assert evaluate(program, [x, 2.0, 1.0])[0] == evaluate_exact(program, [x, 2.0, 1.0], digits=30)[0] == 1.0
