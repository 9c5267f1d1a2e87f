"""Hold the cycle collector while a pass runs.

Passes make hundreds of thousands of small immutable objects and no cycles, so the collector's scans cost up to a
third of the time and find nothing. Reference counting goes on as always.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def collector_held() -> Iterator[None]:
    """No cycle collection inside the block; restores what was before, also when it nests."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def holding_collector(function: Callable[P, R]) -> Callable[P, R]:
    """The function, run with the cycle collector held."""

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        with collector_held():
            return function(*args, **kwargs)

    return held
