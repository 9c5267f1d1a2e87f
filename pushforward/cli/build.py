"""`pf build FILE [ENTRY] [n=100 …] --out DIR`: write a library for C with a definition and its derivatives."""

from __future__ import annotations

import argparse

from . import _programs
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    _programs.add_program(parser, inputs=False)
    parser.add_argument(
        "--out", default=".", metavar="DIR", help="folder for the files, made if missing (default: here)"
    )
    parser.add_argument("--name", help="name of the library, with which its functions begin (default: ENTRY)")
    parser.add_argument(
        "--emit", default="so,h", metavar="KINDS", help="files to write, of so, h, o, ll, stablehlo (default: so,h)"
    )
    parser.add_argument(
        "--derivative",
        metavar="KINDS",
        help="functions, of value, gradient, jacobian (default: value, and what fits the result)",
    )
    parser.add_argument("--wrt", metavar="NAMES", help="inputs to differentiate by, as x or x,y (default: every float)")
    parser.add_argument(
        "--cpu", default="native", metavar="CPU", help="native (default), generic, or a name of LLVM such as x86-64-v3"
    )


def run(options: argparse.Namespace, report: Report) -> int:
    from .._build import build

    _, program, words = _programs.choose(options)
    sizes = _programs.sizes(words)
    paths = build(
        program,
        options.out,
        sizes=sizes,
        name=options.name,
        derivative=_words(options.derivative),
        wrt=_words(options.wrt),
        emit=_words(options.emit) or (),
        cpu=options.cpu,
    )
    for path in paths:
        report.line(str(path))
    report.put({"entry": program.name, "sizes": sizes, "files": [str(path) for path in paths]})
    return 0


def _words(text: str | None) -> tuple[str, ...] | None:
    """Names with commas between them, or None where the option is not given."""
    return None if text is None else tuple(word.strip() for word in text.split(",") if word.strip())
