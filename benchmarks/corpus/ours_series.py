"""The Taylor series of an entry through Pushforward, compared with what JAX said, order by order.

An entry and its oracle enter; a verdict leaves for each order. Beside it stands whether the value that comes with the
series is the plain value: bit for bit in the reference back end, to how many units in the last place under XLA.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import jax
import numpy as np

import pushforward as pf
from pushforward._jet import with_series

from . import ORDERS
from .entry import Entry
from .oracle import floats, is_float
from .ours import Status, Verdict, classified, compare, in_our_form
from .series import Measured, coefficients

EVERY = 4
"""One entry in so many is compiled by XLA, twice."""
RANK: dict[Status, int] = {"right": 0, "refused": 1, "wrong": 2, "crashed": 3}


@dataclass(frozen=True)
class SeriesVerdict:
    """What became of an entry at each of `ORDERS`; `status` is the worst of them.

    `unequal` says how the value differs from the plain one in the reference back end, `ulps` by how much it does under
    XLA; None where it was not run. `source` and `peer` are those of the oracle.
    """

    id: str
    status: Status
    orders: tuple[Verdict, ...]
    unequal: str | None
    ulps: float | None
    source: str
    peer: tuple[str, ...]


def judge(entry: Entry, oracle: Measured) -> SeriesVerdict:
    """Trace the entry, push the curve through it, compare; whatever is raised is a finding about this entry."""
    start = time.perf_counter()
    try:
        program = pf.trace(entry.function, *entry.arguments)
    except Exception as problem:
        refused = classified(entry, problem, "trace", time.perf_counter() - start)
        return _whole(entry, oracle, (refused,) * len(ORDERS), None, None)
    orders = tuple(_verdict(entry, program, oracle, order) for order in ORDERS)
    differs, apart = None, None
    if orders[0].status == "right":
        try:
            plain, beside = _values(entry, program, "reference")
            differs = unequal(plain, beside)
            if crc32(entry.id.encode()) % EVERY == 0:
                apart = ulps(*_values(entry, program, "xla"))
        except Exception as problem:
            differs = f"{type(problem).__name__}: {problem}"[:300]
    return _whole(entry, oracle, orders, differs, apart)


def _whole(
    entry: Entry, oracle: Measured, orders: tuple[Verdict, ...], differs: str | None, apart: float | None
) -> SeriesVerdict:
    worst = max(orders, key=lambda one: RANK[one.status]).status
    return SeriesVerdict(entry.id, worst, orders, differs, apart, oracle.source, oracle.peer)


def _verdict(entry: Entry, program: pf.Program, oracle: Measured, order: int) -> Verdict:
    start = time.perf_counter()
    try:
        _, series = pf.jet(program, entry.arguments, series_of(entry, order))
        pairs = zip(series, oracle.orders[:order], strict=True)
        worst = max(compare(f"order {k}", floats(own), wanted) for k, (own, wanted) in enumerate(pairs, 1))
        return Verdict(entry.id, "right", error=worst, seconds=round(time.perf_counter() - start, 3))
    except Exception as problem:
        return classified(entry, problem, f"order {order}", time.perf_counter() - start)


def series_of(entry: Entry, order: int) -> list[tuple[Any, ...] | None]:
    """The coefficients in our form, per argument; None for arguments without floats."""
    tree = jax.tree.structure(entry.arguments)
    filled = [[0.0 if c is None else c for c in own] for own in coefficients(entry)[:order]]
    by_order = [
        [in_our_form(x, along) for x, along in zip(entry.arguments, tree.unflatten(own), strict=True)] for own in filled
    ]
    moves = [any(is_float(leaf) for leaf in jax.tree.leaves(x)) for x in entry.arguments]
    return [own if on else None for on, own in zip(moves, zip(*by_order, strict=True), strict=True)]


def _values(entry: Entry, program: pf.Program, backend: Literal["reference", "xla"]) -> tuple[list[Any], list[Any]]:
    """The plain value, and the one that comes with a series of order 2."""
    series = series_of(entry, 2)
    point = entry.arguments[0] if len(entry.arguments) == 1 else entry.arguments
    pushed = with_series(program, 2, [() if own is None else (1, 2) for own in series]).compile(backend)
    beside, _ = pushed(point, tuple(() if own is None else own for own in series))
    plain = program.compile(backend)(*entry.arguments)
    return jax.tree.leaves(plain), jax.tree.leaves(beside)


def unequal(plain: Sequence[Any], beside: Sequence[Any]) -> str | None:
    """How values differ in any bit."""
    if len(plain) != len(beside):
        return f"{len(beside)} arrays for {len(plain)}"
    for place, (one, other) in enumerate(zip(map(np.asarray, plain), map(np.asarray, beside), strict=True)):
        if (one.dtype, one.shape, one.tobytes()) != (other.dtype, other.shape, other.tobytes()):
            return f"array {place}: {other.dtype}{list(other.shape)} differs from {one.dtype}{list(one.shape)}"
    return None


def ulps(plain: Sequence[Any], beside: Sequence[Any]) -> float:
    """The greatest difference of an array, in units in the last place of its greatest element."""
    worst = 0.0
    for one, other in zip(map(np.asarray, plain), map(np.asarray, beside), strict=True):
        if not is_float(one):
            worst = max(worst, 0.0 if np.array_equal(one, other) else np.inf)
            continue
        greatest = np.abs(one).max(initial=0).astype(one.dtype)
        unit = float(np.spacing(greatest)) if greatest else float(np.finfo(np.float64).tiny)
        apart = float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max(initial=0.0))
        worst = max(worst, apart / unit)
    return worst
