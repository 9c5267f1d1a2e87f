"""The areas of the benchmark, listed here in running order: each is a few measurements, functions from context to rows.

A measurement is called by the file it is in: `embed/matrix` is that of `embed_matrix.py`, `adbench` the only one of
its area.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..harness import Bar, Context, Row, failed
from ..timing import join
from . import (
    adbench,
    calls,
    ceiling,
    compilation,
    embed_corpus,
    embed_matrix,
    embed_speed,
    embed_training,
    frontend,
    native,
    operators_speed,
    operators_statistics,
    pinn,
    speed,
    spine_demo,
    spine_independence,
    spine_memory,
    spine_nesting,
    spine_primitives,
    spine_programs,
    spine_scatter,
    taylor_corpus,
    taylor_speed,
    workloads,
    workloads_jacobian,
)

Measurement = Callable[[Context], list[Row]]


def _named(*measurements: Measurement) -> Mapping[str, Measurement]:
    files = [measurement.__module__.rpartition(".")[2] for measurement in measurements]
    return {file.partition("_")[2]: measurement for file, measurement in zip(files, measurements, strict=True)}


AREAS: Mapping[str, Mapping[str, Measurement]] = {
    "spine": _named(
        spine_demo.rows,
        spine_programs.rows,
        spine_independence.rows,
        spine_nesting.rows,
        spine_scatter.rows,
        spine_primitives.rows,
        spine_memory.rows,
    ),
    "embed": _named(embed_corpus.rows, embed_matrix.rows, embed_training.rows, embed_speed.rows),
    "adbench": _named(adbench.rows),
    "frontend": _named(frontend.rows),
    "speed": _named(speed.rows),
    "native": _named(native.rows),
    "workloads": _named(workloads.rows, workloads_jacobian.rows),
    "calls": _named(calls.rows),
    "compile": _named(compilation.rows),
    "ceiling": _named(ceiling.rows),
    "taylor": _named(taylor_speed.rows, taylor_corpus.rows),
    "operators": _named(operators_statistics.rows, operators_speed.rows),
    "pinn": _named(pinn.rows),
}


def names() -> list[str]:
    """Everything that can be run by name: areas, and measurements of areas that have several."""
    parts = [f"{area}/{part}" for area, measurements in AREAS.items() for part in measurements if part]
    return [*AREAS, *parts]


def run(name: str, context: Context) -> list[Row]:
    """The rows of an area or of one measurement; a measurement that breaks is one failed gate."""
    area, _, part = name.partition("/")
    chosen = {part: AREAS[area][part]} if part else AREAS[area]
    return [row for key, measurement in chosen.items() for row in guarded(area, key, measurement, context)]


def guarded(area: str, part: str, measurement: Measurement, context: Context) -> list[Row]:
    """The rows of one measurement, or one row that says why there are none."""
    try:
        return measurement(context)
    except Exception as error:
        bar = Bar(f"{area}/{part}/error" if part else f"{area}/error", "gate", area, f"measuring {part or area}",
                  "errors", "", "<=", 0.0)  # fmt: skip
        return [failed(bar, join(f"{type(error).__name__}: {error}"))]
