"""Checks of the passes on small programs: values, both modes, second derivatives, batches, budgets, sharing.

The oracle is the exact evaluator on the full-stage program, before any pass: values, differences and second
differences at 60 digits, computed once before any fault is in. Flops are held to those of the sound passes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...ad.cost import flops, ir_size
from ...ad.derive import gradient, hessian, hessian_vector, jacobian, value_and_gradient
from ...ad.forward import forward
from ...ad.full import push_full, pushed_lookup
from ...ad.reverse import reverse
from ...ad.transforms import TRANSFORMS
from ...ad.vmap import vmap
from ...lang.builder import Builder, body
from ...lang.ir import ArrayType, Branch, Function, Program
from ...lang.module import Module, parse_module
from ...lang.passes import LIFT, SIMPLIFY, UNROLL, normalise
from ...lang.passes.simplify import simplify
from ...lang.specialise import specialise
from ...lang.substitute import substitute_sizes
from ...semantics.exact import evaluate_exact
from ...semantics.reference import evaluate
from .check import Check, all_close, close
from .program_texts import TEXTS, Text

STEP = Fraction(1, 10**16)
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Case:
    """A text with everything that was computed before any fault was in.

    `slopes[d]` is the derivative of the result along direction d, `bars` that of ``<z, result>`` by every element of
    every float argument, `twice` the second derivative along directions 0 and 1.
    """

    text: Text
    module: Module
    arguments: list[np.ndarray]
    floats: tuple[int, ...]
    directions: tuple[list[np.ndarray], list[np.ndarray]]
    z: np.ndarray
    value: np.ndarray
    slopes: tuple[np.ndarray, np.ndarray]
    bars: list[np.ndarray]
    twice: np.ndarray
    work: Mapping[str, int]

    def open(self) -> Program:
        """The first-order program with its sizes open."""
        return specialise(self.module.program(self.text.entry), self.module.definitions, {}, TRANSFORMS)

    def first(self) -> Program:
        """The first-order program, specialised with open sizes and then given them (so that loops stay loops)."""
        return substitute_sizes(self.open(), self.text.sizes)

    def scalar(self) -> Program:
        """``<z, result>`` as a program."""
        first = self.first()
        b = Builder(first.name, first.inputs, first.sizes)
        (y,) = b.inline(first, range(len(first.inputs)))
        weights = b.constant(self.z.tolist(), "f64", self.z.shape)
        total = b.apply("mul", y, weights)
        axes = tuple(range(self.z.ndim))
        return b.build([b.apply("reduce_sum", total, axes=axes) if axes else total])


def program_checks() -> Iterator[Check]:
    """The checks of every text."""
    for text in TEXTS:
        case = prepare(text)
        for name, run in CHECKS.items():
            yield Check("passes", f"{text.entry}: {name}", frozenset(), partial(run, case))
    yield Check("passes", "integer result: tangents", frozenset(), _integer_results)
    yield Check("passes", "known selector: cotangents", frozenset(), _known_selectors)
    yield Check("passes", "one place: cotangents", frozenset(), _one_place_twice)


# --- oracles ---------------------------------------------------------------------------------------------------------


def prepare(text: Text) -> Case:
    """Evaluate the oracles of a text."""
    module = parse_module(text.text)
    meaning = parse_module(text.meaning) if text.meaning else module
    arguments = [np.asarray(value) for value in text.arguments]
    floats = tuple(k for k, x in enumerate(arguments) if x.dtype == float)
    random = np.random.default_rng(len(text.text))
    one, two = ([random.uniform(-1, 1, arguments[k].shape) for k in floats] for _ in range(2))
    evaluator = partial(_exact, meaning, text, arguments, floats)
    value = evaluator([])
    z = random.uniform(0.5, 1.5, value.shape)
    case = Case(
        text, module, arguments, floats, (one, two), z, value.astype(float),
        (_slope(evaluator, one), _slope(evaluator, two)), _bars(evaluator, arguments, floats, z),
        _second(evaluator, one, two), {},
    )  # fmt: skip
    return replace(case, work=_work(case))


def _exact(
    module: Module, text: Text, arguments: list[np.ndarray], floats: tuple[int, ...],
    moves: Sequence[tuple[Fraction, list[np.ndarray]]],
) -> np.ndarray:  # fmt: skip
    """The result at 60 digits, the float arguments moved by multiples of directions."""
    exact: list[Any] = [_fractions(x) if k in floats else x for k, x in enumerate(arguments)]
    for scale, direction in moves:
        for k, step in zip(floats, direction, strict=True):
            exact[k] = exact[k] + scale * _fractions(step)
    program = module.program(text.entry)
    return np.asarray(evaluate_exact(program, exact, text.sizes, _lookup(module), digits=60)[0], object)


def _lookup(module: Module) -> Callable[[Function], Program]:
    return lambda function: module.definitions.program(function.module, function.name, function.types)


def _fractions(x: np.ndarray) -> np.ndarray:
    return np.array([Fraction(float(value)) for value in x.flat], object).reshape(x.shape)


def _slope(evaluator: Callable[..., np.ndarray], direction: list[np.ndarray]) -> np.ndarray:
    sides = evaluator([(STEP, direction)]) - evaluator([(-STEP, direction)])
    return np.asarray(sides / (2 * float(STEP))).astype(float)


def _bars(
    evaluator: Callable[..., np.ndarray], arguments: list[np.ndarray], floats: tuple[int, ...], z: np.ndarray
) -> list[np.ndarray]:
    bars = [np.zeros(arguments[k].shape) for k in floats]
    for position, bar in enumerate(bars):
        for place in np.ndindex(bar.shape):
            unit = [np.zeros_like(b) for b in bars]
            unit[position][place] = 1.0
            bar[place] = float(np.sum(z * _slope(evaluator, unit)))
    return bars


def _second(evaluator: Callable[..., np.ndarray], one: list[np.ndarray], two: list[np.ndarray]) -> np.ndarray:
    total: Any = 0
    for a, b in itertools.product((1, -1), repeat=2):
        total = total + a * b * evaluator([(a * STEP, one), (b * STEP, two)])
    return np.asarray(total / (4 * float(STEP * STEP))).astype(float)


# --- what is run with a fault in -------------------------------------------------------------------------------------


def _dot(left: Sequence[Any], right: Sequence[Any]) -> float:
    return float(sum(np.sum(a * b) for a, b in zip(left, right, strict=True)))


def _values(case: Case) -> None:
    first = case.first()
    for function in (lambda p: p, SIMPLIFY.function, LIFT.function, UNROLL.function, normalise):
        close(evaluate(function(first), case.arguments)[0], case.value, 1e-11, "value")
    again = replace(simplify(first), name="again")
    if simplify(again) != again:
        raise AssertionError("simplify is not idempotent")


def _tangents(case: Case) -> None:
    for program in (case.first(), normalise(case.first()), UNROLL.function(case.first())):
        for direction, slope in zip(case.directions, case.slopes, strict=True):
            y, y_dot = evaluate(forward(program), [*case.arguments, *direction])
            close(y, case.value, 1e-11, "value of the pushforward")
            close(y_dot, slope, TOLERANCE, "tangent")


def _cotangents(case: Case) -> None:
    for program in (case.first(), normalise(case.first()), UNROLL.function(case.first())):
        for change in (lambda p: p, normalise):
            y, *bars = evaluate(change(reverse(program)), [*case.arguments, case.z])
            close(y, case.value, 1e-11, "value of the reverse mode")
            all_close(bars, case.bars, TOLERANCE, "cotangent")
    found = evaluate(gradient(case.scalar(), case.floats), case.arguments)
    all_close(found, case.bars, TOLERANCE, "gradient")


def _open_sizes(case: Case) -> None:
    """Derivatives taken before sizes are known."""
    if case.text.sizes:
        bars = evaluate(normalise(reverse(case.open())), [*case.arguments, case.z])[1:]
        all_close(bars, case.bars, TOLERANCE, "cotangent at open sizes")
        y_dot = evaluate(normalise(forward(case.open())), [*case.arguments, *case.directions[0]])[1]
        close(y_dot, case.slopes[0], TOLERANCE, "tangent at open sizes")


def _budgets(case: Case) -> None:
    for memory in (0, 60, 200):
        y, *bars = evaluate(reverse(case.first(), memory=memory), [*case.arguments, case.z])
        close(y, case.value, 1e-11, "value under a budget")
        all_close(bars, case.bars, TOLERANCE, f"cotangent with {memory} bytes")
    one, two = case.directions
    back = reverse(gradient(case.scalar(), case.floats), memory=0)
    bars = evaluate(back, [*case.arguments, *one])[len(case.floats) :]
    close(_dot(bars, two), np.sum(case.z * case.twice), 1e-8, "second derivative under a budget")


def _partly(case: Case) -> None:
    """Each argument alone is active."""
    for position, k in enumerate(case.floats):
        active = [place == k for place in range(len(case.arguments))]
        (bar,) = evaluate(reverse(case.first(), active), [*case.arguments, case.z])[1:]
        close(bar, case.bars[position], TOLERANCE, f"cotangent of argument {k} alone")
        y_dot = evaluate(forward(case.first(), active), [*case.arguments, case.directions[0][position]])[1]
        close(np.sum(case.z * y_dot), _dot([case.directions[0][position]], [case.bars[position]]), TOLERANCE, "tangent")


def _second_derivatives(case: Case) -> None:
    one, two = case.directions
    wanted = float(np.sum(case.z * case.twice))
    found = evaluate(hessian_vector(case.scalar(), case.floats), [*case.arguments, *one])
    close(_dot(found, two), wanted, 1e-8, "forward over reverse")
    both = forward(forward(case.first()))
    floats = [x for k, x in enumerate(case.arguments) if k in case.floats]
    zeros = [np.zeros_like(x) for x in floats]
    result = evaluate(both, [*case.arguments, *one, *two, *zeros])
    close(result[3], case.twice, 1e-8, "forward over forward")
    back = reverse(gradient(case.scalar(), case.floats))
    bars = evaluate(back, [*case.arguments, *one])[len(case.floats) :]
    close(_dot(bars, two), wanted, 1e-8, "reverse over reverse")


def _matrices(case: Case) -> None:
    """Jacobians and Hessians by columns and by rows."""
    k, count = case.floats[0], case.bars[0].ndim
    for mode in ("forward", "reverse"):
        rows = evaluate(jacobian(case.first(), k, mode=mode), case.arguments)[0]
        found = np.tensordot(case.z, rows, axes=case.z.ndim) if case.z.ndim else case.z * rows
        close(found, case.bars[0], TOLERANCE, f"Jacobian by {mode} mode")
    if len(case.floats) == 1:
        matrix = evaluate(hessian(case.scalar(), k), case.arguments)[0]
        one, two = (direction[0] for direction in case.directions)
        found = np.tensordot(np.tensordot(two, matrix, count), one, count) if count else two * matrix * one
        close(found, np.sum(case.z * case.twice), 1e-8, "Hessian")


def _integer_results() -> None:
    """Integers among inputs and results have neither tangents nor cotangents."""
    types = [ArrayType("f64"), ArrayType("i64")]
    program = body(
        "mixed", types, lambda b, x: [b.apply("convert", x[0], dtype="i64"), b.apply("mul", x[0], x[0]), x[1]]
    )
    all_close(evaluate(forward(program), [1.5, 3, 2.0]), [1, 2.25, 3, 6.0], 0, "tangent")
    all_close(evaluate(reverse(program), [1.5, 3, 2.0]), [1, 2.25, 3, 6.0], 0, "cotangent")


def _known_selectors() -> None:
    """A branch whose selector turns out to be a literal takes that arm."""
    number = ArrayType("f64")
    arms = tuple(
        body(name, [number], lambda b, x, name=name: [b.apply(name, x[0])]) for name in ("sin", "exp")
    )
    for flag, wanted in ((False, np.cos(0.5)), (True, np.exp(0.5))):
        b = Builder("known", [number])
        (y,) = b.emit(Branch(arms), (b.constant(flag, "bool"), 0), [number])
        close(evaluate(reverse(b.build([y])), [0.5, 1.0])[1], wanted, 1e-14, "cotangent of a known branch")


def _one_place_twice() -> None:
    """Two reads of one literal place that are different steps add up."""
    b = Builder("twice", [ArrayType("f64", (3,))])
    place = b.constant(1, "i64")
    reads = [b.apply("gather", 0, place, proved=proved) for proved in (True, False)]
    program = b.build([b.apply("mul", *reads)])
    close(evaluate(reverse(program), [np.array([1.0, 2.0, 3.0]), 1.0])[1], [0.0, 4.0, 0.0], 0, "one place twice")


def _batches(case: Case) -> None:
    """Values and cotangents over three lanes are those of the lanes; also with one argument shared."""
    lanes = 3
    wanted = [_lane(case, number) for number in range(lanes)]
    inputs = [np.stack([lane[0][k] for lane in wanted]) for k in range(len(case.arguments))]
    zs = np.stack([case.z] * lanes)
    for change in (lambda p: p, normalise):
        pulled = vmap(change(reverse(case.first())), (True,) * (len(inputs) + 1), lanes)
        found = evaluate(pulled, [*inputs, zs])
        for k, result in enumerate(found):
            close(result, np.stack([lane[1][k] for lane in wanted]), TOLERANCE, "batch of cotangents")
    mapped = vmap(case.first(), (True,) * len(inputs), lanes)
    found = evaluate(reverse(mapped), [*inputs, zs])
    for k, result in enumerate(found):
        close(result, np.stack([lane[1][k] for lane in wanted]), TOLERANCE, "cotangent of a batch")
    shared = vmap(case.first(), (True, *(False for _ in inputs[1:])), lanes)
    values = evaluate(shared, [inputs[0], *case.arguments[1:]])[0]
    for number in range(lanes):
        one = evaluate(case.first(), [inputs[0][number], *case.arguments[1:]])[0]
        close(values[number], one, 1e-11, "batch with shared arguments")


def _lane(case: Case, number: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Arguments of one lane and, run alone, its value and cotangents (lane 0 is compared with the oracle elsewhere)."""
    if number == 0:
        return case.arguments, [case.value, *case.bars]
    scale = 1.0 - 1.5 * (number == 2)
    moved = [x * scale + 0.01 * number if x.dtype == float else x if not x.ndim else x[::-1] for x in case.arguments]
    if case.text.entry == "until":
        moved = [np.abs(x) + 0.5 for x in moved]
    return moved, evaluate(reverse(case.first()), [*moved, case.z])


