"""Where output goes: results, diagnostics and notes enter; text on two streams or one JSON document leaves.

The document is ``{"schema": 1, "command", "exit", "diagnostics": […], "result": {…}}``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from ..lang.diagnostics import Diagnostic

SCHEMA = 1


class Report:
    """Collects what a verb says; text is printed at once, JSON when the command closes."""

    def __init__(self, command: str, as_json: bool) -> None:
        self.command = command
        self.as_json = as_json
        self.result: dict[str, Any] = {}
        self.diagnostics: list[Diagnostic] = []

    def line(self, text: str = "") -> None:
        """A line of the result, for people."""
        if not self.as_json:
            print(text)

    def put(self, values: Mapping[str, Any]) -> None:
        """Entries of the result, for programs."""
        self.result.update(values)

    def note(self, text: str) -> None:
        """Something worth knowing that is no result: to standard error."""
        if not self.as_json:
            print(text, file=sys.stderr)

    def diagnose(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Show findings on standard error; an error without advice of its own names the page that has some."""
        for found in diagnostics:
            item = found
            if item.hint is None and item.severity == "error":
                item = replace(item, hint=f"`pf explain {item.code}` says more")
            self.diagnostics.append(item)
            if not self.as_json:
                _print_diagnostic(item, sys.stderr)

    def bug(self, error: BaseException) -> None:
        """Say that we failed, in one line that a report can quote."""
        where = _last_place(error)
        text = f"internal error: {type(error).__name__}: {_first_line(error)}{where}"
        self.put({"internal_error": text})
        self.note(text)
        self.note("  This is a bug in pushforward, not in your program: run again with --debug and report both.")

    def close(self, code: int) -> None:
        """Print the JSON document, if that was asked for."""
        if self.as_json:
            import json

            document = {
                "schema": SCHEMA,
                "command": self.command,
                "exit": code,
                "diagnostics": [item.to_json() for item in self.diagnostics],
                "result": self.result,
            }
            print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        sys.stdout.flush()


def colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal that wants colours (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def _print_diagnostic(item: Diagnostic, stream: TextIO) -> None:
    from ..lang.diagnostics import render

    text = render(item)
    if not colours(stream):
        print(text + "\n", file=stream)
        return
    from rich.console import Console
    from rich.text import Text

    styled = Text(text)
    styled.highlight_regex(r"^error\[[^\]]*\]", "bold red")
    styled.highlight_regex(r"^(warning|note)\[[^\]]*\]", "bold yellow")
    styled.highlight_regex(r"(?m)^ +\| +\^+.*$", "red")
    styled.highlight_regex(r"(?m)^ *(-->|\||\d+ \|)", "blue")
    styled.highlight_regex(r"(?m)^ +(hint|expected|actual):", "bold cyan")
    Console(file=stream, soft_wrap=True, highlight=False).print(styled, end="\n\n")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:300]


def _last_place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    path = trace.tb_frame.f_code.co_filename
    return f" (at {os.path.basename(path)}:{trace.tb_lineno})"
