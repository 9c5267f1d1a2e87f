"""`pf show FILE [ENTRY] --stage STAGE`: print a definition at a stage of the pipeline, or after one pass; with `--why`,
the back end that `auto` takes for it."""

from __future__ import annotations

import argparse

from . import _programs
from .report import Report

STAGES = ("surface", "readable", "full", "first", "forward", "reverse", "vector", "jaxpr", "sparsity")
NATIVE = ("loops", "memory", "llvm", "asm")


def configure(parser: argparse.ArgumentParser) -> None:
    _programs.add_program(parser, inputs=False)
    parser.add_argument("--stage", default="first", metavar="STAGE", help=f"one of {', '.join(STAGES + NATIVE)}")
    parser.add_argument("--pass", dest="after", metavar="NAME", help="stop after this pass of the stage's pipeline")
    parser.add_argument("--why", action="store_true", help="print which back end `auto` takes, and why, instead")


def run(options: argparse.Namespace, report: Report) -> int:
    _, program, words = _programs.choose(options)
    sizes = _programs.sizes(words)
    if options.why:
        choice = program.compile().choose(sizes)
        report.line(choice.why)
        report.put({"entry": program.name, "sizes": sizes, "backend": choice.backend, "why": choice.why})
        return 0
    text = program.show(options.stage, options.after, **sizes)
    report.line(text)
    report.put({"entry": program.name, "stage": options.stage, "pass": options.after, "text": text})
    return 0
