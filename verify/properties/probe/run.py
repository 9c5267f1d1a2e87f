"""Probing itself: a subject, example arguments and a seed enter, a report leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import associative
from .agreement import BACKENDS, BATCHING
from .associative import ASSOCIATIVITY
from .blame import Guilt, guilty
from .cost import COST, ratio
from .derivatives import CURVE, DOT_TEST, PRECISION
from .linearity import COTANGENTS, TANGENTS
from .nonfinite import FINITE
from .point import EXAMPLE, Arrays, Missing, Point, Property, Subject, Unusable, Violation, WrongShape
from .primal import PRIMAL
from .programs import ProgramSubject
from .report import Finding, Report, Witness
from .sampling import around, complete, is_symmetric, special
from .shapes import SHAPES
from .shrink import shrink

PROPERTIES: tuple[Property, ...] = (
    SHAPES,
    PRIMAL,
    CURVE,
    DOT_TEST,
    TANGENTS,
    COTANGENTS,
    FINITE,
    PRECISION,
    BATCHING,
    BACKENDS,
    ASSOCIATIVITY,
    COST,
)
NAMES = tuple(one.name for one in PROPERTIES)

_REDRAWS = 3
Repeat = Callable[[Arrays, str], str]


@dataclass
class _Tally:
    """What the points of one property said."""

    checked: int = 0
    moved: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[Any, Point, Violation]] = field(default_factory=list)
    missing: str | None = None

    def look(self, one: Property, subject: Any, point: Point) -> Unusable | None:
        """Check one point; an `Unusable` comes back, so that the caller may look elsewhere."""
        try:
            found = one.check(subject, point)
        except Missing as missing:
            self.missing = str(missing)
            return missing
        except WrongShape as wrong:
            return Unusable(str(wrong))
        except Unusable as unusable:
            return unusable
        self.checked += 1
        if found is not None:
            self.failures.append((subject, point, found))
        return None


def probe(
    subject: Subject,
    example: Arrays,
    *,
    seed: int = 0,
    samples: int = 12,
    names: Sequence[str] | None = None,
    repeat: Repeat,
    progress: Callable[[str], None] = lambda name: None,
) -> Report:
    """Look at every property (or those named) at the example and at `samples` random points around it.

    `repeat` words the line that finds a failure again, from its arguments and the name of the property; `progress`
    hears the name of each property before it is looked at. Raises Unusable when the subject has no finite value at
    the example.
    """
    random = np.random.default_rng(seed)
    points = [complete(subject, example, random, EXAMPLE)]
    for number in range(samples):
        try:
            points.append(around(subject, example, random, number))
        except Unusable:
            continue
    chosen = [one for one in PROPERTIES if names is None or one.name in names]
    findings = []
    for one in chosen:
        progress(one.name)
        try:
            tally = _tally(one, subject, points, seed, names is not None and set(names) == {one.name})
        except Missing as missing:
            tally = _Tally(missing=str(missing))
        findings.append(_finding(one, subject, tally, points[0], seed, repeat))
    return Report(subject.name, seed, samples, tuple(findings))


def _tally(one: Property, subject: Subject, points: Sequence[Point], seed: int, asked: bool) -> _Tally:
    random = np.random.default_rng([seed, NAMES.index(one.name)])
    tally = _Tally()
    for target, point in _places(one, subject, points, random, asked):
        problem = tally.look(one, target, point)
        if tally.missing is not None:
            break
        if problem is not None and problem.kink and point is not points[0]:
            problem = _elsewhere(tally, one, target, points[0].x, random)
        if problem is not None:
            tally.reasons[str(problem)] += 1
    return tally


def _places(
    one: Property, subject: Subject, points: Sequence[Point], random: np.random.Generator, asked: bool
) -> Iterator[tuple[Any, Point]]:
    """What to check where: the points, the kinks around the example, or triples for operators."""
    if one is ASSOCIATIVITY:
        for operator in associative.operators(subject, points[0].x, asked):
            for _ in range(max(8, len(points))):
                yield operator, associative.triples(operator, random, "a random triple")
    elif one.special:
        for point in special(subject, points[0].x, random):
            yield subject, point
    else:
        for point in points[: one.most]:
            yield subject, point


def _elsewhere(tally: _Tally, one: Property, subject: Subject, example: Arrays, random: Any) -> Unusable | None:
    """Move a point that is too near a kink."""
    problem: Unusable | None = None
    for number in range(_REDRAWS):
        try:
            problem = tally.look(one, subject, around(subject, example, random, number))
        except Unusable as unusable:
            problem = unusable
        if problem is None:
            tally.moved += 1
            return None
    return problem


def _finding(one: Property, subject: Subject, tally: _Tally, example: Point, seed: int, repeat: Repeat) -> Finding:
    skipped = sum(tally.reasons.values())
    failed = len(tally.failures)
    if failed and (not one.majority or 2 * failed >= tally.checked):
        witness = _witness(one, tally, example, seed, repeat)
        return Finding(
            one.name, one.holds, one.method, "refuted", tally.checked, failed, skipped, tally.moved, "", witness
        )
    if tally.checked == 0:
        why = tally.missing or (tally.reasons.most_common(1)[0][0] if tally.reasons else "nothing to look at")
        return Finding(one.name, one.holds, one.method, "unknown", 0, 0, skipped, tally.moved, why)
    detail = ratio(subject) if one is COST else ""
    return Finding(one.name, one.holds, one.method, "supported", tally.checked, 0, skipped, tally.moved, detail)


def _witness(one: Property, tally: _Tally, example: Point, seed: int, repeat: Repeat) -> Witness:
    """The worst failure, shrunk, with the step at fault."""
    target, point, violation = max(tally.failures, key=lambda failure: failure[2].size)
    target, small, found = shrink(one.check, target, point, violation)
    names = [leaf.name for leaf in target.leaves]
    shown = [
        (label, value)
        for part in found.shows
        if part != "x"
        for label, value in _named(part, getattr(small, part), names)
        if value is not None
    ]
    at_example = any(where is example for _, where, _ in tally.failures)
    notes = []
    if not at_example and not one.special and is_symmetric(example.x) and one is not ASSOCIATIVITY:
        notes.append("it holds at the given arguments, whose entries are symmetric or equal; it fails at others")
    guilt = _guilt(one, target, small)
    start = example.x if one is ASSOCIATIVITY else small.x
    return Witness(
        found.message,
        found.expected,
        found.actual,
        tuple(zip(names, small.x, strict=True)),
        tuple(shown),
        found.size,
        seed,
        repeat(start, one.name),
        start,
        guilt.what if guilt else None,
        guilt.span if guilt else None,
        guilt.rule if guilt else None,
        found.hint,
        tuple(notes),
    )


def _named(part: str, arrays: Arrays, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Directions by argument, cotangents by number of the result."""
    if part.startswith("x"):
        for name, array in zip(names, arrays, strict=True):
            yield name + part[1:], array
    else:
        for number, array in enumerate(arrays):
            yield (part if len(arrays) == 1 else f"{part}.{number}"), array


def _guilt(one: Property, target: Any, point: Point) -> Guilt | None:
    if one is ASSOCIATIVITY:
        return Guilt(target.span, "the operator of this `reduce`") if target.span is not None else None
    if not isinstance(target, ProgramSubject) or one in (BACKENDS, BATCHING, COST):
        return None
    return guilty(target, one.check, point)
