"""What the checks of Taylor mode look at: rows and small programs enter, with their exact coefficients along curves.

A program is evaluated at 120 digits at a few tiny parameters of a curve ``x0 + h v1 + h^2 v2 + …`` (or of a surface);
the polynomial through these values has the coefficients of the series, up to the size of h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np

from ...ad.taylor import Index, jet
from ...lang.builder import Builder, body
from ...lang.diagnostics import DiagnosticError
from ...lang.ir import ArrayType, Param, Program
from ...lang.passes import normalise
from ...lang.primitives.row import Primitive
from ...semantics.exact import evaluate_exact
from ..cases import Case as RowCase
from .case_checks import signs_of
from .program_case import Case, exact_value
from .row_checks import points_inside

DIGITS, STEP = 120, Fraction(1, 10**20)
PLACES = 3  # where functions of numbers are looked at

Direction = list[np.ndarray]  # one array per float argument
Moves = Sequence[tuple[Fraction, Direction]]


@dataclass(frozen=True, eq=False)
class Subject:
    """A first-order program of one array, where it is looked at, and its exact value after moves of its floats."""

    name: str
    programs: Callable[[], Sequence[Program]]
    arguments: list[np.ndarray]
    floats: tuple[int, ...]
    exact: Callable[[Moves], np.ndarray]
    direction: Callable[[int], Direction]
    order: int = 3


def of_function(row: Primitive, params: dict[str, Param], floats: tuple[int, ...]) -> Subject | None:
    """A function of numbers at a few places apart from zeros and kinks, some operands moving; None where it has no
    third derivative."""
    places = [place for place in points_inside(row, params) if all(1e-3 <= abs(x) <= 30 for x in place)][:PLACES]
    types = [ArrayType("f64", (len(places),))] * len(row.samples)
    program = body(row.name, types, lambda b, x: [b.apply(row.name, *x, **params)])
    arguments = [np.array(own) for own in zip(*places, strict=True)]
    if not places:
        return None
    try:
        jet(program, Subject.order, tuple(k in floats for k in range(len(types))))
    except DiagnosticError:
        return None
    words = "-".join(map(str, (*params.values(), *(f"x{k}" for k in floats))))
    return at(f"{row.name}-{words}", program, arguments, floats, 1e-2)


def far_angle() -> Subject:
    """An angle of numbers whose squares are out of range."""
    program = body("atan2", [ArrayType("f64")] * 2, lambda b, x: [b.apply("atan2", *x)])
    return at("atan2 far out", program, [np.array(3e200), np.array(-1e200)], (0, 1), 1e200)


def of_power(base: Sequence[float], exponent: float) -> Subject:
    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        return [b.apply("pow", x[0], b.full(exponent, ArrayType("f64", (len(base),))))]

    program = body("pow", [ArrayType("f64", (len(base),))], write)
    return at(f"pow-{exponent}", program, [np.array(base)], (0,), 0.3)


def at(name: str, program: Program, arguments: list[np.ndarray], floats: tuple[int, ...], reach: float) -> Subject:
    """A program whose floats are moved in random directions."""

    def direction(seed: int) -> Direction:
        rng = np.random.default_rng(seed)
        return [reach * rng.uniform(-1, 1, arguments[k].shape) for k in floats]

    return Subject(name, lambda: (program,), arguments, floats, partial(_exact, program, arguments, floats), direction)


def of_row(case: RowCase) -> Subject:
    program = body(case.name, case.types, lambda b, x: [b.apply(case.name, *x, **case.params)])
    arguments = case.apart()
    floats = tuple(k for k, x in enumerate(arguments) if x.dtype == float)

    def direction(seed: int) -> Direction:
        return [0.3 * case.direction(seed)[k] for k in floats]

    signs = signs_of(case, arguments)

    def exact(moves: Moves) -> np.ndarray:
        return signs * _exact(program, arguments, floats, moves)

    return Subject(str(case), lambda: (program,), arguments, floats, exact, direction)


def _exact(program: Program, arguments: Sequence[np.ndarray], floats: tuple[int, ...], moves: Moves) -> np.ndarray:
    """The result at all digits, float arguments moved by multiples of directions."""
    given: list[Any] = [_fractions(x) if x.dtype == float else x for x in arguments]
    for scale, direction in moves:
        for k, step in zip(floats, direction, strict=True):
            given[k] = given[k] + scale * _fractions(step)
    return np.asarray(evaluate_exact(program, given, digits=DIGITS)[0], object)


def of_program(case: Case) -> Subject:
    def programs() -> Sequence[Program]:
        return case.first(), normalise(case.first())

    def direction(seed: int) -> Direction:
        rng = np.random.default_rng(seed)
        return [rng.uniform(-0.5, 0.5, case.arguments[k].shape) for k in case.floats]

    exact = partial(exact_value, case, digits=DIGITS)
    return Subject(case.text.entry, programs, case.arguments, case.floats, exact, direction)


def _fractions(x: np.ndarray) -> np.ndarray:
    return np.array([Fraction(float(value)) for value in x.flat], object).reshape(x.shape)


# --- oracles ---------------------------------------------------------------------------------------------------------


def _through(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The coefficients of the polynomial through values at 0, h, 2h, …"""
    count = len(values)
    table = mpmath.matrix([[mpmath.mpf(j) ** k for k in range(count)] for j in range(count)]) ** -1
    h = mpmath.mpf(STEP.numerator) / STEP.denominator
    return [sum((table[k, j] / h**k * y for j, y in enumerate(values)), start=0 * values[0]) for k in range(count)]


def along(subject: Subject, curve: Sequence[Direction]) -> list[np.ndarray]:
    """Coefficients 1, 2, … along a curve."""
    with mpmath.workdps(DIGITS):
        values = [
            subject.exact([((j * STEP) ** power, own) for power, own in enumerate(curve, 1)])
            for j in range(len(curve) + 1)
        ]
        return [np.asarray(y).astype(float) for y in _through(values)[1:]]


def over(subject: Subject, surface: Sequence[Direction]) -> dict[Index, np.ndarray]:
    """Coefficients over ``x0 + s a + t b + s t c`` up to the second order in s and the first in t."""
    a, b, c = surface
    with mpmath.workdps(DIGITS):
        rows = [
            _through([subject.exact([(i * STEP, a), (j * STEP, b), (i * j * STEP**2, c)]) for i in range(3)])
            for j in range(2)
        ]
        found = {(i, j): y for i in range(3) for j, y in enumerate(_through([row[i] for row in rows]))}
        return {index: np.asarray(y).astype(float) for index, y in found.items() if any(index)}


def coordinates(subject: Subject, place: int) -> list[np.ndarray]:
    """Coefficients of order 1 and 2 along every unit vector of one argument, stacked."""
    found: list[list[np.ndarray]] = []
    for row in np.eye(len(subject.arguments[place])):
        move = [row if k == place else np.zeros_like(subject.arguments[k]) for k in subject.floats]
        found.append(along(subject, [move, [0 * part for part in move]]))
    return [np.stack(own) for own in zip(*found, strict=True)]
