"""`pf test FILE…`: run the claims of test blocks on the back ends that can run them."""

from __future__ import annotations

import argparse
from collections import Counter

from .. import _wire
from .._module import load
from ..lang.diagnostics import DiagnosticError
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help=".pf files")
    parser.add_argument(
        "--backend",
        action="append",
        choices=["reference", "xla", "llvm"],
        help="run on this back end only (may be repeated)",
    )
    parser.add_argument("--real", default="f64", choices=["f64", "f32"], help="what the type `real` stands for")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of random directions (default 0)")
    parser.add_argument("--only", metavar="TEXT", help="run only tests whose name contains the text")


def run(options: argparse.Namespace, report: Report) -> int:
    backends = tuple(options.backend or ("reference", "xla", "llvm"))
    rows, code = [], 0
    for name in options.files:
        try:
            results = _wire.run_tests(load(name, options.real).checked, backends, options.seed, options.only)
        except DiagnosticError as error:
            from . import exit_code

            report.diagnose(error.diagnostics)
            code = max(code, exit_code(error.diagnostics))
            continue
        report.line(name)
        rows.extend(_show(name, results, report))
    counts = Counter(row["status"] for row in rows)
    summary = ", ".join(f"{counts[status]} {status}" for status in ("passed", "failed", "skipped") if counts[status])
    claims = len({(row["file"], row["test"], row["place"]) for row in rows})
    ran = f"{', '.join(backends)}; seed {options.seed}"
    report.line(f"{claims} claim{'s' * (claims != 1)}: {summary or 'nothing to run'} ({ran})")
    report.put({"claims": rows, "seed": options.seed, "backends": list(backends), **counts})
    return max(code, 1 if counts["failed"] else 0)


def _show(file: str, results: list[_wire.ClaimResult], report: Report) -> list[dict[str, object]]:
    rows = []
    for test in dict.fromkeys(result.test for result in results):
        own = [result for result in results if result.test == test]
        failed = [result for result in own if result.status == "failed"]
        count = len({result.place for result in own})
        report.line(f"  {'FAIL' if failed else 'ok  '} {test} ({count} claim{'s' * (count != 1)})")
        report.diagnose(result.diagnostic for result in failed if result.diagnostic is not None)
        for result in own:
            if result.status == "skipped":
                report.note(f"  skipped on {result.backend}: {result.text} ({result.why})")
            rows.append({"file": file, **result.to_json()})
    return rows
