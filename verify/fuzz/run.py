"""Runs inputs against a target: numbers of inputs enter, a tally with every crash leaves."""

from __future__ import annotations

import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ...lang.diagnostics import DiagnosticError
from .targets import Target

SECONDS = 10  # of processor time for one input
GROWTH = 1 << 31  # bytes that the process may grow by while it reads


@dataclass
class Tally:
    """What happened to the inputs `first` … `first + count - 1` of a target."""

    target: str
    seed: int
    first: int
    count: int = 0
    accepted: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    grown: int = 0
    crashes: list[dict[str, object]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Inputs per second."""
        return self.count / self.seconds if self.seconds else 0.0


class TooLong(BaseException):
    """An input takes too long to read."""


def input_number(target: Target, seed: int, number: int) -> bytes:
    """Input number `number` of a target, always the same."""
    return target.make(Random(f"{target.name}:{seed}:{number}"))


def run(target: Target, seed: int, first: int, count: int, most_crashes: int = 20) -> Tally:
    """Read `count` inputs; stops early after `most_crashes` crashes."""
    tally = Tally(target.name, seed, first)
    before, start = _memory(), time.monotonic()
    with _limited(before), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(first, first + count):
            _one(target, seed, number, tally)
            if len(tally.crashes) >= most_crashes:
                break
    tally.seconds = time.monotonic() - start
    tally.grown = _memory() - before
    return tally


def _one(target: Target, seed: int, number: int, tally: Tally) -> None:
    data = input_number(target, seed, number)
    start = time.process_time()
    depth = sys.getrecursionlimit()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        target.read(data)
        tally.accepted += 1
    except DiagnosticError:
        pass
    except (Exception, TooLong) as error:  # everything that is no diagnostic is a crash to be told
        message = f"{type(error).__name__}: {error}"[:300]
        tally.crashes.append({"number": number, "error": message, "input": data[:2000].decode("latin-1")})
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.setrecursionlimit(depth)
    tally.count += 1
    tally.slowest = max(tally.slowest, time.process_time() - start)


def _memory() -> int:
    """The most memory the process has held so far, in bytes."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


@contextmanager
def _limited(before: int) -> Iterator[None]:
    """A timer that interrupts, and a bound on memory (`MemoryError` beyond it) where the system has one."""

    def stop(*_: Any) -> None:
        raise TooLong(f"more than {SECONDS} s")

    handler = signal.signal(signal.SIGPROF, stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = before + GROWTH
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, handler)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
