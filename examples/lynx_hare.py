"""Fits the Lotka-Volterra equations to the hare and lynx pelts of 1900-1920 (`make demo`).

`lynx_hare.pf` and `lynx_hare.csv` enter; a table of the eight fitted parameters, a picture under `out/` and a timing
beside the same model in JAX leave. Model and data: Howard 2009, "Modeling basics"; Carpenter 2018, Stan case study
"Predator-prey population dynamics: the Lotka-Volterra model in Stan".
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
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
STARTS, ROUNDS, STEPS = 5, 200, 10
PARAMETERS = (
    ("theta[0]", "growth of hares", "1 / year"),
    ("theta[1]", "predation", "1 / (year · thousand lynxes)"),
    ("theta[2]", "death of lynxes", "1 / year"),
    ("theta[3]", "conversion", "1 / (year · thousand hares)"),
    ("z0[0]", "hares in 1900", "thousand pelts"),
    ("z0[1]", "lynxes in 1900", "thousand pelts"),
    ("sigma[0]", "noise of log hares", "-"),
    ("sigma[1]", "noise of log lynxes", "-"),
)


@dataclass(frozen=True)
class Fit:
    """The lowest of the minima found: log parameters [8], value, largest gradient entry, and how many starts met it."""

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
    """Log parameters [8] read off the data.

    Small cycles have the frequency sqrt(growth * death), here one in ten years, and the means over a cycle are the
    populations at rest: growth / predation lynxes and death / conversion hares.
    """
    frequency = 2.0 * math.pi / 10.0
    hares, lynxes = counts.mean(axis=0)
    theta = (frequency, frequency / lynxes, frequency, frequency / hares)
    return np.log([*theta, *counts[0], 1.0, 1.0])


def objective() -> Objective:
    """Value and gradient [8] of the negative log-likelihood by log parameters [8] and counts, compiled to XLA."""
    program = pf.value_and_grad(pf.load(HERE / "lynx_hare.pf")["objective"])
    compiled = program.compile("xla", nonfinite="allow")

    def evaluate(logs: Array, counts: Array) -> tuple[float, Array]:
        value, gradient = compiled(logs, counts)
        # a long step of the line search can leave the positive populations: it is told to come back
        return (value, gradient) if math.isfinite(value) else (1e6, np.zeros(8))

    return evaluate


def fit(evaluate: Objective, counts: Array, starts: int = STARTS, report: Callable[[], None] = lambda: None) -> Fit:
    """Minimise by BFGS from the guess and from seeded points about it; the lowest result wins."""
    rng = np.random.default_rng(0)
    results = []
    for number in range(starts):
        start = first_guess(counts) + (0.3 * rng.normal(size=8) if number else 0.0)
        results.append(minimize(evaluate, start, args=(counts,), jac=True, method="BFGS", options={"gtol": 1e-6}))
        report()
    best = min(results, key=lambda result: result.fun)
    agreeing = sum(result.fun < best.fun + 1e-6 for result in results)
    evaluations = sum(result.nfev for result in results)
    return Fit(best.x, float(best.fun), float(np.abs(best.jac).max()), agreeing, evaluations)


def table_of(logs: Array) -> Table:
    """The parameters with names and units."""
    table = Table()
    for heading in ("parameter", "meaning", "unit"):
        table.add_column(heading)
    table.add_column("value", justify="right")
    for row, value in zip(PARAMETERS, np.exp(logs), strict=True):
        table.add_row(*row, f"{value:#.5g}")
    return table


# --- the same model in JAX ---


def jax_rate(theta: jax.Array, z: jax.Array) -> jax.Array:
    return jnp.stack([(theta[0] - theta[1] * z[1]) * z[0], (theta[3] * z[0] - theta[2]) * z[1]])


def jax_step(theta: jax.Array, z: jax.Array, h: float) -> jax.Array:
    k1 = jax_rate(theta, z)
    k2 = jax_rate(theta, z + 0.5 * h * k1)
    k3 = jax_rate(theta, z + 0.5 * h * k2)
    k4 = jax_rate(theta, z + h * k3)
    return z + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def jax_objective(logs: jax.Array, counts: jax.Array) -> jax.Array:
    theta, z0, sigma = jnp.split(jnp.exp(logs), (4, 6))

    def year(z: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        z = jax.lax.fori_loop(0, STEPS, lambda _, state: jax_step(theta, state, 1.0 / STEPS), z)
        return z, z

    _, later = jax.lax.scan(year, z0, None, length=counts.shape[0] - 1)
    z = jnp.concatenate([z0[None], later])
    misfit = 0.5 * ((jnp.log(counts) - jnp.log(z)) / sigma) ** 2
    return jnp.sum(misfit + jnp.log(counts) + jnp.log(sigma) + 0.5 * math.log(2.0 * math.pi))


def timing(logs: Array, counts: Array) -> tuple[list[float], list[float], float]:
    """Seconds of value and gradient, ours and JAX's, in alternate calls, and the largest difference of the results."""
    program = pf.value_and_grad(pf.load(HERE / "lynx_hare.pf")["objective"])
    with jax.enable_x64(True):
        ours, theirs = jax.jit(program.to_jax()), jax.jit(jax.value_and_grad(jax_objective))
        point = (jnp.asarray(logs), jnp.asarray(counts))
        pairs = zip(jax.tree.leaves(ours(*point)), jax.tree.leaves(theirs(*point)), strict=True)
        difference = max(float(jnp.abs(a - b).max()) for a, b in pairs)
        seconds = [(clocked(ours, point), clocked(theirs, point)) for _ in range(ROUNDS)]
    mine, peer = zip(*seconds, strict=True)
    return list(mine), list(peer), difference


