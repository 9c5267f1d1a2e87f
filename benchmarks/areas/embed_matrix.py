"""Programs under compositions of JAX's transformations: what differs from plain JAX, on two host devices."""

from __future__ import annotations

from typing import Any

from ..harness import Bar, Context, Row, failed, measured
from ..process import found_by

AREA = "embed"
LIMIT_SECONDS = 3600


def rows(context: Context) -> list[Row]:
    """The matrix, the identity of tracing, and whether JAX sees our linear primitive; each counts failures."""
    bars = (
        Bar("embed/matrix", "gate", AREA, "programs under compositions of JAX's transformations, f64, two devices",
            "entries that differ from plain JAX", "", "<=", 0),
        Bar("embed/identity", "gate", AREA, "tracing what `to_jax` gives",
            "programs whose normal form differs", "", "<=", 0),
        Bar("embed/linear", "gate", AREA, "the jaxpr of `jax.grad`", "programs without our linear step", "", "<=", 0),
    )  # fmt: skip
    names = ["elementwise", "recurrent", "gathering"] if context.quick else []
    try:
        found: dict[str, Any] = found_by("matrix_worker", names, context.root, LIMIT_SECONDS)
    except RuntimeError as error:
        return [failed(bar, str(error)[-300:]) for bar in bars]
    wrong = [f"{name}: {label} {what}" for name, item in found.items() for label, what in item["wrong"].items()]
    other = [name for name, item in found.items() if not item["identity"]]
    unseen = [name for name, item in found.items() if not item["linear"]]
    count = sum(item["count"] for item in found.values())
    note = f"{len(found)} programs, {count // max(1, len(found))} compositions each"
    return [
        measured(bars[0], len(wrong), samples=count, note="; ".join([note, *wrong])[:1500]),
        measured(bars[1], len(other), samples=len(found), note=", ".join(other)),
        measured(bars[2], len(unseen), samples=len(found), note=", ".join(unseen)),
    ]
