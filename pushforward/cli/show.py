"""`pf show FILE [ENTRY] --stage STAGE`: print a definition at a stage of the pipeline, or after one pass."""

from __future__ import annotations

import argparse

from . import _programs
from .report import Report

STAGES = ("surface", "readable", "full", "first", "forward", "reverse", "vector", "jaxpr")


def configure(parser: argparse.ArgumentParser) -> None:
    _programs.add_program(parser, inputs=False)
    parser.add_argument("--stage", default="first", metavar="STAGE", help=f"one of {', '.join(STAGES)}")
    parser.add_argument("--pass", dest="after", metavar="NAME", help="stop after this pass of the stage's pipeline")


def run(options: argparse.Namespace, report: Report) -> int:
    _, program, words = _programs.choose(options)
    text = program.show(options.stage, options.after, **_programs.sizes(words))
    report.line(text)
    report.put({"entry": program.name, "stage": options.stage, "pass": options.after, "text": text})
    return 0
