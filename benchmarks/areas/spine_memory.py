"""What a memory budget for the way back costs: a loop of 10^5 Runge-Kutta steps, differentiated with and without."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

import pushforward as pf
from pushforward.ad.derive import value_and_gradient
from pushforward.lang.ir import Program

from ..harness import Bar, Context, Row, measured
from ..worker import distance, flat
from .spine_scatter import temporary_bytes

AREA = "spine"
STEPS = 100_000
BUDGET = 1 << 20
POINT = (np.array([1.1, 0.4, 0.1, 0.4]), np.array([10.0, 5.0]))

SAVED = Bar(
    "spine/memory/saved",
    "aim",
    AREA,
    f"{STEPS} Runge-Kutta steps with a budget of {BUDGET >> 20} MiB",
    "temporary memory, without over with the budget",
    "",
    ">=",
    10.0,
)
TIME = Bar(
    "spine/memory/time",
    "aim",
    AREA,
    f"{STEPS} Runge-Kutta steps with a budget of {BUDGET >> 20} MiB",
    "time, with over without the budget",
    "",
    "<=",
    3.0,
)
SAME = Bar(
    "spine/memory/difference",
    "gate",
    AREA,
    f"{STEPS} Runge-Kutta steps with a budget of {BUDGET >> 20} MiB",
    "largest |x-y|/max(1,|x|+|y|) of value and gradient, with against without",
    "",
    "<=",
    1e-10,
)


def gradient(context: Context, memory: int | None) -> Program:
    """Value and gradient of the acceptance program with `STEPS` rounds."""
    text = (context.root / "tests" / "programs" / "lotka_volterra_rk4.pf").read_text(encoding="utf-8")
    longer = text.partition('test "')[0].replace("i < 100 do", f"i < {STEPS} do")
    first = pf.parse(longer)["lotka_volterra"].first()
    return value_and_gradient(first, (0, 1), memory=memory)


def rows(context: Context) -> list[Row]:
    """Memory saved, time paid, and that the numbers are the same."""
    from pushforward.codegen.xla.compile import compile_xla

    programs = {"free": gradient(context, None), "kept": gradient(context, BUDGET)}
    runs = {name: compile_xla(program) for name, program in programs.items()}
    outputs: dict[str, Any] = {name: run(POINT) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(context.rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run(POINT)
            times[name].append(time.perf_counter() - start)
    size = {name: temporary_bytes(program) for name, program in programs.items()}
    slower = [kept / free for kept, free in zip(times["kept"], times["free"], strict=True)]
    note = f"{size['free'] / 1e6:.1f} MB without, {size['kept'] / 1e6:.2f} MB with"
    return [
        measured(SAVED, size["free"] / max(1, size["kept"]), note=note),
        measured(TIME, statistics.median(slower), samples=len(slower), ours=statistics.median(times["kept"])),
        measured(SAME, distance(*(flat((run[0], run[1:])) for run in outputs.values()))),
    ]
