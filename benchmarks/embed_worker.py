"""The measuring process of programs inside JAX: pinned to one core, x64 on, ours and JAX's interleaved.

Run as `python -m benchmarks.embed_worker JOB`, where JOB is a JSON object with a kind; the result is one JSON line.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .worker import pin


def _leaves(tree: Any) -> list[np.ndarray]:
    import jax

    return [np.asarray(leaf, np.float64) for leaf in jax.tree_util.tree_leaves(tree)]


def relative_distance(found: Any, wanted: Any) -> float:
    """The largest distance of a leaf, relative to the norm of the wanted one; infinite where it is no number."""
    worst = 0.0
    for x, y in zip(_leaves(found), _leaves(wanted), strict=True):
        found = float(np.linalg.norm(x - y) / max(np.linalg.norm(y), 1e-300)) if y.size else 0.0
        worst = max(worst, found if math.isfinite(found) else math.inf)
    return worst


def interleaved(calls: Mapping[str, Callable[[], Any]], rounds: int, repeats: int) -> dict[str, list[float]]:
    """Least seconds of a call in every round, ours and theirs in turn."""
    import jax

    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(rounds):
        for name in names if turn % 2 else names[::-1]:
            least = float("inf")
            for _ in range(repeats):
                start = time.perf_counter()
                jax.block_until_ready(calls[name]())
                least = min(least, time.perf_counter() - start)
            times[name].append(least)
    return times


def training(job: Mapping[str, Any]) -> dict[str, Any]:
    """Gradients on JAX's own trajectory, the free-running losses, and the times of a step."""
    import jax

    import pushforward as pf

    from .training import PROBLEMS, trainer, update

    problem = PROBLEMS[job["problem"]](job["seed"])
    theirs, ours = trainer(problem, jax.value_and_grad), trainer(problem, pf.value_and_grad)
    gradients = jax.jit(jax.value_and_grad(problem.loss)), jax.jit(pf.value_and_grad(problem.loss))
    first, _ = update(problem)
    state = {"jax": (problem.parameters, first), "ours": (problem.parameters, first)}
    losses: dict[str, float] = {}
    worst = 0.0
    for batch in problem.batches:
        wanted, found = (function(state["jax"][0], *batch) for function in gradients)
        worst = max(worst, relative_distance(found, wanted))
        for name, run in (("jax", theirs), ("ours", ours)):
            *moved, value = run(*state[name], *batch)
            state[name], losses[name] = (moved[0], moved[1]), float(value)
    batch = problem.batches[0]
    calls = {"ours": lambda: ours(*state["ours"], *batch), "jax": lambda: theirs(*state["ours"], *batch)}
    times = interleaved(calls, job["rounds"], job["repeats"])
    return {"gradient": worst, "losses": losses, "times": times, "steps": len(problem.batches)}


def shared_weights(job: Mapping[str, Any]) -> dict[str, Any]:
    """grad(vmap) of an MLP with shared weights: times, temporary memory and agreement."""
    import jax
    import jax.numpy as jnp

    import pushforward as pf

    rng = np.random.default_rng(job["seed"])
    sizes = (64, 128, 128, 1)
    weights = [jnp.asarray(rng.normal(size=(m, n)) / np.sqrt(m)) for m, n in zip(sizes, sizes[1:], strict=False)]
    x, y = jnp.asarray(rng.normal(size=(job["batch"], sizes[0]))), jnp.asarray(rng.normal(size=job["batch"]))

    def one(weights: Any, row: Any, target: Any) -> Any:
        for matrix in weights[:-1]:
            row = jnp.tanh(row @ matrix)
        return ((row @ weights[-1])[0] - target) ** 2

    def compiled(function: Any) -> Any:
        mapped = jax.vmap(function, (None, 0, 0))
        return jax.jit(jax.grad(lambda w, x, y: jnp.mean(mapped(w, x, y)))).lower(weights, x, y).compile()

    functions = {"ours": compiled(pf.jit(one)), "jax": compiled(one)}
    calls = {name: (lambda f=f: f(weights, x, y)) for name, f in functions.items()}
    distance = relative_distance(calls["ours"](), calls["jax"]())
    memory = {name: f.memory_analysis().temp_size_in_bytes for name, f in functions.items()}
    return {"times": interleaved(calls, job["rounds"], job["repeats"]), "memory": memory, "distance": distance}


def speed(job: Mapping[str, Any]) -> dict[str, Any]:
    """Gradients of the compositions, one after another; what breaks is named."""
    from .corpus import compositions
    from .embed_speed import race

    found: dict[str, Any] = {}
    for name in job["names"] or compositions.names():
        try:
            found[name] = race(compositions.entry(name), job["rounds"])
        except Exception as error:  # a composition that cannot be differentiated is reported, not lost
            found[name] = {"failure": f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"}
        print(f"{name} {found[name].get('first', found[name])}", file=sys.stderr)
    return found


KINDS = {"training": training, "shared_weights": shared_weights, "speed": speed}


def main() -> None:
    """Do the job given as the one argument."""
    job = json.loads(sys.argv[1])
    pin(job["core"])
    print(json.dumps(KINDS[job["kind"]](job)))


if __name__ == "__main__":
    main()
