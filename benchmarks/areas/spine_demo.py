"""The main job from end to end: the Lotka-Volterra fit of `examples/lynx_hare.py`, its minimum and its time.

The minimum and the parameters are held against values found once by minimising the same likelihood independently of
this toolkit, to the digits given. Run as `python -m benchmarks.areas.spine_demo EXAMPLES` it fits and prints JSON.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..harness import Bar, Context, Row, failed, measured

AREA = "spine"
MINIMUM = 122.926
PARAMETERS = (0.54001, 0.027156, 0.79660, 0.023702, 34.60, 5.844, 0.2184, 0.2201)  # theta, z0, sigma
LIMIT_SECONDS = 300.0

NLL = Bar("spine/demo/nll", "gate", AREA, "lynx-hare fit", f"|minimum - {MINIMUM}|", "nats", "<=", 1e-3)
FITTED = Bar(
    "spine/demo/parameters",
    "gate",
    AREA,
    "lynx-hare fit",
    "worst relative error of the eight parameters",
    "",
    "<=",
    1e-3,
)
TIME = Bar("spine/demo/time", "gate", AREA, "`python examples/lynx_hare.py`", "time", "s", "<=", 60.0)


def rows(context: Context) -> list[Row]:
    """Minimum and parameters of the fit, and the seconds of the whole example."""
    return [*fit_rows(context), time_row(context)]


def call(arguments: Sequence[str], root: Path) -> subprocess.CompletedProcess[str]:
    """Run this Python."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )


def fit_rows(context: Context) -> list[Row]:
    """The result of the example's own fit function, in a process of its own."""
    result = call(["-m", "benchmarks.areas.spine_demo", str(context.root / "examples")], context.root)
    if result.returncode != 0:
        return [failed(bar, result.stderr.strip()[-300:]) for bar in (NLL, FITTED)]
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    errors = np.abs(np.asarray(found["parameters"]) / PARAMETERS - 1.0)
    note = f"{found['agreeing']} of {found['starts']} starts reach it"
    return [
        measured(NLL, abs(found["value"] - MINIMUM), ours=found["value"], note=f"{found['value']:.6f}; {note}"),
        measured(
            FITTED,
            float(errors.max()),
            samples=len(errors),
            note=", ".join(f"{value:#.5g}" for value in found["parameters"]),
        ),
    ]


def time_row(context: Context) -> Row:
    """Wall time of the example as a user runs it: compile, fit, picture, timing beside JAX."""
    start = time.perf_counter()
    result = call(["examples/lynx_hare.py"], context.root)
    elapsed = time.perf_counter() - start
    return measured(TIME, elapsed) if result.returncode == 0 else failed(TIME, result.stderr.strip()[-300:])


def main(examples: str) -> None:
    """Fit with the example's functions and print what it found."""
    import pushforward as pf

    sys.path.insert(0, examples)
    example = importlib.import_module("lynx_hare")
    _, counts = example.read_counts()
    found = example.fit(example.value_and_gradient(pf.load(Path(examples) / "lynx_hare.pf")), counts)
    print(
        json.dumps(
            {
                "value": found.value,
                "parameters": np.exp(found.logs).tolist(),
                "agreeing": found.agreeing,
                "starts": example.STARTS,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
