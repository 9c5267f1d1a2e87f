"""Compiled value and gradient against the fastest hand-written JAX formulation, on one core, in f64."""

from __future__ import annotations

from dataclasses import dataclass

from ..harness import Bar, Context, Kind, Row, fastest
from ..timing import OURS, compile_row, measure, speed_row

AREA = "speed"
COMPILE_SECONDS = 5.0


@dataclass(frozen=True)
class Race:
    """A problem and the ratio time(peer)/time(ours) it aims at."""

    problem: str
    title: str
    target: float


RACES = (
    Race("gmm_d10_k5", "GMM d=10 K=5 n=1000, value and gradient", 0.95),
    Race("gmm_d10_k25", "GMM d=10 K=25 n=1000, value and gradient", 0.95),
    Race("lstm_l2_c1024", "LSTM 2 layers, 1024 steps, value and gradient", 1.2),
)


def rows(context: Context) -> list[Row]:
    """For every race a speed row and a compile-time row."""
    return [row for race in RACES for row in race_rows(race, context)]


def race_rows(
    race: Race, context: Context, backend: str = "auto", *, area: str = AREA, kind: Kind = "aim"
) -> list[Row]:
    """Run one race."""
    run = measure(race.problem, context, rounds=context.rounds, backend=backend)
    name = f"{area}/{race.problem}/{backend}"
    ratio = Bar(name, kind, area, race.title, "time(peer)/time(ours)", "", ">=", race.target)
    compiling = Bar(
        f"{name}/compile",
        "aim",
        area,
        f"{race.title}: program to first result",
        "time",
        "s",
        "<=",
        COMPILE_SECONDS,
    )
    peer = fastest({key: times for key, times in run.times.items() if key != OURS})
    return [speed_row(ratio, run, context.seed), compile_row(compiling, run, context.seed, peer)]
