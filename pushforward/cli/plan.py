"""`pf plan FILE OPERATOR [size=NUMBER …]`: how the derivatives of an operator are taken, and at what cost."""

from __future__ import annotations

import argparse
from typing import Any

from . import _programs
from .report import Report

LAWS = ("sampled", "rademacher", "gaussian", "sphere")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .pf file")
    _programs.add_real(parser)
    words = "an operator, then lengths of its vector variables as name=NUMBER"
    parser.add_argument("words", nargs="*", metavar="OPERATOR | name=NUMBER", help=words)
    parser.add_argument("--samples", type=int, metavar="N", help="estimate sums over coordinates from N random lanes")
    parser.add_argument("--law", choices=LAWS, default="sampled", help="the law of these lanes (default: sampled)")
    parser.add_argument("--certificate", metavar="OUT.json", help="write the certificate of the plan")


def run(options: argparse.Namespace, report: Report) -> int:
    _, operator, words = _programs.choose_operator(options)
    plan = operator.plan(_programs.sizes(words), options.samples, options.law)
    found = operator.classification
    report.line(" ".join(operator.text.split()))
    for title, atoms in _parts(found):
        report.line(f"  {title}: {', '.join(map(str, atoms)) or 'none'}")
    report.line(plan.text())
    if not plan.exact and found.biased:
        pairs = ", ".join(f"{one} with {other}" for one, other in found.biased)
        report.note(f"biased when estimated from the same lanes: {pairs}")
    report.put(plan.to_json())
    report.put({title: [atom.text for atom in atoms] for title, atoms in _parts(found)})
    report.put({"biased": [[one.text, other.text] for one, other in found.biased]})
    report.put({"candidates": [_candidate(item) for item in plan.candidates]})
    if options.certificate:
        _write(options.certificate, plan.certificate(), report)
    return 0


def _parts(found: Any) -> list[tuple[str, Any]]:
    return [("first order", found.first), ("linear, higher order", found.linear), ("nonlinear", found.nonlinear)]


def _candidate(item: Any) -> dict[str, Any]:
    cost = None if item.cost is None else {"vectors": str(item.cost.vectors), "products": str(item.cost.products)}
    return {"name": item.name, "cost": cost, "why_not": item.why_not or None}


def _write(path: str, certificate: dict[str, Any], report: Report) -> None:
    import json
    from pathlib import Path

    from ..lang.diagnostics import fail

    try:
        Path(path).write_text(json.dumps(certificate, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        hint = "name a folder that exists and may be written to"
        raise fail("E180", f"cannot write `{path}`: {error.strerror or error}", hint=hint) from None
    report.note(f"wrote {path}")
