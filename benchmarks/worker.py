"""The measuring process: pinned to one core before JAX is imported, x64 on, contenders interleaved.

Run as `python -m benchmarks.worker JOB`, where JOB is a JSON object; the result is one JSON line on stdout.
A contender is our compiled value-and-gradient or a peer's; each returns the value and the flattened gradient.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .problems import PROBLEMS, Problem
from .workloads import JACOBIANS, WORKLOADS

OURS = "ours"
BY_HAND = "by hand in C"
MIN_SECONDS = 0.05
Output = Any
Contender = Callable[[], Output]


def pin(core: int) -> None:
    """Keep this process and every thread it will start on one core; set x64 for the JAX imported later."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[core % len(usable)]})
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def peer_contender(objective: Callable[..., Any], problem: Problem) -> Contender:
    """A jitted JAX value-and-gradient with its inputs already on the device; a Jacobian is the objective itself."""
    import jax

    inputs = tuple(jax.device_put(_wide(argument)) for argument in problem.arguments)
    function = jax.jit(jax.value_and_grad(objective, argnums=problem.wrt) if problem.wrt else objective)
    return lambda: jax.block_until_ready(function(*inputs))


def _wide(argument: Any) -> NDArray[Any]:
    """Whole numbers as they are, all others in f64."""
    array = np.asarray(argument)
    return array if array.dtype.kind == "i" else array.astype(np.float64)


def our_contender(problem: Problem, root: Path, backend: str) -> Contender:
    """Our compiled value-and-gradient of the same objective, inputs placed as the back end wants."""
    import jax

    pf: Any = importlib.import_module("pushforward")
    program = pf.load(root / problem.file)[problem.entry]
    program = pf.value_and_grad(program, wrt=problem.wrt, memory=problem.memory) if problem.wrt else program
    if problem.jacobian is not None:
        program = pf.jacobian(program, sparsity="auto" if problem.jacobian == "compressed" else None)
    compiled = program.compile(backend=backend, nonfinite="allow")  # as JAX has it
    on_host = chosen(compiled, problem) in ("llvm", "reference")
    place = np.ascontiguousarray if on_host else jax.device_put
    arguments = [place(value) if isinstance(value, np.ndarray) else value for value in problem.arguments]
    if on_host:
        return lambda: compiled(*arguments)
    return lambda: jax.block_until_ready(compiled(*arguments))


def chosen(compiled: Any, problem: Problem) -> str:
    """The back end that runs: the named one, or what `auto` takes for these arguments."""
    values = importlib.import_module("pushforward.semantics.values")
    program = compiled.program
    bound = values.bind(program.signature, program.ir.sizes, problem.arguments, {})
    return compiled.choose(bound.sizes).backend


def contenders(problem: Problem, root: Path, backend: str) -> tuple[dict[str, Contender], float, dict[str, str]]:
    """All contenders that can be built, the seconds ours took to build, and why it cannot be if so."""
    table = importlib.import_module(f".peers.{problem.peers}", __package__).FORMULATIONS
    built = {name: peer_contender(objective, problem) for name, objective in table.items()}
    try:
        importlib.import_module("pushforward")
        start = time.perf_counter()
        ours = our_contender(problem, root, backend)
        return {OURS: ours, **built}, time.perf_counter() - start, {}
    except Exception as error:  # whatever breaks on our side becomes a failed row, not a lost run
        return built, 0.0, {OURS: f"{type(error).__name__}: {error}"}


def by_hand(problem: Problem, calls: dict[str, Contender], failures: dict[str, str]) -> None:
    """The derivative written by hand in C as one more contender, where there is one; or why it cannot be built."""
    native = importlib.import_module(".peers.native", __package__)
    if native.compiler() is None or problem.peers not in native.FUNCTIONS:
        return
    try:
        calls[BY_HAND] = native.FUNCTIONS[problem.peers](problem)
    except Exception as error:
        failures[BY_HAND] = f"{type(error).__name__}: {error}"


