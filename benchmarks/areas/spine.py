"""The main road: demo, acceptance programs, flop ratios, memory, and independence from JAX's derivatives.

Each function of `MEASUREMENTS` takes the context and returns its rows; this file only strings them together.
"""

from __future__ import annotations

from collections.abc import Callable

from ..harness import Bar, Context, Row, failed
from ..timing import join
from . import (
    spine_demo,
    spine_independence,
    spine_memory,
    spine_nesting,
    spine_primitives,
    spine_programs,
    spine_scatter,
)

AREA = "spine"
MEASUREMENTS: tuple[Callable[[Context], list[Row]], ...] = (
    spine_demo.rows,
    spine_programs.rows,
    spine_independence.rows,
    spine_nesting.rows,
    spine_scatter.rows,
    spine_primitives.rows,
    spine_memory.rows,
)


def rows(context: Context) -> list[Row]:
    """All rows of the area, in the order of the table; a measurement that breaks is one failed gate."""
    return [row for measurement in MEASUREMENTS for row in guarded(measurement, context)]


def guarded(measurement: Callable[[Context], list[Row]], context: Context) -> list[Row]:
    """The rows of one measurement, or one row that says why there are none."""
    name = measurement.__module__.rpartition("spine_")[2]
    try:
        return measurement(context)
    except Exception as error:
        bar = Bar(f"spine/{name}/error", "gate", AREA, f"measuring {name}", "errors", "", "<=", 0.0)
        return [failed(bar, join(f"{type(error).__name__}: {error}"))]
