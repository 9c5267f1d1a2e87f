"""Checks of Taylor mode: series of rows and of small programs, against the exact evaluator along curves.

Curves and surfaces go through loops and branches as they stand, and through their normal form; along several directions
at once, and along one-hot ones. The programs of series take no more work than now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import mpmath
import numpy as np

from ...ad.cost import flops
from ...ad.taylor import Index, JetShape, OneHot, Series, expand, jet, staircase, univariate
from ...lang.builder import Builder, body
from ...lang.ir import ArrayType, Program, as_array
from ...lang.primitives.row import Piecewise, Smooth
from ...semantics.reference import evaluate
from ..cases import CURVED, LINEAR
from .case_checks import MIXED
from .check import Check, close
from .program_case import Case
from .row_checks import elementwise_rows, own_operands
from .series_subjects import (
    Direction,
    Subject,
    along,
    at,
    coordinates,
    far_angle,
    of_function,
    of_power,
    of_program,
    of_row,
    over,
)  # fmt: skip
from .vector_programs import POINT, VECTOR, VECTOR_PROGRAMS

CURVES = 2
LONGEST = 6  # coordinates of a vector that one-hot series run over
TOLERANCE = 1e-9
# Bases and literal exponents, which have rules of their own.
POWERS = (
    *(((0.7, 1.3, -0.6), n) for n in (1.0, 2.0, 3.0, 4.0, 7.0, -1.0, -3.0, 0.0)),
    *(((0.7, 1.3), p) for p in (2.5, 0.5, -0.5, -2.5, 65.0)),
)


def series_checks(cases: Sequence[Case]) -> Iterator[Check]:
    """The checks of every row and program that has a derivative; oracles are evaluated here and now."""
    yield Check("passes", "shapes: series", frozenset(), _shapes)
    yield Check("passes", "literals that move: series", frozenset(), _moving_literal)
    yield Check("passes", "rules of users: series", frozenset(), _rule_of_its_own)
    for case in cases:
        yield from _checks("passes", of_program(case))
    for name, write in VECTOR_PROGRAMS.items():
        program = body(name, [VECTOR], lambda b, x, write=write: [write(b, x[0])])
        yield from _checks("passes", replace(at(name, program, [np.array(POINT)], (0,), 0.5), order=4))
    for row, params in elementwise_rows():
        if isinstance(row.derivative, (Smooth, Piecewise)):
            operands = own_operands(row)
            for floats in dict.fromkeys([tuple(operands), *((k,) for k in operands)]):
                if floats and (found := of_function(row, params, floats)) is not None:
                    yield from _checks("rows", found)
    yield from _checks("rows", far_angle())
    for base, exponent in POWERS:
        yield from _checks("rows", of_power(base, exponent))
    for case in (*MIXED, *LINEAR, *CURVED):
        yield from _checks("rows", of_row(case))


def _checks(area: str, subject: Subject) -> Iterator[Check]:
    order = subject.order
    curves = [[subject.direction(order * row + k) for k in range(order)] for row in range(CURVES)]
    wanted = [along(subject, curve) for curve in curves]
    tests: dict[str, Callable[[Program], Sequence[Program]]] = {
        ", curve": lambda program: _curve(subject, curves[0], wanted[0], program),
        ", directions": lambda program: _directions(subject, curves, wanted, program),
    }
    surface = [subject.direction(order * CURVES + k) for k in range(3)]
    mixed = over(subject, surface)
    tests[", mixed"] = lambda program: _mixed(subject, surface, mixed, program)
    place = next((k for k in subject.floats if subject.arguments[k].ndim == 1), None)
    if place is not None and 1 < len(subject.arguments[place]) <= LONGEST:
        sides = coordinates(subject, place)
        tests[", coordinates"] = lambda program: _one_hot(subject, place, sides, program)
    for name, test in tests.items():
        run = partial(_no_more_work, subject, test, _work(subject, test))
        yield Check(area, f"{subject.name}{name}: series", frozenset(), run)


def _work(subject: Subject, test: Callable[[Program], Sequence[Program]]) -> list[int]:
    """The operations of the programs that a test runs."""
    return [flops(made) for program in subject.programs() for made in test(program)]


def _no_more_work(subject: Subject, test: Callable[[Program], Sequence[Program]], limits: Sequence[int]) -> None:
    for found, limit in zip(_work(subject, test), limits, strict=True):
        if found > limit:
            raise AssertionError(f"{found} operations, not {limit}")


# --- what is run with a fault in -------------------------------------------------------------------------------------


def _shapes() -> None:
    """Sets of indices, lower orders first; what is summed needs directions to be summed over."""
    found = staircase([(2, 1)])
    if found != JetShape(((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1))):
        raise AssertionError(f"the staircase below (2, 1) is {found}")
    if univariate(2, collapse=True) != univariate(2) or univariate(2, 5).collapsed is not None:
        raise AssertionError("a series that is not to be summed, or has nothing to be summed over, is summed")
    if univariate(3, 5, collapse=True) != JetShape(((0,), (1,), (2,), (3,)), 5, 3):
        raise AssertionError("the highest order is not the one that is summed")


def _moving_literal() -> None:
    """An exponent that is a literal here and moves all the same: ``(1.5 + h)^(2 + h/2)``."""
    b = Builder("pow", [ArrayType("f64")])
    power = body("pow", [ArrayType("f64")] * 2, lambda b, x: [b.apply("pow", *x)])
    exponent = Series(b.constant(2.0), {(1,): b.constant(0.5)})
    (series,) = expand(b, power, [Series(0, {(1,): b.constant(1.0)}), exponent], univariate(2))
    made = b.build([series.slot((1,)), series.slot((2,))])
    wanted = mpmath.taylor(lambda h: (1.5 + h) ** (2 + h / 2), 0, 2)[1:]
    for one, other in zip(evaluate(made, [np.array(1.5)]), wanted, strict=True):
        close(one, float(other), TOLERANCE, "coefficient")


def _rule_of_its_own() -> None:
    """A rule that is the derivative of nothing decides every order: ``d y = exp(x^2) d x`` beside ``y = cosh(x)``."""
    number = ArrayType("f64")
    rule = body("rule", [number] * 2, lambda b, x: [b.apply("mul", b.apply("exp", b.apply("mul", x[0], x[0])), x[1])])
    value = replace(body("value", [number], lambda b, x: [b.apply("cosh", x[0])]), rules=(("jvp", rule),))
    called = body("called", [number], lambda b, x: b.call(value, x))
    x, slope = 0.4, np.exp(0.16)
    wanted = (np.cosh(x), slope, x * slope, (2 + 4 * x * x) * slope / 6)
    found = evaluate(jet(called, 3), [np.array(x), *map(np.array, (1.0, 0.0, 0.0))])
    for order, (one, other) in enumerate(zip(found, wanted, strict=True)):
        close(one, other, TOLERANCE, f"coefficient {order}")


def _curve(
    subject: Subject, curve: Sequence[Direction], wanted: Sequence[np.ndarray], program: Program
) -> list[Program]:
    given = [own[number] for number in range(len(subject.floats)) for own in curve]
    made = jet(program, subject.order, tuple(k in subject.floats for k in range(len(program.inputs))))
    value, *found = evaluate(made, [*subject.arguments, *given])
    close(value, evaluate(program, subject.arguments)[0], 0, "value beside a series")
    for order, (one, other) in enumerate(zip(found, wanted, strict=True), 1):
        close(one, other, TOLERANCE, f"coefficient {order}")
    return [made]


def _directions(
    subject: Subject, curves: Sequence[Sequence[Direction]], wanted: Sequence[Sequence[np.ndarray]], program: Program
) -> list[Program]:
    made = list[Program]()
    for collapse in (True, False):
        shape = univariate(subject.order, CURVES, collapse=collapse)
        given: dict[int, dict[Index, np.ndarray]] = {}
        orders = range(1, subject.order + 1)
        for number, k in enumerate(subject.floats):
            own = {order: np.stack([curve[order - 1][number] for curve in curves]) for order in orders}
            given[k] = {(order,): y if shape.mapped(order) else y.sum(0) for order, y in own.items()}
        stacks = {order: np.stack([own[order - 1] for own in wanted]) for order in orders}
        sums = {(order,): y if shape.mapped(order) else y.sum(0) for order, y in stacks.items()}
        made.append(_compare(program, shape, subject, given, sums))
    return made


def _mixed(
    subject: Subject, surface: Sequence[Direction], wanted: Mapping[Index, np.ndarray], program: Program
) -> list[Program]:
    shape = staircase([(2, 1)])
    moves = dict(zip(((1, 0), (0, 1), (1, 1)), surface, strict=True))
    given = {k: {index: own[number] for index, own in moves.items()} for number, k in enumerate(subject.floats)}
    return [_compare(program, shape, subject, given, {index: wanted[index] for index in shape.above[::-1]})]


def _compare(
    program: Program, shape: JetShape, subject: Subject, given: Mapping[int, Mapping[Index, np.ndarray]],
    wanted: Mapping[Index, np.ndarray],
) -> Program:  # fmt: skip
    """All coefficients of the result against what they should be."""
    inputs, operands, arrays = list(program.inputs), list[Series](), list[np.ndarray]()
    for k in range(len(program.inputs)):
        places = dict[Index, int]()
        for own, array in given.get(k, {}).items():
            places[own] = len(inputs)
            inputs.append(as_array(program.inputs[k]).with_shape(array.shape))
            arrays.append(array)
        operands.append(Series(k, places))
    b = Builder(program.name, inputs, program.sizes)
    (series,) = expand(b, program, operands, shape)
    return _all_close(b, series, [*subject.arguments, *arrays], wanted)


def _all_close(
    b: Builder, series: Series, arguments: Sequence[np.ndarray], wanted: Mapping[Index, np.ndarray]
) -> Program:
    there = [index for index in wanted if index in series.coefficients]
    made = b.build([series.slot(index) for index in there])
    found = dict(zip(there, evaluate(made, arguments), strict=True))
    for index, own in wanted.items():
        close(found.get(index, np.zeros(own.shape)), own, TOLERANCE, f"coefficient {index}")
    return made


def _one_hot(subject: Subject, place: int, wanted: Sequence[np.ndarray], program: Program) -> list[Program]:
    """Along all coordinates at once, each moved by a number of its own, given as arrays of one entry."""
    made = list[Program]()
    count = len(subject.arguments[place])
    weights = np.linspace(0.5, 1.5, count)
    for collapse, weighted in product((True, False), (False, True)):
        shape = univariate(2, count, collapse=collapse)
        b = Builder(program.name, [*program.inputs, ArrayType("i64", (count,)), ArrayType("f64", (count,))])
        hot = OneHot(len(program.inputs), len(program.inputs) + 1 if weighted else None)
        operands = [Series(k, {(1,): hot} if k == place else {}) for k in range(len(program.inputs))]
        (series,) = expand(b, program, operands, shape)
        scales = weights if weighted else np.ones(count)
        scaled = {order: (own.T * scales**order).T for order, own in enumerate(wanted, 1)}
        sums = {(order,): own if shape.mapped(order) else own.sum(0) for order, own in scaled.items()}
        made.append(_all_close(b, series, [*subject.arguments, np.arange(count), weights], sums))
    return made
