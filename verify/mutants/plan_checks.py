"""Checks of plans for operators: what they read of a program, against differences of the exact evaluator on a grid.

Every way to plan is run, the ones that are not the cheapest too; random lanes are run where their mean is known
without chance: all coordinates, in another order. The certificates of plans go to the checker that knows no planner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import product
from math import comb, prod
from typing import Any

import mpmath
import numpy as np

from ...ad.operators.certificate import certificate
from ...ad.operators.execute import Draws, execute, partials
from ...ad.operators.jets import Law, Length, Scheme
from ...ad.operators.planner import choose, sampled
from ...ad.operators.spatial import Probes
from ...ad.transforms import TRANSFORMS
from ...lang.builder import Builder
from ...lang.differential.atoms import Atom
from ...lang.ir import ArrayType, Program, as_array
from ...lang.module import parse_module
from ...lang.passes import normalise
from ...lang.specialise import specialise
from ...semantics.exact import evaluate_exact
from ...semantics.reference import evaluate
from ..check.plans import check_plan
from .check import Check, close
from .program_case import lookup

DIGITS, STEP = 200, Fraction(1, 10**22)
TOLERANCE = 1e-9

TEXT = """
def waves(x: f64, y: f64, t: f64): f64 = sin(x * y + t) + x^3 * y^2 * t + exp(t - y) * cos(x)
def layers(x: [3]f64): f64 =
  tanh(x @ [[0.5, -1.0], [0.75, 0.25], [-0.3, 0.6]] + [0.1, -0.2]) @ [1.0, -1.5] + sin(x[0] * x[2]) * exp(x[1])
