"""`pf run FILE [ENTRY] [name=VALUE …]`: evaluate a definition and print the result."""

from __future__ import annotations

import argparse

from . import _programs
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    _programs.add_program(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    from ..semantics.results import to_json

    _, program, words = _programs.choose(options)
    values = _programs.inputs(options, words)
    sizes = _programs.note_sizes(program, values, report)
    compiled = program.compile(options.backend)
    result = compiled(**values)
    report.line(_programs.show(result))
    choice = compiled.choose(sizes)
    report.put({"entry": program.name, "sizes": sizes, "backend": choice.backend, "value": to_json(result)})
    return 0
