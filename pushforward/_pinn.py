"""Differential equations solved by networks: a problem enters, a trained `Solution` leaves.

This is the wiring: operators and programs become functions of JAX, which `semantics.solving` trains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._operator import Law
from ._pinn_progress import progress_bar
from ._problem import Problem
from ._residual import Dtype, Parts
from .lang.diagnostics import fail
from .semantics.solving.networks import Network, perceptron, wrapped
from .semantics.solving.solution import Solution
from .semantics.solving.training import Schedule, Task, on_all_devices, train


def pinn(
    problem: Problem,
    *,
    network: Any = None,
    width: int = 128,
    depth: int = 4,
    steps: int = 10_000,
    batch: int = 100,
    probes: int | None = None,
    law: Law = "sampled",
    optimizer: Any = None,
    seed: int = 0,
    dtype: Dtype = "f32",
    every: int | None = None,
    checkpoint: str | Path | None = None,
    progress: bool | None = None,
) -> Solution:
    """Train a network on the squared residual of a problem.

    Args:
        network: a pair ``(apply, parameters)`` with ``apply(parameters, *point)``, or a callable pytree (an equinox
            module); by default a network of `depth` layers of `width` with tanh.
        batch: random points per step, spread over all devices.
        probes: random lanes per point for sums over coordinates, of the law `law`; the squared residual is then an
            unbiased estimate. None takes the exact plan.
        optimizer: of optax; by default Adam with a learning rate that falls from 1e-3 to 0.
        every: steps between rows of the history, and checkpoints; by default a twentieth of all.
        checkpoint: a folder; a training that was killed goes on from there and ends in the same numbers.
        progress: show a bar on standard error; by default where that is a terminal.

    Raises E234 to E241, and those of estimates. A field with kinks is warned of (E242).

    >>> import pushforward as pf
    >>> poisson = pf.operator("u_xx", variables="x")
    >>> problem = pf.Problem(poisson, pf.Box([(-1, 1)]), exact=lambda x: (1 - x**2) * x)
    >>> solution = pf.pinn(problem, width=16, depth=2, steps=2000, batch=16)
    >>> solution.error < 0.05
    True
    """
    every = every if every is not None else max(1, steps // 20)
    _check_range(steps=steps, batch=batch, width=width, every=every, depth=depth - 1)
    if dtype not in ("f32", "f64"):
        raise fail("E237", f"there is no training in {dtype}", expected="f32 or f64", hint='write dtype="f64"')
    optimizer = _adam(steps) if optimizer is None else optimizer
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        hint = "for example optimizer=optax.adam(1e-3)"
        raise fail("E237", "this is no optimiser of optax", actual=f"{optimizer!r:.60}", hint=hint)
    with jax.enable_x64(dtype == "f64"), jax.default_matmul_precision("highest"):  # GPUs would round to 11 bits
        first, rest = jax.random.split(jax.random.key(seed))
        made = perceptron(first, problem.shapes, width, depth) if network is None else wrapped(network)
        wide = jnp.float64 if dtype == "f64" else jnp.float32
        parameters = jax.tree_util.tree_map(lambda leaf: leaf.astype(wide), made.parameters)
        made = Network(made.apply, on_all_devices(parameters))
        parts = Parts(problem, made, dtype, probes, law)
        measure, trivial = parts.measures(rest)
        task = Task(parts.loss, parts.draw, made.parameters, optimizer, measure)
        words = {"steps": steps, "batch": batch, "every": every, "seed": seed, "dtype": dtype, "probes": probes}
        words |= {"law": law, "operator": " ".join(problem.operator.text.split()), "jax": jax.__version__}
        words |= {"devices": f"{len(jax.devices())} {jax.devices()[0].platform}", "domain": repr(parts.shown_domain)}
        schedule = Schedule(steps, batch, every, seed, None if checkpoint is None else Path(checkpoint), words)
        with progress_bar(steps, progress) as watch:
            trained = train(task, schedule, watch)
    error = trained.history[-1][2]
    return Solution(
        trained.parameters, error, trivial, trained.history, trained.seconds, words,
        parts.trial, parts.exact, problem.domain, problem.shapes,
    )  # fmt: skip


def _check_range(**settings: int) -> None:
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            least, shown = (2, value + 1) if name == "depth" else (1, value)
            hint = f"give a whole number: {name}=100" if name != "depth" else "give two layers or more: depth=4"
            raise fail("E237", f"`{name}` is {shown}", expected=f"{least} or more", hint=hint)


def _adam(steps: int) -> Any:
    try:
        import optax
    except ImportError:
        raise fail("E234", "training needs optax", hint="pip install 'pushforward[opt]'") from None
    return optax.adam(optax.linear_schedule(1e-3, 0.0, steps))
