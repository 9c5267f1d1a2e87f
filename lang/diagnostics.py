"""Diagnostics are data: what happened, where, what was expected, and one thing to do about it.

Three kinds of trouble read differently. A `user` diagnostic says the program or its input is wrong; a `limit`
diagnostic says the program is fine but this version cannot do it; an `InternalError` is our own bug. Every code has a
row in the error index (`lang.errors_index`), so a diagnostic names its code and fills in only what is particular to it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .source import Span

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that helps to understand the first."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `expected`/`actual` are short texts (types, shapes) printed under each other."""

    code: str
    message: str
    span: Span | None = None
    labels: tuple[Label, ...] = ()
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        return render(self)

    def to_json(self) -> dict[str, object]:
        """A JSON-ready record; positions are 1-based lines and columns."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "span": _span_json(self.span),
            "labels": [{"span": _span_json(label.span), "text": label.text} for label in self.labels],
            "expected": self.expected,
            "actual": self.actual,
            "hint": self.hint,
        }


class DiagnosticError(Exception):
    """Carries one or more diagnostics to whoever shows them."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        items = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        super().__init__("\n\n".join(render(item) for item in items))
        self.diagnostics = items


class InternalError(Exception):
    """A bug of ours: an invariant between passes does not hold."""


def fail(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    labels: tuple[Label, ...] = (),
    expected: str | None = None,
    actual: str | None = None,
    hint: str | None = None,
) -> DiagnosticError:
    """A `DiagnosticError` with one diagnostic, to be raised by the caller."""
    return DiagnosticError(Diagnostic(code, message, span, labels, expected, actual, hint))


def suggest(name: str, known: Iterable[str]) -> str | None:
    """A hint naming the known word nearest to a misspelt one, if any is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else None


def render(diagnostic: Diagnostic) -> str:
    """Text with the source line and carets, as a terminal without colours shows it."""
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    if diagnostic.span is not None:
        lines += _excerpt(diagnostic.span, "")
    for label in diagnostic.labels:
        lines += _excerpt(label.span, label.text)
    if diagnostic.expected is not None:
        lines.append(f"  expected: {diagnostic.expected}")
    if diagnostic.actual is not None:
        lines.append(f"    actual: {diagnostic.actual}")
    if diagnostic.hint is not None:
        lines.append(f"  hint: {diagnostic.hint}")
    return "\n".join(lines)


def _excerpt(span: Span, note: str) -> list[str]:
    text = span.source.line(span.line).replace("\t", " ")
    start = span.column - 1
    width = max(1, min(span.end - span.start, len(text) - start))
    shown, start = _window(text, start)
    margin = " " * len(str(span.line))
    caret = " " * start + "^" * min(width, max(1, len(shown) - start))
    return [
        f"{margin}--> {span}",
        f"{margin} |",
        f"{span.line} | {shown}",
        f"{margin} | {caret}{' ' + note if note else ''}",
    ]


def _window(text: str, start: int, width: int = 120) -> tuple[str, int]:
    """Cut a very long line around the place that matters."""
    if len(text) <= width:
        return text, start
    left = max(0, start - width // 2)
    return text[left : left + width], start - left


def _span_json(span: Span | None) -> dict[str, object] | None:
    if span is None:
        return None
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": end_line,
        "end_column": end_column,
    }
