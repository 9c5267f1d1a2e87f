"""The measuring process of small calls: one function of two numbers, called in a Python loop, numbers in and out.

Run as `python -m benchmarks.calls_worker JOB`; the result is one JSON line on stdout: seconds per call, by contender.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from .worker import pin

SOURCE = "def rosenbrock(x: f64, y: f64): f64 = (1.0 - x)^2 + 100.0 * (y - x^2)^2"
CALLS = 2000
AT = (1.2, 2.0)

Numbers = tuple[float, float, float]


def contenders() -> dict[str, Callable[[float, float], Numbers]]:
    """Value and both slopes as floats: ours, and three ways to write the call with JAX."""
    import jax
    import numpy as np

    import pushforward as pf

    ours = pf.value_and_grad(pf.parse(SOURCE)["rosenbrock"], wrt=(0, 1)).compile("llvm")

    def rosenbrock(x: Any, y: Any) -> Any:
        return (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2

    both = jax.value_and_grad(rosenbrock, argnums=(0, 1))
    tree, flat = jax.jit(both), jax.jit(lambda x, y: jax.numpy.stack([both(x, y)[0], *both(x, y)[1]]))

    def mine(x: float, y: float) -> Numbers:
        value, (slope_x, slope_y) = ours(x, y)
        return value, slope_x, slope_y

    def converted(x: float, y: float) -> Numbers:
        value, (slope_x, slope_y) = tree(x, y)
        return float(value), float(slope_x), float(slope_y)

    def fetched(x: float, y: float) -> Numbers:
        value, (slope_x, slope_y) = jax.device_get(tree(x, y))
        return value.item(), slope_x.item(), slope_y.item()

    def together(x: float, y: float) -> Numbers:
        value, slope_x, slope_y = np.asarray(flat(x, y)).tolist()
        return value, slope_x, slope_y

    return {"ours": mine, "float of each": converted, "device_get": fetched, "one array": together}


def seconds(call: Callable[[float, float], Numbers]) -> float:
    """Seconds per call in one loop."""
    x, y = AT
    start = time.perf_counter()
    for _ in range(CALLS):
        call(x, y)
    return (time.perf_counter() - start) / CALLS


def main(job: dict[str, int]) -> None:
    """Interleaved rounds of all contenders."""
    pin(job["core"])
    calls = contenders()
    outputs = {name: [call(*AT) for _ in range(3)][-1] for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(job["rounds"]):
        for name, call in calls.items():
            times[name].append(seconds(call))
    print(json.dumps({"times": times, "outputs": outputs}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
