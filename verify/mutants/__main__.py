"""``python -m pushforward.verify.mutants``: the table of mutants by operator; fails when too many go unnoticed."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .mutant import Mutant
from .passes import pass_mutants
from .report import report, write_section
from .rows import row_mutants
from .runner import Verdict, judge, run_all
from .suite import suite

# Nothing may notice it.
IDLE = Mutant("passes", "nothing", "nothing", "nothing", lambda: lambda: None)


def main(words: Sequence[str] | None = None) -> int:
    """Run the mutants and print the table; 1 when fewer than 98 % are noticed or an excuse is out of date."""
    parser = argparse.ArgumentParser(prog="python -m pushforward.verify.mutants", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants whose name holds this text")
    parser.add_argument("--area", choices=("rows", "passes"), help="rules of rows, or passes")
    parser.add_argument("--every", type=int, default=1, help="one mutant in so many")
    parser.add_argument("--json", type=Path, help="write every verdict to a file")
    parser.add_argument("--markdown", type=Path, help="write the figures of a whole run into a page, between its marks")
    options = parser.parse_args(words)
    whole = not (options.only or options.area) and options.every == 1
    if options.markdown and not whole:
        parser.error("a page takes the figures of a whole run")
    start = time.monotonic()
    mutants = [m for m in all_mutants() if options.only in m.name and options.area in (None, m.area)]
    mutants = mutants[:: options.every]
    checks = suite()
    unsound, how = judge(IDLE, checks)
    if unsound is not None:
        print(f"a check fails without any fault: {unsound}: {how}")
        return 2
    verdicts = []
    for verdict in run_all(mutants, checks, options.workers):
        verdicts.append(verdict)
        if sys.stderr.isatty():
            print(f"\r{len(verdicts)} of {len(mutants)}", end="", file=sys.stderr)
        if options.json and (len(verdicts) % 50 == 0 or len(verdicts) == len(mutants)):
            options.json.write_text(json.dumps(_records(mutants, verdicts), indent=1) + "\n", encoding="utf-8")
    found = report(mutants, verdicts, time.monotonic() - start, options.workers, whole=whole)
    print(found)
    if options.markdown:
        write_section(options.markdown, found)
    return found.code


def all_mutants() -> list[Mutant]:
    """Rows, then passes; each name once."""
    found: dict[str, Mutant] = {}
    for mutant in (*row_mutants(), *pass_mutants()):
        found.setdefault(mutant.name, mutant)
    return list(found.values())


def _records(mutants: Sequence[Mutant], verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    return [
        {"mutant": mutants[v.mutant].name, "killer": v.killer, "how": v.how, "seconds": round(v.seconds, 3)}
        for v in sorted(verdicts, key=lambda v: v.mutant)
    ]


if __name__ == "__main__":
    sys.exit(main())
