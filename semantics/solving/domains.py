"""Domains: where the points of a problem lie. A random key enters, a point leaves, one array per variable.

The laws are those of Shi, Hu, Lin & Kawaguchi (2024, arXiv 2412.00088, appendix I): in a ball the radius is uniform,
so that the middle of a ball of many dimensions is seen at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...lang.diagnostics import fail

Point = tuple[Any, ...]
Shape = tuple[int, ...]
Interval = tuple[float, float] | tuple[float, float, int]


@dataclass(frozen=True, slots=True)
class Ball:
    """The ball about the origin for one vector variable of length `n`; directions and radii are uniform.

    >>> import pushforward as pf
    >>> pf.Ball(3).shapes
    ((3,),)
    """

    n: int
    radius: float = 1.0

    def __post_init__(self) -> None:
        if self.n < 1 or not self.radius > 0.0:
            hint = "give a length of 1 or more and a positive radius"
            raise fail("E235", "an empty ball has no points", actual=f"{self.n}, radius {self.radius}", hint=hint)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of each variable."""
        return ((self.n,),)

    def point(self, key: Any) -> Point:
        """A random point."""
        direction, radius = jax.random.split(key)
        x = jax.random.normal(direction, (self.n,))
        return (x * (self.radius * jax.random.uniform(radius) / jnp.linalg.norm(x)),)

    def weight(self, x: Any) -> Any:
        """1 in the middle, 0 on the sphere."""
        return 1.0 - x @ x / self.radius**2

    def line(self, count: int) -> tuple[np.ndarray, Point]:
        """Places and points [count] on the diagonal through the middle, for pictures."""
        places = np.linspace(-self.radius, self.radius, count)
        return places, (places[:, None] * np.full(self.n, self.n**-0.5),)


@dataclass(frozen=True)
class Box:
    """A box: for each variable an interval ``(low, high)``, for a vector ``(low, high, length)``; points are uniform.

    >>> import pushforward as pf
    >>> pf.Box([(-1, 1), (0, 2)]).shapes
    ((), ())
    """

    intervals: tuple[Interval, ...]

    def __init__(self, intervals: Sequence[Interval]) -> None:
        object.__setattr__(self, "intervals", tuple(tuple(interval) for interval in intervals))
        hint = "one (low, high), or (low, high, length) for a vector, per variable: pf.Box([(-1, 1), (0, 2)])"
        for interval in self.intervals:
            if len(interval) not in (2, 3) or not interval[0] < interval[1] or (*interval, 1)[2] < 1:
                raise fail("E235", "an interval of a box is empty", actual=str(interval), hint=hint)
        if not self.intervals:
            raise fail("E235", "a box without intervals has no points", hint=hint)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of each variable."""
        return tuple(tuple(interval[2:]) for interval in self.intervals)

    def point(self, key: Any) -> Point:
        """A random point."""
        keys = jax.random.split(key, len(self.intervals)) if len(self.intervals) > 1 else [key]
        return tuple(
            jax.random.uniform(own, interval[2:], minval=interval[0], maxval=interval[1])
            for own, interval in zip(keys, self.intervals, strict=True)
        )

    def weight(self, *point: Any) -> Any:
        """1 in the middle, 0 on every side: a product over coordinates."""
        sides = [
            4.0 * (x - low) * (high - x) / (high - low) ** 2
            for x, (low, high, *_) in zip(point, self.intervals, strict=True)
        ]
        return math.prod(jnp.prod(side) if side.ndim else side for side in sides)

    def line(self, count: int) -> tuple[np.ndarray, Point]:
        """Places and points [count] along the first variable through the middle, for pictures."""
        (low, high, *length), *others = self.intervals
        places = np.linspace(low, high, count)
        middles = tuple(np.full((count, *rest), (low + high) / 2.0) for low, high, *rest in others)
        return places, (np.broadcast_to(places.reshape(count, *(1 for _ in length)), (count, *length)), *middles)


Domain = Ball | Box | Callable[[Any], Any]
