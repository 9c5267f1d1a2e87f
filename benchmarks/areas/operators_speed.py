"""The speed of operators beside what JAX users have: Laplacians, their squares, Laplacians of sampled coordinates.

Each case is one measuring process with all contenders. A row compares with one of them, or with the fastest of a few;
its note holds the ratios to the others and how many matrix products each of the compiled programs has.
"""

from __future__ import annotations

import importlib.metadata
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..harness import Bar, Context, Kind, Row, failed, fastest, measured, round_ratios
from ..process import found_by
from ..timing import LIMIT_SECONDS, OURS, Run, speed_row

AREA = "operators"
AGREEMENT = 1e-4  # of results in f32, relative to their norm
FOLX = ("folx", "folx with sparsity")
JET = "jax.experimental.jet"


@dataclass(frozen=True)
class Target:
    """We are to be faster than the fastest of these peers, by a factor; without names, of all that nest."""

    id: str
    peers: tuple[str, ...]
    factor: float
    kind: Kind = "gate"


@dataclass(frozen=True)
class Case:
    """What is measured at once: an operator of a network, its values or the gradient of their mean square."""

    id: str
    name: str
    kind: Literal["laplacian", "bilaplacian", "sampled"]
    sizes: tuple[int, ...]
    points: int
    targets: tuple[Target, ...]
    gradient: bool = False
    repeats: int = 3
    scale: int = 1
    samples: int = 0


def _jet(factor: float) -> tuple[Target, ...]:
    return (Target("jet", (JET,), factor),)


def _narrow(d: int) -> tuple[int, ...]:
    return (d, 128, 128, 128, 1)


WIDE = (50, 768, 768, 512, 512, 1)
BALL = "Laplacian of (1 - |x|^2) network, 16 coordinates that all points share"
CASES = (
    Case("wide", "Laplacian, network 50-768-768-512-512-1", "laplacian", WIDE, 16,
         (Target("jet", (JET,), 2.0), Target("folx", FOLX, 1.0)), repeats=1),
    Case("100", "Laplacian, network 100-128-128-128-1", "laplacian", _narrow(100), 32, _jet(1.4)),
    Case("100/gradient", "gradient, network 100-128-128-128-1", "laplacian", _narrow(100), 32, _jet(3.0), True, 1),
    Case("400", "Laplacian, network 400-128-128-128-1", "laplacian", _narrow(400), 32, _jet(1.4)),
    Case("400/gradient", "gradient, network 400-128-128-128-1", "laplacian", _narrow(400), 32, _jet(2.5), True, 1),
    Case("bilaplacian", "bilaplacian, network 5-768-768-512-512-1", "bilaplacian", (5, *WIDE[1:]), 16,
         (Target("nested", (), 2.5),), repeats=1),
    Case("bilaplacian/narrow", "bilaplacian, network 5-128-128-128-1", "bilaplacian", _narrow(5), 32,
         (Target("nested", (), 2.5, "aim"),)),
    Case("sampled", f"{BALL}, network 10000-128-128-128-1", "sampled", _narrow(10_000), 100,
         _jet(4.0), scale=10_000, samples=16),
    Case("sampled/gradient", "gradient of the same, network 10000-128-128-128-1", "sampled", _narrow(10_000), 100,
         (Target("jet", (JET,), 2.5),), True, 1, scale=10_000, samples=16),
)  # fmt: skip
QUICK = ("100", "100/gradient", "bilaplacian/narrow")


def rows(context: Context) -> list[Row]:
    """A row for each target of each case, and how long it takes to build a bilaplacian."""
    found: list[Row] = []
    for case in CASES:
        if not context.quick or case.id in QUICK:
            found += case_rows(case, context)
    return found


def case_rows(case: Case, context: Context) -> list[Row]:
    """Measure one case."""
    try:
        return rows_of(case, measure(case, context), context)
    except RuntimeError as error:
        return [failed(bar, str(error)[-300:], dtype="f32") for bar in _bars(case)]


def rows_of(case: Case, result: Mapping[str, Any], context: Context) -> list[Row]:
    """The rows of a case from what its process found."""
    bars = _bars(case)
    found = [_row(bar, target, result, context) for bar, target in zip(bars, case.targets, strict=False)]
    if len(bars) > len(found):
        seconds = result["building"]
        peer = min((name for name in seconds if name != OURS), key=lambda name: seconds[name])
        found.append(measured(bars[-1], seconds[OURS], ours=seconds[OURS], peer=seconds[peer], peer_name=peer))
    return found


def _bars(case: Case) -> list[Bar]:
    """A bar for each target, and for a bilaplacian one more for how long it takes to build."""
    building = Bar(f"operators/{case.id}/build", "aim", AREA, case.name, "seconds from function to XLA's program", "s",
                   "<=", 1.0)  # fmt: skip
    return [*(_bar(case, target) for target in case.targets), *([building] if case.kind == "bilaplacian" else [])]


def _bar(case: Case, target: Target) -> Bar:
    name = f"{case.name}, {case.points} points, f32"
    return Bar(f"operators/{case.id}/{target.id}", target.kind, AREA, name, "time(peer)/time(ours)", "", ">=",
               target.factor)  # fmt: skip


def measure(case: Case, context: Context) -> Mapping[str, Any]:
    """One measuring process; RuntimeError when it fails."""
    job = {
        "kind": case.kind, "sizes": case.sizes, "points": case.points, "gradient": case.gradient, "dtype": "float32",
        "scale": case.scale, "samples": case.samples, "rounds": context.rounds, "repeats": case.repeats,
        "core": context.core, "seed": context.seed,
    }  # fmt: skip
    return found_by("operators_worker", [json.dumps(job)], context.root, LIMIT_SECONDS)


def _row(bar: Bar, target: Target, result: Mapping[str, Any], context: Context) -> Row:
    """The comparison of one target, with the other contenders in its note."""
    times: dict[str, list[float]] = result["times"]
    chosen = target.peers or tuple(name for name in times if name.startswith("nested"))
    kept = (OURS, *chosen)
    own = {key: {name: result[key][name] for name in kept} for key in ("times", "compile", "distance")}
    run = Run(own["times"], own["compile"], {}, _note(result, chosen), own["distance"], {})
    row = speed_row(bar, run, context.seed, agreement=AGREEMENT)
    package = "folx" if row.peer_name in FOLX else "jax"
    return replace(row, dtype="f32", peer_version=importlib.metadata.version(package))


def _note(result: Mapping[str, Any], chosen: Sequence[str]) -> str:
    """Ratios to the contenders that are not compared with, and numbers of matrix products."""
    times = result["times"]
    others = [name for name in times if name != OURS and name not in chosen]
    ratios = [f"{name} {statistics.median(round_ratios(times[OURS], times[name])):.2f}" for name in others]
    peer = fastest({name: times[name] for name in chosen})
    dots = result["dots"]
    counted = f"{dots[OURS]} matrix products, the peer's {dots[peer]}"
    return "; ".join([counted, *([f"ratio to {', '.join(ratios)}"] if ratios else [])])
