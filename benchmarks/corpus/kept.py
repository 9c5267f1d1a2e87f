"""Oracles kept between runs, because JAX takes minutes to compute them all and always says the same.

One file per entry in a folder, named by a hash of the corpus, the version of JAX, the entry and its arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from . import series
from .entry import Entry
from .oracle import PARTS, Leaves, Measured, Unfit, measure

FOLDER = Path(__file__).resolve().parents[2] / "build" / "embed_oracle"
CORPUS = ("callables", "compositions", "entry", "examples", "oracle", "packages", "primitives")

Oracle = TypeVar("Oracle", Measured, series.Measured)


@cache
def corpus(files: tuple[str, ...]) -> bytes:
    """A hash of everything that can change an oracle: the files whose names begin so, and JAX."""
    found = hashlib.sha256(jax.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name.startswith(files):
            found.update(path.read_bytes())
    return found.digest()


def place(entry: Entry, *more: str) -> Path:
    """Where the oracle of an entry is kept; `more` names the further files that it rests on."""
    found = hashlib.sha256(corpus((*CORPUS, *more)) + entry.id.encode())
    for leaf in jax.tree.leaves(entry.arguments):
        found.update(np.asarray(leaf).tobytes())
    return FOLDER.with_name("series_oracle" if more else FOLDER.name) / f"{found.hexdigest()[:32]}.npz"


@lru_cache(maxsize=2)
def oracle(entry: Entry) -> Measured:
    """What JAX says of an entry in 64 bits, from the folder when it is there; raises `Unfit` like `measure`."""
    return stored(entry, place(entry), measure, arrays, read)


def series_oracle(entry: Entry) -> series.Measured:
    """What JAX says of the Taylor series of an entry, in the same way."""
    return stored(entry, place(entry, "series.py"), series.measure, series.arrays, series.read)


def stored(
    entry: Entry,
    path: Path,
    measured: Callable[[Entry], Oracle],
    arrays: Callable[[Oracle], dict[str, Any]],
    read: Callable[[Any], Oracle],
) -> Oracle:
    """The oracle in a file, which is made when it is not there; raises `Unfit` like `measured`."""
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            if "unfit" in file:
                raise Unfit(str(file["unfit"]))
            return read(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with jax.enable_x64(True):
            found = measured(entry)
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
        named |= {part: np.array(leaves)} if isinstance(leaves, str) else leaves.named(part)
    return named


def read(file: Any) -> Measured:
    """The oracle that `arrays` wrote."""
    return Measured(*(part(file, name) for name in PARTS))


def part(file: Any, name: str) -> Any:
    """One part: a reason in words, or leaves."""
    head = file[name]
    return str(head) if head.dtype.kind == "U" else Leaves.read(file, name)