def _full_stage(case: Case) -> None:
    """The pushforward of the full-stage program, functions and calls included."""
    if case.text.meaning or case.text.sizes:
        return
    lookup = pushed_lookup(_lookup(case.module))
    dots = iter(case.directions[0])
    inputs = [part for k, x in enumerate(case.arguments) for part in ((x, next(dots)) if k in case.floats else (x,))]
    y, y_dot = evaluate(push_full(case.module.program(case.text.entry)), inputs, None, lookup)
    close(y, case.value, 1e-11, "value of the full-stage pushforward")
    close(y_dot, case.slopes[0], TOLERANCE, "tangent of the full-stage pushforward")


def _work(case: Case) -> dict[str, int]:
    """Flops and sizes of what the passes make."""
    first = case.first()
    made = {
        "value": normalise(first),
        "unrolled": normalise(UNROLL.function(first)),
        "gradient": value_and_gradient(case.scalar(), case.floats),
        "tangent": normalise(forward(first)),
    }
    work = {f"flops of the {name}": flops(program) for name, program in made.items()}
    return work | {f"size of the {name}": ir_size(program) for name, program in made.items()}


def _no_more_work(case: Case) -> None:
    for name, amount in _work(case).items():
        if amount > case.work[name]:
            raise AssertionError(f"{name}: {amount}, not {case.work[name]}")


CHECKS: dict[str, Callable[[Case], None]] = {
    "cotangents": _cotangents,
    "tangents": _tangents,
    "values": _values,
    "open sizes": _open_sizes,
    "second derivatives": _second_derivatives,
    "budgets": _budgets,
    "one argument active": _partly,
    "batches": _batches,
    "matrices": _matrices,
    "full stage": _full_stage,
    "no more work": _no_more_work,
}


