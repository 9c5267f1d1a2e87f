"""The results page: a JSON report goes in, `docs/results.md` comes out.

Run as `python -m benchmarks.results REPORT.json RESULTS.md`; the page is never edited by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEADER = ("ok", "kind", "what", "metric", "value", "bar", "ours", "peer", "samples", "spread", "note")
VERDICT = {True: "yes", False: "**no**", None: "–"}


def number(value: float | None, unit: str = "") -> str:
    """A number with four significant digits and its unit; nothing for None.

    >>> number(0.00012346, "s"), number(None)
    ('0.0001235 s', '')
    """
    return "" if value is None else f"{value:.4g} {unit}".strip()


def cells(row: Mapping[str, Any]) -> list[str]:
    """One table line of a row."""
    sign = "≤" if row["op"] == "<=" else "≥"
    peer = f"{number(row['peer'])} {row['peer_name'] or ''} {row['peer_version'] or ''}"
    return [
        VERDICT[row["ok"]],
        row["kind"],
        row["name"],
        row["metric"],
        number(row["value"], row["unit"]),
        f"{sign} {row['target']:g}",
        number(row["ours"]),
        " ".join(peer.split()),
        str(row["samples"]),
        number(row["spread"]),
        row["note"],
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table of rows."""
    lines = [HEADER, ["---"] * len(HEADER), *(cells(row) for row in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def page(report: Mapping[str, Any]) -> str:
    """The whole page: how it was made, the machine, a summary, one table per area."""
    rows = report["rows"]
    gates = [row for row in rows if row["kind"] == "gate"]
    aims = [row for row in rows if row["kind"] == "aim"]
    cpu, cores = report["machine"]["cpu"], report["machine"]["cores"]
    packages = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    parts = [
        "# Results\n\nGenerated from a benchmark report by `make results`; do not edit. A ratio of times is "
        "time(peer)/time(ours): above 1 we are faster. A gate must hold; an aim is a goal, reported either "
        "way. `ours` and `peer` are in seconds where the metric is a ratio of times.\n",
        f"- Machine: {cpu}, {cores} cores; device {report['device']}\n"
        f"- Python {report['python']}; {packages}\n"
        f"- Gates holding: {held(gates)}; aims reached: {held(aims)}\n",
    ]
    for area in dict.fromkeys(row["area"] for row in rows):
        parts.append(f"## {area}\n\n{table([row for row in rows if row['area'] == area])}")
    return "\n".join(parts)


def held(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many rows hold, and how many have no verdict."""
    without = sum(row["ok"] is None for row in rows)
    counted = f"{sum(row['ok'] is True for row in rows)} of {len(rows)}"
    return f"{counted} ({without} without a verdict)" if without else counted


def main(arguments: Sequence[str]) -> int:
    """Turn a report file into a page file."""
    if len(arguments) != 2:
        print("usage: python -m benchmarks.results REPORT.json RESULTS.md", file=sys.stderr)
        return 2
    Path(arguments[1]).write_text(page(json.loads(Path(arguments[0]).read_text())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
