"""ADBench goldens: our value and gradient against the published numbers.

Metric: |x-y|/max(1,|x|+|y|) at most 1e-8, ADBench's `JacobianCheck.md`. Without the data folder the same
shapes are generated and the reference is the hand-written JAX of `benchmarks.peers`, and the row says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..harness import Bar, Context, Row, failed, measured
from ..timing import OURS, Run, join, measure
from ..worker import distance

AREA = "adbench"
TOLERANCE = 1e-8


@dataclass(frozen=True)
class Golden:
    """A problem, which part of its output is published, and where the numbers lie in the goldens file.

    `place` is where the part stands in the output, `columns` which columns (or numbers of a list) of the published
    table it is.
    """

    problem: str
    part: str
    path: tuple[str, str]
    place: slice
    columns: slice = field(default_factory=lambda: slice(None))


VALUE, GRADIENT = slice(0, 1), slice(1, None)
GOLDENS = (
    Golden("gmm_test", "objective", ("gmm", "objective"), VALUE),
    Golden("gmm_test", "gradient", ("gmm", "expected_gradient"), GRADIENT),
    Golden("gmm_d2_k10", "objective", ("extra", "gmm_1k_d2_K10_objective"), VALUE),
    Golden("lstm_l2_c1024", "objective", ("lstm", "objective"), VALUE),
    Golden("lstm_l2_c1024", "gradient", ("lstm", "expected_gradient"), GRADIENT),
    # Of ten equal observations the first: two residuals, a block of 2 x 15, and the weight's derivative.
    Golden("ba_test", "residual", ("ba", "expected_reproj_err"), slice(0, 2)),
    Golden("ba_test", "jacobian", ("ba", "expected_J_values"), slice(20, 50), slice(0, 30)),
    Golden("ba_test", "weight", ("ba", "expected_J_values"), slice(330, 331), slice(30, 31)),
    # Two points: six residuals, 6 x 26 in the pose, and on triangles 6 x 2 in the point's own numbers.
    Golden("hand_test", "residual", ("hand", "expected_objective"), slice(0, 6)),
    Golden("hand_test", "jacobian", ("hand", "expected_jacobian"), slice(6, 162)),
    Golden("hand_triangles_test", "residual", ("hand", "expected_objective_1"), slice(0, 6)),
    Golden("hand_triangles_test", "jacobian", ("hand", "expected_jacobian_1"), slice(6, 162), slice(2, None)),
    Golden("hand_triangles_test", "jacobian in u", ("hand", "expected_jacobian_1"), slice(162, 174), slice(0, 2)),
)


def rows(context: Context) -> list[Row]:
    """One gate per golden and compiled back end."""
    goldens, found = load_goldens(context.data), []
    for backend in ("auto", "llvm"):
        names = dict.fromkeys(golden.problem for golden in GOLDENS)
        runs = {name: measure(name, context, rounds=0, backend=backend) for name in names}
        found += [golden_row(golden, runs[golden.problem], goldens, context.seed, backend) for golden in GOLDENS]
    return found


def load_goldens(data: Path | None) -> dict[str, Any] | None:
    """The published numbers, when the data folder has them."""
    path = data / "adbench" / "goldens.json" if data else None
    return json.loads(path.read_text()) if path and path.is_file() else None


def golden_row(golden: Golden, run: Run, goldens: dict[str, Any] | None, seed: int, backend: str) -> Row:
    """Distance of our output from the golden, or from a peer when there is no golden for this data."""
    name = f"{golden.problem}/{golden.part}".replace(" ", "_")
    bar = Bar(
        f"adbench/{name}" if backend == "auto" else f"adbench/{name}/{backend}",
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
        table = np.atleast_1d(np.asarray(goldens[golden.path[0]][golden.path[1]], dtype=np.float64))
        expected = np.ravel(table[..., golden.columns])
    else:
        expected = np.asarray(run.outputs[peer][golden.place])
    value = distance(np.asarray(run.outputs[OURS][golden.place]), expected)
    return measured(bar, value, samples=len(expected), note=run.note, **details)
