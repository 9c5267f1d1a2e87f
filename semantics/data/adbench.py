"""The ADBench problem files: Gaussian mixture, diagonal LSTM, bundle adjustment.

A file (or a seed and sizes) goes in; a frozen problem of float64 arrays comes out, in the argument order of
the objectives. The formats follow ADBench's `docs/FileFormat.md` (github.com/microsoft/ADBench, MIT);
generated problems have the same shapes and similar distributions but not the published numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .records import Numbers, lines_of, malformed

Array = NDArray[np.float64]
CAMERA = 11


@dataclass(frozen=True)
class Gmm:
    """Mixture of k Gaussians in d dimensions: alphas [k], means [k,d], icf [k,d(d+1)/2], x [n,d]."""

    alphas: Array
    means: Array
    icf: Array
    x: Array
    gamma: float
    m: int


@dataclass(frozen=True)
class Lstm:
    """Diagonal LSTM of l layers, width b: main [2l,4b], extra [3,b], state [2l,b], sequence [c,b]."""

    main: Array
    extra: Array
    state: Array
    sequence: Array


@dataclass(frozen=True)
class BundleAdjustment:
    """cameras [n,11], points [m,3], weights [p], features [p,2], observations [p,2] (camera, point)."""

    cameras: Array
    points: Array
    weights: Array
    features: Array
    observations: NDArray[np.int64]


def triangle(d: int) -> int:
    """Entries of a lower triangle with its diagonal: d(d+1)/2."""
    return d * (d + 1) // 2


def read_gmm(path: Path, replicated: bool = False) -> Gmm:
    """Read a mixture problem; `replicated` files hold one sample that stands for all n.

    Raises a diagnostic for a missing, truncated or malformed file.
    """
    numbers = Numbers.of(path)
    d, k, n = numbers.size("D"), numbers.size("K"), numbers.size("N")
    alphas, means = numbers.take("alphas", k), numbers.take("means", k, d)
    icf = numbers.take("icf", k, triangle(d))
    x = numbers.take("x", 1 if replicated else n, d)
    gamma, m = float(numbers.take("gamma", 1)[0]), numbers.size("m", 0)
    numbers.finish()
    return Gmm(alphas, means, icf, np.broadcast_to(x, (n, d)), gamma, m)


def write_gmm(path: Path, problem: Gmm) -> None:
    """Write a mixture problem so that `read_gmm` returns equal arrays."""
    n, d = problem.x.shape
    body = lines_of(problem.alphas[:, None], problem.means, problem.icf, problem.x)
    path.write_text(f"{d} {len(problem.alphas)} {n}\n{body}{problem.gamma!r} {problem.m}\n", encoding="ascii")


def generate_gmm(d: int, k: int, n: int, seed: int = 0) -> Gmm:
    """A seeded mixture problem: normal weights, uniform means, normal factors and samples.

    >>> generate_gmm(2, 3, 5).icf.shape
    (3, 3)
    """
    rng = np.random.default_rng(seed)
    alphas, means = rng.normal(size=k), rng.uniform(size=(k, d))
    icf, x = rng.normal(size=(k, triangle(d))), rng.normal(size=(n, d))
    return Gmm(alphas, means, icf, x, 1.0, 0)


def read_lstm(path: Path) -> Lstm:
    """Read an LSTM problem; raises a diagnostic for a missing, truncated or malformed file."""
    numbers = Numbers.of(path)
    layers, length, width = numbers.size("layers"), numbers.size("length", 2), numbers.size("width")
    main, extra = numbers.take("main", 2 * layers, 4 * width), numbers.take("extra", 3, width)
    state, sequence = numbers.take("state", 2 * layers, width), numbers.take("sequence", length, width)
    numbers.finish()
    return Lstm(main, extra, state, sequence)


def write_lstm(path: Path, problem: Lstm) -> None:
    """Write an LSTM problem so that `read_lstm` returns equal arrays."""
    length, width = problem.sequence.shape
    blocks = (problem.main, problem.extra, problem.state, problem.sequence)
    body = "\n".join(lines_of(block) for block in blocks)
    path.write_text(f"{len(problem.main) // 2} {length} {width}\n\n{body}", encoding="ascii")


def generate_lstm(layers: int, length: int, width: int = 14, seed: int = 0) -> Lstm:
    """A seeded LSTM problem: uniform parameters and state, and a sequence with one bit in four set."""
    rng = np.random.default_rng(seed)
    main, extra = rng.uniform(size=(2 * layers, 4 * width)), rng.uniform(size=(3, width))
    state = rng.uniform(size=(2 * layers, width))
    return Lstm(main, extra, state, (rng.uniform(size=(length, width)) < 0.25).astype(np.float64))


def read_ba(path: Path) -> BundleAdjustment:
    """Read a bundle-adjustment problem, repeating its one camera, point, weight and feature."""
    numbers = Numbers.of(path)
    n, m, p = numbers.size("cameras"), numbers.size("points"), numbers.size("observations")
    camera, point = numbers.take("camera", 1, CAMERA), numbers.take("point", 1, 3)
    weight, feature = numbers.take("weight", 1), numbers.take("feature", 1, 2)
    numbers.finish()
    if max(n, m, p) > 10_000_000:
        malformed(path, f"{max(n, m, p)} rows is more than 10000000", "use a smaller problem of the family")
    return tile_ba(camera, point, weight, feature, (n, m, p))


def tile_ba(
    camera: Array, point: Array, weight: Array, feature: Array, sizes: tuple[int, int, int]
) -> BundleAdjustment:
    """Repeat one camera [1,11], point [1,3], weight [1], feature [1,2]; observation i sees (i % n, i % m)."""
    n, m, p = sizes
    observed = np.arange(p)
    return BundleAdjustment(
        np.tile(camera, (n, 1)),
        np.tile(point, (m, 1)),
        np.tile(weight, p),
        np.tile(feature, (p, 1)),
        np.stack([observed % n, observed % m], axis=1),
    )


def write_ba(path: Path, problem: BundleAdjustment) -> None:
    """Write the first camera, point, weight and feature with the sizes, as the format has it."""
    sizes = f"{len(problem.cameras)} {len(problem.points)} {len(problem.weights)}\n"
    body = lines_of(problem.cameras[0], problem.points[0], problem.weights[:1], problem.features[0])
    path.write_text(sizes + body, encoding="ascii")


def generate_ba(n: int, m: int, p: int, seed: int = 0) -> BundleAdjustment:
    """A seeded bundle-adjustment problem with one camera in front of one point, repeated."""
    rng = np.random.default_rng(seed)
    rotation, centre = rng.normal(size=3), rng.normal(size=3) * 5.0
    intrinsics = np.concatenate([rng.uniform(100.0, 300.0, size=1), rng.normal(size=2), [0.05, 0.01]])
    camera = np.concatenate([rotation, centre, intrinsics])[None, :]
    point = (centre + rng.uniform(1.0, 3.0, size=3))[None, :]
    return tile_ba(camera, point, rng.uniform(0.2, 0.8, size=1), rng.normal(size=(1, 2)) * 100.0, (n, m, p))
