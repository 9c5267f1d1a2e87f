"""Checks of elementwise rows: partial derivatives against 60-digit differences of each row's own oracle.

Kinks and edges are compared with a written table of conventions (those of JAX); second derivatives must be right and
finite far out and at zero, where guards of the rules matter.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product, repeat
from typing import Any

import mpmath
import numpy as np

from ...ad.derive import gradient
from ...ad.forward import forward
from ...ad.reverse import reverse
from ...lang.builder import Builder, body
from ...lang.diagnostics import DiagnosticError
from ...lang.ir import F64, ArrayType, Param, Program
from ...lang.primitives import rules, table
from ...lang.primitives.row import Linear, Piecewise, Primitive, RuleContext, Smooth
from ...lang.primitives.type_rules import scalar_type
from ...semantics.exact import evaluate_exact
from ...semantics.oracle import scalar_function
from ...semantics.reference import evaluate
from .check import Check, close

MP = mpmath.mp.clone()
MP.dps = 60
COUNT = 14
Point = tuple[float, ...]
PARAMS: dict[str, tuple[dict[str, Param], ...]] = {
    "integer_pow": tuple({"exponent": n} for n in (0, 1, 2, 3, 7, -1, -2)),
    "polygamma": ({"order": 1}, {"order": 2}),
}
INF = math.inf
# (row, point, partials): at kinks the convention, at the ends of a domain the limit.
EDGES: tuple[tuple[str, Point, Point], ...] = (
    *(("abs", (x,), (1.0 if x >= 0 else -1.0,)) for x in (0.0, -0.0, 1.0, -1.0)),
    *(("relu", (x,), (1.0 if x > 0 else 0.0,)) for x in (0.0, 1.0, -1.0)),
    *(("maximum", p, w) for p, w in (((0.0, 0.0), (0.5, 0.5)), ((2.0, 1.0), (1.0, 0.0)), ((-2.0, 1.0), (0.0, 1.0)))),
    *(("minimum", p, w) for p, w in (((0.0, 0.0), (0.5, 0.5)), ((2.0, 1.0), (0.0, 1.0)), ((-2.0, 1.0), (1.0, 0.0)))),
    *(("maximum", p, w) for p, w in (((3.0, 3.0), (0.5, 0.5)), ((1.0, 0.0), (1.0, 0.0)), ((0.0, 1.0), (0.0, 1.0)))),
    *(("minimum", p, w) for p, w in (((3.0, 3.0), (0.5, 0.5)), ((1.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0)))),
    ("clip", (-1.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    ("clip", (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    ("clip", (0.5, 0.0, 1.0), (1.0, 0.0, 0.0)),
    ("clip", (1.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    ("clip", (2.0, 0.0, 1.0), (0.0, 0.0, 1.0)),
    ("clip", (-4.0, -3.0, -1.0), (0.0, 1.0, 0.0)),
    ("clip", (-2.0, -3.0, -1.0), (1.0, 0.0, 0.0)),
    ("clip", (2.0, -3.0, -1.0), (0.0, 0.0, 1.0)),
    ("clip", (0.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
    *(("bessel_i1e", (x,), (0.5,)) for x in (0.0, 1e-16, -1e-16, 1.2e-16)),
    ("sqrt", (0.0,), (INF,)),
    ("cbrt", (0.0,), (INF,)),
    ("asin", (1.0,), (INF,)),
    ("asin", (-1.0,), (INF,)),
    ("acos", (1.0,), (-INF,)),
    ("acos", (-1.0,), (-INF,)),
    ("acosh", (1.0,), (INF,)),
    ("pow", (0.0, 0.0), (0.0, 0.0)),
    ("pow", (0.0, 1.0), (1.0, 0.0)),
    ("pow", (0.0, 0.5), (INF, 0.0)),
    ("pow", (0.0, 2.0), (0.0, 0.0)),
    ("pow", (2.0, 0.0), (0.0, math.log(2.0))),
    ("atan2", (0.0, 1.0), (1.0, 0.0)),
    ("atan2", (1.0, 0.0), (0.0, -1.0)),
    ("atan2", (1e200, 2e200), (4e-201, -2e-201)),
    ("atan2", (3e-200, 1e-200), (1e199, -3e199)),
    ("asinh", (1e200,), (1e-200,)),
    ("asinh", (1e9,), (1e-9,)),
    ("asinh", (1.2e9,), (1 / 1.2e9,)),
    ("tanh", (1e3,), (0.0,)),
    ("logistic", (1e3,), (0.0,)),
    ("log", (0.0,), (INF,)),
)
PLACES = (0.0, 0.5, -0.5, 1.0, 1.5, -1.5, 2.5, 25.0, -25.0, 1e3, -1e3, 2e9, -3e9, 1e200)
FAR = frozenset({"tanh", "asinh", "atan", "logistic", "softplus", "abs"})  # rows whose rules guard large operands
JUMPING = frozenset({"mod", "rem"})  # where the second operand divides the first
SINGULAR = {("sqrt", 0.0), ("cbrt", 0.0), ("abs", 0.0), ("relu", 0.0), ("acosh", 1.0)}


def elementwise_checks() -> Iterator[Check]:
    """The checks of every elementwise row that has a derivative; oracles are evaluated here and now."""
    for row, params in elementwise_rows():
        if isinstance(row.derivative, (Smooth, Piecewise)):
            yield from _of_partials(row, params)
        if isinstance(row.derivative, (Smooth, Piecewise, Linear)) and own_operands(row):
            yield _modes(row, params)


def elementwise_rows() -> Iterator[tuple[Primitive, dict[str, Param]]]:
    """Every elementwise row that has an oracle, with parameters."""
    for row in table().values():
        if row.elementwise and row.oracle and row.samples and row.name not in ("convert", "where"):
            for params in PARAMS.get(row.name, ({},)):
                yield row, params


def own_operands(row: Primitive) -> list[int]:
    """The operands by which the row states a derivative; a few special functions have none in closed form."""
    stated = row.derivative.partials if isinstance(row.derivative, Smooth) else row.samples
    return [k for k, one in enumerate(stated) if one is not None]


def _check(row: Primitive, what: str, run: Any) -> Check:
    return Check("rows", f"{row.name}: {what}", frozenset({row.name}), run)


def _of_partials(row: Primitive, params: dict[str, Param]) -> Iterator[Check]:
    found = points_inside(row, params)
    function = _oracle(row, params)
    for k in own_operands(row):
        wanted = [_derivative(function, point, k) for point in found]
        now = _partials(row, params, k, found)
        allowed = [_allowed(function, *each) for each in zip(found, repeat(k), wanted, now, strict=False)]
        yield _check(row, "partials", partial(_stable, row, params, k, found, wanted, allowed))
        yield _check(row, "equations of the partials", partial(_algebraic, row, params, k, found, wanted))
    edges = [(point, limits) for name, point, limits in EDGES if name == row.name]
    if edges:
        yield _check(row, "kinks and edges", partial(_edges, row, params, edges))
        inner = [point for point, limits in edges if max(map(abs, (*point, *limits))) < 1e12]
        if inner and row.name != "pow":
            yield _check(row, "second derivatives at kinks", partial(_twice_at_kinks, row, params, inner))
    if isinstance(row.derivative, Smooth):
        yield _check(row, "second derivatives", partial(_twice, row, params, _curvatures(row, params)))


# --- oracles ---------------------------------------------------------------------------------------------------------


def _functions(name: str) -> Any:
    return MP.mpf if name == "decimal" else getattr(MP, name)


def _oracle(row: Primitive, params: dict[str, Param]) -> Any:
    return scalar_function(row.oracle or "", params, _functions)


def points_inside(row: Primitive, params: dict[str, Param]) -> list[Point]:
    """Points inside the domain and away from kinks and ends, small ones and large ones among them."""
    inside = scalar_function(row.domain, params, _functions)
    rng = random.Random(row.name)
    found: list[Point] = []
    while len(found) < COUNT:
        point = tuple(_draw(rng, *interval) for interval in row.samples)
        if inside(*(MP.mpf(x) for x in point)) and not (row.name in JUMPING and math.fmod(*point) == 0):
            found.append(point)
    return found


def _draw(rng: random.Random, low: float, high: float) -> float:
    if rng.random() < 0.4:
        return rng.uniform(low, high)
    value = rng.choice((-1, 1)) * 10.0 ** rng.uniform(-5, math.log10(max(abs(low), abs(high))))
    return value if low < value < high else rng.uniform(low, high)


def _derivative(function: Any, point: Sequence[Any], k: int, step: float = 1e-15) -> Any:
    middle = [MP.mpf(x) for x in point]
    h = MP.mpf(step) * max(MP.mpf("1e-6"), abs(middle[k]))
    return (function(*_moved(middle, k, h)) - function(*_moved(middle, k, -h))) / (2 * h)


def _moved(middle: list[Any], k: int, h: Any) -> list[Any]:
    return [x + h if place == k else x for place, x in enumerate(middle)]


def _allowed(function: Any, point: Point, k: int, wanted: Any, now: float) -> float:
    """A few units in the last place, times how much relative errors of the operands grow in the derivative.

    A rule that reads a special function is as accurate as that function: a few times the error it has now is allowed,
    which must itself be small.
    """
    growth = MP.mpf(1)
    for place, x in enumerate(point):
        slope = _derivative(lambda *p: _derivative(function, p, k), point, place, 1e-8)
        growth += abs(x * slope / wanted) if wanted else 0
    error = abs(MP.mpf(now) - wanted)
    if not error <= 1e-9 * (1 + abs(wanted)) * growth:
        raise AssertionError(f"the derivative at {point} is {now}, not {wanted}, without any fault")
    return float(max(6 * MP.mpf(math.ulp(float(wanted))) * growth + MP.mpf(5e-324), 4 * error))


def _curvatures(row: Primitive, params: dict[str, Param]) -> list[tuple[Point, int, int, float]]:
    """Second derivatives, mixed ones too, at plain places of the domain."""
    function = _oracle(row, params)
    found: list[tuple[Point, int, int, float]] = []
    for point in _plain_places(row, params):
        own = [k for k in own_operands(row) if not (row.name == "pow" and k and not point[0])]
        for k, other in product(own, repeat=2):
            value = _derivative(lambda *p, k=k: _derivative(function, p, k, 1e-20), point, other, 1e-12)
            if not isinstance(value, MP.mpc) and abs(value) < 1e200 and _differentiates_again(row, params, k, other):
                found.append((point, k, other, float(value)))
    return found


def _plain_places(row: Primitive, params: dict[str, Param]) -> list[Point]:
    """Zeros, small and large numbers inside the domain; of three operands, some drawn ones."""
    inside = scalar_function(row.domain, params, _functions)
    match len(row.samples):
        case 1:
            places: list[Point] = [(x,) for x in PLACES if abs(x) < 100 or row.name in FAR]
        case 2:
            places = [(0.5, 2.0), (1.5, -0.5), (0.0, 3.0), (2.0, 0.0), (0.0, 2.0), (2.5, 1.0), (1e-3, 1e3)]
            places = [p for p in places if row.name not in JUMPING or p[0] % (p[1] or 1)]
        case _:
            places = points_inside(row, params)[:3]
    kinks = [scalar_function(kink, params, _functions) for kink in row.kinks if "==" in kink]
    return [
        place for place in places
        if (row.name, place[0]) not in SINGULAR and inside(*map(MP.mpf, place))
        and not any(kink(*map(MP.mpf, place)) for kink in kinks)
    ]  # fmt: skip


def _differentiates_again(row: Primitive, params: dict[str, Param], k: int, other: int) -> bool:
    """Whether the partial by `k` has a derivative by `other`: it may read a function that has none in closed form."""
    try:
        gradient(gradient(_value(row, params), (k,)), (other,))
    except DiagnosticError:
        return False
    return True


# --- what is run with a fault in -------------------------------------------------------------------------------------


def _partial_program(row: Primitive, params: dict[str, Param], k: int, stable: bool, count: int = COUNT) -> Program:
    types = [ArrayType("f64", (count,))] * len(scalar_type(row.type)[0])

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        y = b.apply(row.name, *x, **params)
        context = RuleContext(b, x, (y,), tuple(sorted(params.items())))
        slot = rules.partial(context, row, k, stable=stable)
        return [slot if b.array_type(slot).shape else b.broadcast(slot, (count,), ())]

    return body(row.name, types, write)


def _stable(
    row: Primitive, params: dict[str, Param], k: int, found: list[Point], wanted: list[Any], allowed: list[float]
) -> None:
    results = _partials(row, params, k, found)
    for point, result, right, bound in zip(found, results, wanted, allowed, strict=True):
        if not abs(MP.mpf(float(result)) - right) <= bound:
            raise AssertionError(f"d{row.name}{point}/dx{k} = {result}, not {right}")


def _partials(row: Primitive, params: dict[str, Param], k: int, found: list[Point]) -> np.ndarray:
    """The stable partial at all points."""
    program = _partial_program(row, params, k, stable=True)
    return evaluate(program, [np.array(column) for column in zip(*found, strict=True)])[0]


def _algebraic(row: Primitive, params: dict[str, Param], k: int, found: list[Point], wanted: list[Any]) -> None:
    program = _partial_program(row, params, k, stable=False)
    columns = [np.array(column, object) for column in zip(*found, strict=True)]
    results = evaluate_exact(program, columns, digits=60)[0]
    for point, result, right in zip(found, results, wanted, strict=True):
        if not abs(MP.mpf(result) - right) <= MP.mpf(1e-14) * max(abs(right), MP.mpf("1e-30")):
            raise AssertionError(f"d{row.name}{point}/dx{k} = {result}, not {right}")


def _edges(row: Primitive, params: dict[str, Param], edges: list[tuple[Point, Point]]) -> None:
    """Both forms of the partials at kinks and ends, the algebraic one exactly; far out the stable one alone."""
    plain = [(point, limits) for point, limits in edges if max(map(abs, (*point, *limits))) < 1e6]
    for stable, own in ((True, edges), (False, plain)):
        for k in range(len(edges[0][0]) if own else 0):
            filled = [*own, *[own[0]] * (COUNT - len(own))]
            program = _partial_program(row, params, k, stable=stable, count=len(filled))
            columns = [np.array(column) for column in zip(*(point for point, _ in filled), strict=True)]
            results = evaluate(program, columns)[0] if stable else evaluate_exact(program, columns, digits=40)[0]
            close(results, [limits[k] for _, limits in filled], 1e-13, f"d{row.name}/dx{k}")
            for found, (point, limits) in zip(results, own, strict=False):
                if 1e-100 < abs(limits[k]) < 1e100 and abs(found - limits[k]) > 1e-13 * abs(limits[k]):
                    raise AssertionError(f"d{row.name}{point}/dx{k} = {found}, not {limits[k]}")


def _twice_at_kinks(row: Primitive, params: dict[str, Param], points: list[Point]) -> None:
    """Where the first derivative is a number, the second one is one too, whatever convention it follows."""
    for k in range(len(points[0])):
        twice = gradient(gradient(_value(row, params), (k,)), (k,))
        for point in points:
            found = float(evaluate(twice, list(point))[0])
            if math.isnan(found):
                raise AssertionError(f"the second derivative of {row.name} at {point} is {found}")


def _value(row: Primitive, params: dict[str, Param]) -> Program:
    count = len(scalar_type(row.type)[0])
    return body(row.name, (F64,) * count, lambda b, x: [b.apply(row.name, *x, **params)])


def _twice(row: Primitive, params: dict[str, Param], curvatures: list[tuple[Point, int, int, float]]) -> None:
    value = _value(row, params)
    for point, k, other, wanted in curvatures:
        twice = gradient(gradient(value, (k,)), (other,))
        found = float(evaluate(twice, list(point))[0])
        if not abs(found - wanted) <= 1e-9 * abs(wanted) + 1e-12:
            raise AssertionError(f"d2{row.name}{point}/dx{k}dx{other} = {found}, not {wanted}")


def _modes(row: Primitive, params: dict[str, Param]) -> Check:
    """Both modes on arrays, against differences of the oracle."""
    found = points_inside(row, params)
    function = _oracle(row, params)
    count = len(found[0])
    own = own_operands(row)
    active = [k in own for k in range(count)]
    z = np.random.default_rng(5).uniform(0.5, 1.5, COUNT)
    dots = np.random.default_rng(6).uniform(0.5, 1.5, (count, COUNT))[own]
    slopes = [np.array([float(_derivative(function, point, k)) for point in found]) for k in own]
    columns = [np.array(column) for column in zip(*found, strict=True)]

    def run() -> None:
        types = [ArrayType("f64", (COUNT,))] * count
        program = body(row.name, types, lambda b, x: [b.apply(row.name, *x, **params)])
        y_dot = evaluate(forward(program, active), [*columns, *dots])[1]
        scale = max(1.0, *(float(np.max(np.abs(slope))) for slope in slopes))
        close(y_dot / scale, sum(d * s for d, s in zip(dots, slopes, strict=True)) / scale, 1e-11, "tangent")
        bars = evaluate(reverse(program, active), [*columns, z])[1:]
        for bar, slope in zip(bars, slopes, strict=True):
            close(bar / scale, z * slope / scale, 1e-11, "cotangent")

    return _check(row, "both modes", run)
