"""Runs mutants against the fast suite in processes of their own kind: mutants enter, verdicts leave."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .caches import clear
from .check import Check
from .mutant import Mutant
from .suite import chosen

SECONDS = 10  # of processor time for one check, which takes less than one; what does not end is noticed too


@dataclass(frozen=True, slots=True)
class Verdict:
    """What noticed a mutant (None: nothing did), how, and how long it took."""

    mutant: int
    killer: str | None
    how: str
    seconds: float


def run_all(mutants: Sequence[Mutant], checks: Sequence[Check], workers: int) -> Iterator[Verdict]:
    """A verdict per mutant, as they come."""
    global _MUTANTS, _CHECKS
    _MUTANTS, _CHECKS = mutants, checks
    if workers < 2:
        yield from map(_one, range(len(mutants)))
        return
    # Forked workers share the oracles and the functions to be changed; looking for cycles leaves these alone.
    gc.collect()
    gc.freeze()
    try:
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            yield from pool.imap_unordered(_one, range(len(mutants)), chunksize=4)
    finally:
        gc.unfreeze()


_MUTANTS: Sequence[Mutant] = ()
_CHECKS: Sequence[Check] = ()


def _one(number: int) -> Verdict:
    mutant = _MUTANTS[number]
    start = time.monotonic()
    killer, how = judge(mutant, chosen(mutant, _CHECKS))
    return Verdict(number, killer, how, time.monotonic() - start)


def judge(mutant: Mutant, checks: Sequence[Check]) -> tuple[str | None, str]:
    """The first check that notices a mutant and how; caches are empty before, and again after."""
    clear()
    limit = sys.getrecursionlimit()
    check = None
    try:
        with mutant.installed(), _time_limit(), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for check in checks:
                signal.setitimer(signal.ITIMER_PROF, SECONDS)
                check.run()
    except _TooLong:
        return (check.name if check else "installing it"), "it does not end"
    except Exception as error:  # a fault may end in any exception, which is noticing it
        return (check.name if check else "installing it"), type(error).__name__
    finally:
        sys.setrecursionlimit(limit)
        clear()
    return None, "nothing"


class _TooLong(BaseException):
    """The time of one check is over."""


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
