"""A long run of generated programs through every check, in stretches; it stops and goes on where a state file says.

python -m pushforward.verify.properties.soak --count 50000 --xla 5000 --state build/soak.json
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .case import Case
from .corpus import Disagreement, check_case, check_program_everywhere
from .generator import Generated, seeded_program
from .generator.writer import Suite
from .shrink import smaller

STRETCH = 25
# Passes and compilers remember programs; a worker that has run so many stretches gives way to a new one.
STRETCHES_PER_WORKER = 8
OTHERS = 10_000_000


@dataclass(frozen=True)
class Stretch:
    """The programs of the seeds `first` … `first + count - 1`; one in `every` is compiled as well (none for 0)."""

    first: int
    count: int
    every: int

    def __str__(self) -> str:
        return f"{self.first}:{self.count}:{self.every}"


@dataclass(frozen=True)
class Finished:
    """What a stretch came to."""

    stretch: Stretch
    compiled: int
    disagreements: list[Disagreement]


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


def is_compiled(seed: int, every: int) -> bool:
    """Whether the program of a seed is compiled: one in `every`, of both suites alike."""
    return every > 0 and seed // 2 % every == 0


def run(stretch: Stretch) -> Finished:
    """Every check on every program of a stretch."""
    found: list[Disagreement] = []
    seeds = range(stretch.first, stretch.first + stretch.count)
    gc.disable()  # looking for cycles between the programs of a stretch takes a seventh of the time
    try:
        for seed in seeds:
            found += check_case(case_of(seed), xla=is_compiled(seed, stretch.every))
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()  # what is left stays with the worker: modules and what passes remember
    return Finished(stretch, sum(is_compiled(seed, stretch.every) for seed in seeds), found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when nothing disagreed, 1 when something did."""
    options = _options(arguments)
    state = State(Path(options.state))
    every = max(1, options.count // options.xla) if options.xla else 0
    ends = range(options.first, options.first + options.count, STRETCH)
    stretches = [Stretch(k, min(STRETCH, options.first + options.count - k), every) for k in ends]
    waiting = [stretch for stretch in stretches if str(stretch) not in state.done]
    started = time.monotonic()
    end = started + 60 * options.minutes if options.minutes else None
    for number, finished in enumerate(_run_all(waiting, options.workers)):
        state.add(finished)
        for fault in finished.disagreements:
            print(f"\n{fault}", file=sys.stderr)
            _show_smaller(fault)
        _progress(state.programs, options.count, (time.monotonic() - started) / (number + 1) * len(waiting[number:]))
        if end is not None and time.monotonic() > end:
            break
    print(f"\n{state.programs} programs, {state.compiled} of them compiled, {state.faults} disagreements")
    return 1 if state.faults else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="generated programs through every check")
    parser.add_argument("--count", type=int, default=50_000, help="how many programs")
    parser.add_argument("--xla", type=int, default=5_000, help="how many of them are compiled")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="stop after so long; the next run goes on")
    parser.add_argument("--state", default="build/soak.json", help="where the run keeps how far it is")
    return parser.parse_args(arguments)


def _run_all(stretches: Sequence[Stretch], workers: int) -> Iterator[Finished]:
    """What the stretches come to, as they finish."""
    if workers < 2 or len(stretches) < 2:
        yield from map(run, stretches)
        return
    # Fresh processes: a compiler that already runs threads does not survive a fork.
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=STRETCHES_PER_WORKER) as pool:
        yield from pool.imap_unordered(run, stretches)  # leaving early ends the workers


class State:
    """Finished stretches, kept in a file so that a long run can stop and go on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, dict[str, object]] = {}
        if path.exists():
            self.done = json.loads(path.read_text("utf-8"))["stretches"]

    def add(self, finished: Finished) -> None:
        """Note a stretch; the file is replaced as a whole."""
        self.done[str(finished.stretch)] = {
            "programs": finished.stretch.count,
            "compiled": finished.compiled,
            "disagreements": [asdict(one) | {"detail": one.detail[:2000]} for one in finished.disagreements],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps({"schema": 2, "stretches": self.done}, indent=1), encoding="utf-8")
        part.replace(self.path)

    def _total(self, what: str) -> int:
        values = [record[what] for record in self.done.values()]
        return sum(value if isinstance(value, int) else len(value) for value in values)  # type: ignore[arg-type]

    @property
    def programs(self) -> int:
        return self._total("programs")

    @property
    def compiled(self) -> int:
        return self._total("compiled")

    @property
    def faults(self) -> int:
        return self._total("disagreements")


def _progress(done: int, count: int, left: float) -> None:
    if sys.stderr.isatty():
        filled = 30 * done // count
        bar = "#" * filled + "." * (30 - filled)
        print(f"\r[{bar}] {done}/{count}, {left / 60:.0f} min left ", end="", file=sys.stderr)


def _show_smaller(fault: Disagreement) -> None:
    """A smaller program with the same fault, to standard error."""
    assert fault.seed is not None
    suite, seed = suite_of(fault.seed), fault.seed % OTHERS

    def fails(generated: Generated) -> bool:
        return any(other.check == fault.check for other in check_program_everywhere(generated, seed=seed))

    if fault.check != "compiled":
        found = smaller(seeded_program(fault.seed, suite).choices, suite, fails, most=150)
        print(f"a smaller program with this fault:\n{found.text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
