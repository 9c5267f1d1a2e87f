"""`pf verify CERTIFICATE.json [FILE]`: check a certificate again, and that it speaks of an operator of the file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from . import _programs
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("certificate", metavar="CERTIFICATE.json", help="a certificate, as `pf plan` writes it")
    parser.add_argument("file", metavar="FILE", nargs="?", help="the .pf file that it has to speak of")
    _programs.add_real(parser)


def run(options: argparse.Namespace, report: Report) -> int:
    from .._module import load
    from .._verify import recheck
    from ..lang.diagnostics import Diagnostic

    certificate = _read(options.certificate)
    subject = None
    if options.file is not None:
        subject = load(options.file, options.real).operator(_name(certificate))
    verdict = recheck(certificate, subject)
    report.put({"accepted": verdict.accepted, "claim": verdict.claim, "reasons": list(verdict.reasons)})
    if verdict:
        report.line(str(verdict))
        return 0
    reasons = "\n            ".join(verdict.reasons)
    hint = "make it again with `pf plan FILE OPERATOR --certificate OUT.json`"
    report.diagnose([Diagnostic("E223", f"refused: {verdict.claim}", None, actual=reasons, hint=hint)])
    return 1


def _read(path: str) -> Mapping[str, Any]:
    import json

    from ..lang.diagnostics import fail
    from ..lang.surface.parser import read

    try:
        found: Any = json.loads(read(path).text)
    except (ValueError, RecursionError) as error:
        hint = "a certificate is a JSON file that `pf plan --certificate` writes"
        raise fail("E222", f"`{path}` is no JSON: {error}", hint=hint) from None
    if not isinstance(found, dict):
        raise fail("E222", f"`{path}` is no certificate", hint="it holds no JSON object")
    return found


def _name(certificate: Mapping[str, Any]) -> str:
    """The operator that a certificate says it speaks of."""
    from ..lang.diagnostics import fail

    operator = certificate.get("operator")
    name = operator.get("name") if isinstance(operator, dict) else None
    if not isinstance(name, str):
        raise fail("E222", "the certificate names no operator", hint="its field `operator` is the record of one")
    return name
