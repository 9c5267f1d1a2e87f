"""``python -m pushforward.verify.mutants``: the table of mutants by operator; fails when too many go unnoticed."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from .equivalent import EQUIVALENT
from .mutant import Mutant
from .passes import pass_mutants
from .rows import row_mutants
from .runner import Verdict, run_all
from .suite import suite

WANTED = 0.98


def main(words: Sequence[str] | None = None) -> int:
    """Run the mutants and print the table; 1 when fewer than 98 % are noticed or an excuse is out of date."""
    parser = argparse.ArgumentParser(prog="python -m pushforward.verify.mutants", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants whose name holds this text")
    parser.add_argument("--area", choices=("rows", "passes"), help="rules of rows, or passes")
    parser.add_argument("--every", type=int, default=1, help="one mutant in so many")
    parser.add_argument("--json", type=Path, help="write every verdict to a file")
    options = parser.parse_args(words)
    start = time.monotonic()
    mutants = [m for m in all_mutants() if options.only in m.name and options.area in (None, m.area)]
    mutants = mutants[:: options.every]
    checks = suite()
    verdicts = []
    for verdict in run_all(mutants, checks, options.workers):
        verdicts.append(verdict)
        if sys.stderr.isatty():
            print(f"\r{len(verdicts)} of {len(mutants)}", end="", file=sys.stderr)
        if options.json and (len(verdicts) % 50 == 0 or len(verdicts) == len(mutants)):
            options.json.write_text(json.dumps(_records(mutants, verdicts), indent=1) + "\n", encoding="utf-8")
    whole = not (options.only or options.area) and options.every == 1
    return report(mutants, verdicts, time.monotonic() - start, whole=whole)


def all_mutants() -> list[Mutant]:
    """Rows, then passes; each name once."""
    found: dict[str, Mutant] = {}
    for mutant in (*row_mutants(), *pass_mutants()):
        found.setdefault(mutant.name, mutant)
    return list(found.values())


def report(mutants: Sequence[Mutant], verdicts: Sequence[Verdict], seconds: float, *, whole: bool) -> int:
    """Print the table and the survivors; answers with the exit code."""
    survivors = {mutants[v.mutant].name for v in verdicts if v.killer is None}
    excused = survivors & EQUIVALENT.keys()
    stale = EQUIVALENT.keys() - survivors if whole else set()
    print(f"{'operator':30}{'mutants':>9}{'noticed':>9}  first noticed most often by")
    for operator, rows in sorted(_by_operator(mutants, verdicts).items()):
        killers = Counter(v.killer for v in rows if v.killer is not None)
        best = killers.most_common(1)[0][0] if killers else "-"
        print(f"{operator:30}{len(rows):9}{sum(killers.values()):9}  {best}")
    killed, count = len(mutants) - len(survivors), len(mutants) - len(excused)
    score = killed / count if count else 1.0
    print(f"{len(mutants)} mutants, {killed} noticed, {len(excused)} equivalent, "
          f"{len(survivors) - len(excused)} unnoticed: {100 * score:.1f} % in {seconds:.0f} s")  # fmt: skip
    for name in sorted(survivors - excused):
        print(f"unnoticed: {name}")
    for name in sorted(stale):
        print(f"no longer needed in the table of equivalent mutants: {name}")
    return 0 if score >= WANTED and not stale else 1


def _by_operator(mutants: Sequence[Mutant], verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    table: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        table[mutants[verdict.mutant].operator].append(verdict)
    return table


def _records(mutants: Sequence[Mutant], verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    return [
        {"mutant": mutants[v.mutant].name, "killer": v.killer, "how": v.how, "seconds": round(v.seconds, 3)}
        for v in sorted(verdicts, key=lambda v: v.mutant)
    ]


if __name__ == "__main__":
    sys.exit(main())
