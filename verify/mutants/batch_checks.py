"""Checks of batches: a program over lanes gives what its lanes give one by one.

The lanes run alone before any fault is in: rows by the exact evaluator, programs by the reference and the sound
reverse mode (which the other checks compare with the exact evaluator).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...ad.reverse import reverse
from ...ad.vmap import vmap
from ...lang.passes import normalise
from ...semantics.reference import evaluate
from .check import Check, close
from .program_case import Case

LANES = 3
TOLERANCE = 1e-9
Arrays = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class _Lanes:
    """Arguments of the lanes; value and cotangents of each; values where only argument k differs between lanes."""

    case: Case
    arguments: list[Arrays]
    results: list[Arrays]
    alone: list[list[np.ndarray]]

    def stacked(self, k: int) -> np.ndarray:
        return np.stack([lane[k] for lane in self.arguments])


def batch_checks(cases: Sequence[Case]) -> Iterator[Check]:
    """A check per program, its lanes run here and now."""
    for case in cases:
        yield Check("passes", f"{case.text.entry}: batches", frozenset(), partial(_batches, _prepared(case)))


def _prepared(case: Case) -> _Lanes:
    first, back = case.first(), reverse(case.first())
    arguments = [_lane(case, number) for number in range(LANES)]
    results = [[np.asarray(y) for y in evaluate(back, [*lane, case.z])] for lane in arguments]
    alone = [
        [np.asarray(evaluate(first, _replaced(case.arguments, k, lane[k]))[0]) for lane in arguments]
        for k in range(len(case.arguments))
    ]
    return _Lanes(case, arguments, results, alone)


def _lane(case: Case, number: int) -> Arrays:
    """Lane 0 is the case itself; the others have other signs, orders and places."""
    if number == 0:
        return case.arguments
    scale = 1.0 - 1.5 * (number == 2)
    moved = [x * scale + 0.01 * number if x.dtype == float else x if not x.ndim else x[::-1] for x in case.arguments]
    return [np.abs(x) + 0.5 if x.dtype == float else x for x in moved] if case.text.positive else moved


def _replaced(arguments: Arrays, k: int, value: np.ndarray) -> Arrays:
    return [*arguments[:k], value, *arguments[k + 1 :]]


def _batches(lanes: _Lanes) -> None:
    """Values and cotangents over all arguments, and values over one argument with the others shared."""
    case, first = lanes.case, lanes.case.first()
    count = len(case.arguments)
    inputs = [lanes.stacked(k) for k in range(count)]
    zs = np.stack([case.z] * LANES)
    wanted = [np.stack([lane[k] for lane in lanes.results]) for k in range(len(lanes.results[0]))]
    for change in (lambda p: p, normalise):
        pulled = vmap(change(reverse(first)), (True,) * (count + 1), LANES)
        _compare(evaluate(pulled, [*inputs, zs]), wanted, "batch of cotangents")
    mapped = (True,) * count
    _compare(evaluate(reverse(vmap(first, mapped, LANES)), [*inputs, zs]), wanted, "cotangent of a batch")
    _compare(evaluate(vmap(first, mapped, LANES, final=True), inputs), wanted[:1], "batch of values")
    for k, values in enumerate(lanes.alone):
        shared = vmap(first, tuple(place == k for place in range(count)), LANES)
        found = evaluate(shared, _replaced(case.arguments, k, inputs[k]))
        _compare(found, [np.stack(values)], f"batch where argument {k} alone differs")


def _compare(found: Sequence[object], wanted: Sequence[np.ndarray], what: str) -> None:
    for one, other in zip(found, wanted, strict=True):
        close(one, other, TOLERANCE, what)
