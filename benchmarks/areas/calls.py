"""Small calls from Python: a function of two numbers in a loop, floats in and out, against the fastest way with JAX."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from ..harness import Bar, Context, Row, failed, fastest, measured, quartile_spread, round_ratios, versions

AREA = "calls"
FASTER = 4.0


def rows(context: Context) -> list[Row]:
    """Seconds per call of value and gradient of Rosenbrock's function, as a ratio."""
    bar = Bar(
        f"{AREA}/rosenbrock", "gate", AREA, "value and gradient of Rosenbrock's function, floats in and out",
        "time(peer)/time(ours)", "", ">=", FASTER,
    )  # fmt: skip
    job = json.dumps({"core": context.core, "rounds": context.rounds})
    command = [sys.executable, "-m", "benchmarks.calls_worker", job]
    ran = subprocess.run(command, cwd=context.root, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        return [failed(bar, ran.stderr.strip()[-300:])]
    found = json.loads(ran.stdout.splitlines()[-1])
    outputs = found["outputs"]
    for name, output in outputs.items():
        if any(abs(x - y) > 1e-9 * max(1.0, abs(y)) for x, y in zip(output, outputs["ours"], strict=True)):
            return [failed(bar, f"wrong result: {name} disagrees")]
    ours = found["times"].pop("ours")
    peer = fastest(found["times"])
    theirs = found["times"][peer]
    ratios = round_ratios(ours, theirs)
    return [
        measured(
            bar, statistics.median(ratios), spread=quartile_spread(ratios), ours=statistics.median(ours),
            peer=statistics.median(theirs), peer_name=peer, peer_version=versions().get("jax"), samples=len(ours),
            seed=context.seed,
        )
    ]  # fmt: skip
