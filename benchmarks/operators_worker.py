"""The measuring process of operators: pinned to one core, ours and the peers' interleaved, on a batch of points.

Run as `python -m benchmarks.operators_worker JOB`, where JOB is a JSON object; the result is one JSON line. Of an
operator the values on all points are timed, or with `gradient` the derivative by all weights of their mean square.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .embed_worker import interleaved, relative_distance
from .worker import OURS, pin, warm_up

Of = Callable[..., Any]  # weights, a point, and what all points share -> a number


def work(job: Mapping[str, Any]) -> dict[str, Any]:
    """Compile every contender, time them, and compare what was timed."""
    import jax
    import jax.numpy as jnp

    from .peers.operators import ours

    warm_up()
    ours("laplacian(u)")(lambda x: x @ x)(jnp.ones(2))  # so that no build pays for imports
    rng = np.random.default_rng(job["seed"])
    sizes, dtype = job["sizes"], job["dtype"]
    weights = [
        (
            jnp.asarray(rng.normal(size=pair) / np.sqrt(pair[0]), dtype),
            jnp.asarray(0.1 * rng.normal(size=pair[1]), dtype),
        )
        for pair in zip(sizes, sizes[1:], strict=False)
    ]
    points = jnp.asarray(rng.normal(size=(job["points"], sizes[0])) / np.sqrt(job["scale"]), dtype)
    functions, shared = KINDS[job["kind"]](job, rng, weights, points[0])
    compiled, building, compiling, products = {}, {}, {}, {}
    for name, function in functions.items():
        start = time.perf_counter()
        lowered = jax.jit(_on_points(function, job["gradient"])).lower(weights, points, *shared)
        building[name] = time.perf_counter() - start
        compiled[name] = lowered.compile()
        compiling[name] = time.perf_counter() - start
        products[name] = compiled[name].as_text().count(" dot(")
    outputs: dict[str, Any] = {}

    def call(name: str) -> Any:
        outputs[name] = compiled[name](weights, points, *shared)
        return outputs[name]

    times = interleaved({name: lambda name=name: call(name) for name in compiled}, job["rounds"], job["repeats"])
    wanted = outputs[next(name for name in outputs if name != OURS)]
    return {
        "times": times,
        "building": building,
        "compile": compiling,
        "dots": products,
        "distance": {name: relative_distance(output, wanted) for name, output in outputs.items()},
    }


def _on_points(function: Of, gradient: bool) -> Of:
    """The values on all points, or the gradient of their mean square."""
    import jax
    import jax.numpy as jnp

    def values(weights: Any, points: Any, *shared: Any) -> Any:
        return jax.vmap(lambda x: function(weights, x, *shared))(points)

    return jax.grad(lambda *arguments: jnp.mean(values(*arguments) ** 2)) if gradient else values


def _applied(table: Mapping[str, Callable[[Any], Any]]) -> dict[str, Of]:
    from .peers.operators import network

    return {
        name: lambda weights, x, of=formulation: of(lambda y: network(weights, y))(x)
        for name, formulation in table.items()
    }


def _laplacian(job: Mapping[str, Any], rng: Any, weights: Any, x: Any) -> tuple[dict[str, Of], tuple[Any, ...]]:
    from .peers.operators import LAPLACIANS, ours

    return _applied({OURS: ours("laplacian(u)"), **LAPLACIANS}), ()


def _bilaplacian(job: Mapping[str, Any], rng: Any, weights: Any, x: Any) -> tuple[dict[str, Of], tuple[Any, ...]]:
    from .peers.operators import BILAPLACIANS, ours

    return _applied({OURS: ours("biharmonic(u)"), **BILAPLACIANS}), ()


def _sampled(job: Mapping[str, Any], rng: Any, weights: Any, x: Any) -> tuple[dict[str, Of], tuple[Any, ...]]:
    """Laplacians from coordinates that all points share."""
    import jax.numpy as jnp

    from .peers.operators import in_the_ball, sampled_by_jets

    places = jnp.asarray(rng.choice(job["sizes"][0], job["samples"], replace=False))
    program = _sampled_program(in_the_ball, weights, x, places)

    def by_jets(weights: Any, x: Any, places: Any) -> Any:
        return sampled_by_jets(lambda y: in_the_ball(weights, y), x, places)

    return {OURS: program, "jax.experimental.jet": by_jets}, (places,)


def _sampled_program(function: Of, weights: Any, x: Any, places: Any) -> Of:
    """Our Taylor mode along unit vectors whose places are an input."""
    import jax

    import pushforward as pf
    from pushforward.ad.taylor import OneHot, Series, expand, univariate
    from pushforward.lang.builder import Builder

    def field(*arrays: Any) -> Any:
        *flat, point, _ = arrays
        return function(jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(weights), flat), point)

    traced = pf.trace(field, *jax.tree_util.tree_leaves(weights), x, places)
    first = traced.first()
    place = len(first.inputs) - 2
    moved = {place: {(1,): OneHot(place + 1)}}
    operands = [Series(k, moved.get(k, {})) for k in range(len(first.inputs))]
    b = Builder(first.name, first.inputs)
    (series,) = expand(b, first, operands, univariate(2, places.size, collapse=True))
    second = b.apply(
        "mul", series.slot((2,)), b.constant(2.0 * x.size / places.size, str(x.dtype).replace("float", "f"))
    )
    program = pf.Program(b.build([second], first.signature)).to_jax()
    return lambda weights, x, places: program(*jax.tree_util.tree_leaves(weights), x, places)


KINDS: dict[str, Callable[..., tuple[dict[str, Of], Sequence[Any]]]] = {
    "laplacian": _laplacian,
    "bilaplacian": _bilaplacian,
    "sampled": _sampled,
}


def main() -> None:
    """Do the job given as the one argument."""
    job = json.loads(sys.argv[1])
    pin(job["core"])
    print(json.dumps(work(job)))


if __name__ == "__main__":
    main()
