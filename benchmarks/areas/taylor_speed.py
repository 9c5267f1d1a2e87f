"""Derivatives of order 1 to 10 along a line, and their parameter gradients, against forward mode nested and JAX's jets.

The function is a tanh network 1-64-64-64-1 at 64 points in one core's f64, ours by Taylor mode inside `jax.jit`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..harness import (
    Bar,
    Context,
    Kind,
    Row,
    failed,
    fastest,
    measured,
    quartile_spread,
    round_ratios,
    versions,
)
from ..process import found_by
from ..timing import AGREEMENT, OURS, join

AREA = "taylor"
NAME = "d^k/dx^k of a tanh network 1-64-64-64-1 at 64 points"
LIMIT_SECONDS = 1800.0
ROUNDS = 3  # times as many as elsewhere: these calls take less than a millisecond
NEST = "nested jvp"
JETS = ("jet", "jet, normalised", "jet, vmap over points", "jet, normalised, vmap over points")
SLOW = 7  # from this order on a nest takes so long to compile that only one way to write it is measured
DEEPEST = 6  # the gradient of a nest of more orders takes minutes to compile

Mode = Literal["value", "gradient"]
Found = Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """Orders whose worst ratio is one row, and what it is held to."""

    id: str
    mode: Mode
    kind: Kind
    orders: range
    target: float
    peers: str = ""  # the first word of the names of those that count, all by default


GROUPS = (
    Group("value/low", "value", "gate", range(1, 4), 0.95),
    Group("value/middle", "value", "aim", range(4, 6), 1.0),
    Group("value/high", "value", "gate", range(6, 11), 1.0),
    Group("value/jet", "value", "gate", range(2, 11), 1.25, "jet"),
    Group("gradient/low", "gradient", "aim", range(1, 4), 0.95),
    Group("gradient/high", "gradient", "gate", range(4, 11), 1.0),
)


def contenders(mode: Mode, order: int) -> list[str]:
    """The peers that are measured at an order."""
    nests = [NEST, f"{NEST}, vmap over points"]
    if mode == "gradient":
        return [*(nests[:1] if order <= DEEPEST else ()), *JETS[::2]]
    return [*(nests if order < SLOW else nests[:1]), *JETS]


def rows(context: Context) -> list[Row]:
    """Worst ratios over ranges of orders, time to compile, and matrix products."""
    last = 4 if context.quick else 10
    modes: tuple[Mode, Mode] = ("value", "gradient")
    found: dict[tuple[Mode, int], Found | str] = {
        (mode, order): measure(mode, order, context) for mode in modes for order in range(1, last + 1)
    }
    return [
        *(group_row(group, found, context) for group in GROUPS if group.orders[0] <= last),
        *facts_rows(found["value", last], last),
    ]


def measure(mode: Mode, order: int, context: Context) -> Found | str:
    """What one process found, or why it found nothing."""
    job = {
        "core": context.core, "seed": context.seed, "rounds": ROUNDS * context.rounds, "mode": mode, "order": order,
        "names": contenders(mode, order),
    }  # fmt: skip
    try:
        return found_by("taylor_worker", [json.dumps(job)], context.root, LIMIT_SECONDS)
    except RuntimeError as error:
        return str(error)[-300:]


@dataclass(frozen=True)
class Ratio:
    """Ours at one order against the fastest of the peers."""

    order: int
    peer: str
    values: Sequence[float]
    ours: float
    theirs: float

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def ratio(order: int, found: Found, peers: str) -> Ratio:
    """time(peer)/time(ours) in every round, the peer being the fastest of those whose names begin so."""
    times = found["times"]
    peer = fastest({name: own for name, own in times.items() if name != OURS and name.startswith(peers)})
    medians = [statistics.median(times[name]) for name in (OURS, peer)]
    return Ratio(order, peer, round_ratios(times[OURS], times[peer]), *medians)


def group_row(group: Group, all_found: Mapping[tuple[Mode, int], Found | str], context: Context) -> Row:
    """The worst order of a group; the others are in the note."""
    label = f"order {group.orders[0]} to {group.orders[-1]}"
    what = NAME if group.mode == "value" else f"parameter gradient of the mean square of {NAME}"
    against = f"{group.peers} only" if group.peers else "the better peer"
    metric = f"time(peer)/time(ours), {against}, worst"
    bar = Bar(f"{AREA}/{group.id}", group.kind, AREA, f"{what}, {label}", metric, "", ">=", group.target)
    ratios = list[Ratio]()
    for order in group.orders:
        found = all_found.get((group.mode, order))
        if found is None:
            continue
        problem = found if isinstance(found, str) else wrong(found)
        if problem:
            return failed(bar, join(f"order {order}: {problem}"))
        assert not isinstance(found, str)
        ratios.append(ratio(order, found, group.peers))
    worst = min(ratios, key=lambda own: own.median)
    orders = ", ".join(f"{own.order}: {own.median:.2f} ({own.peer})" for own in ratios)
    unmeasured_nests = f"; from order {DEEPEST + 1} on the nest takes minutes to compile and is not measured"
    note = orders + (unmeasured_nests if group.mode == "gradient" and ratios[-1].order > DEEPEST else "")
    return measured(
        bar, worst.median, spread=quartile_spread(worst.values), ours=worst.ours, peer=worst.theirs,
        peer_name=worst.peer, peer_version=versions().get("jax"), samples=len(worst.values), seed=context.seed,
        note=note,
    )  # fmt: skip


def wrong(found: Found) -> str:
    """Which contender is too far from the truth."""
    return next((f"{name} differs by {far:.1e}" for name, far in found["distance"].items() if far > AGREEMENT), "")


def facts_rows(found: Found | str, order: int) -> list[Row]:
    """Seconds to trace and compile, and matrix products, at the highest order."""
    bars = (
        _fact("compile", "gate" if order == 10 else "aim", f"trace and compile, order {order}",
              "time(ours)/time(nested jvp)", "<=", 0.1),
        _fact("compile/jet", "aim", f"trace and compile, order {order}", "time(ours)/time(jet)", "<=", 1.0),
        _fact("products", "aim", f"matrix products in the optimised program, order {order}", "ours", "<=",
              2.0 * order + 3.0),
    )  # fmt: skip
    if isinstance(found, str):
        return [failed(bar, found) for bar in bars]
    facts = found["facts"]
    seconds = {name: own["trace"] + own["compile"] for name, own in facts.items()}
    products = ", ".join(f"{name} {own['products']}" for name, own in facts.items())
    jet = min((name for name in seconds if name.startswith("jet")), key=lambda name: seconds[name])
    return [
        _seconds(bars[0], seconds, NEST, facts),
        _seconds(bars[1], seconds, jet, facts),
        measured(bars[2], facts[OURS]["products"], note=products),
    ]


def _fact(id_: str, kind: Kind, name: str, metric: str, op: Any, target: float) -> Bar:
    return Bar(f"{AREA}/{id_}", kind, AREA, f"{NAME}: {name}", metric, "", op, target)


def _seconds(bar: Bar, seconds: Mapping[str, float], peer: str, facts: Found) -> Row:
    parts = [f"{name} {facts[name]['trace']:.2f} + {facts[name]['compile']:.2f} s" for name in (OURS, peer)]
    return measured(
        bar, seconds[OURS] / seconds[peer], ours=seconds[OURS], peer=seconds[peer], peer_name=peer,
        peer_version=versions().get("jax"), note="trace + compile: " + ", ".join(parts),
    )  # fmt: skip
