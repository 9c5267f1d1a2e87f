"""``python -m pushforward.verify.fuzz [TARGET …]``: fuzz readers; fails when one crashes, hangs or eats memory."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from .run import Tally, run
from .targets import TARGETS

CHUNK = 2_000
Job = tuple[str, int, int, int]


def main(words: Sequence[str] | None = None) -> int:
    """Run the targets and print a line for each; 1 when an input was no diagnostic's business."""
    parser = argparse.ArgumentParser(prog="python -m pushforward.verify.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--count", type=int, default=10_000, help="inputs for the parser; data readers get a tenth")
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--state", type=Path, help="a file to go on from, and to write after every few inputs")
    options = parser.parse_args(words)
    state = _State(options.state)
    names = options.targets or list(TARGETS)
    failed = False
    for name in names:
        count = options.count if len(names) == 1 else max(1, int(options.count * TARGETS[name].share))
        jobs = [job for job in _jobs(name, options.seed, options.first, count) if not state.has(job)]
        for tally in _run_all(jobs, options.workers):
            state.add(tally)
        failed |= _report(name, state.of(name, options.seed))
    return 1 if failed else 0


def _jobs(name: str, seed: int, first: int, count: int) -> list[Job]:
    return [(name, seed, start, min(CHUNK, first + count - start)) for start in range(first, first + count, CHUNK)]


def _run_all(jobs: Sequence[Job], workers: int) -> Iterator[Tally]:
    if workers < 2 or len(jobs) < 2:
        yield from map(_job, jobs)
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_job, jobs)


def _job(job: Job) -> Tally:
    name, seed, first, count = job
    return run(TARGETS[name], seed, first, count)


class _State:
    """Finished stretches, kept in a file so that a long run can stop and go on."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.done: dict[str, dict[str, object]] = {}
        if path is not None and path.exists():
            self.done = json.loads(path.read_text("utf-8"))

    def has(self, job: Job) -> bool:
        return ":".join(map(str, job)) in self.done

    def add(self, tally: Tally) -> None:
        self.done[f"{tally.target}:{tally.seed}:{tally.first}:{tally.count}"] = asdict(tally)
        if self.path is not None:
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps(self.done), encoding="utf-8")
            part.replace(self.path)

    def of(self, name: str, seed: int) -> list[Tally]:
        found = [Tally(**record) for record in self.done.values()]  # type: ignore[arg-type]
        return [tally for tally in found if tally.target == name and tally.seed == seed]


def _report(name: str, tallies: Sequence[Tally]) -> bool:
    """Print what happened; whether something was wrong."""
    count, seconds = sum(t.count for t in tallies), sum(t.seconds for t in tallies)
    crashes = [crash for tally in tallies for crash in tally.crashes]
    slowest, grown = max((t.slowest for t in tallies), default=0), max((t.grown for t in tallies), default=0)
    print(
        f"{name}: {count} inputs, {sum(t.accepted for t in tallies)} accepted, {len(crashes)} crashes, "
        f"{count / seconds if seconds else 0:.0f} a second, slowest {slowest:.2f} s, memory grew by {grown >> 20} MiB",
        flush=True,
    )
    for crash in crashes[:10]:
        print(f"  input {crash['number']}: {crash['error']}\n    {str(crash['input'])[:300]!r}")
    return bool(crashes)


if __name__ == "__main__":
    sys.exit(main())
