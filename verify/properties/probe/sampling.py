"""Where to look: an example and a seed enter, points leave.

The example comes first. Random points are drawn around it in two ways, keeping signs and not, so that nothing about
them is symmetric or equal; where a function has no finite value, the draw moves closer to the example.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .point import EXAMPLE, Arrays, Leaf, Point, Subject, Unusable, finite

_TRIES = 8


def complete(subject: Subject, x: Arrays, random: np.random.Generator, label: str) -> Point:
    """A point with random directions and cotangents; raises Unusable where the subject has no value."""
    y = subject.value(x)
    if not finite(y):
        raise Unusable("the value is not finite")
    directions = [tuple(_direction(v, leaf, random) for v, leaf in zip(x, subject.leaves, strict=True)) for _ in "vw"]
    bars = [tuple(_cotangent(v, random) for v in y) for _ in "uv"]
    return Point(x, directions[0], bars[0], directions[1], bars[1], label)


def _direction(value: Any, leaf: Leaf, random: np.random.Generator) -> Any:
    """Steps in proportion to the argument; of size one where it is 0."""
    if not leaf.active:
        return None
    array = np.asarray(value)
    size = np.where(array == 0, 1.0, np.abs(array))
    return np.asarray(random.standard_normal(array.shape) * size, array.dtype)


def _cotangent(y: Any, random: np.random.Generator) -> Any:
    array = np.asarray(y)
    return np.asarray(random.standard_normal(array.shape), array.dtype) if array.dtype.kind == "f" else None


def around(subject: Subject, example: Arrays, random: np.random.Generator, number: int) -> Point:
    """A random point; raises Unusable when none of several draws has a finite value."""
    spread, problem = 1.0, Unusable("no finite value around the arguments")
    for _ in range(_TRIES):
        x = tuple(
            _shaken(v, spread, number % 2 == 0, random) if leaf.active else v
            for v, leaf in zip(example, subject.leaves, strict=True)
        )
        try:
            return complete(subject, x, random, "a random point")
        except Unusable as unusable:
            problem, spread = unusable, spread / 2
    raise problem


def _shaken(value: Any, spread: float, keep_signs: bool, random: np.random.Generator) -> Any:
    array = np.asarray(value)
    noise = spread * random.standard_normal(array.shape)
    size = np.where(array == 0, 1.0, np.abs(array))
    moved = array * np.exp(0.5 * noise) if keep_signs else array + size * noise
    if keep_signs:
        moved = np.where(array == 0, noise, moved)
    return np.asarray(moved, array.dtype)


def special(subject: Subject, example: Arrays, random: np.random.Generator) -> Iterator[Point]:
    """The example, and the example with zeros, ones and ties, where functions tend to have kinks."""
    seen = set()
    for x, label in _special(subject, example):
        key = tuple(np.asarray(v).tobytes() for v in x)
        if key in seen:
            continue
        seen.add(key)
        try:
            yield complete(subject, x, random, label)
        except Unusable:
            continue


def _special(subject: Subject, example: Arrays) -> Iterator[tuple[Arrays, str]]:
    yield example, EXAMPLE
    active = [k for k, leaf in enumerate(subject.leaves) if leaf.active]
    for number, word in ((0.0, "zeros"), (1.0, "ones"), (-1.0, "minus ones")):
        yield _filled(example, active, number), f"all {word}"
        for k in active:
            yield _filled(example, [k], number), f"`{subject.leaves[k].name}` all {word}"
    for k in active:
        array = np.asarray(example[k])
        if array.size > 1:
            yield _filled(example, [k], float(array.flat[0])), f"ties in `{subject.leaves[k].name}`"
            first = np.array(array)
            first.flat[0] = 0.0
            yield (*example[:k], first, *example[k + 1 :]), f"a zero in `{subject.leaves[k].name}`"


def _filled(example: Arrays, which: list[int], number: float) -> Arrays:
    return tuple(np.full_like(v, number) if k in which else v for k, v in enumerate(example))


def is_symmetric(x: Arrays) -> bool:
    """Whether the arguments have a symmetry that random ones lack: equal entries, or a symmetric matrix."""
    arrays = [np.asarray(v) for v in x if np.asarray(v).dtype.kind == "f"]
    numbers = np.concatenate([array.ravel() for array in arrays]) if arrays else np.zeros(0)
    if numbers.size > 1 and len(np.unique(numbers)) < numbers.size:
        return True
    return any(a.ndim == 2 and a.shape[0] == a.shape[1] > 1 and np.array_equal(a, a.T) for a in arrays)
