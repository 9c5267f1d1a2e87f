"""`pf grad FILE [ENTRY] --wrt x [name=VALUE …]`: evaluate a definition with one float result, and its gradient."""

from __future__ import annotations

import argparse

from . import _programs
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    _programs.add_program(parser)
    parser.add_argument("--wrt", metavar="NAMES", help="inputs to differentiate by, as x or x,y (default: every float)")


def run(options: argparse.Namespace, report: Report) -> int:
    from .._program import floats
    from .._transform import value_and_grad
    from ..semantics.results import to_json

    _, program, words = _programs.choose(options)
    names = tuple(name.strip() for name in options.wrt.split(",")) if options.wrt else floats(program.signature)
    gradient = value_and_grad(program, names)
    values = _programs.inputs(options, words)
    sizes = _programs.note_sizes(program, values, report)
    compiled = gradient.compile(options.backend)
    value, bars = compiled(**values)
    report.line(f"value = {_programs.show(value)}")
    for name, bar in zip(names, bars, strict=True):
        report.line(f"d/d{name} = {_programs.show(bar)}")
    report.put({"entry": program.name, "sizes": sizes, "backend": compiled.choose(sizes).backend})
    report.put({"value": to_json(value), "gradient": dict(zip(names, map(to_json, bars), strict=True))})
    return 0
