"""Checks of rows that exact arithmetic does not evaluate: random draws, and rounding to fewer bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import numpy as np

from ...ad.forward import forward
from ...ad.reverse import reverse
from ...lang.builder import body
from ...lang.ir import F64, ArrayType, Program
from ...semantics.reference import evaluate
from .check import Check, all_close, close

MP = mpmath.mp.clone()
MP.dps = 60
WORD = ArrayType("uint32")
# Keys and shapes; the last three shapes lead to draws near 0, and to draws that are 0 but for their logarithm.
DRAWS = ((1, 2, 0.4), (3, 4, 0.9), (5, 6, 1.5), (7, 8, 4.0), (9, 10, 0.05), (11, 12, 1e-3), (13, 14, 2e-4))


def inexact_checks() -> Iterator[Check]:
    """One check per row."""
    draws = [draw for draw in DRAWS if draw[2] > 0.01]
    yield Check("rows", "random_gamma: draws", frozenset({"random_gamma"}), _draws(draws, log_space=False))
    yield Check("rows", "random_gamma: logarithms", frozenset({"random_gamma"}), _draws(DRAWS, log_space=True))
    yield Check("rows", "reduce_precision: both modes", frozenset({"reduce_precision"}), _rounding)


def _drawing(log_space: bool) -> Program:
    return body("draw", [WORD, WORD, F64], lambda b, x: [b.apply("random_gamma", *x, log_space=log_space)])


def _draws(draws: Sequence[tuple[int, int, float]], *, log_space: bool) -> Callable[[], None]:
    """A draw moves with its shape as the quantile of a fixed probability does: by ``-(dP/da) / p``."""
    cases = []
    for *key, shape in draws:
        operands = [*(np.uint32(word) for word in key), shape]
        drawn = MP.mpf(float(evaluate(_drawing(log_space), operands)[0]))
        point = MP.exp(drawn) if log_space else drawn
        slope = _quantile_slope(MP.mpf(shape), point)
        cases.append((operands, float(slope / point if log_space else slope)))

    def run() -> None:
        for operands, wanted in cases:
            pushed = evaluate(forward(_drawing(log_space)), [*operands, 2.0])[1]
            close(pushed / wanted, 2.0, 1e-7, f"tangent of a draw of shape {operands[2]}")
            pulled = evaluate(reverse(_drawing(log_space)), [*operands, 3.0])[1]
            close(pulled / wanted, 3.0, 1e-7, f"cotangent of a draw of shape {operands[2]}")

    return run


def _quantile_slope(shape: Any, point: Any) -> Any:
    step = MP.mpf(10) ** -20
    low, high = (MP.gammainc(shape + sign * step, 0, point, regularized=True) for sign in (-1, 1))
    density = point ** (shape - 1) * MP.exp(-point) / MP.gamma(shape)
    return -(high - low) / (2 * step) / density


def _rounding() -> None:
    """A tangent is rounded like the value: two bits behind the leading one."""
    params = {"exponent_bits": 8, "mantissa_bits": 2}
    program = body("rounded", [ArrayType("f64", (2,))], lambda b, x: [b.apply("reduce_precision", *x, **params)])
    operands = [np.array([1.03, -5.3]), np.array([1.6, -2.6])]
    for mode in (forward, reverse):
        all_close(evaluate(mode(program), operands), [[1.0, -5.0], [1.5, -2.5]], 0, "rounded")
