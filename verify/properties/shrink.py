"""Smaller programs with the same fault: choices and a condition enter, a shorter list of choices leaves.

A program is a function of its choices, zeros are the simplest and stand behind the end, so deleting, zeroing and
halving choices gives smaller well-typed programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .generator import Generated, write_program
from .generator.choices import recorded
from .generator.writer import Suite


def smaller(
    choices: Sequence[int], suite: Suite, fails: Callable[[Generated], bool], most: int = 400
) -> Generated:
    """The smallest program found in `most` tries for which `fails` still holds; it must hold for the given choices."""
    best, tries = list(choices), 0
    improved = True
    while improved and tries < most:
        improved = False
        for candidate in _candidates(best):
            tries += 1
            if tries >= most:
                break
            if _weight(candidate) < _weight(best) and fails(write_program(recorded(candidate), suite)):
                best, improved = candidate, True
                break
    return write_program(recorded(best), suite)


def _weight(choices: Sequence[int]) -> tuple[int, int]:
    """How large a list of choices is: how many, and their sum."""
    last = max((k for k, choice in enumerate(choices) if choice), default=-1)
    return last + 1, sum(choices)


def _candidates(choices: list[int]) -> Iterator[list[int]]:
    size = len(choices)
    width = max(1, size // 2)
    while width:
        for start in range(0, size, width):
            yield choices[:start] + choices[start + width :]
            if any(choices[start : start + width]):
                yield choices[:start] + [0] * len(choices[start : start + width]) + choices[start + width :]
        width //= 2
    for place, choice in enumerate(choices):
        for lower in {choice // 2, choice - 1} - {choice, -1}:
            yield [*choices[:place], lower, *choices[place + 1 :]]
