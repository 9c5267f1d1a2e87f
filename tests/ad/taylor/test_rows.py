"""Every row that has a derivative, at orders 1 to 4, against nested forward mode."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.ad.taylor import jet
from pushforward.lang.builder import Builder, body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import F64, Param, Program
from pushforward.lang.primitives import table
from pushforward.lang.primitives.row import Discrete, Primitive, Smooth
from pushforward.lang.primitives.type_rules import scalar_type
from pushforward.semantics.oracle import scalar_function
from pushforward.semantics.reference import evaluate
from tests.ad.taylor.oracle import nested
from tests.primitives.cases import CURVED, LINEAR, Case
from tests.primitives.oracle import MP, PARAMS, case_name, functions

ORDER = 4
# Discrete rows have no series. The others are refused: their partial is not known (E112).
HOST = {"foreign"}
REFUSED = {"nextafter", "random_gamma_grad", "random_gamma"}


def _operand_flags(row: Primitive) -> list[bool]:
    """The operands by which the row states a derivative."""
    if isinstance(row.derivative, Smooth):
        return [partial is not None for partial in row.derivative.partials]
    return [letter in ("f", "n", "a") for letter in scalar_type(row.type)[0]]


ELEMENTWISE = [
    (row, params)
    for row in table().values()
    if row.elementwise and row.samples and not isinstance(row.derivative, Discrete) and row.name not in REFUSED
    for params in PARAMS.get(row.name, ({"dtype": "f64"},) if row.name == "convert" else ({},))
]


def _point(row: Primitive, rng: np.random.Generator, params: dict[str, Param]) -> list[np.ndarray]:
    """A point of moderate size inside the domain."""
    inside = scalar_function(row.domain, params, functions)
    while True:
        x = [float(rng.uniform(max(low, -2.5), min(high, 2.5))) for low, high in row.samples]
        if row.name == "acosh":
            x = [1.0 + abs(x[0])]
        if inside(*map(MP.mpf, x)):
            return [np.asarray(value) for value in x]


def _check(
    program: Program, x: list[np.ndarray], series: list[list[np.ndarray]], active: list[bool], rtol: float
) -> None:
    """Coefficients of Taylor mode and of nested forward mode, order by order; the value bit for bit."""
    flat = [c for own in series for c in own]
    moving = [c for own, on in zip(series, active, strict=True) for c in own if on]
    floats = iter(active)
    flags = tuple(bool(getattr(t, "is_float", False) and next(floats)) for t in program.inputs)
    found = evaluate(jet(program, ORDER, flags), [*x, *moving])
    plain = evaluate(program, x)
    for value, wanted in zip(found, plain, strict=False):
        np.testing.assert_array_equal(value, wanted)
    fixed = [c if on else np.zeros_like(c) for own, on in zip(series, active, strict=True) for c in own]
    assert len(fixed) == len(flat)
    for order in range(1, ORDER + 1):
        for k, wanted in enumerate(nested(program, (order,), x, fixed, ORDER)):
            actual = found[len(plain) + k * ORDER + order - 1]
            np.testing.assert_allclose(actual, wanted, rtol=rtol, atol=rtol * (1 + np.max(np.abs(wanted), initial=0)))


@pytest.mark.parametrize(("row", "params"), ELEMENTWISE, ids=case_name)
def test_elementwise_row(row: Primitive, params: dict[str, Param]) -> None:
    stated = _operand_flags(row)
    types = [F64] * len(scalar_type(row.type)[0])

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        choice = [b.apply("gt", x[0], b.constant(0.5))] if row.name == "where" else list(x[:1])
        return [b.apply(row.name, *choice, *x[1:], **params)]

    program = body(row.name, types, write)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x = _point(row, rng, params)
        series = [[np.asarray(rng.uniform(-1, 1)) for _ in range(ORDER)] for _ in types]
        choices = {tuple(stated), *(tuple(k == j and on for k, on in enumerate(stated)) for j in range(len(stated)))}
        for active in choices:
            if any(active):
                try:
                    _check(program, x, series, list(active), 1e-8)
                except DiagnosticError as error:  # of a partial that the row states, the partial may not be known
                    assert error.diagnostics[0].code == "E112"
                    with pytest.raises(DiagnosticError):
                        nested(
                            program,
                            (ORDER,),
                            x,
                            [
                                c if on else np.zeros_like(c)
                                for own, on in zip(series, active, strict=True)
                                for c in own
                            ],
                            ORDER,
                        )


def _case_program(case: Case) -> Program:
    return body(case.name, case.types, lambda b, x: [b.apply(case.name, *x, **case.params)])


@pytest.mark.parametrize("case", [*LINEAR, *CURVED], ids=str)
def test_structural_row(case: Case) -> None:
    program = _case_program(case)
    x = case.apart()
    directions = [case.direction(seed) for seed in range(ORDER)]
    floats = [k for k, type_ in enumerate(case.types) if type_.is_float]
    series = [[directions[order][k] for order in range(ORDER)] for k in floats]
    _check(program, x, series, [True] * len(floats), 1e-7)
    if len(floats) > 1:
        _check(program, x, series, [True] + [False] * (len(floats) - 1), 1e-7)
        _check(program, x, series, [False] * (len(floats) - 1) + [True], 1e-7)


def test_every_row_is_here_or_says_why_not() -> None:
    here = {row.name for row, _ in ELEMENTWISE} | {case.name for case in (*LINEAR, *CURVED)}
    without = {row.name for row in table().values() if isinstance(row.derivative, Discrete)}
    assert set(table()) == here | without | HOST | REFUSED | {"reduce_precision"}
