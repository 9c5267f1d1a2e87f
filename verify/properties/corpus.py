"""Every check on one generated program: a program enters, disagreements leave (none, if all is well).

The checks compare what the toolkit computes in different ways, and with the many-digit evaluator, whose derivatives are
differences and share no rule with the passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from ...ad.cost import count_of, flops
from ...ad.full import pushed_lookup
from ...ad.reverse import reverse
from ...ad.taylor import jet
from ...ad.vmap import vmap
from ...codegen.backends import COMPILED, compile_with
from ...lang.check_ir import check_program
from ...lang.ir import ArrayType, Program, leaves
from ...lang.passes import LIFT, SIMPLIFY, UNROLL, normalise
from ...lang.source import Source
from ...lang.surface.format import format_source
from ...lang.surface.parser import parse
from ...lang.text.parse_ir import parse_program
from ...lang.text.print_ir import show_program
from ...semantics.reference import evaluate
from . import relation
from .agreement import DERIVATIVE, SECOND, VALUE, Failure, Move, agree, largest
from .case import Case, checked, dot, floats, run
from .generator import Generated

# Flops of reverse mode for one of the value; four more per number of the inputs, and some that no program avoids.
COST, COST_PER_INPUT, COST_ANYWAY = 6.0, 4, 20
# Rows whose own reverse mode takes more than that: flops of value and derivative for one of the value.
DEAR = {
    "rem": 8, "pow": 10, "acos": 7, "atan2": 18, "tanh": 9, "asinh": 9, "acosh": 7, "cbrt": 7, "bessel_i1e": 11,
}  # fmt: skip


@dataclass(frozen=True)
class Disagreement:
    """Two ways to one answer that do not agree: the check, what was found, and the program."""

    check: str
    detail: str
    text: str
    seed: int | None

    def __str__(self) -> str:
        return f"{self.check} (seed {self.seed}): {self.detail}\n{self.text}"


def text_round_trip(case: Case) -> None:
    """Formatting keeps the tree and changes nothing the second time; program text reads back."""
    raw, text = case.generated.raw, case.generated.text
    if parse(Source("a", raw)) != parse(Source("b", text)):
        raise Failure("the formatted text has another tree")
    if format_source(Source("b", text)) != text:
        raise Failure("formatting twice changes the text")
    for program in (case.first, normalise(case.pulled)):
        if parse_program(show_program(program)) != program:
            raise Failure(f"the program text reads back differently:\n{show_program(program)}")


def stages(case: Case) -> None:
    """The full-stage program and its specialisation have one value."""
    if not case.differentiates:
        lookup = case.module.definitions.resolve
        full = [np.asarray(y) for y in evaluate(case.full, case.values, {}, lookup)]
        agree(case.ys, full, VALUE, "specialised against full stage")


def passes(case: Case) -> None:
    """Each pass keeps the value and leaves a well-typed program."""
    for one in (SIMPLIFY.function, LIFT.function, UNROLL.function, normalise):
        after = run(checked(one)(case.first), case.xs)
        agree(after, case.ys, VALUE, one.__name__, lambda move, one=one: run(one(case.first), move(case.xs)))


def exact_value(case: Case) -> None:
    """The reference has the value of the oracle."""
    expected = case.taylor[0]
    agree(floats(case.ys), expected, DERIVATIVE if case.differentiates else VALUE, "reference against many digits",
          lambda move: floats(run(case.first, move(case.xs))))  # fmt: skip


def primals(case: Case) -> None:
    """Derivative programs return the primal bit by bit."""
    for name, program, seeds in (("forward", case.pushed, case.x_dots), ("reverse", case.pulled, case.y_bars)):
        for got, expected in zip(run(program, [*case.xs, *seeds]), case.ys, strict=False):
            if not np.array_equal(got, expected):
                agree([got], [expected], 1e-13, f"primal of {name}")


def tangents(case: Case) -> None:
    """Forward mode along the curves has the derivatives of the oracle, to the order it gives."""
    for order in range(1, len(case.taylor)):
        program = relation.nested_forward(case.first, order)
        check_program(program)
        inputs = relation.jet_inputs(case.flat_curves, order)
        found = relation.jet_outputs(case.first, run(program, inputs), order)[order]
        expected = case.taylor[order] * (len(found) // max(1, len(case.taylor[order])))
        agree(found, expected, (DERIVATIVE, SECOND)[order - 1], f"derivative {order} along a curve",
              lambda move, program=program, inputs=inputs, order=order: relation.jet_outputs(
                  case.first, run(program, move(inputs)), order)[order])  # fmt: skip


def series(case: Case) -> None:
    """Taylor mode along the curves has the derivatives of the oracle, and the value bit by bit."""
    order = len(case.taylor) - 1
    program, width = checked(jet)(case.first, order), len(case.ys)
    moving = [curve.derivative(k) / factorial(k) for curve in case.flat_curves if isinstance(curve, relation.Path)
              for k in range(1, order + 1)]  # fmt: skip
    results = run(program, [*case.xs, *moving])
    for got, expected in zip(results[:width], case.ys, strict=True):
        if not np.array_equal(got, expected):
            agree([got], [expected], 1e-13, "value of the series")
    for k in range(1, order + 1):

        def derivatives(values: Sequence[np.ndarray], k: int = k) -> list[np.ndarray]:
            return [factorial(k) * y for y in values[width + k - 1 :: order]]

        def again(move: Move, pick: Callable[..., list[np.ndarray]] = derivatives) -> list[np.ndarray]:
            return pick(run(program, [*move(case.xs), *moving]))

        tolerance, what = (DERIVATIVE, SECOND)[k - 1], f"coefficient {k} of the series"
        agree(derivatives(results), case.taylor[k], tolerance, what, again)


def adjoint(case: Case) -> None:
    """<u, J v> = <J^T u, v>: J v by the oracle, J^T u by reverse mode."""
    expected, size = dot(case.y_bars, [_float(y) for y in case.taylor[1]])
    forward_size = dot(case.y_bars, case.y_dots)[1]

    def again(move: Move) -> list[float]:
        return [dot(run(case.pulled, [*move(case.xs), *case.y_bars])[len(case.ys) :], case.x_dots)[0]]

    got, parts = dot(case.x_bars, case.x_dots)
    agree([got], [expected], DERIVATIVE, "reverse mode against many digits", again, 1 + size + parts + forward_size)


def variants_of_reverse(case: Case) -> None:
    """Reverse mode gives one answer however it is got: normalised, of the normalised program, without memory."""
    scale = 1.0 + max(map(largest, case.x_bars), default=0.0)
    ways = {
        "normalised": checked(normalise)(case.pulled),
        "of the normalised program": checked(reverse)(normalise(case.first)),
        "without memory": checked(reverse)(case.first, memory=0),
    }
    for name, program in ways.items():
        results = run(program, [*case.xs, *case.y_bars])

        def again(move: Move, program: Program = program) -> list[np.ndarray]:
            return run(program, [*move(case.xs), *case.y_bars])[len(case.ys) :]

        agree(results[len(case.ys) :], case.x_bars, VALUE, f"reverse mode {name}", again, scale)


def linearity(case: Case) -> None:
    """Tangents are linear."""
    random = np.random.default_rng([case.seed, 3])
    others = [random.uniform(-1, 1, v.shape) for v in case.x_dots]
    mixed = [2.0 * v - 3.0 * w for v, w in zip(case.x_dots, others, strict=True)]
    one, two, both = (run(case.pushed, [*case.xs, *v])[len(case.ys) :] for v in (case.x_dots, others, mixed))
    scale = 1.0 + sum(map(largest, [*one, *two]))
    agree(both, [2.0 * a - 3.0 * b for a, b in zip(one, two, strict=True)], VALUE, "linearity of tangents", None, scale)


def batching(case: Case) -> None:
    """The batched program, and the batched reverse program, do what a loop over the lanes does."""
    _batched(case, case.first, case.xs, "batched value")
    _batched(case, case.pulled, [*case.xs, *case.y_bars], "batched reverse mode")


def _batched(case: Case, program: Program, xs: Sequence[np.ndarray], what: str) -> None:
    lanes = [list(xs), [x * 0.9 + 0.01 if x.dtype.kind == "f" else x for x in xs]]
    mapped = tuple(x.dtype.kind == "f" or k % 2 == 0 for k, x in enumerate(xs))
    stacked = [np.stack(pair) if flag else pair[0] for pair, flag in zip(zip(*lanes, strict=True), mapped, strict=True)]
    together = run(checked(vmap)(program, mapped, 2), stacked)
    for lane, own in enumerate(lanes):
        expected = run(program, own)
        if all(np.all(np.isfinite(y)) for y in expected):
            agree([y[lane] for y in together], expected, VALUE, f"{what}, lane {lane}",
                  lambda move, own=own: run(program, move(own)))  # fmt: skip


def full_stage(case: Case) -> None:
    """Forward mode on functions and variants: `core` with closures that move, and `main` with variants that move."""
    if case.differentiates:
        return
    program, curves = _entry(case)
    order, lookup = len(case.taylor) - 1, case.module.definitions.resolve
    inputs = relation.pushed_values(curves, order)
    for _ in range(order):
        lookup = pushed_lookup(lookup)
    pushed = relation.pushed_program(program, order)
    results = evaluate(pushed, inputs, {}, lookup)
    width = 2**order
    found = [np.asarray(results[k : k + width]) for k in range(0, len(results), width)] if _all_floats(program) else []
    for place, copies in enumerate(found):
        expected = [_float(case.taylor[m][place]) for m in ((0, 1, 1, 2) if order == 2 else (0, 1))]
        agree(list(copies), expected, SECOND, f"forward mode on the full stage, result {place}")


def _all_floats(program: Program) -> bool:
    return all(isinstance(t, ArrayType) and t.is_float for t in program.output_types)


def _entry(case: Case) -> tuple[Program, list[relation.Curve]]:
    """`core` with functions from the relation where there is one, else `main`."""
    generated = case.generated
    if not generated.arguments:
        return case.full, case.curves
    names = [name for name, type_ in generated.inputs for _ in leaves(type_)]
    functions: list[relation.Curve] = []
    for argument in generated.arguments:
        captured = case.curves[names.index(argument.captured)]
        functions.append(relation.FunctionCurve(case.module.program(argument.name), (captured,)))
    return case.module.program("core"), [*functions, *case.curves]


def _float(array: Any) -> np.ndarray:
    return np.asarray(np.vectorize(float, otypes=[float])(array)) if np.size(array) else np.zeros(np.shape(array))


def cost_bound(case: Case) -> None:
    """Reverse mode costs at most a constant times the value (the cheap gradient principle), plus the zeros it makes;
    what is dearer by itself costs what it costs alone."""
    simple = normalise(case.first)
    value, both = flops(simple), flops(normalise(reverse(simple)))
    size = sum(x.size for x in case.xs)
    alone = sum((price - COST) * count_of(simple, name) for name, price in DEAR.items())
    if both > COST * value + alone + COST_PER_INPUT * size + COST_ANYWAY:
        raise Failure(f"reverse mode takes {both} flops, the value {value}")


def compiled(case: Case) -> None:
    """Every back end that compiles computes value and reverse mode as the reference does."""
    program = normalise(case.pulled)
    args = [*case.xs, *case.y_bars]
    expected = run(program, args)
    for backend in COMPILED:
        found = compile_with(backend, program)(args)
        agree(found, expected, VALUE, backend, lambda move: run(program, move(args)))


Check = Callable[[Case], None]
STRUCTURE: tuple[Check, ...] = (text_round_trip, stages, passes)
DERIVATIVES: tuple[Check, ...] = (
    exact_value, primals, tangents, series, adjoint, variants_of_reverse, linearity, batching, full_stage, cost_bound,
)  # fmt: skip


def check_program_everywhere(generated: Generated, *, xla: bool = False, seed: int = 0) -> list[Disagreement]:
    """Every check on one program; `xla` compiles it as well.

    A disagreement is also what a pass of ours raises: no generated program may be refused.
    """
    return check_case(Case(generated, seed), xla)


def check_case(case: Case, xla: bool = False) -> list[Disagreement]:
    """Every check on a program at a point."""
    return list(_disagreements(case, xla))


def _disagreements(case: Case, xla: bool) -> Iterator[Disagreement]:
    for check in (*STRUCTURE, *DERIVATIVES, *((compiled,) if xla else ())):
        try:
            if check not in DERIVATIVES or not case.near_a_kink:
                check(case)
        except Exception as error:  # whatever goes wrong on a well-typed program is a finding
            detail = f"{type(error).__name__}: {error}"
            yield Disagreement(check.__name__, detail, case.generated.text, case.generated.seed)
            if check in STRUCTURE[:1]:
                return
