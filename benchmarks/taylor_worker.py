"""The measuring process of derivatives of one order: pinned to one core, x64 on, ours and the peers interleaved.

Run as `python -m benchmarks.taylor_worker JOB`, where JOB is a JSON object; the result is one JSON line on stdout: for
every contender its times, the seconds to trace and to compile it, its matrix products and its distance from the truth.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .worker import OURS, pin, warm_up

WIDTHS = (1, 64, 64, 64, 1)
POINTS = 64
CHECKED = 3  # points at which values are compared with many digits
REPEATS = 20


def arguments(seed: int) -> tuple[Any, Any]:
    """Weights and biases of the layers, and the points."""
    import jax.numpy as jnp

    rng = np.random.default_rng(seed)
    layers = [
        (jnp.asarray(rng.normal(size=(m, n)) / np.sqrt(m)), jnp.asarray(0.1 * rng.normal(size=n)))
        for m, n in zip(WIDTHS, WIDTHS[1:], strict=False)
    ]
    return layers, jnp.asarray(rng.uniform(-1.0, 1.0, POINTS))


def ours(order: int, parameters: Any, x: Any) -> Any:
    """The derivative by our Taylor mode along the line x + t."""
    import jax.numpy as jnp

    import pushforward as pf

    from .peers.taylor import network

    line = (jnp.ones_like(x), *[None] * (order - 1))
    return pf.jet(lambda points: network(parameters, points), (x,), (line,), scaling="derivative")[1][-1]


def exact(order: int, parameters: Any, x: Sequence[float]) -> list[float]:
    """The derivatives by differences of values in many digits."""
    import mpmath

    layers = [(_many(weight), _many(bias)) for weight, bias in parameters]

    def network(point: Any) -> Any:
        row = np.array([point], dtype=object)
        for number, (weight, bias) in enumerate(layers):
            row = row @ weight + bias
            if number < len(layers) - 1:
                row = np.array([mpmath.tanh(value) for value in row], dtype=object)
        return row[0]

    with mpmath.workdps(30):
        return [float(mpmath.diff(network, mpmath.mpf(float(point)), order)) for point in x]


def _many(array: Any) -> Any:
    import mpmath

    return np.vectorize(lambda value: mpmath.mpf(float(value)), otypes=[object])(np.asarray(array))


def chosen(names: Sequence[str], mode: str) -> dict[str, Callable[[int], Callable[..., Any]]]:
    """The contenders by name: derivatives, or gradients of their mean square by the parameters."""
    import jax
    import jax.numpy as jnp

    from .peers.taylor import JET, NESTED

    table = {OURS: ours, **NESTED, **JET}

    def made(name: str, order: int) -> Callable[..., Any]:
        def derivative(parameters: Any, x: Any) -> Any:
            return table[name](order, parameters, x)

        if mode == "value":
            return derivative
        return jax.grad(lambda parameters, x: jnp.mean(derivative(parameters, x) ** 2))

    return {name: lambda order, name=name: made(name, order) for name in (OURS, *names)}


def compiled(function: Callable[..., Any], *args: Any) -> tuple[Any, dict[str, float]]:
    """The compiled function, with the seconds that tracing and compiling took and its count of matrix products."""
    import jax

    start = time.perf_counter()
    lowered = jax.jit(function).lower(*args)
    traced = time.perf_counter()
    program = lowered.compile()
    done = time.perf_counter()
    products = len(re.findall(r" dot\(", program.as_text() or ""))
    return program, {"trace": traced - start, "compile": done - traced, "products": products}


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """All contenders at one order."""
    import jax

    import pushforward as pf

    from .embed_worker import interleaved, relative_distance

    assert pf.jet
    warm_up()
    order, args = job["order"], arguments(job["seed"])
    programs: dict[str, Any] = {}
    facts: dict[str, dict[str, float]] = {}
    for name, make in chosen(job["names"], job["mode"]).items():
        programs[name], facts[name] = compiled(make(order), *args)
        print(f"order {order} {job['mode']} {name}: {facts[name]}", file=sys.stderr)
    calls = {name: (lambda program=program: program(*args)) for name, program in programs.items()}
    results = {name: jax.block_until_ready(call()) for name, call in calls.items()}
    if job["mode"] == "value":
        wanted = np.array(exact(order, args[0], args[1][:CHECKED]))
        distances = {name: relative_distance(found[:CHECKED], wanted) for name, found in results.items()}
    else:
        distances = {name: relative_distance(found, results[job["names"][0]]) for name, found in results.items()}
    apart = {name: relative_distance(found, results[OURS]) for name, found in results.items()}
    times = interleaved(calls, job["rounds"], REPEATS) if job["rounds"] else {}
    return {
        "times": times,
        "facts": facts,
        "distance": {name: max(distances[name], apart[name]) for name in distances},
    }


def main() -> None:
    """Do the job given as the one argument."""
    job = json.loads(sys.argv[1])
    pin(job["core"])
    print(json.dumps(measure(job)))


if __name__ == "__main__":
    main()
