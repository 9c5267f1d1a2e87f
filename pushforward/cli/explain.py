"""`pf explain E012`: what an error code means, with a program that triggers it; `pf explain list` lists all."""

from __future__ import annotations

import argparse

from .. import _wire
from ..lang.diagnostics import fail, suggest
from .report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", help="an error code such as E012, or `list`")


def run(options: argparse.Namespace, report: Report) -> int:
    rows = _wire.error_rows()
    if options.code == "list":
        for row in rows.values():
            report.line(f"{row.code}  {row.title}")
        report.put({"codes": [{"code": row.code, "title": row.title, "kind": row.kind} for row in rows.values()]})
        return 0
    row = rows.get(options.code.upper())
    if row is None:
        raise fail("E187", f"there is no error code `{options.code}`", hint=suggest(options.code.upper(), rows) or LIST)
    report.line(explain_text(row))
    report.put({name: getattr(row, name) for name in ("code", "title", "kind", "explanation", "example")})
    return 0


def explain_text(row: _wire.ErrorRow) -> str:
    """The page of one code as plain text."""
    from ..errors import example

    parts = [f"{row.code}: {row.title} ({_KINDS.get(row.kind, row.kind)})", row.explanation.strip()]
    if row.example:
        parts.append("Example:\n\n" + "\n".join("    " + line for line in example(row).splitlines()))
    return "\n\n".join(parts)


LIST = "`pf explain list` shows every code"
_KINDS = {
    "user": "the program or its input is wrong",
    "limit": "the program is fine, this version cannot do it",
}
