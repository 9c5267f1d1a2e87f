"""Choices: where the generator's decisions come from, and how to replay them.

A source gives a number below a bound. Zero is always the simplest choice, so that smaller sequences of choices are
simpler programs: Hypothesis shrinks by that, and `recorded` replays a sequence that somebody shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Pick = Callable[[int], int]


def seeded(seed: int) -> Pick:
    """Choices of a pseudo-random generator."""
    return Random(seed).randrange


def recorded(choices: Sequence[int]) -> Pick:
    """Choices from a list, zeros behind its end.

    >>> pick = recorded([3, 1])
    >>> [pick(2), pick(2), pick(2)]
    [1, 1, 0]
    """
    rest = iter(choices)
    return lambda count: min(next(rest, 0), count - 1)


def recording(pick: Pick, made: list[int]) -> Pick:
    """The same choices, written down in `made`."""

    def noted(count: int) -> int:
        made.append(pick(count))
        return made[-1]

    return noted
