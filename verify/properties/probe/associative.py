"""Assumed associativity: operators of `reduce` enter, triples on which the grouping matters leave.

``reduce(f, x)`` may group as it likes, so f(f(a, b), c) must be f(a, f(b, c)). Operators of programs are compared over
the rationals, or with 50 digits where they use other functions, so that rounding plays no part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....lang import ir
from ....lang.diagnostics import DiagnosticError
from ....lang.source import Span
from ....semantics.interpreter import Interpreter
from ....semantics.reference_numpy import NumpyArithmetic
from .point import Arrays, Leaf, Missing, Point, Property, Unusable, Violation, brief
from .programs import ProgramSubject, exactly, known_shape, walk

Combine = Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Operator:
    """A function of two values of one type; its points hold three of them, a, b and c."""

    name: str
    leaves: tuple[Leaf, ...]
    combine: Combine
    allowed: float
    span: Span | None = None

    def value(self, x: Arrays) -> Arrays:
        """f(a, b), to see that it has a value."""
        width = len(x) // 3
        return tuple(self.combine(x[:width], x[width : 2 * width]))

    def resized(self, x: Arrays) -> Operator:
        if [np.shape(value) for value in x] != [leaf.shape for leaf in self.leaves]:
            raise Unusable("the sizes are fixed")
        return self


def operators(subject: Any, x: Arrays, asked: bool) -> list[Operator]:
    """The operators under the `reduce`s of a program; when asked for, the subject itself as an operator."""
    found = _of_program(subject, x) if isinstance(subject, ProgramSubject) else []
    if found:
        return found
    half = len(subject.leaves) // 2
    kinds = [(leaf.dtype, leaf.shape) for leaf in subject.leaves]
    shapes = [np.shape(y) for y in subject.value(x)]
    if not asked or kinds[:half] != kinds[half:] or shapes != [shape for _, shape in kinds[half:]]:
        raise Missing("there is no `reduce`" if isinstance(subject, ProgramSubject) else "it was not asked for by name")
    leaves = _triple(subject.leaves[:half])
    if isinstance(subject, ProgramSubject):
        program = subject.base
        return [Operator(subject.name, leaves, lambda a, b: _exactly(program, [*a, *b]), 1e-30)]
    return [Operator(subject.name, leaves, lambda a, b: subject.value((*a, *b)), 1e-9)]


def _of_program(subject: ProgramSubject, x: Arrays) -> list[Operator]:
    steps = [
        step
        for program in walk(subject.base)
        for step in program.steps
        if isinstance(step.op, ir.Fold) and step.op.associative
    ]
    seen = _inputs_of_bodies(subject.base, x) if steps else {}
    return [found for step in steps if (found := _operator(step, seen)) is not None]


def _inputs_of_bodies(program: ir.Program, x: Arrays) -> dict[int, Sequence[Any]]:
    """The inputs that every body ran on first."""
    seen: dict[int, Sequence[Any]] = {}

    def watch(body: ir.Program, inputs: Sequence[Any], outputs: list[Any]) -> None:
        seen.setdefault(id(body), inputs)

    interpreter = Interpreter(NumpyArithmetic())
    interpreter.watch = watch
    try:
        with np.errstate(all="ignore"):
            interpreter.run(program, x)
    except DiagnosticError as error:
        raise Unusable(error.diagnostics[0].message) from None
    return seen


def _operator(step: ir.Step, seen: dict[int, Sequence[Any]]) -> Operator | None:
    """The operator of one fold; None when it captures values that no run has shown."""
    op = step.op
    assert isinstance(op, ir.Fold)
    body, width = op.body, op.arrays
    if op.captures and id(body) not in seen:
        return None
    captured = list(seen.get(id(body), ())[: op.captures])
    types = body.inputs[op.captures : op.captures + width]
    leaves = tuple(
        Leaf("", type_.dtype, known_shape(type_), False) for type_ in types if isinstance(type_, ir.ArrayType)
    )

    def combine(a: Sequence[Any], b: Sequence[Any]) -> Sequence[Any]:
        return _exactly(body, [*captured, *b, *a, np.int64(0)])

    return Operator(body.name, _triple(leaves), combine, 1e-30, step.origin)


def _triple(leaves: Sequence[Leaf]) -> tuple[Leaf, ...]:
    """The leaves of a, b and c."""
    names = [""] if len(leaves) == 1 else [f".{place}" for place in range(len(leaves))]
    return tuple(
        Leaf(letter + name, leaf.dtype, leaf.shape, False)
        for letter in "abc"
        for name, leaf in zip(names, leaves, strict=True)
    )


def _exactly(program: ir.Program, arguments: Sequence[Any]) -> Sequence[Any]:
    """Over the rationals where they suffice, else with many digits."""
    try:
        return exactly(program, arguments, None)
    except Unusable:
        return exactly(program, arguments)


def triples(operator: Operator, random: np.random.Generator, label: str) -> Point:
    """Three random values: small multiples of 1/8, so that rationals stay short."""
    x = tuple(_random(leaf, random) for leaf in operator.leaves)
    nothing = tuple(None for _ in x)
    return Point(x, nothing, (), nothing, (), label)


def _random(leaf: Leaf, random: np.random.Generator) -> Any:
    if leaf.dtype == "bool":
        return np.asarray(random.integers(0, 2, leaf.shape), bool)
    if leaf.dtype.startswith("i"):
        return np.asarray(random.integers(-5, 6, leaf.shape))
    return np.asarray(np.round(random.standard_normal(leaf.shape) * 16) / 8)


def _associative(operator: Operator, point: Point) -> Violation | None:
    width = len(point.x) // 3
    a, b, c = (point.x[k * width : (k + 1) * width] for k in range(3))
    left, right = operator.combine(operator.combine(a, b), c), operator.combine(a, operator.combine(b, c))
    worst = max((_distance(u, v) for u, v in zip(left, right, strict=True)), default=0.0)
    if worst <= operator.allowed:
        return None
    return Violation(
        "the operator is not associative",
        worst,
        f"f(f(a, b), c) = {_shown(left)}",
        f"f(a, f(b, c)) = {_shown(right)}",
        hint="write a loop: `loop`, `scan` and `sum` keep the order they state",
    )


def _distance(left: Any, right: Any) -> float:
    """The greatest difference, relative to the greatest value."""
    pairs = list(zip(np.ravel(np.asarray(left, object)), np.ravel(np.asarray(right, object)), strict=True))
    if any(type(item) is not float and hasattr(item, "imag") and item.imag for pair in pairs for item in pair):
        raise Unusable("outside the domain of the operator")
    if all(u == v or (u != u and v != v) for u, v in pairs):
        return 0.0
    scale = max(max(abs(float(u)), abs(float(v))) for u, v in pairs)
    return max(float(abs(u - v)) if u != v else 0.0 for u, v in ((_number(u), _number(v)) for u, v in pairs)) / (
        scale or 1.0
    )


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, (bool, np.bool_)) else value


def _shown(values: Sequence[Any]) -> str:
    return ", ".join(brief(np.array(np.asarray(value, object), float)) for value in values)


ASSOCIATIVITY = Property(
    "associativity", "operators of `reduce` may be grouped in any way", "random triples, exact numbers", _associative
)
