"""A gather inside two loops: its gradient is one `scatter_add` and needs memory for a few arrays of the input's size.

Run as `python -m benchmarks.areas.spine_scatter SEED` it measures the memory in a fresh process and prints JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import pushforward as pf
from pushforward.ad.cost import ir_size
from pushforward.ad.derive import value_and_gradient
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Program, bodies

from ..harness import Bar, Context, Row, measured

AREA = "spine"
SIDE = 1000
ARRAY_BYTES = 8 * SIDE * SIDE
TEXT = """\
def gathered[n, m, k](x: [k]f64, w: [n, m]f64, idx: [n, m]i64): f64 =
  sum(for i < n, j < m => x[idx[i, j]] * w[i, j])
"""


def gradient_program() -> Program:
    """Value and gradient in x and w, a million elements each."""
    first = pf.parse(TEXT)["gathered"].first({"n": SIDE, "m": SIDE, "k": SIDE * SIDE})
    return value_and_gradient(first, (0, 1))


def count(program: Program, primitive: str) -> int:
    """How often a primitive is written in a program and its bodies."""
    own = sum(isinstance(step.op, Apply) and step.op.primitive == primitive for step in program.steps)
    return own + sum(count(body, primitive) for step in program.steps for body in bodies(step.op))


def largest(program: Program) -> int:
    """Elements of the largest array that a step of the program (outside bodies) makes."""
    types = [type_ for step in program.steps for type_ in step.types]
    return max(int(str(type_.elements)) for type_ in types if isinstance(type_, ArrayType))


def rows(context: Context) -> list[Row]:
    """One row for the number of scatters, one for the arrays the program names, one for XLA's memory."""
    program = gradient_program()
    found = memory(context)
    scatters = count(program, "scatter_add")
    return [
        measured(
            _bar("scatters", "scatter_add steps more or fewer than one", "steps", 0.0),
            abs(scatters - 1),
            note=f"{scatters} in a program of {ir_size(program)} steps",
        ),
        measured(_bar("largest", "largest array of the program over the input", "", 1.0), largest(program) / SIDE**2),
        measured(
            _bar("memory", "temporary memory over one array of 10^6 f64", "arrays", 8.0),
            found["temporary"] / ARRAY_BYTES,
            seed=context.seed,
            note=f"XLA's own account; the resident process grew by {found['grown'] / ARRAY_BYTES:.1f} arrays at "
            "its peak, with both results, copies of inputs, and compiling",
        ),
        measured(
            _bar("error", "largest error of the gradient against NumPy, relative to its size", "", 1e-10),
            found["error"],
            seed=context.seed,
        ),
    ]


def _bar(name: str, metric: str, unit: str, target: float) -> Bar:
    return Bar(f"spine/scatter/{name}", "gate", AREA, "gradient of a gather in two loops", metric, unit, "<=", target)


def memory(context: Context) -> dict[str, Any]:
    """Bytes and error measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.areas.spine_scatter", str(context.seed)]
    result = subprocess.run(command, cwd=context.root, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip()[-500:])
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def executable(program: Program) -> Any:
    """The program compiled ahead of its first call; it wants x64 enabled, and `memory_analysis` is XLA's account."""
    import jax

    from pushforward.codegen.xla.compile import to_jax_function
    from pushforward.lang.constants import numpy_dtype

    with jax.enable_x64(True):
        types = [type_ for type_ in program.inputs if isinstance(type_, ArrayType)]
        shapes = [jax.ShapeDtypeStruct(type_.shape, numpy_dtype(type_.dtype)) for type_ in types]
        return jax.jit(to_jax_function(program)).lower(*shapes).compile()


def temporary_bytes(compiled: Any) -> int:
    """What XLA says an executable needs beside inputs and results."""
    return int(compiled.memory_analysis().temp_size_in_bytes)


def _total(b: Builder, slot: int) -> int:
    return b.apply("reduce_sum", slot, axes=tuple(range(b.array_type(slot).rank)))


def resident(field: str) -> int:
    """Bytes this process holds now (``VmRSS``) or held at most since the peak was last reset (``VmHWM``)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def main(seed: int) -> None:
    """Run a trivial program on the inputs, then the gradient, and print what the second one added."""
    from pushforward.codegen.xla.compile import compile_xla

    rng = np.random.default_rng(seed)
    x, w = rng.uniform(size=SIDE * SIDE), rng.uniform(size=(SIDE, SIDE))
    idx = rng.integers(0, SIDE * SIDE, (SIDE, SIDE))
    program = gradient_program()
    trivial = body("trivial", program.inputs, lambda b, s: [_total(b, slot) for slot in s])
    compile_xla(trivial)([x, w, idx])
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts again from here
    before = resident("VmRSS")
    _, x_bar, w_bar = compile_xla(program)([x, w, idx])
    grown = resident("VmHWM") - before
    wanted = np.bincount(idx.ravel(), w.ravel(), SIDE * SIDE)
    error = max(np.abs(x_bar - wanted).max() / wanted.max(), np.abs(w_bar - x[idx]).max())
    print(json.dumps({"temporary": temporary_bytes(executable(program)), "grown": grown, "error": float(error)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
