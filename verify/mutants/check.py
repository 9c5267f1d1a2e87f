"""A check of the fast suite: what it looks at, and a function that raises when something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Check:
    """`area` is as in `Mutant`; `subjects` are the rows it speaks about (none for checks of whole programs).

    `run` uses oracles computed before any fault was in.
    """

    area: str
    name: str
    subjects: frozenset[str]
    run: Callable[[], None]


def close(found: Any, wanted: Any, tolerance: float, what: str) -> None:
    """Raise unless both agree, relative to the greater of 1 and the wanted value, with equal shapes and NaNs."""
    left, right = np.asarray(found, float), np.asarray(wanted, float)
    if left.shape != right.shape:
        raise AssertionError(f"{what}: shape {left.shape}, not {right.shape}")
    with np.errstate(invalid="ignore"):
        near = (left == right) | (np.isnan(left) & np.isnan(right))
        near |= np.isfinite(right) & (np.abs(left - right) <= tolerance * np.maximum(1, np.abs(right)))
    if not near.all():
        raise AssertionError(f"{what}: {left.ravel()[:4]}, not {right.ravel()[:4]}")


def all_close(found: Sequence[Any], wanted: Sequence[Any], tolerance: float, what: str) -> None:
    """`close` for lists."""
    for k, (left, right) in enumerate(zip(found, wanted, strict=True)):
        close(left, right, tolerance, f"{what} {k}")
