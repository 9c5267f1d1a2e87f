"""`pf check FILE…`: read and type programs; nothing runs."""

from __future__ import annotations

import argparse

from .. import _module
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help=".pf files")
    parser.add_argument("--real", default="f64", choices=["f64", "f32"], help="what the type `real` stands for")


def run(options: argparse.Namespace, report: Report) -> int:
    from . import exit_code

    found = []
    for name in options.files:
        diagnostics = _module.check(name, options.real)
        report.diagnose(diagnostics)
        found.extend(diagnostics)
    errors = sum(item.severity == "error" for item in found)
    report.put({"files": list(options.files), "errors": errors, "warnings": len(found) - errors})
    if errors:
        report.note(f"{errors} error{'s' * (errors != 1)}")
    return exit_code(found)
