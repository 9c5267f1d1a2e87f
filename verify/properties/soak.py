"""A long run of generated programs through every check; it stops and goes on where a state file says.

    python -m pushforward.verify.properties.soak --count 50000 --xla 5000 --state build/soak.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .case import Case
from .corpus import Disagreement, check_case, check_program_everywhere
from .generator import seeded_program
from .generator.writer import Suite
from .shrink import smaller

SAVE_EVERY = 25
# Passes and compilers remember programs; a long run must not remember all of them.
FORGET_EVERY = 100
OTHERS = 10_000_000


def suite_of(seed: int) -> Suite:
    """Seeds take turns between the suites."""
    return "smooth" if seed % 2 else "guarded"


def case_of(seed: int) -> Case:
    """The program and point of a seed; a program that sits on a kink wherever it is run gives way to another one."""
    for place in range(seed, seed + 4 * OTHERS, OTHERS):
        case = Case(seeded_program(place, suite_of(seed)), seed)
        try:
            if not case.near_a_kink:
                return case
        except Exception:  # the checks will say what is wrong
            return case
    return Case(seeded_program(seed + 4 * OTHERS, suite_of(seed)), seed)


def check_seed(seed: int, every: int) -> list[Disagreement]:
    """Every check on the program of a seed; one in `every` is compiled as well (none for 0)."""
    compiled = every > 0 and seed % every == 0
    return check_case(case_of(seed), xla=compiled)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when nothing disagreed, 1 when something did."""
    options = _options(arguments)
    state = Path(options.state)
    done, found = _load(state)
    every = max(1, options.count // options.xla) if options.xla else 0
    started, first = time.monotonic(), done
    while done < options.count:
        for fault in check_seed(options.first + done, every):
            found.append({"seed": fault.seed, "check": fault.check, "detail": fault.detail[:2000]})
            print(f"\n{fault}", file=sys.stderr)
            _show_smaller(fault)
        done += 1
        if done % SAVE_EVERY == 0 or done == options.count:
            _save(state, done, found)
            _progress(done, options.count, len(found), (time.monotonic() - started) / (done - first))
        if done % FORGET_EVERY == 0:
            _forget()
    print(f"\n{done} programs, {len(found)} disagreements")
    return 1 if found else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="generated programs through every check")
    parser.add_argument("--count", type=int, default=50_000, help="how many programs")
    parser.add_argument("--xla", type=int, default=5_000, help="how many of them are compiled")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--state", default="build/soak.json", help="where the run keeps how far it is")
    return parser.parse_args(arguments)


def _load(state: Path) -> tuple[int, list[dict[str, object]]]:
    if not state.exists():
        return 0, []
    record = json.loads(state.read_text(encoding="utf-8"))
    return int(record["done"]), list(record["disagreements"])


def _save(state: Path, done: int, found: list[dict[str, object]]) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(json.dumps({"schema": 1, "done": done, "disagreements": found}, indent=1), encoding="utf-8")


def _progress(done: int, count: int, faults: int, each: float) -> None:
    if sys.stderr.isatty():
        filled = 30 * done // count
        left = (count - done) * each / 60
        bar = "#" * filled + "." * (30 - filled)
        print(f"\r[{bar}] {done}/{count}, {faults} disagreements, {left:.0f} min left ", end="", file=sys.stderr)


def _forget() -> None:
    import jax

    jax.clear_caches()


def _show_smaller(fault: Disagreement) -> None:
    """A smaller program with the same fault, to standard error."""
    assert fault.seed is not None
    suite, seed = suite_of(fault.seed), fault.seed % OTHERS

    def fails(generated: object) -> bool:
        return any(other.check == fault.check for other in check_program_everywhere(generated, seed=seed))  # type: ignore[arg-type]

    if fault.check != "compiled":
        found = smaller(seeded_program(fault.seed, suite).choices, suite, fails, most=150)
        print(f"a smaller program with this fault:\n{found.text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
