"""Benchmark rows: what was measured, the bar it is held to, and whether it holds.

Measurements go in; frozen rows come out, gathered into one JSON-ready report with the machine and versions.
A *gate* must hold; an *aim* is a goal that is reported either way. `ok` is computed here and nowhere else.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

SCHEMA = 1
Kind = Literal["gate", "aim"]
Op = Literal["<=", ">="]
PACKAGES = (
    *("pushforward", "jax", "jaxlib", "numpy", "scipy", "lark", "llvmlite", "sympy", "z3-solver"),
    *("equinox", "flax", "diffrax", "optax", "numpyro"),
)


@dataclass(frozen=True)
class Context:
    """What every area is given: the data folder if any, whether to be quick, the seed and the pinned core."""

    root: Path
    data: Path | None = None
    quick: bool = False
    seed: int = 0
    core: int = 0

    @property
    def rounds(self) -> int:
        """Interleaved rounds per speed pair."""
        return 5 if self.quick else 15


@dataclass(frozen=True)
class Bar:
    """What a row claims: its identity, its metric and the target that metric is held to."""

    id: str
    kind: Kind
    area: str
    name: str
    metric: str
    unit: str
    op: Op
    target: float


@dataclass(frozen=True)
class Row:
    """One line of a report."""

    id: str
    kind: Kind
    area: str
    name: str
    metric: str
    unit: str
    value: float | None
    op: Op
    target: float
    ok: bool | None
    ours: float | None = None
    peer: float | None = None
    peer_name: str | None = None
    peer_version: str | None = None
    samples: int = 1
    spread: float | None = None
    dtype: str = "f64"
    seed: int = 0
    note: str = ""


def holds(value: float, op: Op, target: float) -> bool:
    """Compare a measurement with its bar; a value that is not finite never holds.

    >>> holds(2.0, "<=", 2.0), holds(float("nan"), "<=", 2.0)
    (True, False)
    """
    return math.isfinite(value) and (value <= target if op == "<=" else value >= target)


def measured(bar: Bar, value: float, **details: Any) -> Row:
    """A row with a value; `ok` follows from the bar. Details are further fields of `Row`."""
    value = float(value)  # a report holds no numbers of NumPy
    finite = value if math.isfinite(value) else None
    return Row(**asdict(bar), value=finite, ok=holds(value, bar.op, bar.target), **details)


def unmeasured(bar: Bar, note: str, **details: Any) -> Row:
    """A row that says nothing about us (no peer, no device); it must say why."""
    if not note:
        raise ValueError(f"row {bar.id}: a row without a verdict needs a note")
    return Row(**asdict(bar), value=None, ok=None, note=note, **details)


def failed(bar: Bar, note: str, **details: Any) -> Row:
    """A row whose measurement broke on our side: that is a failure, not an absence."""
    return Row(**asdict(bar), value=None, ok=False, note=note, **details)


def quartile_spread(values: Sequence[float]) -> float:
    """Distance between the first and third quartile (0 for a single value)."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


def round_ratios(ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """time(peer)/time(ours) round by round; above 1 we are faster."""
    return [theirs / mine for theirs, mine in zip(peer, ours, strict=True)]


def fastest(times: Mapping[str, Sequence[float]]) -> str:
    """The name with the smallest median time."""
    return min(times, key=lambda name: statistics.median(times[name]))


def void_reason(named: str, times: Mapping[str, Sequence[float]]) -> str:
    """Why naming this peer voids a comparison: another one was faster in the same run; else ''."""
    best = fastest(times)
    if best == named:
        return ""
    ratio = statistics.median(times[named]) / statistics.median(times[best])
    return f"void: {best} is {ratio:.2f} times faster than the named peer {named}"


def machine() -> dict[str, str | int]:
    """CPU model and usable cores; nothing that names the host."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":", 1)[1] for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].strip() if names else model
    return {"cpu": model, "cores": os.cpu_count() or 1}


def versions() -> dict[str, str]:
    """Versions of the packages that can change a number; absent ones are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def report(rows: Sequence[Row], device: str = "cpu") -> dict[str, object]:
    """The JSON document of a run."""
    return {
        "schema": SCHEMA,
        "machine": machine(),
        "device": device,
        "python": platform.python_version(),
        "versions": versions(),
        "rows": [asdict(row) for row in rows],
    }