def moving(x: [3]f64, t: f64): f64 = tanh(x @ [[0.5], [0.75], [-0.3]] * t + 0.1) @ [1.2] + (x @ x)^2 * sin(t * x[1])
"""
Variables = tuple[tuple[str, Length], ...]
SPACE: Variables = (("x", 3),)


@dataclass(frozen=True)
class Field:
    """A definition of the text, its variables, where it is looked at, and atoms that are asked for together."""

    name: str
    variables: Variables
    point: tuple[Any, ...]
    atoms: tuple[tuple[Atom, ...], ...]


def _u(x: int = 0, y: int = 0, t: int = 0) -> Atom:
    return Atom("u", tuple((name, order) for name, order in (("x", x), ("y", y), ("t", t)) if order))


def _over(kind: Any, order: int = 0, t: int = 0) -> Atom:
    return Atom("u", (("t", t),) if t else (), kind, "x", order)


FIELDS = (
    Field("waves", (("x", None), ("y", None), ("t", None)), (0.7, -0.4, 0.3), (
        (_u(), _u(x=1), _u(t=1)), (_u(x=2, y=1),), (_u(y=1, t=1), _u(x=3, y=1), _u(x=2)), (_u(x=2, y=1, t=1), _u(y=3)),
    )),
    Field("layers", SPACE, ([0.3, -0.5, 0.8],), (
        (_over("gradient", 1),), (_over("laplacian", 1), _over("gradient", 1)), (_over("hessian", 2),),
        (_over("laplacian", 2),), (_over("diagonal", 2), _over("power", 3)), (_over("diagonal", 3),),
        (_over("weighted", 0), _u()),
    )),
    Field("moving", (*SPACE, ("t", None)), ([0.3, -0.5, 0.8], 0.6), (
        (_over("laplacian", 1, t=1), _u(t=2)), (_over("gradient", 1, t=1), _over("power", 2)),
        (_over("laplacian", 2, t=1),),
    )),
)  # fmt: skip
MATRIX = np.array([[1.0, 2.0, 0.5], [0.0, -3.0, 1.0], [0.25, 1.5, 0.5]])
# Sums that random lanes estimate, with the laws that fit.
ESTIMATED: tuple[tuple[Atom, tuple[Law, ...]], ...] = (
    (_over("laplacian", 1), ("sampled", "rademacher", "gaussian", "sphere")),
    (_over("weighted", 0), ("sampled", "rademacher", "gaussian", "sphere")),
    (_over("power", 3), ("sampled",)),
    (_over("laplacian", 2), ("gaussian", "sphere")),
)


def plan_checks() -> Iterator[Check]:
    """The checks of every field; oracles are evaluated here and now."""
    module = parse_module(TEXT)
    for field in FIELDS:
        full = module.program(field.name)

        def exact(point: Sequence[Any], full: Program = full) -> Any:
            return evaluate_exact(full, list(point), {}, lookup(module), digits=DIGITS)[0]

        first = normalise(specialise(full, module.definitions, {}, TRANSFORMS))
        for atoms in field.atoms:
            wanted = [_derivative(field, exact, atom) for atom in atoms]
            name = f"{field.name}, {' '.join(map(str, atoms))}: plans"
            yield Check("passes", name, frozenset(), partial(_run, field, first, atoms, wanted))
    yield Check("passes", "certificates: plans", frozenset(), _certified)


# --- oracles ---------------------------------------------------------------------------------------------------------


def _derivative(field: Field, exact: Any, atom: Atom) -> np.ndarray:
    """An atom as the sum of derivatives by single coordinates that it is."""
    scalars = dict(atom.scalars)
    base = {(name, -1): order for name, order in scalars.items()}

    def at(*axes: int) -> float:
        orders = dict(base)
        for axis in axes:
            orders[(atom.variable, axis)] = orders.get((atom.variable, axis), 0) + 1
        return _difference(field, exact, orders)

    every = range(3)
    match atom.kind:
        case "value":
            return np.array(at())
        case "gradient":
            return np.array([at(i) for i in every])
        case "diagonal":
            return np.array([at(*[i] * atom.order) for i in every])
        case "power":
            return np.array(sum(at(*[i] * atom.order) for i in every))
        case "hessian":
            return np.array([[at(i, j) for j in every] for i in every])
        case "weighted":
            return np.array(sum(MATRIX[i, j] * at(i, j) for i in every for j in every))
        case "laplacian":
            pairs = product(every, repeat=atom.order)
            return np.array(sum(at(*(axis for axis in axes for _ in range(2))) for axes in pairs))


def _difference(field: Field, exact: Any, orders: dict[tuple[str, int], int]) -> float:
    """One mixed derivative, by differences of as many orders in as many coordinates."""
    places = {name: number for number, (name, _) in enumerate(field.variables)}
    moving = [(places[name], axis, order) for (name, axis), order in orders.items()]
    total: Any = 0
    with mpmath.workdps(DIGITS):
        for steps in product(*(range(order + 1) for _, _, order in moving)):
            point: list[Any] = [
                [Fraction(value) for value in own] if isinstance(own, list) else Fraction(own) for own in field.point
            ]
            sign = prod((-1) ** (order - j) * comb(order, j) for j, (_, _, order) in zip(steps, moving, strict=True))
            for j, (place, axis, _) in zip(steps, moving, strict=True):
                if axis < 0:
                    point[place] += j * STEP
                else:
                    point[place][axis] += j * STEP
            given = [np.array(own, object) if isinstance(own, list) else np.array(own, object) for own in point]
            total = total + sign * np.asarray(exact(given), object)[()]
        scale = mpmath.mpf(STEP.denominator) ** sum(orders.values())
        return float(total * scale)


# --- what is run with a fault in -------------------------------------------------------------------------------------


def _run(field: Field, program: Program, atoms: Sequence[Atom], wanted: Sequence[np.ndarray]) -> None:
    point = [np.array(own) for own in field.point]
    places = {name: number for number, (name, _) in enumerate(field.variables)}
    weights = [MATRIX] if any(atom.kind == "weighted" for atom in atoms) else []
    active = [True] * len(point)
    found = evaluate(partials(program, list(places), active, [atom.text for atom in atoms]), [*point, *weights])
    _compare(atoms, found, wanted, "the plan taken")
    for candidate in choose(atoms, field.variables).candidates:
        if candidate.scheme is not None:
            made = normalise(execute(program, candidate.scheme, places))
            _compare(atoms, evaluate(made, [*point, *weights]), wanted, candidate.name)
    if any(atom in dict(ESTIMATED) and "sampled" in dict(ESTIMATED)[atom] for atom in atoms):
        scheme = sampled(atoms, field.variables, Probes(3, "sampled")).scheme
        _compare(atoms, evaluate(_in_order(program, scheme, places), [*point, *weights, np.array([2, 0, 1])]), wanted,
                 "all coordinates drawn")  # fmt: skip


def _in_order(program: Program, scheme: Scheme, places: dict[str, int]) -> Program:
    """The program of a plan whose lanes are one more input, behind the matrices."""
    inputs = [as_array(type_) for type_ in program.inputs]
    b = Builder(program.name, [*inputs, ArrayType("i64", (3,))])
    with_draws = b.build(b.inline(program, range(len(inputs))))
    made = execute(with_draws, scheme, places, Draws({"x": len(inputs)}))
    count = len(made.inputs) - len(inputs) - 1  # matrices, which follow the draws
    b = Builder(program.name, [*inputs, *made.inputs[len(inputs) + 1 :], ArrayType("i64", (3,))])
    order = [*range(len(inputs)), len(inputs) + count, *range(len(inputs), len(inputs) + count)]
    return normalise(b.build(b.inline(made, order)))


def _compare(atoms: Sequence[Atom], found: Sequence[Any], wanted: Sequence[np.ndarray], what: str) -> None:
    for atom, one, other in zip(atoms, found, wanted, strict=True):
        close(one, other, TOLERANCE, f"{atom} by {what}")


def _certified() -> None:
    for field in FIELDS:
        for atoms in field.atoms:
            for candidate in choose(atoms, field.variables).candidates:
                if candidate.scheme is not None:
                    _accepted(atoms, field.variables, candidate.scheme)
    for atom, laws in ESTIMATED:
        for law in laws:
            for length in (3, "n"):
                variables: Variables = (("x", length),)
                _accepted((atom,), variables, sampled((atom,), variables, Probes(2, law)).scheme)


def _accepted(atoms: Sequence[Atom], variables: Variables, scheme: Scheme) -> None:
    weights = [["u", ["C"]]] if any(atom.kind == "weighted" for atom in atoms) else []
    record = {
        "name": "op", "fields": ["u"], "parameters": [], "variables": [list(pair) for pair in variables],
        "atoms": [atom.text for atom in atoms], "body": "", "weights": weights,
    }  # fmt: skip
    verdict = check_plan(certificate(record, scheme), record)
    if not verdict:
        raise AssertionError(f"the checker refuses a plan: {verdict}")
