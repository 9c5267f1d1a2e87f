"""The composition matrix in a process of its own with two host devices: prints what differs, as one JSON line.

Run as `python -m benchmarks.matrix_worker [PROGRAM ...]`; without names all programs are looked at.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

import numpy as np

TOLERANCE = 1e-11


def prepare() -> None:
    """Two devices and 64-bit numbers, before JAX is imported."""
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    os.environ["JAX_ENABLE_X64"] = "1"


def distance(found: Any, wanted: Any) -> float:
    """The largest difference of leaves, relative to the largest number of the wanted one.

    Infinite for other types, and where it is no number.
    """
    import jax

    left, right = jax.tree_util.tree_leaves(found), jax.tree_util.tree_leaves(wanted)
    if jax.tree_util.tree_structure(found) != jax.tree_util.tree_structure(wanted):
        return float("inf")
    worst = 0.0
    for x, y in zip(left, right, strict=True):
        if x.shape != y.shape or x.dtype != y.dtype:
            return float("inf")
        scale = max(1.0, float(np.max(np.abs(y), initial=0.0)))
        found = float(np.max(np.abs(np.asarray(x) - np.asarray(y)), initial=0.0)) / scale
        worst = max(worst, found if math.isfinite(found) else math.inf)
    return worst


def look(name: str) -> dict[str, Any]:
    """One program under every composition, the identity of tracing, and the step that JAX sees."""
    import jax

    import pushforward as pf
    from pushforward.lang.passes import normalise

    from .corpus.matrix_programs import PROGRAMS
    from .corpus.transforms import COMPOSITIONS

    program = PROGRAMS[name]
    w, x = jax.numpy.asarray(program.w), jax.numpy.asarray(program.x)
    ours = pf.jit(program.function)
    wrong: dict[str, str] = {}
    for label, compose in COMPOSITIONS.items():
        try:
            found = distance(compose(ours, w, x), compose(program.function, w, x))
            if not found <= TOLERANCE:
                wrong[label] = f"differs by {found:.1e}"
        except Exception as error:  # whatever is raised is a failure of this entry alone
            wrong[label] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120]}"
    traced = pf.trace(program.function, w, x)
    again = pf.trace(traced.to_jax(), w, x)
    seen = "pf_linear" in str(jax.make_jaxpr(jax.grad(ours))(w, x))
    same = normalise(traced.first()).digest == normalise(again.first()).digest
    jax.clear_caches()
    return {"count": len(COMPOSITIONS), "wrong": wrong, "identity": same, "linear": seen}


def main() -> None:
    """Look at the named programs, or all."""
    prepare()
    from .corpus.matrix_programs import PROGRAMS

    names = sys.argv[1:] or list(PROGRAMS)
    print(json.dumps({name: look(name) for name in names}))


if __name__ == "__main__":
    main()
