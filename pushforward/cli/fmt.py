"""`pf fmt [--check] FILE… | -`: rewrite programs in the one layout; `-` formats standard input to standard output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .. import _wire
from ..lang.diagnostics import DiagnosticError, fail
from ..lang.source import Source
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help=".pf files, or - for standard input")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file would change")


def run(options: argparse.Namespace, report: Report) -> int:
    from . import exit_code

    changed, code = [], 0
    for name in options.files:
        try:
            source = _read(name)
            formatted = _wire.format_source(source)
        except DiagnosticError as error:
            report.diagnose(error.diagnostics)
            code = max(code, exit_code(error.diagnostics))
            continue
        if formatted != source.text:
            changed.append(name)
        _write(name, formatted, formatted != source.text, options.check, report)
    report.put({"changed": changed})
    for name in changed:
        report.note(f"{'would change' if options.check else 'formatted'} {name}")
    return max(code, 1) if options.check and changed else code


def _write(name: str, formatted: str, changed: bool, check: bool, report: Report) -> None:
    if name == "-":
        if not check and not report.as_json:
            sys.stdout.write(formatted)
        report.put({"text": formatted})
    elif changed and not check:
        try:
            Path(name).write_text(formatted, encoding="utf-8", newline="")
        except OSError as error:
            hint = "with - the text comes from standard input and goes to standard output"
            raise fail("E180", f"cannot write `{name}`: {error.strerror or error}", hint=hint) from None


def _read(name: str) -> Source:
    from ..lang.surface.limits import LARGEST, decode
    from ..lang.surface.parser import read

    return decode("<stdin>", sys.stdin.buffer.read(LARGEST + 1)) if name == "-" else read(name)
