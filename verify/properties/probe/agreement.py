"""One program, several evaluators: batches equal loops, and back ends equal the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....codegen.backends import COMPILED, compile_with
from ....lang.diagnostics import DiagnosticError
from ....lang.ir import Program
from .point import Arrays, Missing, Point, Property, Subject, Unusable, Violation, WrongShape, brief, combined, finite
from .programs import ProgramSubject, called

ALLOWED, LOW = 1e-9, 1e-3
NO_FORM = frozenset({"E145", "E146"})  # what a back end says of programs that it has no form for


def _batching(subject: Subject, point: Point) -> Violation | None:
    rows = [_moved(point, factor) for factor in (0.0, 0.125, -0.125)]
    parts: list[tuple[str, Any, list[Arrays]]] = [("values", subject, rows)]
    if isinstance(subject, ProgramSubject):
        parts += _derivatives(subject, point, rows)
    for what, inner, arguments in parts:
        loop = [inner.value(row) for row in arguments]
        if not all(finite(row) for row in loop):
            raise Unusable("the value is not finite in every lane")
        try:
            together = inner.lanes(arguments)
        except WrongShape as wrong:
            return Violation(
                "the batched form fails", 1.0, "one result per lane", wrong.actual, "batch", ("x", "x_dot")
            )
        wrong_lane = _compare(loop, together, LOW if subject.low_precision else ALLOWED, what)
        if wrong_lane is not None:
            return wrong_lane
    return None


def _moved(point: Point, factor: float) -> Arrays:
    return tuple(
        value if v is None else combined(1.0, (value,), factor, (v,))[0]
        for value, v in zip(point.x, point.x_dot, strict=True)
    )


def _derivatives(subject: ProgramSubject, point: Point, rows: Sequence[Arrays]) -> list[tuple[str, Any, list[Arrays]]]:
    """The gradient, as a program of its own."""
    try:
        pulled = subject.pulled
    except Missing:
        return []
    bars = [u for u in point.y_bar if u is not None]
    names = tuple(f"x{k}" for k in range(len(pulled.inputs)))
    return [("cotangents", ProgramSubject(called(pulled), names), [(*row, *bars) for row in rows])]


def _compare(loop: Sequence[Arrays], together: Arrays, allowed: float, what: str) -> Violation | None:
    for number, found in enumerate(together):
        wanted = np.stack([np.asarray(row[number]) for row in loop])
        found = np.asarray(found)
        if found.shape != wanted.shape:
            text = f"the batched {what} have another shape"
            return Violation(text, 1.0, str(list(wanted.shape)), str(list(found.shape)), "batch", ("x", "x_dot"))
        size = _distance(found, wanted)
        if size > allowed:
            text = f"the batched {what} are not those of the lanes one by one"
            return Violation(
                text,
                size,
                f"loop: {brief(wanted)}",
                f"batch: {brief(found)}",
                "batch",
                ("x", "x_dot"),
                "lanes are x, x + x_dot/8 and x - x_dot/8; each result may depend on its own lane only",
            )
    return None


def _distance(found: Any, wanted: Any) -> float:
    """The greatest difference relative to the greatest value; equal nans and infinities do not differ."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    different = ~((found == wanted) | (np.isnan(found) & np.isnan(wanted)))
    if not np.any(different):
        return 0.0
    with np.errstate(invalid="ignore"):
        off = float(np.max(np.abs(found - wanted)[different]))
    scale = float(np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0.0)) + 1e-3
    return off / scale if np.isfinite(off) else float("inf")


def _backends(subject: Subject, point: Point) -> Violation | None:
    if not isinstance(subject, ProgramSubject):
        raise Missing("a Python function has one evaluator")
    x_dot, y_bar = [v for v in point.x_dot if v is not None], [u for u in point.y_bar if u is not None]
    runs: list[tuple[str, Any, list[Any]]] = [("the value", lambda: subject.base, [*point.x])]
    runs.append(("forward mode", lambda: subject.pushed, [*point.x, *x_dot]))
    runs.append(("reverse mode", lambda: subject.pulled, [*point.x, *y_bar]))
    for what, program, arguments in runs:
        try:
            derived = program()
        except Missing:
            continue
        names = tuple(f"x{k}" for k in range(len(derived.inputs)))
        wanted = ProgramSubject(derived, names).value(tuple(arguments))
        for backend in COMPILED:
            violation = _compared(subject, derived, backend, what, arguments, wanted)
            if violation is not None:
                return violation
    return None


def _compared(
    subject: ProgramSubject, program: Program, backend: str, what: str, arguments: list[Any], wanted: Sequence[Any]
) -> Violation | None:
    """What one back end gives, against what the reference gives; a program that it lacks a form for is not its own."""
    try:
        run = compile_with(backend, program)
    except DiagnosticError as error:
        if error.diagnostics[0].code in NO_FORM:
            return None
        raise
    for number, found in enumerate(run(arguments)):
        size = _distance(found, wanted[number])
        if size > (LOW if subject.low_precision else ALLOWED):
            text = f"the compiled program differs from the reference in {what}"
            expected = f"reference: {brief(wanted[number])}"
            return Violation(text, size, expected, f"{backend}: {brief(np.asarray(found))}", backend, ("x",))
    return None


BATCHING = Property("batching", "a batch gives what a loop over its lanes gives", "three lanes", _batching, most=6)
BACKENDS = Property(
    "backends", "compiled programs give what the reference gives", "xla, llvm and reference", _backends, most=3
)
