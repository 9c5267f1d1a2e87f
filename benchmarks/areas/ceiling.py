"""How much room there is above native code: derivatives by hand in C, and what this core can do at its best.

Per objective one process runs native code, the hand-written C where there is one, and every JAX formulation, round by
round. Without a C compiler no row has a verdict.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

from ..figures import Limits, Work, note
from ..harness import Bar, Context, Row, failed, measured, unmeasured
from ..peers import native
from ..problems import PROBLEMS
from ..timing import OURS, Run, join, measure, speed_row
from ..worker import BY_HAND
from .native import JACOBIANS
from .speed import RACES, Race

AREA = "ceiling"
ROOM = 4.0
OF_C = 0.9
OF_PEAK = 0.1


def rows(context: Context) -> list[Row]:
    """Per objective: C against JAX and native code against C, where there is C, and the share of the core's peak."""
    return [row for race in (*RACES, *JACOBIANS) for row in _rows(race, context)]


def _rows(race: Race, context: Context) -> list[Row]:
    bars = bars_of(race, _in_c(race.problem))
    if native.compiler() is None:
        return [unmeasured(bar, "this machine has no C compiler") for bar in bars]
    run = measure(race.problem, context, rounds=context.rounds, backend="llvm", ceiling=True)
    return judge(bars, run, context.seed)


def _in_c(problem: str) -> bool:
    return PROBLEMS[problem](None, 0).peers in native.FUNCTIONS


def bars_of(race: Race, in_c: bool) -> list[Bar]:
    """The bars of an objective, the share of the peak last; `in_c` says whether it is there in C."""
    name = f"{AREA}/{race.problem}"
    room = Bar(name, "aim", AREA, f"{race.title}, by hand in C", "time(JAX)/time(C)", "", ">=", ROOM)
    speed = Bar(f"{name}/llvm", "aim", AREA, race.title, "time(C)/time(ours)", "", ">=", OF_C)
    peak = Bar(f"{name}/peak", "aim", AREA, race.title, "flop/s over the peak of the core", "", ">=", OF_PEAK)
    return [room, speed, peak] if in_c else [peak]


def judge(bars: list[Bar], run: Run, seed: int) -> list[Row]:
    """The rows of one run."""
    *against, peak = bars
    pairs = [_in_our_place(run, BY_HAND), _without_jax(run)]
    found = [_speed(bar, pair, seed) for bar, pair in zip(against, pairs, strict=False)]
    return [*found, peak_row(peak, run, seed)]


def _in_our_place(run: Run, name: str) -> Run:
    """The run with one contender in our place."""

    def moved(table: dict[str, float]) -> dict[str, float]:
        return {OURS if key == name else key: value for key, value in table.items() if key != OURS}

    times = {OURS if key == name else key: value for key, value in run.times.items() if key != OURS}
    failures = {OURS: run.failures[name]} if name in run.failures else {}
    return replace(run, times=times, failures=failures, distance=moved(run.distance), compile=moved(run.compile))


def _without_jax(run: Run) -> Run:
    return replace(run, times={key: value for key, value in run.times.items() if key in (OURS, BY_HAND)})


def _speed(bar: Bar, run: Run, seed: int) -> Row:
    if not any(key != OURS for key in run.times):
        return failed(bar, join(run.note, run.failures.get(BY_HAND, "the C did not run")), seed=seed)
    row = speed_row(bar, run, seed)
    return replace(row, peer_version=native.version()) if row.peer_name == BY_HAND else row


def peak_row(bar: Bar, run: Run, seed: int) -> Row:
    """Operations a second over the most that this core does, and what limits them."""
    if OURS not in run.times:
        return failed(bar, join(run.note, run.failures.get(OURS, "ours did not run")), seed=seed)
    work, least = Work(**run.figures["work"]), Limits(**run.figures["limits"])
    taken = statistics.median(run.times[OURS])
    details = {"ours": taken, "samples": len(run.times[OURS]), "seed": seed}
    said = join(f"{work.flops / taken / 1e9:.2f} Gflop/s of {note(work, least, taken)}", run.note)
    return measured(bar, work.flops / taken / least.flops, note=said, **details)