def clocked(function: Callable[..., object], point: tuple[jax.Array, jax.Array]) -> float:
    """Seconds of one complete call."""
    start = time.perf_counter()
    jax.block_until_ready(function(*point))
    return time.perf_counter() - start


def timing_lines(mine: list[float], peer: list[float], difference: float) -> str:
    """Medians, and the ratio with its quartiles over the rounds."""
    low, middle, high = statistics.quantiles([theirs / ours for ours, theirs in zip(mine, peer, strict=True)], n=4)
    micro, other = 1e6 * statistics.median(mine), 1e6 * statistics.median(peer)
    return (
        f"value and gradient: pushforward {micro:.0f} µs, jax.value_and_grad {other:.0f} µs "
        f"({ROUNDS} alternate calls, medians)\n"
        f"time(JAX) / time(pushforward): {middle:.2f} (quartiles {low:.2f} to {high:.2f}); "
        f"results differ by at most {difference:.0e}"
    )


# --- the picture ---


def curve(logs: Array, years: int) -> tuple[Array, Array]:
    """Years since the first and fitted populations [10 years + 1, 2], by the language's own Runge-Kutta step."""
    step = pf.load(HERE / "lynx_hare.pf")["rk4_step"]
    theta, z = np.exp(logs[:4]), np.exp(logs[4:6])
    states = [z]
    for _ in range(STEPS * years):
        z = step(theta, z, 1.0 / STEPS)
        states.append(z)
    return np.arange(len(states)) / STEPS, np.stack(states)


def draw(path: Path, years: Array, counts: Array, found: Fit) -> None:
    """Data, fitted curves with a band of one standard deviation, and standardised residuals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    sigma = np.exp(found.logs[6:])
    times, states = curve(found.logs, len(years) - 1)
    residuals = np.log(counts / states[::STEPS]) / sigma
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9, 6), sharex=True, height_ratios=(3, 1.2), layout="constrained"
    )
    for k, (name, colour, marker) in enumerate((("hares", "#0072B2", "o"), ("lynxes", "#D55E00", "s"))):
        band = states[:, k, None] * np.exp([-sigma[k], sigma[k]])
        above.fill_between(years[0] + times, *band.T, color=colour, alpha=0.15, linewidth=0)
        above.plot(years[0] + times, states[:, k], color=colour, label=f"{name}, fitted")
        above.plot(years, counts[:, k], marker, color=colour, markersize=5, label=f"{name}, counted")
        offset = years + (0.1 if k else -0.1)
        below.vlines(offset, 0, residuals[:, k], color=colour, linewidth=1)
        below.plot(offset, residuals[:, k], marker, color=colour, markersize=4)
    _label(above, below, found.value)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _label(above: object, below: object, value: float) -> None:
    above.set_title(f"Lotka-Volterra fit, negative log-likelihood {value:.3f}", loc="left")  # type: ignore[attr-defined]
