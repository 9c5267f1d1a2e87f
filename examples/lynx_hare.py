"""Fits the Lotka-Volterra equations to the hare and lynx pelts of 1900-1920 (`make demo`).

`lynx_hare.pf` and `lynx_hare.csv` enter; a table of the eight fitted parameters, a picture under `out/` and a timing
beside the same model in JAX leave. Counts and model: Howard, "Modeling basics" (2009); Carpenter, "Predator-prey
population dynamics: the Lotka-Volterra model in Stan" (2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lynx_hare_jax import side_by_side
from lynx_hare_picture import draw
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.optimize import minimize

import pushforward as pf

Array = NDArray[np.float64]
Objective = Callable[[Array, Array], tuple[float, Array]]

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parent / "out" / "lynx_hare.png"
STARTS, STEPS = 5, 10
PARAMETERS = (
    ("theta[0]", "growth of hares", "1 / year"),
    ("theta[1]", "predation", "1 / (year · thousand lynxes)"),
    ("theta[2]", "death of lynxes", "1 / year"),
    ("theta[3]", "conversion", "1 / (year · thousand hares)"),
    ("z0[0]", "hares in 1900", "thousand pelts"),
    ("z0[1]", "lynxes in 1900", "thousand pelts"),
    ("sigma[0]", "noise of log hares", "1"),
    ("sigma[1]", "noise of log lynxes", "1"),
)


@dataclass(frozen=True)
class Fit:
    """The lowest of the minima: log parameters [8], value, largest entry of the gradient; starts that met it."""

    logs: Array
    value: float
    slope: float
    agreeing: int
    evaluations: int


def read_counts(path: Path = HERE / "lynx_hare.csv") -> tuple[Array, Array]:
    """Years [21] and counts [21, 2] of hares and lynxes, in thousands."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0], np.ascontiguousarray(table[:, 1:])


def first_guess(counts: Array) -> Array:
    """Log parameters [8] read off the counts [n, 2].

    Small cycles have the angular frequency sqrt(growth * death), here one turn in ten years, and the means over a
    cycle are the populations at rest: growth / predation lynxes and death / conversion hares.
    """
    frequency = 2.0 * math.pi / 10.0
    hares, lynxes = counts.mean(axis=0)
    theta = (frequency, frequency / lynxes, frequency, frequency / hares)
    return np.log([*theta, *counts[0], 1.0, 1.0])


def value_and_gradient(module: pf.Module) -> Objective:
    """The negative log-likelihood and its gradient [8], by log parameters [8] and counts [n, 2], compiled to XLA."""
    compiled = pf.value_and_grad(module["objective"]).compile("xla", nonfinite="allow")

    def evaluate(logs: Array, counts: Array) -> tuple[float, Array]:
        value, gradient = compiled(logs, counts)
        # a long step of the line search can leave the positive populations: it is told to come back
        return (value, gradient) if math.isfinite(value) else (1e6, np.zeros(8))

    return evaluate


def fit(evaluate: Objective, counts: Array, starts: int = STARTS, done: Callable[[], None] = lambda: None) -> Fit:
    """Minimise by BFGS from the guess and from seeded points about it; the lowest result is kept."""
    rng = np.random.default_rng(0)
    results = []
    for number in range(starts):
        start = first_guess(counts) + (0.3 * rng.normal(size=8) if number else 0.0)
        results.append(minimize(evaluate, start, args=(counts,), jac=True, method="BFGS", options={"gtol": 1e-5}))
        done()
    best = min(results, key=lambda result: result.fun)
    agreeing = sum(result.fun < best.fun + 1e-6 for result in results)
    evaluations = sum(result.nfev for result in results)
    return Fit(best.x, float(best.fun), float(np.abs(best.jac).max()), agreeing, evaluations)


def trajectory(module: pf.Module, logs: Array, years: int) -> Array:
    """Fitted populations [10 years + 1, 2], one row per Runge-Kutta step of the language's own program."""
    step = module["rk4_step"]
    states = [np.exp(logs[4:6])]
    for _ in range(STEPS * years):
        states.append(step(np.exp(logs[:4]), states[-1], 1.0 / STEPS))
    return np.stack(states)


def parameter_table(logs: Array) -> Table:
    """The fitted parameters with their names and units."""
    table = Table("parameter", "meaning", "unit")
    table.add_column("value", justify="right")
    for row, value in zip(PARAMETERS, np.exp(logs), strict=True):
        table.add_row(*row, f"{value:#.5g}")
    return table


def main() -> None:
    """Fit, draw, time and print."""
    out, messages = Console(highlight=False), Console(stderr=True)
    years, counts = read_counts()
    module = pf.load(HERE / "lynx_hare.pf")
    with Progress(console=messages, transient=True, disable=not messages.is_terminal) as progress:
        task = progress.add_task("compiling and fitting", total=STARTS + 2)
        found = fit(value_and_gradient(module), counts, done=lambda: progress.advance(task))
        progress.update(task, description="drawing")
        states = trajectory(module, found.logs, len(years) - 1)
        draw(PICTURE, years, counts, states, np.exp(found.logs[6:]), found.value)
        progress.update(task, description="timing beside JAX", advance=1)
        timing = side_by_side(pf.value_and_grad(module["objective"]), found.logs, counts)
    out.print(parameter_table(found.logs))
    out.print(f"minimum negative log-likelihood: {found.value:.6f} (largest gradient entry {found.slope:.0e})")
    out.print(f"{found.agreeing} of {STARTS} starts reach it, {found.evaluations} evaluations of value and gradient")
    out.print(str(timing), soft_wrap=True)
    out.print(f"picture: {PICTURE.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
