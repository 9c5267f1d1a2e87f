"""Every check on one generated program: a program enters, disagreements leave (none, if all is well).

The checks compare what the toolkit computes in different ways, and with the many-digit evaluator, whose derivatives are
differences and share no rule with the passes. A number agrees when it differs by at most the tolerance times one plus
the magnitudes that went into it; where that fails, the program may be ill-conditioned at the point, so what moves by
rounding the inputs (relative 1e-14) is measured, and a thousand times that is allowed as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...ad.forward import forward
from ...ad.reverse import reverse
from ...ad.transforms import TRANSFORMS
from ...ad.vmap import vmap
from ...lang.check_ir import check_program
from ...lang.ir import ArrayType, Program
from ...lang.module import Module, parse_module
from ...lang.passes import LIFT, SIMPLIFY, UNROLL, normalise
from ...lang.specialise import Tagged, specialise
from ...lang.text.parse_ir import parse_program
from ...lang.text.print_ir import show_program
from ...semantics.exact import Digits, ExactArithmetic
from ...semantics.interpreter import Interpreter
from ...semantics.reference import Variant, evaluate
from . import relation
from .differences import DIFFERENCES
from .generator import Generated
from .kinks import distance_to_kinks

Arrays = list[np.ndarray]
VALUE, DERIVATIVE, SECOND = 1e-10, 1e-8, 1e-6
NEAR_A_KINK = 1e-6
_DERIVATIVE_WORDS = re.compile(r"\b(grad|value_and_grad|jvp|vjp|jacobian|hessian|laplacian)\b|\w'")


@dataclass(frozen=True)
class Disagreement:
    """Two ways to one answer that do not agree: the check, what was found, and the program."""

    check: str
    detail: str
    text: str
    seed: int | None

    def __str__(self) -> str:
        return f"{self.check} (seed {self.seed}): {self.detail}\n{self.text}"


class Failure(Exception):
    """Raised inside a check with the words of the disagreement."""


@dataclass
class Case:
    """A program at a point, and what the checks share."""

    generated: Generated
    seed: int

    @cached_property
    def module(self) -> Module:
        module = parse_module(self.generated.text)
        module.require()
        return module

    @cached_property
    def full(self) -> Program:
        return self.module.program("main")

    @cached_property
    def differentiates(self) -> bool:
        """Whether the text uses derivative words."""
        return _DERIVATIVE_WORDS.search(self.generated.text) is not None

    @cached_property
    def values(self) -> list[Any]:
        """Values of the inputs of `main`, variants included, away from kinks where tries find such."""
        tries = [self.generated.values(self.seed + k) for k in range(4)]
        for values in tries:
            if distance_to_kinks(self._specialised(values, TRANSFORMS), _leaves(values)) > NEAR_A_KINK:
                return values
        return tries[0]

    @cached_property
    def near_a_kink(self) -> bool:
        return distance_to_kinks(self.first, self.xs) <= NEAR_A_KINK

    @cached_property
    def random(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def _specialised(self, values: Sequence[Any], transforms: Any) -> Program:
        known = {slot: _tags(value) for slot, value in enumerate(values) if isinstance(value, Variant)}
        return specialise(self.full, self.module.definitions, {}, transforms, known)

    @cached_property
    def first(self) -> Program:
        """The first-order program, the tags of variants known."""
        program = self._specialised(self.values, TRANSFORMS)
        check_program(program)
        return program

    @cached_property
    def meaning(self) -> Program:
        """The same with differences for derivatives: what the oracle evaluates."""
        return self._specialised(self.values, DIFFERENCES) if self.differentiates else self.first

    @cached_property
    def xs(self) -> Arrays:
        """The arrays of the first-order program."""
        return _leaves(self.values)

    @cached_property
    def ys(self) -> Arrays:
        return run(self.first, self.xs)

    @cached_property
    def curves(self) -> list[relation.Curve]:
        """Curves through the values of `main`."""
        return [relation.curve_through(value, self.random) for value in self.values]

    @cached_property
    def flat_curves(self) -> list[relation.Path | relation.Fixed]:
        return [leaf for curve in self.curves for leaf in relation.paths(curve)]

    @cached_property
    def x_dots(self) -> Arrays:
        return [curve.derivative(1) for curve in self.flat_curves if isinstance(curve, relation.Path)]

    @cached_property
    def y_bars(self) -> Arrays:
        return [self.random.uniform(-1, 1, np.shape(y)) for y in floats(self.ys)]

    @cached_property
    def pushed(self) -> Program:
        return checked(forward)(self.first)

    @cached_property
    def pulled(self) -> Program:
        return checked(reverse)(self.first)

    @cached_property
    def y_dots(self) -> Arrays:
        return run(self.pushed, [*self.xs, *self.x_dots])[len(self.ys) :]

    @cached_property
    def x_bars(self) -> Arrays:
        return run(self.pulled, [*self.xs, *self.y_bars])[len(self.ys) :]

    @cached_property
    def taylor(self) -> list[list[Any]]:
        """Derivatives 0 … `order` of the outputs along the curves, by the oracle."""
        order = 1 if self.differentiates else 2
        digits = 110 if self.differentiates else 50
        field = Digits(digits)
        interpreter = Interpreter(ExactArithmetic(field))

        def along(t: Any) -> list[Any]:
            number = np.frompyfunc(field.number, 1, 1)
            xs = [relation.at(curve, number, t) for curve in self.flat_curves]
            return floats(interpreter.run(self.meaning, xs))

        return relation.taylor_derivatives(along, order, 50, field.context)


def checked(transform: Callable[..., Program]) -> Callable[..., Program]:
    """A pass whose result the type checker of the IR looks at."""

    def run_checked(*args: Any, **named: Any) -> Program:
        program = transform(*args, **named)
        check_program(program)
        return program

    return run_checked


def run(program: Program, args: Sequence[Any]) -> Arrays:
    return [np.asarray(value) for value in evaluate(program, args)]


def floats(arrays: Sequence[Any]) -> list[Any]:
    return [array for array in arrays if np.asarray(array).dtype.kind in "fO"]


def dot(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> tuple[float, float]:
    """The inner product, and the sum of the magnitudes in it."""
    terms = [np.asarray(a * b) for a, b in zip(left, right, strict=True)]
    return float(sum(term.sum() for term in terms)), float(sum(np.abs(term).sum() for term in terms))


def _leaves(values: Sequence[Any]) -> Arrays:
    found: Arrays = []
    for value in values:
        found.extend(_leaves(value.payload) if isinstance(value, Variant) else [np.asarray(value)])
    return found


def _tags(value: Variant) -> Tagged:
    return Tagged(value.tag, tuple(_tags(item) if isinstance(item, Variant) else None for item in value.payload))


# --- agreement ---------------------------------------------------------------------------------------------------------


def agree(
    got: Sequence[Any],
    expected: Sequence[Any],
    tolerance: float,
    what: str,
    again: Callable[[], Sequence[Any]] | None = None,
    scale: float = 1.0,
) -> None:
    """Raise `Failure` unless all arrays are close; `again` computes `got` at inputs moved by rounding."""
    if len(got) != len(expected):
        raise Failure(f"{what}: {len(got)} results for {len(expected)}")
    allowed = tolerance * (scale + max((_largest(e) for e in expected), default=0.0))
    for place, (one, other) in enumerate(zip(got, expected, strict=True)):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            raise Failure(f"{what}: shapes {one.shape} and {other.shape}")
        difference = _largest(one - other) if one.dtype.kind in "fO" else float(np.any(one != other))
        if difference > allowed or difference != difference:
            moved = 0.0 if again is None else max(_largest(a - b) for a, b in zip(again(), got, strict=True))
            if not difference <= allowed + 1e3 * moved:
                raise Failure(f"{what}: result {place} is {one.tolist()}, expected {_shown(other)}; off by {difference:.3g}")


def _largest(array: Any) -> float:
    array = np.asarray(array)
    return max((float(abs(x)) for x in array.flat), default=0.0) if array.dtype.kind in "fO" else 0.0


def _shown(array: np.ndarray) -> Any:
    return np.vectorize(float, otypes=[float])(array).tolist() if array.size else []


def _rounded(xs: Sequence[np.ndarray]) -> Arrays:
    """The inputs moved by a relative 1e-14, up and down by turns."""
    return [x * (1 + 1e-14 * (-1) ** k) if x.dtype.kind == "f" else x for k, x in enumerate(xs)]


# --- the checks --------------------------------------------------------------------------------------------------------


def text_round_trip(case: Case) -> None:
    """Formatting keeps the tree and changes nothing the second time; program text reads back."""
    from ...lang.source import Source
    from ...lang.surface.format import format_source
    from ...lang.surface.parser import parse

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
        agree(after, case.ys, VALUE, one.__name__, lambda one=one: run(one(case.first), _rounded(case.xs)))


def exact_value(case: Case) -> None:
    """The reference has the value of the oracle."""
    expected = case.taylor[0]
    agree(floats(case.ys), expected, DERIVATIVE if case.differentiates else VALUE, "reference against many digits",
          lambda: floats(run(case.first, _rounded(case.xs))))  # fmt: skip


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
              lambda program=program, inputs=inputs, order=order: relation.jet_outputs(
                  case.first, run(program, _rounded(inputs)), order)[order])  # fmt: skip


def adjoint(case: Case) -> None:
    """<u, J v> = <J^T u, v>, with J v by the oracle, for reverse mode before and after normalising, with little memory."""
    expected, size = dot(case.y_bars, [_float(y) for y in case.taylor[1]])
    forward_size = dot(case.y_bars, case.y_dots)[1]
    again = lambda: [dot(run(case.pulled, [*_rounded(case.xs), *case.y_bars])[len(case.ys) :], case.x_dots)[0]]  # noqa: E731
    got, parts = dot(case.x_bars, case.x_dots)
    agree([got], [expected], DERIVATIVE, "reverse mode against many digits", again, 1 + size + parts + forward_size)


def variants_of_reverse(case: Case) -> None:
    """Reverse mode gives one answer however it is got: normalised, of the normalised program, without memory."""
    scale = 1.0 + max(map(_largest, case.x_bars), default=0.0)
    again = lambda: run(case.pulled, [*_rounded(case.xs), *case.y_bars])[len(case.ys) :]  # noqa: E731
    ways = {
        "normalised": checked(normalise)(case.pulled),
        "of the normalised program": checked(reverse)(normalise(case.first)),
        "without memory": checked(reverse)(case.first, memory=0),
    }
    for name, program in ways.items():
        results = run(program, [*case.xs, *case.y_bars])
        agree(results[len(case.ys) :], case.x_bars, VALUE, f"reverse mode {name}", again, scale)


def linearity(case: Case) -> None:
    """Tangents are linear."""
    others = [case.random.uniform(-1, 1, v.shape) for v in case.x_dots]
    mixed = [2.0 * v - 3.0 * w for v, w in zip(case.x_dots, others, strict=True)]
    one, two, both = (run(case.pushed, [*case.xs, *v])[len(case.ys) :] for v in (case.x_dots, others, mixed))
    scale = 1.0 + sum(map(_largest, [*one, *two]))
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
                  lambda own=own: run(program, _rounded(own)))  # fmt: skip


def full_stage(case: Case) -> None:
    """Forward mode on functions and variants: `core` with closures that move, and `main` with variants that move."""
    if case.differentiates:
        return
    program, curves = _entry(case)
    from ...ad.full import pushed_lookup

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
    names = [name for name, type_ in generated.inputs for _ in _slots(type_)]
    functions: list[relation.Curve] = []
    for argument in generated.arguments:
        captured = case.curves[names.index(argument.captured)]
        functions.append(relation.FunctionCurve(case.module.program(argument.name), (captured,)))
    return case.module.program("core"), [*functions, *case.curves]


def _slots(type_: Any) -> Sequence[Any]:
    from ...lang.ir import leaves

    return leaves(type_)


def _float(array: Any) -> np.ndarray:
    return np.asarray(np.vectorize(float, otypes=[float])(array)) if np.size(array) else np.zeros(np.shape(array))


def cost_bound(case: Case) -> None:
    """Reverse mode costs at most a constant times the value (the cheap gradient principle), plus the zeros it makes."""
    from ...ad.cost import flops

    simple = normalise(case.first)
    value, both = flops(simple), flops(normalise(reverse(simple)))
    size = sum(x.size for x in case.xs)
    if both > COST * value + 4 * size + 20:
        raise Failure(f"reverse mode takes {both} flops, the value {value}")


COST = 6.0


def compiled(case: Case) -> None:
    """XLA computes value and reverse mode as the reference does."""
    from ...codegen.xla.compile import compile_xla

    program = normalise(case.pulled)
    args = [*case.xs, *case.y_bars]
    expected = run(program, args)
    agree(compile_xla(program)(args), expected, VALUE, "XLA", lambda: run(program, _rounded(args)))


Check = Callable[[Case], None]
STRUCTURE: tuple[Check, ...] = (text_round_trip, stages, passes)
DERIVATIVES: tuple[Check, ...] = (
    exact_value, primals, tangents, adjoint, variants_of_reverse, linearity, batching, full_stage, cost_bound,
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
