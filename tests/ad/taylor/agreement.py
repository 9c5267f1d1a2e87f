"""A program on series, checked in one variable, along directions and collapsed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pushforward.ad.taylor import JetShape, univariate
from pushforward.lang.ir import Program
from tests.ad.taylor.oracle import nested
from tests.ad.taylor.series import random_series, run_series

ORDER = 4


def check(program: Program, x: Sequence[np.ndarray], order: int = ORDER, seed: int = 0) -> None:
    """One variable against nested forward mode; directions and collapsed orders against single directions."""
    rng, shape = np.random.default_rng(seed), univariate(order)
    series = random_series(program, shape, rng)
    flat = [array for own in series for array in own.values()]
    _, found = run_series(program, shape, x, series)
    for index in shape.above:
        for own, wanted in zip(found, nested(program, index, x, flat, order), strict=True):
            np.testing.assert_allclose(own[index], wanted, rtol=1e-8, atol=1e-8)
    many = JetShape(shape.indices, 2, order)
    wide = random_series(program, many, rng)
    single = [
        [{i: array if sum(i) == order else array[r] for i, array in own.items()} for own in wide] for r in range(2)
    ]
    for own in single[1]:  # the sum of the top coefficients counts once
        if (order,) in own:
            own[(order,)] = np.zeros_like(own[(order,)])
    _, sums = run_series(program, many, x, wide)
    each = [run_series(program, shape, x, own)[1] for own in single]
    for k, own in enumerate(sums):
        for index, array in own.items():
            wanted = np.stack([one[k][index] for one in each])
            np.testing.assert_allclose(array, wanted.sum(0) if sum(index) == order else wanted, rtol=1e-8, atol=1e-8)
