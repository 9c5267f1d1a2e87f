"""ADBench goldens: our value and gradient against the published numbers.

Metric: |x-y|/max(1,|x|+|y|) at most 1e-8, ADBench's `JacobianCheck.md`. Without the data folder the same
shapes are generated and the reference is the hand-written JAX of `benchmarks.peers`, and the row says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..harness import Bar, Context, Row, failed, measured
from ..timing import OURS, Run, join, measure
from ..worker import distance

AREA = "adbench"
TOLERANCE = 1e-8


@dataclass(frozen=True)
class Golden:
    """A problem, which part of its output is published, and where the number lies in the goldens file."""

    problem: str
    part: str
    path: tuple[str, str]


GOLDENS = (
    Golden("gmm_test", "objective", ("gmm", "objective")),
    Golden("gmm_test", "gradient", ("gmm", "expected_gradient")),
    Golden("gmm_d2_k10", "objective", ("extra", "gmm_1k_d2_K10_objective")),
    Golden("lstm_l2_c1024", "objective", ("lstm", "objective")),
    Golden("lstm_l2_c1024", "gradient", ("lstm", "expected_gradient")),
)


def rows(context: Context) -> list[Row]:
    """One gate per golden."""
    goldens = load_goldens(context.data)
    runs = {name: measure(name, context, rounds=0) for name in dict.fromkeys(g.problem for g in GOLDENS)}
    return [golden_row(golden, runs[golden.problem], goldens, context.seed) for golden in GOLDENS]


def load_goldens(data: Path | None) -> dict[str, Any] | None:
    """The published numbers, when the data folder has them."""
    path = data / "adbench" / "goldens.json" if data else None
    return json.loads(path.read_text()) if path and path.is_file() else None


def part_of(vector: list[float], part: str) -> NDArray[np.float64]:
    """The objective or the gradient of an output vector."""
    return np.asarray(vector[:1] if part == "objective" else vector[1:])


def golden_row(golden: Golden, run: Run, goldens: dict[str, Any] | None, seed: int) -> Row:
    """Distance of our output from the golden, or from a peer when there is no golden for this data."""
    bar = Bar(
        f"adbench/{golden.problem}/{golden.part}",
        "gate",
        AREA,
        f"{golden.problem} {golden.part}",
        "largest |x-y|/max(1,|x|+|y|)",
        "",
        "<=",
        TOLERANCE,
    )
    peer = next(name for name in run.outputs if name != OURS)
    published = goldens is not None and not run.note
    details: dict[str, Any] = {"peer_name": "published values" if published else peer, "seed": seed}
    if OURS not in run.outputs:
        return failed(bar, join(run.note, run.failures.get(OURS, "ours did not run")), **details)
    if goldens is not None and published:
        expected = np.atleast_1d(np.asarray(goldens[golden.path[0]][golden.path[1]], dtype=np.float64))
    else:
        expected = part_of(run.outputs[peer], golden.part)
    value = distance(part_of(run.outputs[OURS], golden.part), expected)
    return measured(bar, value, samples=len(expected), note=run.note, **details)
