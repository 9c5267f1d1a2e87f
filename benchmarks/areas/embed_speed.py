"""How fast gradients of the compositions are beside JAX's, and how long the first one takes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from math import exp, log
from typing import Any

from ..harness import Bar, Context, Row, failed, measured, round_ratios, versions
from .embed_training import run

AREA = "embed"
AGREEMENT = 1e-8
QUICK = ("attention", "lstm", "real_nvp")


def rows(context: Context) -> list[Row]:
    """Geometric mean and worst of speed and of time to the first gradient."""
    name = "gradients of the compositions on batches"
    bars = (
        _bar("speed/mean", name, "time(peer)/time(ours), geometric mean", ">=", 0.95),
        _bar("speed/worst", name, "time(peer)/time(ours), worst", ">=", 0.77),
        _bar("first/mean", "time to the first gradient", "time(ours)/time(peer), geometric mean", "<=", 1.2),
        _bar("first/worst", "time to the first gradient", "time(ours)/time(peer), worst", "<=", 1.5),
    )  # fmt: skip
    try:
        found = run("speed", context, names=list(QUICK) if context.quick else [])
    except RuntimeError as error:
        return [failed(bar, str(error)[-300:]) for bar in bars]
    failures = {name: item["failure"] for name, item in found.items() if "failure" in item}
    wrong = {name: item["distance"] for name, item in found.items() if item.get("distance", 0.0) > AGREEMENT}
    good = {name: item for name, item in found.items() if name not in failures and name not in wrong}
    if not good:
        return [failed(bar, f"nothing could be timed: {failures}"[:300]) for bar in bars]
    ratios = {name: round_ratios(item["times"]["ours"], item["times"]["jax"]) for name, item in good.items()}
    speed = {name: statistics.median(values) for name, values in ratios.items()}
    first = {name: item["first"]["ours"] / item["first"]["jax"] for name, item in good.items()}
    left_out = "; ".join(f"{name}: {why}" for name, why in {**failures, **wrong}.items())
    details: dict[str, Any] = {"peer_name": "jax", "peer_version": versions().get("jax"), "samples": len(good)}
    return [
        measured(bars[0], _mean(speed), note=_note(speed, left_out, best=True), **details),
        measured(bars[1], min(speed.values()), note=_note(speed, "", best=False), **details),
        measured(bars[2], _mean(first), **details),
        measured(bars[3], max(first.values()), note=_note(first, "", best=True, what="slowest"), **details),
    ]


def _bar(id_: str, name: str, metric: str, op: Any, target: float) -> Bar:
    return Bar(f"embed/{id_}", "aim", AREA, name, metric, "", op, target)


def _mean(values: Mapping[str, float]) -> float:
    return exp(statistics.fmean(log(value) for value in values.values()))


def _note(values: Mapping[str, float], more: str, *, best: bool, what: str | None = None) -> str:
    """The few greatest or least, by name."""
    order = sorted(values, key=lambda name: -values[name] if best else values[name])[:6]
    listed = ", ".join(f"{name} {values[name]:.2f}" for name in order)
    head = what or ("fastest" if best else "slowest")
    return "; ".join(part for part in (f"{head}: {listed}", more) if part)[:1000]
