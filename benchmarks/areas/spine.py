"""The main road: demo, acceptance programs, flop ratios, memory, and compiled speed.

Each function of `MEASUREMENTS` takes the context and returns its rows; this file only strings them together.
"""

from __future__ import annotations

from collections.abc import Callable

from ..harness import Context, Row

AREA = "spine"
MEASUREMENTS: tuple[Callable[[Context], list[Row]], ...] = ()


def rows(context: Context) -> list[Row]:
    """All rows of the area, in the order of the table."""
    return [row for measurement in MEASUREMENTS for row in measurement(context)]
