"""The ADBench hand-tracking files: a 22-bone model folder and a fitting problem.

A folder or file (or a seed and sizes) goes in; frozen problems of float64 arrays come out. Formats follow
ADBench's `docs/FileFormat.md` (github.com/microsoft/ADBench, MIT).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .records import Numbers, lines_of, malformed, parse_numbers, read_text

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
POSE = 26
FINGERS = 5


@dataclass(frozen=True)
class HandModel:
    """b bones, v vertices: parents [b] (-1 at the root), relatives and inverses [b,4,4], positions [v,3],
    weights [v,b], triangles [t,3]."""

    names: tuple[str, ...]
    parents: Ints
    relatives: Array
    inverses: Array
    positions: Array
    weights: Array
    triangles: Ints


@dataclass(frozen=True)
class HandProblem:
    """correspondences [n] into the vertices, points [n,3], u [n,2] or none, theta [26]."""

    correspondences: Ints
    points: Array
    u: Array | None
    theta: Array


def read_hand(path: Path, complicated: bool = False) -> HandProblem:
    """Read a fitting problem; `complicated` files also hold two barycentric numbers per point."""
    numbers = Numbers.of(path)
    n, pose = numbers.size("points"), numbers.size("pose")
    rows = numbers.take("points", n, 4)
    u = numbers.take("u", n, 2) if complicated else None
    theta = numbers.take("theta", pose)
    numbers.finish()
    return HandProblem(_whole(path, rows[:, 0]), rows[:, 1:], u, theta)


def write_hand(path: Path, problem: HandProblem) -> None:
    """Write a fitting problem so that `read_hand` returns equal arrays."""
    header = f"{len(problem.points)} {len(problem.theta)}\n"
    rows = "".join(
        f"{index} {lines_of(point)}"
        for index, point in zip(problem.correspondences.tolist(), problem.points, strict=True)
    )
    u = "" if problem.u is None else lines_of(problem.u)
    path.write_text(header + rows + u + lines_of(problem.theta[:, None]), encoding="ascii")


def generate_hand(n: int, vertices: int = 544, complicated: bool = False, seed: int = 0) -> HandProblem:
    """A seeded fitting problem with n points; correspondences index `vertices` vertices or triangles."""
    rng = np.random.default_rng(seed)
    u = rng.uniform(0.1, 0.4, size=(n, 2)) if complicated else None
    return HandProblem(rng.integers(0, vertices, size=n), rng.normal(size=(n, 3)), u, rng.normal(size=POSE))


def read_hand_model(folder: Path) -> HandModel:
    """Read `bones.txt`, `vertices.txt` and `triangles.txt` of a model folder."""
    bones = _table(folder / "bones.txt")
    path = folder / "bones.txt"
    rows = np.array([_fields(path, row[1:], 33) for row in bones])
    triangles = [_fields(folder / "triangles.txt", row, 3) for row in _table(folder / "triangles.txt")]
    positions, weights = _read_vertices(folder / "vertices.txt", len(bones))
    return HandModel(
        tuple(row[0] for row in bones),
        _whole(path, rows[:, 0]),
        rows[:, 1:17].reshape(-1, 4, 4),
        rows[:, 17:].reshape(-1, 4, 4),
        positions,
        weights,
        _whole(folder / "triangles.txt", np.array(triangles)),
    )


def _read_vertices(path: Path, bones: int) -> tuple[Array, Array]:
    """Positions [v,3] and bone weights [v,bones]; a row is 8 numbers, a count, then (bone, weight) pairs."""
    positions, weights = [], []
    for row in _table(path):
        head = _fields(path, row[:9], 9)
        pairs = _fields(path, row[9:], 2 * int(head[8])).reshape(-1, 2)
        index = _whole(path, pairs[:, 0])
        if len(index) and not (0 <= index.min() and index.max() < bones):
            malformed(
                path, f"a vertex names bone {index.max()} of {bones}", "use bones.txt of the same model"
            )
        weight = np.zeros(bones)
        np.add.at(weight, index, pairs[:, 1])
        positions.append(head[:3])
        weights.append(weight)
    return np.array(positions), np.array(weights)


def _table(path: Path) -> list[list[str]]:
    rows = [line.split(":") for line in read_text(path).splitlines() if line.strip()]
    if not rows:
        malformed(path, "no rows", "the format is one colon-separated row per line")
    return rows


def _fields(path: Path, words: list[str], count: int) -> Array:
    if len(words) != count:
        malformed(path, f"a row has {len(words)} numbers where {count} are expected", "the row is cut short")
    return parse_numbers(path, words)


def _whole(path: Path, values: Array) -> Ints:
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        malformed(path, "an index is not a whole number", "indices are written without a fraction")
    return whole


def write_hand_model(folder: Path, model: HandModel) -> None:
    """Write the three files of a model; normals and texture coordinates, not kept here, become zero."""
    bones = [
        ":".join([name, str(parent), *_words(relative), *_words(inverse)])
        for name, parent, relative, inverse in zip(
            model.names, model.parents.tolist(), model.relatives, model.inverses, strict=True
        )
    ]
    vertices = []
    for position, weight in zip(model.positions, model.weights, strict=True):
        used = np.flatnonzero(weight)
        pairs = [word for bone in used.tolist() for word in (str(bone), repr(float(weight[bone])))]
        vertices.append(":".join([*_words(position), *["0.0"] * 5, str(len(used)), *pairs]))
    triangles = [":".join(str(corner) for corner in row) for row in model.triangles.tolist()]
    for name, rows in (("bones", bones), ("vertices", vertices), ("triangles", triangles)):
        (folder / f"{name}.txt").write_text("\n".join(rows) + "\n", encoding="ascii")


def _words(array: Array) -> list[str]:
    return [repr(float(value)) for value in array.ravel()]


def generate_hand_model(vertices: int = 544, triangles: int = 1084, seed: int = 0) -> HandModel:
    """A seeded model: a wrist, five chains of four bones and a palm tip; two bones pull each vertex."""
    rng = np.random.default_rng(seed)
    names = ("wrist", *(f"finger{f}_{j}" for f in range(FINGERS) for j in range(4)), "palm")
    parents = np.array([-1, *(0 if j == 0 else 4 * f + j for f in range(FINGERS) for j in range(4)), 0])
    count = len(names)
    relatives, absolutes = _rigid(rng, count), np.zeros((count, 4, 4))
    for bone, parent in enumerate(parents.tolist()):
        absolutes[bone] = relatives[bone] if parent < 0 else absolutes[parent] @ relatives[bone]
    weights = np.zeros((vertices, count))
    bone, share = rng.integers(1, count, size=vertices), rng.uniform(0.2, 0.8, size=vertices)
    weights[np.arange(vertices), bone] = share
    weights[:, 0] = 1.0 - share
    return HandModel(
        names,
        parents,
        relatives,
        np.asarray(np.linalg.inv(absolutes), dtype=np.float64),
        rng.normal(size=(vertices, 3)),
        weights,
        rng.integers(0, vertices, size=(triangles, 3)),
    )


def _rigid(rng: np.random.Generator, count: int) -> Array:
    """Random rigid motions [count,4,4]."""
    rotation, _ = np.linalg.qr(rng.normal(size=(count, 3, 3)))
    motion = np.tile(np.eye(4), (count, 1, 1))
    motion[:, :3, :3] = rotation
    motion[:, :3, 3] = rng.normal(size=(count, 3)) * 0.1
    return motion
