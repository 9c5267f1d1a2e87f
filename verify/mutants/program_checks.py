"""Checks of the passes on small programs: values, both modes, second derivatives, budgets, matrices.

Everything is compared with the exact evaluator on the full-stage program, before any pass (see `program_case`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...ad.derive import gradient, hessian, hessian_vector, jacobian
from ...ad.forward import forward
from ...ad.full import push_full, pushed_lookup
from ...ad.reverse import reverse
from ...lang.passes import LIFT, SIMPLIFY, UNROLL, normalise
from ...lang.passes.simplify import simplify
from ...semantics.reference import evaluate
from .check import Check, all_close, close
from .program_case import Case, lookup

TOLERANCE = 1e-9


def program_checks(cases: Sequence[Case]) -> Iterator[Check]:
    """The checks of every program."""
    for case in cases:
        for name, run in CHECKS.items():
            yield Check("passes", f"{case.text.entry}: {name}", frozenset(), partial(run, case))


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
        for change in (lambda p: p, normalise, UNROLL.function):
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


def _full_stage(case: Case) -> None:
    """The pushforward of the full-stage program, functions and calls included."""
    if case.text.meaning or case.text.sizes:
        return
    find = pushed_lookup(lookup(case.module))
    dots = iter(case.directions[0])
    inputs = [part for k, x in enumerate(case.arguments) for part in ((x, next(dots)) if k in case.floats else (x,))]
    y, y_dot = evaluate(push_full(case.module.program(case.text.entry)), inputs, None, find)
    close(y, case.value, 1e-11, "value of the full-stage pushforward")
    close(y_dot, case.slopes[0], TOLERANCE, "tangent of the full-stage pushforward")


CHECKS: dict[str, Callable[[Case], None]] = {
    "cotangents": _cotangents,
    "tangents": _tangents,
    "values": _values,
    "open sizes": _open_sizes,
    "second derivatives": _second_derivatives,
    "budgets": _budgets,
    "one argument active": _partly,
    "matrices": _matrices,
    "full stage": _full_stage,
}
