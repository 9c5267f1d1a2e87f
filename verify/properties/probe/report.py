"""What probing found: findings enter, text for people and JSON for programs leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ....lang.source import Span

Status = Literal["supported", "refuted", "unknown"]
SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Witness:
    """The smallest arguments found at which a property fails, and what is known about the fault.

    `arguments` are the arrays by name; `shown` holds the directions and cotangents that belong to them. `span` is the
    step at fault (programs only), `rule` the text of its custom rule, `reproducer` one line that finds it again from
    the arguments `start`.
    """

    message: str
    expected: str
    actual: str
    arguments: tuple[tuple[str, Any], ...]
    shown: tuple[tuple[str, Any], ...]
    size: float
    seed: int
    reproducer: str
    start: tuple[Any, ...]
    guilty: str | None = None
    span: Span | None = None
    rule: Span | None = None
    hint: str | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain data; numbers that JSON lacks are words."""
        return {
            "message": self.message,
            "expected": self.expected,
            "actual": self.actual,
            "arguments": {name: plain(value) for name, value in self.arguments},
            "directions": {name: plain(value) for name, value in self.shown},
            "size": plain(self.size),
            "seed": self.seed,
            "reproducer": self.reproducer,
            "guilty": self.guilty,
            "span": _place(self.span),
            "rule": _place(self.rule),
            "hint": self.hint,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class Finding:
    """One property: its grade, how often it was looked at, and the witness when it is refuted.

    `detail` says why a property is unknown, or what was measured. Points are `skipped` where nothing can be said about
    them and `moved` when they lay too near a kink.
    """

    property: str
    holds: str
    method: str
    status: Status
    checked: int = 0
    failed: int = 0
    skipped: int = 0
    moved: int = 0
    detail: str = ""
    witness: Witness | None = None

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        names = ("property", "holds", "method", "status", "checked", "failed", "skipped", "moved", "detail")
        witness = None if self.witness is None else self.witness.to_json()
        return {**{name: getattr(self, name) for name in names}, "witness": witness}


@dataclass(frozen=True, eq=False)
class Report:
    """What probing says about one function. `ok` when no property is refuted."""

    name: str
    seed: int
    samples: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no property is refuted."""
        return not self.failures

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The refuted properties."""
        return tuple(finding for finding in self.findings if finding.status == "refuted")

    def __getitem__(self, name: str) -> Finding:
        """The finding about one property, by its name."""
        for finding in self.findings:
            if finding.property == name:
                return finding
        raise KeyError(name)

    def to_json(self) -> dict[str, object]:
        """Plain data under ``{"schema": 1, …}``."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "ok": self.ok,
            "seed": self.seed,
            "samples": self.samples,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def __str__(self) -> str:
        lines = [f"probe of `{self.name}`: {self.samples} random points, seed {self.seed}"]
        for finding in sorted(self.findings, key=lambda finding: _ORDER.index(finding.status)):
            lines.append(_headline(finding))
            if finding.witness is not None:
                lines += _witness(finding.witness)
        return "\n".join(lines)

    __repr__ = __str__


_ORDER: tuple[Status, ...] = ("refuted", "supported", "unknown")


def _headline(finding: Finding) -> str:
    start = f"  {finding.status:<10} {finding.property:<14}"
    if finding.status == "unknown":
        return start + finding.detail
    count = f"{finding.failed} of {finding.checked}" if finding.failed else str(finding.checked)
    counts = ((finding.skipped, "skipped"), (finding.moved, "moved off kinks"))
    extra = [f"{number} {word}" for number, word in counts if number]
    points = f"({count} point{'s' * (finding.checked != 1)}{''.join(f', {item}' for item in extra)})"
    text = finding.witness.message if finding.witness is not None else finding.detail or finding.holds
    return f"{start}{text} {points}"


def _witness(witness: Witness) -> list[str]:
    lines = [f"{name} = {short(value)}" for name, value in (*witness.arguments, *witness.shown)]
    lines += [f"expected  {witness.expected}", f"actual    {witness.actual}"]
    if witness.guilty is not None:
        lines.append(f"guilty    {witness.guilty}" + (f" at {witness.span}" if witness.span else ""))
        span = witness.rule or witness.span
        if span is not None:
            lines += _source_line(span)
    lines += [f"note      {note}" for note in witness.notes]
    if witness.hint:
        lines.append(f"hint      {witness.hint}")
    lines.append(f"repeat    {witness.reproducer}")
    return ["      " + line for line in lines]


def _source_line(span: Span) -> list[str]:
    text = span.source.line(span.line).replace("\t", " ")
    start = span.column - 1
    width = max(1, min(span.end - span.start, len(text) - start))
    number = str(span.line)
    return [f"{number} | {text}", f"{' ' * len(number)} | {' ' * start}{'^' * width}"]


def _place(span: Span | None) -> dict[str, object] | None:
    if span is None:
        return None
    return {"file": span.source.name, "line": span.line, "column": span.column, "text": span.text}


def plain(value: Any) -> Any:
    """Numbers and arrays as JSON data."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return "nan" if np.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def literal(value: Any) -> str:
    """A number or an array as Python and the command line write it: ``1.0``, ``[0.0, 1.0]``."""
    return repr(np.asarray(value).tolist())


def short(value: Any) -> str:
    """`literal`, cut where it is long."""
    text = literal(value)
    return text if len(text) <= 400 else text[:397] + "..."
