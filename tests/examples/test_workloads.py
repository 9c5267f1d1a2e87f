"""The workloads against plain NumPy and SciPy: closed forms, adjoint equations, and derivatives by complex steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import solve_banded
from scipy.stats import norm

import pushforward as pf
from benchmarks.problems import Problem
from benchmarks.worker import distance, flat
from benchmarks.workloads import SIZES, WORKLOADS

ROOT = Path(__file__).parents[2]
Array = NDArray[Any]


def greeks(spot: Array, strike: Array, time: Array, rate: Array, volatility: Array) -> list[Array]:
    """The closed forms of the textbooks."""
    spread = volatility * np.sqrt(time)
    d = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * time) / spread
    owed = strike * np.exp(-rate * time)
    theta = -spot * norm.pdf(d) * volatility / (2.0 * np.sqrt(time)) - rate * owed * norm.cdf(d - spread)
    return [
        spot * norm.cdf(d) - owed * norm.cdf(d - spread),
        norm.cdf(d),
        norm.pdf(d) / (spot * spread),
        spot * norm.pdf(d) * np.sqrt(time),
        theta,
        time * owed * norm.cdf(d - spread),
    ]


def newton_terms(centres: Array, points: Array) -> list[Array]:
    """From how many points each centre has, and their sum."""
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    members = np.arange(len(centres))[:, None] == nearest
    count = members.sum(axis=1)[:, None] * np.ones_like(centres)
    return [2.0 * (count * centres - members @ points), 2.0 * count]


def orbit(theta: Array, z: Array, times: Array, target: Array) -> Array:
    def rate(z: Array) -> Array:
        return np.array([theta[0] * z[0] - theta[1] * z[0] * z[1], theta[3] * z[0] * z[1] - theta[2] * z[1]])

    for h in np.diff(times):
        k = [rate(z)]
        for part in (0.5, 0.5, 1.0):
            k.append(rate(z + part * h * k[-1]))
        z = z + h * (k[0] / 6 + k[1] / 3 + k[2] / 3 + k[3] / 6)
    return ((z - target) ** 2).sum()


def bodies(masses: Array, x: Array, v: Array, h: float, targets: Array) -> Array:
    def pull(x: Array) -> Array:
        d = x[None] - x[:, None]
        return (masses[None, :, None] * d * ((d**2).sum(axis=2) + 0.01)[:, :, None] ** -1.5).sum(axis=1)

    for _ in range(256):
        v = v + 0.5 * h * pull(x)
        x = x + h * v
        v = v + 0.5 * h * pull(x)
    return ((x - targets) ** 2).sum()


def network(w1: Array, b1: Array, w2: Array, b2: Array, w3: Array, b3: Array, x: Array, y: Array) -> Array:
    missed = [w3 @ np.tanh(w2.T @ np.tanh(w1.T @ row + b1) + b2) + b3 - gold for row, gold in zip(x, y, strict=True)]
    return np.asarray(np.mean(np.square(missed)))


def attention(queries: Array, keys: Array, values: Array, target: Array) -> Array:
    total = 0.0
    for i, query in enumerate(queries):
        weights = np.exp(keys[: i + 1] @ query / np.sqrt(len(query)))
        total = total + ((weights @ values[: i + 1] / weights.sum() - target[i]) ** 2).sum()
    return np.asarray(total / target.size)


def by_complex_steps(f: Callable[..., Array], wrt: Sequence[int]) -> Callable[..., list[Array]]:
    """Value and gradient of a function that is a formula: f(x + 1e-30 i) has the derivative in its imaginary part."""

    def both(*arguments: Any) -> list[Array]:
        found = [np.asarray(f(*arguments))]
        for k in wrt:
            for place in np.ndindex(np.shape(arguments[k])):
                moved = np.array(arguments[k], dtype=complex)
                moved[place] += 1e-30j
                found.append(np.imag(f(*arguments[:k], moved, *arguments[k + 1 :])) / 1e-30)
        return found

    return both


def tridiagonal(low: Array, middle: Array, high: Array, right: Array, target: Array) -> list[Array]:
    """The solution by LAPACK, its gradient from the transposed system."""
    bands = np.array([np.roll(high, 1), middle, np.roll(low, -1)])
    x = solve_banded((1, 1), bands, right)
    pull = solve_banded((1, 1), np.array([low, middle, high]), 2.0 * (x - target))
    in_low, in_high = np.append(0.0, -pull[1:] * x[:-1]), np.append(-pull[:-1] * x[1:], 0.0)
    return [((x - target) ** 2).sum(), in_low, -pull * x, in_high, pull]


EXPECTED: dict[str, Callable[..., list[Array]]] = {
    "black_scholes": greeks,
    "kmeans": newton_terms,
    "long_orbit": by_complex_steps(orbit, (0, 1)),
    "nbody": by_complex_steps(bodies, (1, 2)),
    "mlp": by_complex_steps(network, range(6)),
    "tridiagonal": tridiagonal,
    "attention": by_complex_steps(attention, range(3)),
}


def program(problem: Problem) -> pf.Program:
    entry = pf.load(ROOT / problem.file)[problem.entry]
    return pf.value_and_grad(entry, wrt=problem.wrt, memory=problem.memory) if problem.wrt else entry


def test_every_workload_has_its_numbers() -> None:
    assert [maker.__name__ for maker in SIZES] == list(EXPECTED)


@pytest.mark.parametrize("backend", ["reference", "xla", "llvm"])
@pytest.mark.parametrize("name", EXPECTED)
def test_numbers_are_those_of_numpy(name: str, backend: Any) -> None:
    problem = WORKLOADS[f"{name}_quick"](None, 1)
    found = flat(program(problem).compile(backend)(*problem.arguments))
    assert distance(found, flat(EXPECTED[name](*problem.arguments))) < 1e-11


def test_budgets_of_memory_hold_and_bite() -> None:
    """At full size, what the gradients save is of the order of the states that the budgets allow."""
    from pushforward.codegen.llvm.compile import compile_llvm

    for name in ("long_orbit", "nbody"):
        problem = WORKLOADS[name](None, 1)
        sizes = {"n": len(problem.arguments[0] if name == "nbody" else problem.arguments[2][1:])}
        assert problem.memory is not None
        assert compile_llvm(program(problem).first(sizes)).scratch < 4 * problem.memory
        entry = pf.load(ROOT / problem.file)[problem.entry]
        unbounded = compile_llvm(pf.value_and_grad(entry, wrt=problem.wrt).first(sizes))
        assert unbounded.scratch > 8 * problem.memory
