"""How accurate the elementwise primitives are: values and partial derivatives against 80 digits.

The measure is the error in units in the last place of the exact result, divided by the condition number where that is
above one: an error of the size that rounding the operands makes is then about one. Points, exact functions and
condition numbers are those of the tests of the primitive table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pushforward.lang.builder import Builder
from pushforward.lang.ir import ArrayType, Param, Program
from pushforward.lang.primitives.row import Primitive
from pushforward.lang.primitives.type_rules import scalar_type
from pushforward.semantics.reference import evaluate
from tests.primitives.oracle import (
    MP,
    POINTS,
    columns,
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

from ..harness import Bar, Context, Row, measured

AREA = "spine"
TARGET = 4.0
SMALLEST = MP.mpf(5e-324)
Point = tuple[float, ...]

VALUES = Bar(
    "spine/primitives/values",
    "gate",
    AREA,
    "elementwise primitives, reference",
    "worst error",
    "conditioned ulp",
    "<=",
    TARGET,
)
DERIVATIVES = Bar(
    "spine/primitives/derivatives",
    "gate",
    AREA,
    "partial derivatives of elementwise primitives, reference",
    "worst error",
    "conditioned ulp",
    "<=",
    TARGET,
)
XLA = Bar(
    "spine/primitives/xla",
    "aim",
    AREA,
    f"elementwise primitives on XLA beyond {TARGET:g} conditioned ulp",
    "functions",
    "",
    "<=",
    0.0,
)


@dataclass(frozen=True)
class Function:
    """A row with its parameters, the points it is tried at, and its exact value and condition number at each."""

    row: Primitive
    params: dict[str, Param]
    points: list[Point]
    wanted: list[Any]
    growth: list[Any]

    @property
    def name(self) -> str:
        """The row, with its parameters when it has some."""
        values = ",".join(map(str, self.params.values()))
        return f"{self.row.name}({values})" if values else self.row.name


def functions() -> list[Function]:
    """All elementwise rows on floats that have an oracle and a float result."""
    found = []
    for row, params in float_rows():
        function, tried = exact(row, params), points(row, params)
        wanted = [function(*map(MP.mpf, point)) for point in tried]
        if isinstance(wanted[0], bool):
            continue
        growth = [max(1, condition(function, point, value)) for point, value in zip(tried, wanted, strict=True)]
        found.append(Function(row, params, tried, wanted, growth))
    return found


def error(result: float, wanted: Any, growth: Any) -> float:
    """Conditioned units in the last place between a double and an exact number."""
    if math.isnan(result):
        return math.inf
    return float(max(0, abs(MP.mpf(result) - wanted) - SMALLEST) / (ulp(wanted) * growth))


def rows(context: Context) -> list[Row]:
    """Values and derivatives in the reference, and the functions that XLA computes less accurately."""
    table = functions()
    program = together(table)
    leaves = [column for one in table for column in columns(one.points)]
    values = worst_values(table, evaluate(program, leaves))
    partials = {one.name: worst_partial(one) for one in table if differentiable(one.row)}
    return [_row(VALUES, values), _row(DERIVATIVES, partials), xla_row(table, program, leaves)]


def together(table: Sequence[Function]) -> Program:
    """All functions on their own points as one program, so that it compiles once."""
    counts = [len(scalar_type(one.row.type)[0]) for one in table]
    b = Builder("primitives", [ArrayType("f64", (POINTS,))] * sum(counts))
    outputs, first = [], 0
    for one, count in zip(table, counts, strict=True):
        outputs.append(b.apply(one.row.name, *range(first, first + count), **one.params))
        first += count
    return b.build(outputs)


def worst_values(table: Sequence[Function], results: Sequence[Any]) -> dict[str, float]:
    """The worst error of each function over its points."""
    return {
        one.name: max(map(error, map(float, np.asarray(result)), one.wanted, one.growth))
        for one, result in zip(table, results, strict=True)
    }


def regular(row: Primitive, point: Point) -> bool:
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


def worst_partial(one: Function) -> float:
    """The worst error of the partial derivatives of a function over its regular points."""
    function = exact(one.row, one.params)
    tried = [point for point in one.points if regular(one.row, point)]
    return max(_partial_error(one, function, operand, tried) for operand in stated(one.row))


def _partial_error(one: Function, function: Callable[..., Any], operand: int, tried: Sequence[Point]) -> float:
    program = partial_program(one.row, one.params, operand, stable=True)

    def partial(*x: Any) -> Any:
        return MP.mpf(derivative(function, x, operand))

    worst = 0.0
    for point in tried:
        wanted = partial(*point)
        growth = max(1, condition(partial, point, wanted))
        worst = max(worst, error(run_partial(program, point), wanted, growth))
    return worst


def _row(bar: Bar, errors: dict[str, float]) -> Row:
    """The worst of all functions; those beyond the bar in the note."""
    ordered = sorted(errors.items(), key=lambda pair: -pair[1])
    beyond = [f"{name} {value:.1f}" for name, value in ordered if not value <= TARGET]
    note = f"{len(errors)} functions at {POINTS} points each; " + (
        f"beyond the bar: {', '.join(beyond)}" if beyond else f"worst: {ordered[0][0]}"
    )
    return measured(bar, ordered[0][1], samples=len(errors) * POINTS, note=note)


def xla_row(table: Sequence[Function], program: Program, leaves: Sequence[Any]) -> Row:
    """How many functions XLA computes with a larger error than the bar of the reference allows."""
    from pushforward.codegen.xla.compile import compile_xla

    errors = worst_values(table, compile_xla(program)(leaves))
    ordered = sorted(errors.items(), key=lambda pair: -pair[1])
    beyond = [f"{name} {value:.3g}" for name, value in ordered if not value <= TARGET]
    return measured(XLA, len(beyond), samples=len(errors), note=", ".join(beyond))
