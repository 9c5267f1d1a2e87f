"""The same entry through Pushforward, compared leaf by leaf with what JAX said.

An entry and its oracle enter; a verdict leaves: right, wrong, refused (a diagnostic says that the program or its
derivative is not supported), or crashed (anything else that was raised, which counts as wrong).
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np

import pushforward as pf

from .entry import Entry
from .oracle import Leaves, Measured, directions, floats, is_float

Status = Literal["right", "wrong", "refused", "crashed"]
RUN_TIME_CODES = range(100, 170)
"""Diagnostics of a run (an index out of range, a result that is not finite, arguments that do not fit): JAX gave finite
numbers for these arguments, so they are errors of ours."""
NO_DERIVATIVE = (112, 115)
"""Two among them refuse a derivative that is not known."""


@dataclass(frozen=True)
class Verdict:
    """What became of an entry; `stage` is where it stopped, `error` the worst ratio of difference to tolerance."""

    id: str
    status: Status
    stage: str = ""
    code: str = ""
    reason: str = ""
    error: float = 0.0
    compared: str = ""
    seconds: float = 0.0
    detail: str = ""


class Differs(Exception):
    """A result that is not JAX's."""


def tangent_tree(value: Any, along: Iterator[Any]) -> Any:
    """A direction in the structure that Pushforward gives tangents: a part without floats is () or, in a container of
    the host such as a list or an object, None.
    """
    children, tree = jax.tree_util.tree_flatten(value, is_leaf=lambda inner: inner is not value)
    if len(children) == 1 and children[0] is value:
        direction = next(along)
        return direction if is_float(value) else ()
    plain = type(value) is tuple or (type(value) is dict and all(isinstance(key, str) for key in value))
    parts = [tangent_tree(child, along) for child in children]
    if not any(is_float(leaf) for leaf in jax.tree.leaves(value)):
        return () if plain else None
    if not plain:
        parts = [None if isinstance(part, tuple) and not part else part for part in parts]
    return tree.unflatten(parts)


def in_our_form(value: Any, directions: Any) -> Any:
    """Directions from the oracle (JAX's form, float0 at integers) in our form."""
    return tangent_tree(value, iter(jax.tree.leaves(directions)))


def compare(what: str, found: Sequence[Any], wanted: Leaves) -> float:
    """The worst ratio of difference to tolerance; raises `Differs` beyond 1, or when number, kind or shape differ."""
    if len(found) != len(wanted.arrays):
        raise Differs(f"{what}: {len(found)} arrays for {len(wanted.arrays)}")
    worst = 0.0
    for place, (ours, theirs, bound) in enumerate(zip(found, wanted.arrays, wanted.tolerances, strict=True)):
        here = f"{what}[{place}]" if len(found) > 1 else what
        array = np.asarray(ours)
        if array.shape != theirs.shape:
            raise Differs(f"{here}: shape {array.shape}, not {theirs.shape}")
        if hasattr(ours, "dtype") and array.dtype != theirs.dtype:
            raise Differs(f"{here}: dtype {array.dtype}, not {theirs.dtype}")
        if not is_float(theirs):
            if not np.array_equal(array, theirs):
                raise Differs(f"{here}: {brief(array)}, not {brief(theirs)}")
            continue
        ratio = np.abs(array.astype(theirs.dtype) - theirs) / bound
        worst = max(worst, float(ratio.max(initial=0.0)))
        if not (ratio <= 1).all():
            raise Differs(f"{here}: {brief(array)}, not {brief(theirs)}; {ratio.max():.2g} times the tolerance")
    return worst


def brief(array: Any) -> str:
    """An array on one line, shortened."""
    text = np.array2string(np.asarray(array), precision=12, separator=" ", threshold=12).replace("\n", " ")
    return text if len(text) <= 120 else text[:117] + "…"


def judge(entry: Entry, oracle: Measured) -> Verdict:
    """Trace, run and differentiate the entry; the first thing that is not right decides."""
    stages: list[str] = ["trace"]
    start = time.perf_counter()
    try:
        error = run(entry, oracle, stages)
        return Verdict(
            entry.id, "right", error=error, compared=oracle.has, seconds=round(time.perf_counter() - start, 3)
        )
    except Exception as problem:  # whatever is raised is a finding about this entry and must not hide the others
        return classified(entry, problem, stages[-1], time.perf_counter() - start)


def classified(entry: Entry, problem: Exception, stage: str, seconds: float) -> Verdict:
    """The verdict on an entry that raised."""
    status: Status = "crashed"
    code, reason = type(problem).__name__, (str(problem).strip().splitlines() or [""])[0]
    detail = "".join(traceback.format_exception(problem)[-12:])
    if isinstance(problem, Differs):
        status, code = "wrong", "differs"
    elif isinstance(problem, pf.DiagnosticError):
        code, reason = problem.diagnostics[0].code, problem.diagnostics[0].message
        at_run_time = stage != "trace" and int(code[1:]) in RUN_TIME_CODES and int(code[1:]) not in NO_DERIVATIVE
        status = "wrong" if at_run_time else "refused"
    return Verdict(entry.id, status, stage, code, reason[:300], seconds=round(seconds, 3), detail=detail[-4000:])


def run(entry: Entry, oracle: Measured, stages: list[str]) -> float:
    """Compare value, jvp and vjp as far as JAX has them; the worst ratio of difference to tolerance."""
    arguments = entry.arguments
    tangents, cotangents = directions(entry)
    program = pf.trace(entry.function, *arguments)
    stages.append("value")
    value = program(*arguments)
    worst = compare("value", jax.tree.leaves(value), oracle.value)
    if not isinstance(oracle.jvp, str):
        stages.append("jvp")
        ours = tuple(in_our_form(one, along) for one, along in zip(arguments, tangents, strict=True))
        pushed = pf.jvp(program, arguments, ours)
        worst = max(worst, compare("jvp", floats(pushed[1]), oracle.jvp))
    if not isinstance(oracle.vjp, str):
        stages.append("vjp")
        shapes = jax.eval_shape(entry.function, *arguments)
        again, pullback = pf.vjp(program, *arguments)
        worst = max(worst, compare("vjp value", jax.tree.leaves(again), oracle.value))
        pulled = pullback(in_our_form(shapes, cotangents))
        worst = max(worst, compare("vjp", floats(pulled), oracle.vjp))
    return worst