def ceiling(problem: Problem, root: Path) -> dict[str, Mapping[str, float]]:
    """The figures of a problem and of this core, none where they cannot be had."""
    native = importlib.import_module(".peers.native", __package__)
    if native.compiler() is None:
        return {}
    return importlib.import_module(".figures", __package__).figures(problem, root)


def warm_up() -> None:
    """Let XLA start before anything is timed, so that no contender pays for it."""
    import jax

    jax.block_until_ready(jax.jit(lambda x: x + 1.0)(1.0))


def flat(output: Output) -> NDArray[np.float64]:
    """All numbers as one vector, in order: of a gradient the value, then each differentiated argument."""
    if isinstance(output, tuple | list):
        return np.concatenate([flat(part) for part in output])
    return np.ravel(np.asarray(output, dtype=np.float64))


def distance(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Largest |x-y|/max(1,|x|+|y|), ADBench's measure of agreement; infinite on different shapes or NaN."""
    if left.shape != right.shape:
        return float("inf")
    worst = float(np.max(np.abs(left - right) / np.maximum(1.0, np.abs(left) + np.abs(right))))
    return worst if worst == worst else float("inf")


def first_calls(calls: dict[str, Contender], failures: dict[str, str]) -> dict[str, float]:
    """Seconds of every first call (trace and compile included); a failing contender is dropped."""
    seconds = {}
    for name in list(calls):
        start = time.perf_counter()
        try:
            calls[name]()
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}"
            del calls[name]
            continue
        seconds[name] = time.perf_counter() - start
    return seconds


def one_time(call: Contender, repeats: int) -> tuple[float, Output]:
    """Least seconds of one complete call among `repeats`, as ADBench takes it, and the last output."""
    output: Output = None
    least = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        output = call()
        least = min(least, time.perf_counter() - start)
    return least, output


def race(calls: Mapping[str, Contender], rounds: int) -> tuple[dict[str, list[float]], dict[str, Output]]:
    """Time all contenders in every round, rotating who goes first, and keep the timed outputs."""
    repeats = {name: max(1, round(MIN_SECONDS / max(one_time(call, 3)[0], 1e-9))) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    outputs: dict[str, Output] = {}
    names = list(calls)
    gc.collect()
    gc.disable()
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            seconds, outputs[name] = one_time(calls[name], repeats[name])
            times[name].append(seconds)
    gc.enable()
    return times, outputs


def work(job: Mapping[str, Any]) -> dict[str, Any]:
    """Build, warm up, time (when rounds > 0; outputs stay here then) and compare one problem's contenders."""
    data = Path(job["data"]) if job["data"] else None
    problem = {**PROBLEMS, **WORKLOADS, **JACOBIANS}[job["problem"]](data, job["seed"])
    warm_up()
    calls, building, failures = contenders(problem, Path(job["root"]), job["backend"])
    if job["ceiling"]:
        by_hand(problem, calls, failures)
    compiling = first_calls(calls, failures)
    if OURS in compiling:
        compiling[OURS] += building
    if job["rounds"]:
        times, outputs = race(calls, job["rounds"])
    else:
        times, outputs = {}, {name: call() for name, call in calls.items()}
    vectors = {name: flat(output) for name, output in outputs.items()}
    reference = next(vector for name, vector in vectors.items() if name not in (OURS, BY_HAND))
    return {
        "times": times,
        "compile": compiling,
        "failures": failures,
        "note": problem.note,
        "figures": ceiling(problem, Path(job["root"])) if job["ceiling"] else {},
        "distance": {name: distance(vector, reference) for name, vector in vectors.items()},
        "outputs": {} if job["rounds"] else {name: vector.tolist() for name, vector in vectors.items()},
    }


def main() -> None:
    """Do the job given as the one argument."""
    job = json.loads(sys.argv[1])
    pin(job["core"])
    print(json.dumps(work(job)))


if __name__ == "__main__":
    main()
