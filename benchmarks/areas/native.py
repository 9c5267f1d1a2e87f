"""Native code against the fastest hand-written JAX formulation, on the objectives of ADBench, on one core, in f64."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from ..harness import Bar, Context, Row, measured, unmeasured
from .speed import RACES, Race, race_rows

AREA = "native"
MEAN, LEAST = 4.0, 1.0
JACOBIANS = (
    Race("ba1", "BA n=49 m=7776 p=31843, blocks of the Jacobian", LEAST),
    Race("hand_simple", "HAND simple, 100 points, Jacobian in 26 numbers", LEAST),
    Race("hand_complicated", "HAND complicated, 100 points, compressed Jacobian", LEAST),
)


def rows(context: Context) -> list[Row]:
    """Per objective a ratio and a compile time, and the geometric mean of the ratios."""
    races = [*(replace(race, target=LEAST) for race in RACES), *JACOBIANS]
    found = [row for race in races for row in race_rows(race, context, "llvm", area=AREA, kind="gate")]
    return [*found, _mean(found, context)]


def _mean(found: list[Row], context: Context) -> Row:
    bar = Bar(f"{AREA}/mean", "gate", AREA, "all six objectives", "geometric mean of the ratios", "", ">=", MEAN)
    ratios = [row.value for row in found if not row.id.endswith("/compile")]
    known = [ratio for ratio in ratios if ratio is not None]
    if len(known) < len(ratios):
        return unmeasured(bar, "an objective has no ratio")
    return measured(bar, prod(known) ** (1 / len(known)), seed=context.seed, dtype="f64")
