"""Real training loops and batches with shared weights, with our derivatives in place of JAX's."""

from __future__ import annotations

import json
import statistics
from typing import Any

from ..harness import Bar, Context, Row, failed, measured, quartile_spread, round_ratios, versions
from ..process import found_by

AREA = "embed"
BATCH = 4096


def run(kind: str, context: Context, **details: Any) -> dict[str, Any]:
    """One measuring process."""
    job = {"kind": kind, "core": context.core, "seed": context.seed, "rounds": context.rounds, "repeats": 5, **details}
    return found_by("embed_worker", [json.dumps(job)], context.root, 900)


def _bar(id_: str, name: str, metric: str, op: Any, target: float, unit: str = "") -> Bar:
    return Bar(f"embed/{id_}", "gate", AREA, name, metric, unit, op, target)


def rows(context: Context) -> list[Row]:
    """Training loops of two kinds, and grad(vmap) with shared weights."""
    loops = [row for name in ("equinox MLP", "transformer") for row in training_rows(name, context)]
    return loops + shared_rows(context)


def training_rows(problem: str, context: Context) -> list[Row]:
    """Gradients on JAX's trajectory, the final loss of an own run, and the time of a step."""
    short, name = problem.replace(" ", "_"), f"{problem} with optax"
    bars = (
        _bar(f"training/{short}/gradient", f"{name}: gradients on JAX's trajectory", "relative distance", "<=", 1e-12),
        _bar(f"training/{short}/loss", f"{name}: final loss of a free run", "distance from JAX's", "<=", 1e-6),
        _bar(f"training/{short}/time", f"{name}: a step of training", "time(ours)/time(peer)", "<=", 1.05),
    )
    try:
        found = run("training", context, problem=problem)
    except RuntimeError as error:
        return [failed(bar, str(error)[-300:]) for bar in bars]
    gradient, loss, step = bars
    times = found["times"]
    ratios = [1 / ratio for ratio in round_ratios(times["ours"], times["jax"])]
    losses = found["losses"]
    return [
        measured(gradient, found["gradient"], samples=found["steps"]),
        measured(loss, abs(losses["ours"] - losses["jax"]), ours=losses["ours"], peer=losses["jax"], peer_name="jax"),
        measured(step, statistics.median(ratios), spread=quartile_spread(ratios), **_times(times)),
    ]


def shared_rows(context: Context) -> list[Row]:
    """Time, memory and agreement of grad(vmap) at a large batch."""
    name = f"grad(vmap) of an MLP 64-128-128-1 with shared weights, batch {BATCH}"
    time_bar = _bar("shared_weights/time", name, "time(ours)/time(peer)", "<=", 1.2)
    memory_bar = _bar("shared_weights/memory", name, "temporary memory, ours over the peer's", "<=", 1.2)
    value_bar = _bar("shared_weights/value", name, "largest relative distance", "<=", 1e-12)
    try:
        found = run("shared_weights", context, batch=BATCH)
    except RuntimeError as error:
        return [failed(bar, str(error)[-300:]) for bar in (time_bar, memory_bar, value_bar)]
    times, memory = found["times"], found["memory"]
    ratios = [1 / ratio for ratio in round_ratios(times["ours"], times["jax"])]
    return [
        measured(time_bar, statistics.median(ratios), spread=quartile_spread(ratios), **_times(times)),
        measured(memory_bar, memory["ours"] / memory["jax"], note=f"{memory['ours']} and {memory['jax']} bytes"),
        measured(value_bar, found["distance"]),
    ]


def _times(times: dict[str, list[float]]) -> dict[str, Any]:
    return {
        "ours": statistics.median(times["ours"]),
        "peer": statistics.median(times["jax"]),
        "peer_name": "jax",
        "peer_version": versions().get("jax"),
        "samples": len(times["jax"]),
    }
