"""Oracles kept between runs, because JAX takes minutes to compute them all and always says the same.

One file per entry in a folder, named by a hash of the corpus, the version of JAX, the entry and its arguments.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .entry import Entry
from .oracle import PARTS, Leaves, Measured, Unfit, measure

FOLDER = Path(__file__).resolve().parents[2] / "build" / "embed_oracle"
CORPUS = ("callables", "compositions", "entry", "examples", "oracle", "packages", "primitives")


@cache
def corpus() -> bytes:
    """A hash of everything that can change an oracle."""
    found = hashlib.sha256(jax.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name.startswith(CORPUS):
            found.update(path.read_bytes())
    return found.digest()


def place(entry: Entry) -> Path:
    """Where the oracle of an entry is kept."""
    found = hashlib.sha256(corpus() + entry.id.encode())
    for leaf in jax.tree.leaves(entry.arguments):
        found.update(np.asarray(leaf).tobytes())
    return FOLDER / f"{found.hexdigest()[:32]}.npz"


@lru_cache(maxsize=2)
def oracle(entry: Entry) -> Measured:
    """What JAX says of an entry in 64 bits, from the folder when it is there; raises `Unfit` like `measure`."""
    path = place(entry)
    if path.is_file():
        return read(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with jax.enable_x64(True):
            found = measure(entry)
    except Unfit as reason:
        np.savez(path, unfit=np.array(str(reason)))
        raise
    np.savez(path, **arrays(found))
    return found


def arrays(found: Measured) -> dict[str, Any]:
    """An oracle as named arrays."""
    named: dict[str, Any] = {}
    for part in PARTS:
        leaves = getattr(found, part)
        if isinstance(leaves, str):
            named[part] = np.array(leaves)
            continue
        named[part] = np.array(len(leaves.arrays))
        for number, (array, tolerance) in enumerate(zip(leaves.arrays, leaves.tolerances, strict=True)):
            named[f"{part}_{number}"], named[f"{part}_{number}_tolerance"] = array, tolerance
    return named


def read(path: Path) -> Measured:
    """The oracle that `arrays` wrote."""
    with np.load(path, allow_pickle=False) as file:
        if "unfit" in file:
            raise Unfit(str(file["unfit"]))
        return Measured(*(part(file, name) for name in PARTS))


def part(file: Any, name: str) -> Any:
    """One part: a reason in words, or leaves."""
    head = file[name]
    if head.dtype.kind == "U":
        return str(head)
    numbers = range(int(head))
    exact = tuple(file[f"{name}_{number}"] for number in numbers)
    return Leaves(exact, tuple(file[f"{name}_{number}_tolerance"] for number in numbers))
