"""`pf probe FILE [ENTRY] [name=VALUE …]`: look for counter-examples to the properties of a definition's derivatives."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _programs
from .report import Report

if TYPE_CHECKING:
    from ..lang.diagnostics import Diagnostic
    from ..lang.ir import Signature
    from ..verify.properties.probe.report import Finding
    from ..verify.properties.probe.report import Report as Findings

NAMES = (
    "shapes",
    "primal",
    "curve",
    "dot",
    "tangents",
    "cotangents",
    "finite",
    "precision",
    "batching",
    "backends",
    "associativity",
    "cost",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .pf file")
    words = "a definition, then example inputs as name=VALUE (random ones when none are given)"
    parser.add_argument("words", nargs="*", metavar="ENTRY | name=VALUE", help=words)
    parser.add_argument("--data", metavar="DIR", help="folder of data files (default: PUSHFORWARD_DATA, then here)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random points (default 0)")
    parser.add_argument("--samples", type=_count, default=12, metavar="N", help="number of random points (default 12)")
    parser.add_argument(
        "--property",
        action="append",
        choices=NAMES,
        metavar="NAME",
        help=f"one of {', '.join(NAMES)} (may be repeated)",
    )
    parser.add_argument("--write", metavar="TEST.py", help="write a pytest file that repeats what fails")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("a number of points is not negative")
    return number


def run(options: argparse.Namespace, report: Report) -> int:
    from .._probe import probe_named

    _, program, words = _programs.choose(options)
    values = _programs.inputs(options, words)
    found = probe_named(
        program,
        values,
        seed=options.seed,
        samples=options.samples,
        properties=options.property,
        progress=_progress(len(options.property or NAMES)),
    )
    _clear()
    report.line(str(found))
    report.put(found.to_json())
    if options.json:
        report.diagnose(_diagnostic(finding) for finding in found.failures)
    if options.write:
        _write(options.write, options.file, found, program.signature, report)
    return 0 if found.ok else 1


def _progress(count: int) -> Callable[[str], None]:
    """Says on a terminal which property is looked at, once that has taken two seconds."""
    start, seen = time.monotonic(), [0]

    def show(name: str) -> None:
        seen[0] += 1
        if sys.stderr.isatty() and time.monotonic() - start > 2:
            print(f"\rprobing {seen[0]}/{count}: {name:<14}", end="", file=sys.stderr, flush=True)

    return show


def _clear() -> None:
    """Take the line of progress away."""
    if sys.stderr.isatty():
        print("\r" + " " * 32 + "\r", end="", file=sys.stderr, flush=True)


def _diagnostic(finding: Finding) -> Diagnostic:
    from ..lang.diagnostics import Diagnostic

    witness = finding.witness
    assert witness is not None
    message = f"{finding.property}: {witness.message}"
    expected, actual = witness.expected, witness.actual
    hint = witness.hint or f"repeat it with `{witness.reproducer}`"
    return Diagnostic("E194", message, witness.span, expected=expected, actual=actual, hint=hint)


def _write(path: str, file: str, found: Findings, signature: Signature, report: Report) -> None:
    from pathlib import Path

    from ..lang.diagnostics import fail
    from ..verify.properties.probe.pytest_file import test_file

    if found.ok:
        report.note(f"nothing failed, so `{path}` is not written")
        return
    text = test_file(found, file, Path(path), signature)
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        hint = "name a folder that exists and may be written to"
        raise fail("E180", f"cannot write `{path}`: {error.strerror or error}", hint=hint) from None
    report.note(f"wrote {path}")
