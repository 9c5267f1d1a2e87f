"""Random arguments of a program, and running it on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pushforward.lang.constants import numpy_dtype
from pushforward.lang.ir import ArrayType, Program, SlotType
from pushforward.semantics.reference import evaluate

Arrays = list[np.ndarray]


def arguments(types: Sequence[SlotType], random: np.random.Generator) -> Arrays:
    """Floats between -1.2 and 1.2, integers 0 or 1."""
    found: Arrays = []
    for type_ in types:
        assert isinstance(type_, ArrayType)
        shape = tuple(size if isinstance(size, int) else 3 for size in type_.shape)
        numbers = random.uniform(-1.2, 1.2, shape) if type_.is_float else random.integers(0, 2, shape)
        found.append(np.asarray(numbers, numpy_dtype(type_.dtype)))
    return found


def floats(types: Sequence[SlotType]) -> list[SlotType]:
    return [type_ for type_ in types if isinstance(type_, ArrayType) and type_.is_float]


def run(program: Program, *groups: Sequence[np.ndarray]) -> Arrays:
    """The outputs on the arguments of all groups, one after the other."""
    return [np.asarray(value) for value in evaluate(program, [value for group in groups for value in group])]


def dot(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> float:
    """The inner product of two lists of arrays."""
    return float(sum(np.sum(a * b) for a, b in zip(left, right, strict=True)))


def assert_close(left: Sequence[np.ndarray], right: Sequence[np.ndarray], tolerance: float = 1e-10) -> None:
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def zeros(arrays: Sequence[np.ndarray]) -> Arrays:
    return [np.zeros_like(array) for array in arrays]
