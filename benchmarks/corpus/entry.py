"""What the corpus is made of: a name and seeded draws enter, an entry (a JAX function with arguments) leaves.

Draws are of f64, distinct, and keep away from the usual kinks (integers, halves, zero and ties), so that a derivative
exists at the point where it is compared.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Entry:
    """A function of pytrees of arrays and the arguments it is compared at; `group` is the part of the corpus.

    Entries are compared by identity, as functions are.
    """

    group: str
    name: str
    function: Function
    arguments: tuple[Any, ...]

    @property
    def id(self) -> str:
        """The name within the whole corpus."""
        return f"{self.group}/{self.name}"


def equations(value: Any) -> Iterator[Any]:
    """The equations of every jaxpr in a jaxpr or among the parameters of its equations."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from equations(item)
    elif hasattr(value, "eqns"):  # closed jaxprs of some versions have them too
        for equation in value.eqns:
            yield equation
            yield from equations(list(equation.params.values()))
    elif hasattr(value, "jaxpr"):
        yield from equations(value.jaxpr)


class Draw:
    """Seeded arguments; the seed is the name, so that one entry does not depend on the others.

    >>> bool((Draw("x").normal(3) == Draw("x").normal(3)).all())
    True
    """

    def __init__(self, name: str) -> None:
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def spread(self, low: float, high: float, shape: tuple[int, ...]) -> Floats:
        """Distinct numbers of an interval in random order, about evenly spread."""
        count = int(np.prod(shape))
        steps = (np.arange(count) + self.rng.uniform(0.2, 0.8, count)) / max(count, 1)
        return self.rng.permutation(low + (high - low) * steps).reshape(shape)

    def normal(self, *shape: int) -> Floats:
        """Numbers of both signs within (-2.2, 2.2), none near a multiple of one half."""
        drawn = self.spread(-2.2, 2.2, shape)
        nearest = np.round(2 * drawn) / 2
        return np.where(np.abs(drawn - nearest) < 0.04, nearest + 0.04 + np.abs(drawn - nearest), drawn)

    def unit(self, *shape: int) -> Floats:
        """Numbers within (0.08, 0.92), where nearly everything is defined."""
        return self.spread(0.08, 0.92, shape)

    def positive(self, *shape: int) -> Floats:
        """Numbers within (0.3, 2.8)."""
        return self.spread(0.3, 2.8, shape)

    def beyond_one(self, *shape: int) -> Floats:
        """Numbers within (1.1, 2.9)."""
        return self.spread(1.1, 2.9, shape)

    def increasing(self, *shape: int) -> Floats:
        """Numbers of both signs, increasing along the last axis."""
        return np.sort(self.normal(*shape), axis=-1)

    def simplex(self, *shape: int) -> Floats:
        """Positive numbers that sum to one along the last axis."""
        drawn = self.positive(*shape)
        return drawn / drawn.sum(axis=-1, keepdims=True)

    def matrix(self, *shape: int) -> Floats:
        """Square matrices of small condition, not symmetric."""
        return 0.3 * self.normal(*shape) + np.diag(np.linspace(1.5, 2.5, shape[-1]))

    def symmetric(self, *shape: int) -> Floats:
        """Symmetric matrices with eigenvalues well apart."""
        drawn = 0.2 * self.normal(*shape) + np.diag(np.linspace(-1.0, 2.0, shape[-1]))
        return (drawn + np.swapaxes(drawn, -1, -2)) / 2

    def definite(self, *shape: int) -> Floats:
        """Symmetric positive definite matrices of small condition."""
        drawn = 0.4 * self.normal(*shape)
        return drawn @ np.swapaxes(drawn, -1, -2) + np.eye(shape[-1])

    def integers(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """Integers from `low` up to but not including `high`."""
        return self.rng.integers(low, high, shape)

    def booleans(self, *shape: int) -> NDArray[np.bool_]:
        """True and false, both present when there are two or more."""
        count = int(np.prod(shape))
        return np.asarray(self.rng.permutation(count) % 2 == 0).reshape(shape)


Make = Callable[[Any, Draw], tuple[Any, ...]]
"""From a callable and draws to ``(function, *arguments)``; what is static stands inside the function."""

Build = Callable[[Draw], tuple[Any, ...]]
"""From draws to ``(function, *arguments)``."""


def made(group: str, name: str, function: Any, make: Make) -> Entry:
    """The entry that a row of a table of examples describes."""
    first, *arguments = make(function, Draw(name))
    return Entry(group, name, first, tuple(arguments))
