"""Workloads beyond ADBench: inputs made from a seed at two sizes, our program file and the peers, by name.

A name goes in, a `Problem` comes out. Sizes are those of published tables where there are some, else what fits a core's
caches for a fraction of a second; `NAME_quick` is the same workload, small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.random import Generator, default_rng

from .problems import Problem

Maker = Callable[..., Problem]
# What one loop may save for the way back: about sqrt(n) small states and one block of residuals; or all states of
# bodies, but nothing of their pairs. The peers have checkpoints to the same ends.
FEW_STATES, ALL_STATES = 1 << 14, 1 << 22


def _problem(
    name: str, arguments: tuple[object, ...], wrt: tuple[int, ...], entry: str, memory: int | None = None
) -> Problem:
    file, peers = f"examples/workloads/{name}.pf", name
    return Problem(name, arguments, wrt, file, entry, peers, memory=memory)


def black_scholes(r: Generator, n: int) -> Problem:
    """n options: spots and strikes near 100, up to two years, rates to 8 %, volatilities from 10 to 60 %."""
    spot, strike = r.uniform(60.0, 140.0, n), r.uniform(60.0, 140.0, n)
    time, rate, volatility = r.uniform(0.1, 2.0, n), r.uniform(0.0, 0.08, n), r.uniform(0.1, 0.6, n)
    return _problem("black_scholes", (spot, strike, time, rate, volatility), (), "book")


def kmeans(r: Generator, n: int, k: int, d: int) -> Problem:
    """n points about k centres in d dimensions."""
    middle = r.normal(0.0, 3.0, (k, d))
    points = middle[r.integers(0, k, n)] + r.normal(0.0, 1.0, (n, d))
    return _problem("kmeans", (middle + r.normal(0.0, 0.5, (k, d)), points), (), "newton_terms")


def long_orbit(r: Generator, n: int) -> Problem:
    """n steps of uneven length over 100 years; a budget of memory for two sweeps of about sqrt(n) rounds."""
    times = np.concatenate([[0.0], np.cumsum(r.uniform(0.5, 1.5, n))])
    theta, initial = np.array([0.55, 0.028, 0.80, 0.024]), np.array([33.0, 5.9])
    arguments = (theta, initial, times * (100.0 / times[-1]), np.array([30.0, 10.0]))
    return _problem("long_orbit", arguments, (0, 1), "miss", memory=FEW_STATES)


def nbody(r: Generator, n: int) -> Problem:
    """n bodies in a ball, nearly at rest, and where they should be a little later."""
    masses, x, v = r.uniform(0.5, 1.5, n) / n, r.normal(0.0, 1.0, (n, 3)), r.normal(0.0, 0.3, (n, 3))
    return _problem("nbody", (masses, x, v, 0.004, x + v), (1, 2), "miss", memory=ALL_STATES)


def mlp(r: Generator, batch: int, widths: tuple[int, int, int]) -> Problem:
    """Two hidden layers and one output, weights as Glorot scales them."""
    n, h, m = widths
    w1, w2, w3 = r.normal(0.0, n**-0.5, (n, h)), r.normal(0.0, h**-0.5, (h, m)), r.normal(0.0, m**-0.5, m)
    biases = r.normal(0.0, 0.1, h), r.normal(0.0, 0.1, m), float(r.normal())
    data = r.normal(0.0, 1.0, (batch, n)), r.normal(0.0, 1.0, batch)
    return _problem("mlp", (w1, biases[0], w2, biases[1], w3, biases[2], *data), (0, 1, 2, 3, 4, 5), "loss")


def tridiagonal(r: Generator, n: int) -> Problem:
    """n equations whose middle diagonal outweighs the others."""
    low, high, middle = r.uniform(-1.0, 1.0, n), r.uniform(-1.0, 1.0, n), r.uniform(2.5, 4.0, n)
    low[0] = high[-1] = 0.0
    return _problem(
        "tridiagonal", (low, middle, high, r.normal(0.0, 1.0, n), r.normal(0.0, 1.0, n)), (0, 1, 2, 3), "miss"
    )


def attention(r: Generator, n: int, d: int) -> Problem:
    """One head over n places of width d."""
    arguments = tuple(r.normal(0.0, 1.0, (n, d)) for _ in range(4))
    return _problem("attention", arguments, (0, 1, 2), "loss")


SIZES: Mapping[Maker, tuple[tuple[object, ...], tuple[object, ...]]] = {
    black_scholes: ((1_000_000,), (1000,)),
    kmeans: ((10_000, 5, 35), (200, 3, 4)),
    long_orbit: ((10_000,), (300,)),
    nbody: ((64,), (5,)),
    mlp: ((32, (64, 128, 128)), (4, (5, 6, 7))),
    tridiagonal: ((1000,), (50,)),
    attention: ((128, 64), (9, 4)),
}


def _made(maker: Maker, sizes: tuple[object, ...], _: Path | None, seed: int) -> Problem:
    return maker(default_rng(seed), *sizes)


WORKLOADS: Mapping[str, Callable[[Path | None, int], Problem]] = {
    f"{maker.__name__}{suffix}": partial(_made, maker, sizes)
    for maker, both in SIZES.items()
    for suffix, sizes in zip(("", "_quick"), both, strict=True)
}


def _diffusion(n: int, way: Literal["dense", "compressed"], _: Path | None, seed: int) -> Problem:
    """Temperatures along a rod before and after a step; the Jacobian in those after it."""
    r = default_rng(seed)
    arguments = (r.uniform(0.0, 2.0, n), r.uniform(0.0, 2.0, n), 0.3)
    peers = "diffusion" if way == "dense" else "diffusion_seeds"
    return Problem(peers, arguments, (), "examples/workloads/diffusion.pf", "residual", peers, jacobian=way)


JACOBIANS: Mapping[str, Callable[[Path | None, int], Problem]] = {
    "diffusion": partial(_diffusion, 1000, "dense"),
    "diffusion_quick": partial(_diffusion, 60, "dense"),
    "diffusion_seeds": partial(_diffusion, 1000, "compressed"),
    "diffusion_seeds_quick": partial(_diffusion, 60, "compressed"),
}
