"""Points, programs and many-digit references for tests over rows."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np

from pushforward.lang import ir
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import F64, ArrayType, Param, Program
from pushforward.lang.primitives import rules, table
from pushforward.lang.primitives.row import Piecewise, Primitive, RuleContext, Smooth
from pushforward.lang.primitives.type_rules import scalar_type
from pushforward.semantics.oracle import scalar_function
from pushforward.semantics.reference import evaluate

MP = mpmath.mp.clone()
MP.dps = 80
POINTS = 60
PARAMS: dict[str, tuple[dict[str, Param], ...]] = {
    "integer_pow": tuple({"exponent": n} for n in (0, 1, 2, 3, 7, -1, -2)),
    "polygamma": ({"order": 1}, {"order": 2}, {"order": 3}),
}


def float_rows() -> Iterator[tuple[Primitive, dict[str, Param]]]:
    """Elementwise rows on floats with an oracle, once for every choice of parameters."""
    for row in table().values():
        if row.elementwise and row.oracle and row.samples and row.name not in ("convert", "where"):
            for params in PARAMS.get(row.name, ({},)):
                yield row, params


def case_name(value: object) -> str | None:
    """How pytest shows rows and parameters."""
    if isinstance(value, Primitive):
        return value.name
    return ",".join(map(str, value.values())) or "-" if isinstance(value, dict) else None


def functions(name: str) -> Callable[..., Any]:
    return MP.mpf if name == "decimal" else getattr(MP, name)


def exact(row: Primitive, params: dict[str, Param]) -> Callable[..., Any]:
    """The row's function at 80 digits."""
    assert row.oracle is not None
    return scalar_function(row.oracle, params, functions)


def _draw(rng: random.Random, low: float, high: float) -> float:
    """Uniform, or of a random small magnitude, within the interval."""
    if rng.random() < 0.5:
        return rng.uniform(low, high)
    span = math.log10(max(abs(low), abs(high)))
    size = 10.0 ** rng.uniform(span - 6, span)
    value = rng.choice((-size, size))
    return value if low <= value <= high else rng.uniform(low, high)


def points(row: Primitive, params: dict[str, Param]) -> list[tuple[float, ...]]:
    """Points of the domain, among them the ends of the intervals, where the function is defined."""
    inside = scalar_function(row.domain, params, functions)
    rng = random.Random(row.name)
    found: list[tuple[float, ...]] = []
    ends = [tuple(end[side] for end in row.samples) for side in (0, 1)]
    while len(found) < POINTS:
        point = ends.pop() if ends else tuple(_draw(rng, low, high) for low, high in row.samples)
        if inside(*(MP.mpf(x) for x in point)):
            found.append(point)
    return found


def value_program(row: Primitive, params: dict[str, Param]) -> Program:
    """The primitive on vectors of points."""
    count = len(scalar_type(row.type)[0])
    types = [ArrayType("f64", (POINTS,))] * count
    return body(row.name, types, lambda b, x: [b.apply(row.name, *x, **params)])


def partial_program(row: Primitive, params: dict[str, Param], operand: int, *, stable: bool) -> Program:
    """One partial derivative on scalars."""
    count = len(scalar_type(row.type)[0])

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        y = b.apply(row.name, *x, **params)
        context = RuleContext(b, x, (y,), tuple(sorted(params.items())))
        return [rules.partial(context, row, operand, stable=stable)]

    return body(f"{row.name} partial", [F64] * count, write)


def differentiable(row: Primitive) -> bool:
    return isinstance(row.derivative, (Smooth, Piecewise)) and bool(stated(row))


def stated(row: Primitive) -> list[int]:
    """The operands by which the row states a derivative."""
    assert isinstance(row.derivative, (Smooth, Piecewise))
    return [operand for operand, partial in enumerate(row.derivative.partials) if partial is not None]


def columns(found: list[tuple[float, ...]]) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*found, strict=True)]


def ulp(value: Any) -> Any:
    """The distance between doubles near a number."""
    return MP.mpf(math.ulp(float(value)))


def condition(function: Callable[..., Any], point: tuple[float, ...], value: Any) -> Any:
    """How much relative errors of the operands grow: the sum of ``|x df/dx / f|``."""
    if value == 0:
        return MP.mpf(0)
    total = MP.mpf(0)
    for operand, x in enumerate(point):
        total += abs(x * derivative(function, point, operand) / value)
    return total


def derivative(function: Callable[..., Any], point: tuple[float, ...], operand: int, step: float = 1e-20) -> Any:
    """A central difference at 80 digits, of relative error about 1e-38 away from singularities."""
    middle = [MP.mpf(x) for x in point]
    h = MP.mpf(step) * max(MP.mpf("1e-6"), abs(middle[operand]))
    left, right = list(middle), list(middle)
    left[operand] -= h
    right[operand] += h
    return (function(*right) - function(*left)) / (2 * h)


def run_partial(program: ir.Program, point: tuple[float, ...]) -> float:
    return float(evaluate(program, list(point))[0])
