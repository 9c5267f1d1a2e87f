"""JAX functions as programs: the corpus, compositions of transformations, training loops, and speed beside JAX.

Each function of `MEASUREMENTS` takes the context and returns its rows; this file only strings them together.
"""

from __future__ import annotations

from collections.abc import Callable

from ..harness import Bar, Context, Row, failed
from ..timing import join
from . import embed_corpus, embed_matrix, embed_speed, embed_training

AREA = "embed"
MEASUREMENTS: tuple[Callable[[Context], list[Row]], ...] = (
    embed_corpus.rows,
    embed_matrix.rows,
    embed_training.rows,
    embed_speed.rows,
)


def rows(context: Context) -> list[Row]:
    """All rows of the area, in the order of the table; a measurement that breaks is one failed gate."""
    return [row for measurement in MEASUREMENTS for row in guarded(measurement, context)]


def guarded(measurement: Callable[[Context], list[Row]], context: Context) -> list[Row]:
    """The rows of one measurement, or one row that says why there are none."""
    name = measurement.__module__.rpartition("embed_")[2]
    try:
        return measurement(context)
    except Exception as error:
        bar = Bar(f"embed/{name}/error", "gate", AREA, f"measuring {name}", "errors", "", "<=", 0.0)
        return [failed(bar, join(f"{type(error).__name__}: {error}"))]
