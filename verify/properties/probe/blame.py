"""The guilty step: a program and a point at which a property fails enter, a span of the source leaves.

The fault is followed back from the result: from a slot at which the property fails, to an operand at which it fails
too, until all operands are right. Into calls, loops and branches it goes by probing their bodies on the values they ran
on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....lang import ir
from ....lang.deferred import resolved
from ....lang.diagnostics import DiagnosticError, InternalError
from ....lang.source import Span
from ....semantics.interpreter import Interpreter
from ....semantics.reference_numpy import NumpyArithmetic
from .point import Arrays, Check, Point, Unusable
from .programs import ProgramSubject, called
from .sampling import complete

_DEEPEST = 8
_MOST_BODIES = 12


@dataclass(frozen=True, slots=True)
class Guilt:
    """The step at fault and, where it carries a custom rule, the text of the rule."""

    span: Span | None
    what: str
    rule: Span | None = None


def guilty(subject: ProgramSubject, check: Check, point: Point, depth: int = 0) -> Guilt | None:
    """The first step at which the property fails although it holds for the step's operands."""
    slots = _slots(subject.base, point.x)
    if slots is None:
        return None
    made = {first + k: step for first, step in subject.base.numbered() for k in range(len(step.types))}
    bad = next((slot for slot in subject.base.outputs if _fails_at(subject, slot, check, point)), None)
    while bad in made:
        step = made[bad]
        earlier = next(
            (slot for slot in step.operands if slot in made and _fails_at(subject, slot, check, point)), None
        )
        if earlier is None:
            return _inside(step, [slots[slot] for slot in step.operands], check, depth)
        bad = earlier
    return None


def _fails_at(subject: ProgramSubject, slot: int, check: Check, point: Point) -> bool:
    type_ = subject.base.types[slot]
    if not (isinstance(type_, ir.ArrayType) and type_.is_float):
        return False
    return _fails(subject.up_to(slot), check, point)


def _fails(subject: ProgramSubject, check: Check, point: Point) -> bool:
    """Whether the property fails with the directions of the point, or with random ones."""
    random = np.random.default_rng(0)
    try:
        own = complete(subject, point.x, random, point.label)
        return check(subject, own) is not None
    except Unusable:
        return False


def _inside(step: ir.Step, operands: Sequence[Any], check: Check, depth: int) -> Guilt:
    """The step, or the step of its body that is at fault."""
    own = Guilt(step.origin, _describe(step), _rule_span(step.op))
    if isinstance(step.op, ir.Call) and step.op.program.rules or depth >= _DEEPEST:
        return own
    for body, inputs in _runs(step, operands):
        names = tuple(f"x{k}" for k in range(len(inputs)))
        subject = ProgramSubject(called(body), names)
        try:
            point = complete(subject, inputs, np.random.default_rng(0), "a body")
            if check(subject, point) is not None:
                found = guilty(subject, check, point, depth + 1)
                return found if found is not None and found.span is not None else own
        except (Unusable, InternalError):
            continue
    return own


def _runs(step: ir.Step, operands: Sequence[Any]) -> list[tuple[ir.Program, Arrays]]:
    """The bodies that the step runs, with inputs they ran on."""
    caught: list[tuple[ir.Program, Arrays]] = []
    bodies = {id(body) for body in ir.bodies(step.op)}

    def watch(program: ir.Program, inputs: Sequence[Any], outputs: list[Any]) -> None:
        if id(program) in bodies and len(caught) < _MOST_BODIES:
            caught.append((program, tuple(_first(x, t) for x, t in zip(inputs, program.inputs, strict=True))))

    if bodies:
        interpreter = Interpreter(NumpyArithmetic())
        interpreter.watch = watch
        try:
            with np.errstate(all="ignore"):
                interpreter.runner(step, [])(list(operands))
        except DiagnosticError:
            return caught
    return caught


def _first(value: Any, type_: ir.SlotType) -> Any:
    """A value as the body's type has it: loops that ran all rounds at once show the first."""
    array = np.asarray(value)
    return array[0] if isinstance(type_, ir.ArrayType) and array.ndim > type_.rank else array


def _slots(program: ir.Program, x: Arrays) -> Sequence[Any] | None:
    try:
        with np.errstate(all="ignore"):
            return Interpreter(NumpyArithmetic()).slots(program, x)
    except DiagnosticError:
        return None


def _describe(step: ir.Step) -> str:
    match step.op:
        case ir.Apply(primitive):
            return f"`{primitive}`"
        case ir.Call(program):
            kinds = " and ".join(kind for kind, _ in program.rules)
            return f"the {kinds} rule of `{program.name}`" if kinds else f"the call of `{program.name}`"
        case _:
            return f"`{type(step.op).__name__.lower()}`"


def _rule_span(op: ir.Op) -> Span | None:
    """Where the rule of a call is written: the last step of it that has a place."""
    if not isinstance(op, ir.Call):
        return None
    for _, rule in op.program.rules:
        spans = [step.origin for step in resolved(rule).steps if step.origin is not None]
        if spans:
            return spans[-1]
    return None
