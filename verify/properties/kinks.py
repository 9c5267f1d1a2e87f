"""How near a run comes to a kink: a first-order program and arguments enter, the smallest distance leaves.

Derivatives of programs with kinks are right off a set of measure zero (Mazza & Pagani 2021, POPL 5), so comparisons of
derivatives keep away from it: a run is watched, and every comparison of floats, absolute value, maximum, ordering and
clipping reports by how much its operands would have to move to change the piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...lang.ir import Apply, ArrayType, Program
from ...semantics.interpreter import Interpreter
from ...semantics.reference_numpy import NumpyArithmetic

Distance = Callable[..., float]


def _least(values: Any) -> float:
    found = np.abs(np.asarray(values, np.float64))
    return float(found.min()) if found.size else np.inf


def _from_zero(x: Any) -> float:
    return _least(x)


def _apart(x: Any, y: Any) -> float:
    return _least(np.subtract(x, y)) if np.asarray(x).dtype.kind == "f" else np.inf


def _bounds(x: Any, low: Any, high: Any) -> float:
    return min(_apart(x, low), _apart(x, high))


def _largest(x: Any, axes: Sequence[int], sign: float) -> float:
    moved = np.moveaxis(np.asarray(x), tuple(axes), range(-len(axes), 0))
    rows = np.sort(sign * moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1), axis=-1)
    return _least(rows[..., -1] - rows[..., -2]) if rows.shape[-1] > 1 else np.inf


def _neighbours(x: Any, **params: Any) -> float:
    if np.asarray(x).dtype.kind != "f":
        return np.inf
    return _least(np.diff(np.sort(np.asarray(x), axis=0), axis=0))


DISTANCES: dict[str, Distance] = {
    **dict.fromkeys(("abs", "relu", "sign"), _from_zero),
    **dict.fromkeys(("maximum", "minimum", "lt", "le", "gt", "ge", "eq", "ne"), _apart),
    **dict.fromkeys(("sort", "argsort", "cummax", "cummin"), _neighbours),
    "clip": _bounds,
    "reduce_max": lambda x, axes: _largest(x, axes, 1.0),
    "reduce_min": lambda x, axes: _largest(x, axes, -1.0),
}


class Watched(NumpyArithmetic):
    """The reference's arithmetic, keeping the smallest distance it has seen."""

    nearest: float = np.inf

    def kernel(self, op: Apply, operands: tuple[ArrayType, ...], result: ArrayType) -> Callable[..., Any]:
        run = super().kernel(op, operands, result)
        distance = DISTANCES.get(op.primitive)
        if distance is None:
            return run
        wants = dict(op.params) if op.primitive.startswith("reduce") else {}

        def watched(*values: Any) -> Any:
            self.nearest = min(self.nearest, distance(*values, **wants))
            return run(*values)

        return watched


def distance_to_kinks(program: Program, args: Sequence[Any]) -> float:
    """The smallest distance to a kink during a run of a first-order program; infinity when it has none."""
    arithmetic = Watched()
    with np.errstate(all="ignore"):
        Interpreter(arithmetic).run(program, list(args))
    return arithmetic.nearest
