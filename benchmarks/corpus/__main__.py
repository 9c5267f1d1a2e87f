"""`python -m benchmarks.corpus --list | --only NAME | --run [PATTERN]`: look at the corpus, or run parts of it.

`--list` prints the denominator and every exclusion with its reason; `--only` runs one entry and prints what JAX says,
what we say and, when something was raised, where; `--run` runs the entries whose id contains PATTERN, a line each.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from typing import Any


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description="The corpus of JAX functions.")
    modes = made.add_mutually_exclusive_group(required=True)
    modes.add_argument("--list", action="store_true", help="print the denominator and the exclusions")
    modes.add_argument("--only", metavar="NAME", help="run one entry, with details")
    modes.add_argument("--run", metavar="PATTERN", nargs="?", const="", help="run entries whose id contains PATTERN")
    return made


def listing() -> None:
    """Every entry, every exclusion, and what is in neither."""
    from .groups import groups

    for group in groups().values():
        names = group.denominator
        print(f"{group.name}: {len(names)} in the denominator, {len(group.excluded)} excluded")
        print("  " + " ".join(names))
        reasons = Counter(group.excluded.values())
        for reason, count in reasons.most_common():
            held = " ".join(name for name, why in group.excluded.items() if why == reason)
            print(f"  excluded ({count}): {reason}: {held}")


def only(name: str) -> int:
    """One entry in detail."""
    import jax

    from .groups import find
    from .kept import oracle
    from .ours import judge

    entry = find(name)
    if entry is None:
        print(f"there is no entry {name}", file=sys.stderr)
        return 2
    print(entry.id)
    for place, argument in enumerate(entry.arguments):
        print(f"argument {place}: {argument}")
    print(jax.make_jaxpr(entry.function)(*entry.arguments))
    jax_says = oracle(entry)
    for what in ("value", "jvp", "vjp"):
        print(f"JAX {what}: {shown(getattr(jax_says, what))}")
    verdict = judge(entry, jax_says)
    print(f"{verdict.status} {verdict.stage} {verdict.code}: {verdict.reason} (error {verdict.error:.2g} of tolerance)")
    if verdict.detail:
        print(verdict.detail)
    return 0 if verdict.status == "right" else 1


def shown(leaves: Any) -> str:
    """Arrays of an oracle, or why there are none."""
    return leaves if isinstance(leaves, str) else ", ".join(str(array) for array in leaves.arrays)


def run(pattern: str) -> int:
    """The chosen entries, one line each, then counts."""
    from .groups import entries, memory_kept_low
    from .kept import oracle
    from .oracle import Unfit
    from .ours import judge

    counts: Counter[str] = Counter()
    for number, entry in enumerate(entries(pattern)):
        try:
            jax_says = oracle(entry)
        except Unfit as reason:
            print(f"unfit    {entry.id} {reason}")
            continue
        verdict = judge(entry, jax_says)
        counts[verdict.status] += 1
        where = f"{verdict.stage} {verdict.code}: {verdict.reason}" if verdict.status != "right" else verdict.compared
        print(f"{verdict.status:8} {verdict.id} {where}", flush=True)
        memory_kept_low(number)
    print(", ".join(f"{count} {status}" for status, count in counts.most_common()))
    return 0 if set(counts) <= {"right", "refused"} else 1


def main() -> int:
    """Run in 64 bits on the CPU."""
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    options = parser().parse_args()
    if options.list:
        listing()
        return 0
    return only(options.only) if options.only else run(options.run)


if __name__ == "__main__":
    sys.exit(main())
