"""Networks trained on differential equations in many dimensions: errors after the last step, against one number."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from ..harness import Bar, Context, Row, failed, measured, unmeasured
from ..process import found_by

AREA = "pinn"
SEEDS = (0, 1, 2)
LIMIT_SECONDS = 3600


@dataclass(frozen=True)
class Job:
    """A problem of `pde.py` and how it is trained: 100 points a step, width 128, f32, Adam from 1e-3 to 0."""

    equation: str
    n: int
    body: str = "pairs"
    scaled: bool = False
    probes: int = 16
    steps: int = 5000  # 10,000 where only an aim stands, as in the paper
    instance: int = 0


SINE_GORDON, SCALED = Job("sine_gordon", 100), Job("sine_gordon", 100, scaled=True, steps=10_000)
ALLEN_CAHN = Job("allen_cahn", 1000, steps=10_000)
LARGE = (Job("sine_gordon", 100_000, steps=10_000), Job("sine_gordon", 1_000_000, steps=10_000))
RATES = {100_000: 1000.0, 1_000_000: 150.0}  # steps per second that one H200 should reach


def _bar(job: Job, metric: str, kind: Any, op: Any, target: float, unit: str = "") -> Bar:
    name = f"{job.equation}, pairs{' of scaled coordinates' if job.scaled else ''}, {job.n} dimensions"
    short = f"{AREA}/{job.equation}_{job.n}{'_scaled' if job.scaled else ''}/{metric.split()[0]}"
    return Bar(short, kind, AREA, f"{name}, 16 lanes, {job.steps} steps", metric, unit, op, target)


def run(job: Job, seed: int, context: Context) -> dict[str, Any]:
    """One training in a process of its own."""
    words = json.dumps({**asdict(job), "seed": seed})
    return found_by("pinn_worker", [words], context.root, LIMIT_SECONDS)


def rows(context: Context) -> list[Row]:
    """Error over seeds of training, skill over instances: where coefficients cancel, errors relative to the solution
    are large for everybody."""
    seeds = SEEDS[:1] if context.quick else SEEDS
    error = _bar(SINE_GORDON, "error relative L2, the worst of three seeds", "gate", "<=", 1e-2)
    others = _bar(SINE_GORDON, "errors relative L2, the worst of three instances", "aim", "<=", 1e-2)
    skill = _bar(SINE_GORDON, "skill against one number, the worst of three instances", "gate", ">=", 0.9)
    runs = cache(lambda job, seed: run(job, seed, context))
    found = [
        worst(error, "error", [(SINE_GORDON, seed) for seed in seeds], runs),
        worst(skill, "skill", [(replace(SINE_GORDON, instance=seed), seed) for seed in seeds], runs),
        worst(others, "error", [(replace(SINE_GORDON, instance=seed), seed) for seed in seeds], runs),
        worst(_bar(SCALED, "skill against one number", "aim", ">=", 0.8), "skill", [(SCALED, context.seed)], runs),
        worst(_bar(ALLEN_CAHN, "error relative L2", "aim", "<=", 2e-3), "error", [(ALLEN_CAHN, context.seed)], runs),
    ]
    return found + gpu_rows(context)


def worst(bar: Bar, name: str, jobs: Sequence[tuple[Job, int]], runs: Callable[[Job, int], Any]) -> Row:
    """The row of the training that does worst; one that breaks is the worst."""
    found = []
    for job, seed in jobs:
        try:
            found.append((runs(job, seed), seed))
        except (RuntimeError, subprocess.TimeoutExpired) as problem:
            return failed(bar, str(problem)[-300:], seed=seed, dtype="f32")
    one, seed = sorted(found, key=lambda pair: pair[0][name], reverse=bar.op == "<=")[0]
    note = f"best multiple of the weight {one['trivial']:.2e}, {1e3 * one['seconds']:.1f} ms a step"
    return measured(bar, one[name], ours=one[name], samples=len(found), dtype="f32", seed=seed, note=note)


def gpu_rows(context: Context) -> list[Row]:
    """Rates and errors at 100,000 and 1,000,000 dimensions, where there is a GPU."""
    found = []
    for job in LARGE:
        rate = _bar(job, "rate", "aim", ">=", RATES[job.n], "steps/s")
        error = _bar(job, "error relative L2", "aim", "<=", 5e-3)
        if not has_gpu():
            found += [unmeasured(bar, "no GPU in this machine", dtype="f32") for bar in (rate, error)]
            continue
        try:
            one = run(job, context.seed, context)
        except (RuntimeError, subprocess.TimeoutExpired) as problem:
            found += [failed(bar, str(problem)[-300:]) for bar in (rate, error)]
            continue
        note = f"one multiple of the weight: {one['trivial']:.2e}"
        found.append(measured(rate, 1 / one["seconds"], dtype="f32", seed=context.seed, note=note))
        found.append(measured(error, one["error"], dtype="f32", seed=context.seed, note=note))
    return found


def has_gpu() -> bool:
    """Whether JAX runs on a GPU here, asked in a process of its own."""
    words = "import jax; print(jax.default_backend())"
    result = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=300, check=False)
    return result.stdout.strip() == "gpu"
