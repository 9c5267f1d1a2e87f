"""Derivatives written by hand in C against the fastest JAX formulation: how much room a compiler has above JAX."""

from __future__ import annotations

from ..harness import Bar, Context, Row, unmeasured
from ..peers import native
from ..timing import measure, speed_row
from .speed import RACES, Race

AREA = "ceiling"
ROOM = 4.0


def rows(context: Context) -> list[Row]:
    """One row per race; without a C compiler none of them has a verdict."""
    return [_row(race, context) for race in RACES]


def _row(race: Race, context: Context) -> Row:
    bar = Bar(f"{AREA}/{race.problem}", "aim", AREA, f"{race.title}, by hand in C",
              "time(JAX)/time(C)", "", ">=", ROOM)  # fmt: skip
    if native.compiler() is None:
        return unmeasured(bar, "this machine has no C compiler")
    return speed_row(bar, measure(race.problem, context, rounds=context.rounds, backend="c"), context.seed)
