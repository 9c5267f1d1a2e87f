"""What a memory budget for the way back costs: a loop of 10^5 Runge-Kutta steps, differentiated with and without."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

import pushforward as pf
from pushforward.ad.derive import value_and_gradient
from pushforward.lang.ir import Program

from ..harness import Bar, Context, Row, measured, quartile_spread
from ..worker import distance, flat
from .spine_scatter import executable, temporary_bytes

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
    import jax

    with jax.enable_x64(True):
        runs = {name: executable(gradient(context, budget)) for name, budget in (("free", None), ("kept", BUDGET))}
        outputs: dict[str, Any] = {name: run(*POINT) for name, run in runs.items()}
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(context.rounds):
            for name, run in runs.items():
                start = time.perf_counter()
                jax.block_until_ready(run(*POINT))
                times[name].append(time.perf_counter() - start)
    return judge(times, {name: temporary_bytes(run) for name, run in runs.items()}, outputs)


def judge(times: dict[str, list[float]], size: dict[str, int], outputs: dict[str, Any]) -> list[Row]:
    """The three rows from times, temporary bytes and results without (`free`) and with (`kept`) the budget."""
    slower = [kept / free for kept, free in zip(times["kept"], times["free"], strict=True)]
    note = f"{size['free'] / 1e6:.1f} MB without, {size['kept'] / 1e6:.2f} MB with"
    return [
        measured(SAVED, size["free"] / max(1, size["kept"]), note=note),
        measured(
            TIME,
            statistics.median(slower),
            samples=len(slower),
            spread=quartile_spread(slower),
            ours=statistics.median(times["kept"]),
        ),
        measured(SAME, distance(*(flat((values[0], values[1:])) for values in outputs.values()))),
    ]
