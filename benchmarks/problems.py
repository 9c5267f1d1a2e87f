"""The problems that are timed: inputs, our program file and the peers, by name.

A problem name goes in; inputs (real data when the folder has the file, else generated with the same
shapes), the place of our program and the peer table come out. Nothing here imports jax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from pushforward.semantics.data import adbench, adbench_hand

P = TypeVar("P")
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
GENERATED = "generated data of the same shape"


@dataclass(frozen=True)
class Problem:
    """One objective with its inputs in order, which of them are differentiated, our entry and the peers.

    An entry that gives a Jacobian itself differentiates in nothing more. `memory` is what our gradient may save per
    loop, in bytes. With `jacobian` ours is the Jacobian of the entry, and the peers give it themselves.
    """

    name: str
    arguments: tuple[Any, ...]
    wrt: tuple[int, ...]
    file: str
    entry: str
    peers: str
    note: str = ""
    memory: int | None = None
    jacobian: Literal["dense", "compressed"] | None = None


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
    arguments = (p.alphas, p.means, p.icf, np.ascontiguousarray(p.x), p.gamma, float(p.m))
    return Problem(name, arguments, (0, 1, 2), "examples/adbench/gmm.pf", "gmm", "gmm", note)


def lstm(name: str, file: str, sizes: tuple[int, int], data: Path | None, seed: int) -> Problem:
    """A diagonal LSTM of sizes (layers, length)."""
    p, note = read_or_generate(data, file, adbench.read_lstm, partial(adbench.generate_lstm, *sizes, seed=seed))
    layers, width = len(p.main) // 2, p.extra.shape[1]
    main, state = p.main.reshape(layers, 2, 4, width), p.state.reshape(layers, 2, width)
    arguments = (main, p.extra, state, p.sequence)
    return Problem(name, arguments, (0, 1), "examples/adbench/lstm.pf", "lstm", "lstm", note)


def bundle(name: str, file: str, sizes: tuple[int, int, int], data: Path | None, seed: int) -> Problem:
    """Blocks of the Jacobian of a bundle adjustment of sizes (cameras, points, observations)."""
    p, note = read_or_generate(data, file, adbench.read_ba, partial(adbench.generate_ba, *sizes, seed=seed))
    arguments = (p.cameras, p.points, p.weights, p.features, p.observations)
    return Problem(name, arguments, (), "examples/adbench/ba.pf", "blocks", "ba", note)


def hand(name: str, file: str, points: int, complicated: bool, data: Path | None, seed: int) -> Problem:
    """The Jacobian of a hand in its pose, the vertices of the model already looked up."""
    read = partial(adbench_hand.read_hand, complicated=complicated)
    make = partial(adbench_hand.generate_hand, points, complicated=complicated, seed=seed)
    p, note = read_or_generate(data, f"hand/{file}", read, make)
    folder = data / "adbench" / "hand" / "model" if data else None
    real = folder is not None and folder.is_dir()
    model = adbench_hand.read_hand_model(folder) if folder and real else adbench_hand.generate_hand_model(seed=seed)
    bones = (model.relatives[:, :3].copy(), model.inverses[:, :3].copy(), model.parents)
    places = model.triangles[p.correspondences] if complicated else p.correspondences
    vertices = (model.positions[places], model.weights[places], p.points)
    own = () if p.u is None else (p.u,)
    entry, peers = ("complicated_jacobian", "hand_triangles") if complicated else ("simple_jacobian", "hand")
    arguments = (p.theta, *own, *bones, *vertices)
    return Problem(name, arguments, (), "examples/adbench/hand.pf", entry, peers, note)


def lynx_hare(name: str, data: Path | None, seed: int) -> Problem:
    """The hare and lynx counts of 1900-1920 (in the repository) at a plausible parameter."""
    path = EXAMPLES / "lynx_hare.csv"
    counts = np.loadtxt(path, delimiter=",", comments="#", skiprows=1, usecols=(1, 2))
    theta, initial, sigma = (
        np.array([0.55, 0.028, 0.80, 0.024]),
        np.array([33.0, 5.9]),
        np.array([0.25, 0.25]),
    )
    arguments = (theta, initial, sigma, counts)
    return Problem(name, arguments, (0, 1, 2), "examples/lynx_hare.pf", "misfit", "lotka_volterra")


PROBLEMS: dict[str, Callable[[Path | None, int], Problem]] = {
    "gmm_test": partial(gmm, "gmm_test", "gmm/test.txt", (2, 3, 1)),
    "gmm_d2_k10": partial(gmm, "gmm_d2_k10", "gmm/1k/gmm_d2_K10.txt", (2, 10, 1000)),
    "gmm_d10_k5": partial(gmm, "gmm_d10_k5", "gmm/1k/gmm_d10_K5.txt", (10, 5, 1000)),
    "gmm_d10_k25": partial(gmm, "gmm_d10_k25", "gmm/1k/gmm_d10_K25.txt", (10, 25, 1000)),
    "lstm_l2_c1024": partial(lstm, "lstm_l2_c1024", "lstm/lstm_l2_c1024.txt", (2, 1024)),
    "ba_test": partial(bundle, "ba_test", "ba/test.txt", (2, 10, 10)),
    "hand_test": partial(hand, "hand_test", "test.txt", 2, False),
    "hand_triangles_test": partial(hand, "hand_triangles_test", "hand_complicated.txt", 2, True),
    "ba1": partial(bundle, "ba1", "ba/ba1_n49_m7776_p31843.txt", (49, 7776, 31843)),
    "hand_simple": partial(hand, "hand_simple", "simple_small/hand1_t26_c100.txt", 100, False),
    "hand_complicated": partial(hand, "hand_complicated", "complicated_small/hand1_t26_c100.txt", 100, True),
    "lynx_hare": partial(lynx_hare, "lynx_hare"),
}
