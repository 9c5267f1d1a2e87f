"""Memoise passes: equal programs from different places are kept apart.

Equality of programs leaves spans and signatures out, so a plain memo could answer with a twin whose steps point into
another text or whose inputs have other names. `memo` tells programs apart by both as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

from .ir import Program

R = TypeVar("R")


class _Placed:
    """A program as a key: content, signature, and where its steps come from."""

    __slots__ = ("program",)

    def __init__(self, program: Program) -> None:
        self.program = program

    def __hash__(self) -> int:
        return hash((hash(self.program), self.program.origins))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Placed):
            return NotImplemented
        mine, theirs = self.program, other.program
        return mine is theirs or (
            mine.origins == theirs.origins and mine.signature == theirs.signature and mine == theirs
        )


def memo(maxsize: int) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Keep the last `maxsize` answers of a pure function of programs and hashable values."""

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        @lru_cache(maxsize=maxsize)
        def kept(*args: Any, **named: Any) -> R:
            return function(*(arg.program if isinstance(arg, _Placed) else arg for arg in args), **named)

        @wraps(function)
        def call(*args: Any, **named: Any) -> R:
            return kept(*(_Placed(arg) if isinstance(arg, Program) else arg for arg in args), **named)

        return call

    return decorate
