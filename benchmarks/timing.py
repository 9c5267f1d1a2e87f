"""Running a measuring process and turning what it found into rows."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .harness import (
    Bar,
    Context,
    Row,
    failed,
    fastest,
    measured,
    quartile_spread,
    round_ratios,
    unmeasured,
    versions,
    void_reason,
)
from .process import found_by

OURS = "ours"
AGREEMENT = 1e-8
LIMIT_SECONDS = 900.0


@dataclass(frozen=True)
class Run:
    """What a measuring process found, by contender; `failures` holds those that broke."""

    times: dict[str, list[float]]
    compile: dict[str, float]
    failures: dict[str, str]
    note: str
    distance: dict[str, float]
    outputs: dict[str, list[float]]
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def measure(problem: str, context: Context, *, rounds: int, backend: str = "auto", ceiling: bool = False) -> Run:
    """Run one problem's contenders in their own pinned process; `rounds` 0 evaluates without timing.

    With `ceiling` the derivative by hand in C is among them, and the process adds the figures of `figures.py`.
    """
    job = {
        "problem": problem,
        "rounds": rounds,
        "backend": backend,
        "ceiling": ceiling,
        "core": context.core,
        "seed": context.seed,
        "data": str(context.data) if context.data else "",
        "root": str(context.root),
    }
    return Run(**found_by("worker", [json.dumps(job)], context.root, LIMIT_SECONDS))


def speed_row(bar: Bar, run: Run, seed: int, named: str | None = None, agreement: float = AGREEMENT) -> Row:
    """The ratio time(peer)/time(ours): median and spread over rounds.

    The peer is the fastest formulation measured; when the caller names one that was not, the row is void. A
    wrong result of ours, one that is further than `agreement` from the peers', fails the row whatever its speed.
    """
    peers = {name: times for name, times in run.times.items() if name != OURS}
    peer = named or fastest(peers)
    details: dict[str, Any] = {
        "peer": statistics.median(peers[peer]),
        "peer_name": peer,
        "seed": seed,
        "peer_version": versions().get("jax"),
        "samples": len(peers[peer]),
    }
    if OURS not in run.times:
        return failed(bar, join(run.note, run.failures.get(OURS, "ours did not run")), **details)
    details["ours"] = statistics.median(run.times[OURS])
    if run.distance[OURS] > agreement:
        return failed(bar, join(run.note, f"wrong result: differs by {run.distance[OURS]:.1e}"), **details)
    wrong = [name for name in peers if run.distance[name] > agreement]
    void = f"void: {wrong[0]} disagrees" if wrong else void_reason(peer, peers)
    if void:
        return unmeasured(bar, join(run.note, void), **details)
    ratios = round_ratios(run.times[OURS], peers[peer])
    return measured(bar, statistics.median(ratios), spread=quartile_spread(ratios), note=run.note, **details)


def compile_row(bar: Bar, run: Run, seed: int, peer: str | None) -> Row:
    """Seconds from program to first result, next to the peer's."""
    details: dict[str, Any] = {
        "peer": run.compile.get(peer) if peer else None,
        "peer_name": peer,
        "seed": seed,
        "peer_version": versions().get("jax"),
    }
    if OURS not in run.compile:
        return failed(bar, join(run.note, run.failures.get(OURS, "ours did not run")), **details)
    return measured(bar, run.compile[OURS], ours=run.compile[OURS], note=run.note, **details)


def join(*parts: str) -> str:
    """Non-empty parts on one line, shortened."""
    return "; ".join(" ".join(part.split()) for part in parts if part)[:300]
