"""The problems that are timed: inputs, our program file and the peers, by name.

A problem name goes in; inputs (real data when the folder has the file, else generated with the same
shapes), the place of our program and the peer table come out. Nothing here imports jax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pushforward.semantics.data import adbench

P = TypeVar("P")
GENERATED = "generated data of the same shape"
LYNX_HARE = (
    (47.2, 6.1),
    (70.2, 9.8),
    (77.4, 35.2),
    (36.3, 59.4),
    (20.6, 41.7),
    (18.1, 19.0),
    (21.4, 13.0),
    (22.0, 8.3),
    (25.4, 9.1),
    (27.1, 7.4),
    (40.3, 8.0),
    (57.0, 12.3),
    (76.6, 19.5),
    (52.3, 45.7),
    (19.5, 51.1),
    (11.2, 29.7),
    (7.6, 15.8),
    (14.6, 9.7),
    (16.2, 10.1),
    (24.7, 8.6),
)


@dataclass(frozen=True)
class Problem:
    """One objective with its inputs in order, which of them are differentiated, our entry and the peers."""

    name: str
    arguments: tuple[Any, ...]
    wrt: tuple[int, ...]
    file: str
    entry: str
    peers: str
    note: str = ""


def read_or_generate(
    data: Path | None, file: str, read: Callable[[Path], P], generate: Callable[[], P]
) -> tuple[P, str]:
    """The file's problem when the data folder has it, else a generated one and a note that says so."""
    if data is not None and (data / "adbench" / file).is_file():
        return read(data / "adbench" / file), ""
    return generate(), GENERATED


def gmm(name: str, file: str, sizes: tuple[int, int, int], data: Path | None, seed: int) -> Problem:
    """A Gaussian mixture of sizes (d, k, n)."""
    p, note = read_or_generate(data, file, adbench.read_gmm, partial(adbench.generate_gmm, *sizes, seed=seed))
    arguments = (p.alphas, p.means, p.icf, np.ascontiguousarray(p.x), p.gamma, p.m)
    return Problem(name, arguments, (0, 1, 2), "examples/adbench/gmm.pf", "gmm", "gmm", note)


def lstm(name: str, file: str, sizes: tuple[int, int], data: Path | None, seed: int) -> Problem:
    """A diagonal LSTM of sizes (layers, length)."""
    p, note = read_or_generate(
        data, file, adbench.read_lstm, partial(adbench.generate_lstm, *sizes, seed=seed)
    )
    return Problem(
        name, (p.main, p.extra, p.state, p.sequence), (0, 1), "examples/adbench/lstm.pf", "lstm", "lstm", note
    )


def lotka_volterra(name: str, data: Path | None, seed: int) -> Problem:
    """The lynx-hare counts of 1901-1920 at a plausible parameter."""
    theta: NDArray[np.float64] = np.array([0.55, 0.028, 0.80, 0.024])
    initial, sigma, counts = np.array([33.0, 5.9]), np.array([0.25, 0.25]), np.array(LYNX_HARE)
    return Problem(
        name,
        (theta, initial, sigma, counts),
        (0, 1, 2),
        "examples/lotka_volterra_rk4.pf",
        "log_likelihood",
        "lotka_volterra",
    )


PROBLEMS: dict[str, Callable[[Path | None, int], Problem]] = {
    "gmm_test": partial(gmm, "gmm_test", "gmm/test.txt", (2, 3, 1)),
    "gmm_d2_k10": partial(gmm, "gmm_d2_k10", "gmm/1k/gmm_d2_K10.txt", (2, 10, 1000)),
    "gmm_d10_k5": partial(gmm, "gmm_d10_k5", "gmm/1k/gmm_d10_K5.txt", (10, 5, 1000)),
    "gmm_d10_k25": partial(gmm, "gmm_d10_k25", "gmm/1k/gmm_d10_K25.txt", (10, 25, 1000)),
    "lstm_l2_c1024": partial(lstm, "lstm_l2_c1024", "lstm/lstm_l2_c1024.txt", (2, 1024)),
    "lotka_volterra": partial(lotka_volterra, "lotka_volterra"),
}
