"""Whether values and gradients need JAX's derivatives, or JAX: every entry is run in a process that lacks them.

The same two runs give the agreement of XLA with the reference and the adjoint test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np

from ..harness import Bar, Context, Row, measured
from ..worker import distance

AREA = "spine"
TOLERANCE = 1e-10
Found = dict[str, dict[str, Any]]


def rows(context: Context) -> list[Row]:
    """Two rows about what is taken away, one about agreement and one about the adjoint test."""
    reference, compiled = run("without-jax", context), run("without-rules", context)
    return [
        count_row("without_jax", "value and gradient in the reference with `import jax` blocked", reference, context),
        count_row(
            "without_rules",
            "value and gradient on XLA with JAX's derivatives and rule tables raising",
            compiled,
            context,
        ),
        agreement_row(reference, compiled, context),
        dot_row(reference, context),
    ]


def run(mode: str, context: Context) -> Found:
    """What every entry gave in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.areas.spine_worker", mode, str(context.root), str(context.seed)]
    result = subprocess.run(command, cwd=context.root, capture_output=True, text=True, timeout=600, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{mode}: {result.stderr.strip()[-500:]}")
    found: Found = json.loads(result.stdout.splitlines()[-1])
    return found


def count_row(name: str, title: str, found: Found, context: Context) -> Row:
    """How many entries computed; all of them must."""
    bar = Bar(f"spine/independence/{name}", "gate", AREA, title, "programs", "", ">=", len(found))
    broken = [f"{key}: {one['error']}" for key, one in found.items() if "error" in one]
    return measured(bar, len(found) - len(broken), samples=len(found), seed=context.seed, note="; ".join(broken[:3]))


def agreement_row(reference: Found, compiled: Found, context: Context) -> Row:
    """The worst |x-y|/max(1,|x|+|y|) between the back ends over values and gradients of all entries."""
    bar = Bar(
        "spine/programs/agreement",
        "gate",
        AREA,
        "value and gradient of every program, XLA against the reference",
        "largest |x-y|/max(1,|x|+|y|)",
        "",
        "<=",
        TOLERANCE,
    )
    errors = {
        key: distance(np.asarray(compiled[key]["vector"]), np.asarray(one["vector"]))
        for key, one in reference.items()
        if "vector" in one and "vector" in compiled[key]
    }
    return _worst_row(bar, errors, context)


def dot_row(reference: Found, context: Context) -> Row:
    """The worst relative gap between <u, J v> by forward mode and <J^T u, v> by reverse mode."""
    bar = Bar(
        "spine/programs/adjoint",
        "gate",
        AREA,
        "forward against reverse mode on every program",
        "largest |<u, J v> - <J^T u, v>| over the sum of |terms|",
        "",
        "<=",
        TOLERANCE,
    )
    return _worst_row(bar, {key: one["dot"] for key, one in reference.items() if "dot" in one}, context)


def _worst_row(bar: Bar, errors: dict[str, float], context: Context) -> Row:
    worst = max(errors, key=lambda key: errors[key])
    return measured(bar, errors[worst], samples=len(errors), seed=context.seed, note=f"worst: {worst}")
