"""The contenders of the operator benchmark agree, and its rows name the peer that they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import pytest

from benchmarks.areas.operators_speed import CASES, rows_of
from benchmarks.harness import Context
from benchmarks.operators_worker import OURS, work


def _job(kind: str, gradient: bool) -> dict[str, Any]:
    sizes = [12, 4, 1] if kind == "sampled" else [2, 4, 1]
    return {
        "kind": kind, "sizes": sizes, "points": 4, "dtype": "float64", "gradient": gradient, "rounds": 1, "repeats": 1,
        "seed": 0, "scale": 1, "samples": 2,
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "gradient"), [("laplacian", True), ("bilaplacian", False), ("sampled", True)])
def test_contenders_agree(kind: str, gradient: bool) -> None:
    with jax.enable_x64(True):
        found = work(_job(kind, gradient))
    assert OURS in found["times"] and len(found["times"]) > 1
    assert all(distance < 1e-12 for distance in found["distance"].values())


def test_rows_compare_with_the_fastest_of_the_peers_they_name() -> None:
    case = next(case for case in CASES if case.id == "bilaplacian")
    names = [OURS, "nested forward over reverse", "nested forward over forward", "folx of folx"]
    seconds = dict(zip(names, (1.0, 4.0, 2.0, 0.5), strict=True))
    result = {
        "times": {name: [second] * 3 for name, second in seconds.items()},
        "building": seconds, "compile": seconds, "dots": dict.fromkeys(names, 7), "distance": dict.fromkeys(names, 0.0),
    }  # fmt: skip
    rows = rows_of(case, result, Context(Path()))
    assert [(row.value, row.peer_name) for row in rows] == [(2.0, names[2]), (1.0, names[3])]
    assert [row.ok for row in rows] == [False, True]
    assert "folx of folx 0.50" in rows[0].note
