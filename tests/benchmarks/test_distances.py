"""Distances of results: a number that is none is never near, wherever it stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks import embed_worker, matrix_worker
from pushforward.verify.mutants.check import close


@pytest.mark.parametrize("distance", [embed_worker.relative_distance, matrix_worker.distance])
@pytest.mark.parametrize("found", [[0.0, math.nan], [math.nan, 1.0], [0.0, math.inf]])
def test_what_is_not_finite_is_infinitely_far(distance: Callable[[Any, Any], float], found: list[float]) -> None:
    assert distance([np.array([0.0, 1.0])], [np.array([0.0, 1.0])]) == 0.0
    assert distance([np.array(found), np.ones(2)], [np.array([0.0, 1.0]), np.ones(2)]) == math.inf


@pytest.mark.parametrize(("found", "wanted"), [(0.0, math.inf), (-math.inf, math.inf), (math.nan, 0.0)])
def test_a_limit_that_is_infinite_must_be_met(found: float, wanted: float) -> None:
    close([wanted], [wanted], 1e-13, "limit")
    with pytest.raises(AssertionError, match="limit"):
        close([found], [wanted], 1e-13, "limit")
