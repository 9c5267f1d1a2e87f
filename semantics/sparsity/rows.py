"""Sets of input elements, one per element of an array: sparse boolean matrices, one row per element in row-major order,
one column per input element. Sets enter, sets leave; one that is too large to hold is a diagnostic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from scipy import sparse

from ...lang.diagnostics import fail

Rows = Any  # scipy.sparse.csr_array of booleans; SciPy brings no types
LIMIT = 2**24  # entries of one set of rows: 80 MB of indices


def limited(entries: int) -> None:
    """Refuse sets of more than `LIMIT` entries before they are made."""
    if entries > LIMIT:
        raise fail(
            "E135",
            f"a sparsity pattern of up to {entries} entries on the way to the result",
            expected=f"at most {LIMIT}",
            hint='leave sparsity="auto" out, or take the Jacobian of a part that depends on less',
        )


def eye(count: int) -> Rows:
    """Every element depends on itself."""
    return sparse.eye_array(count, format="csr").astype(np.bool_)


def ones(rows: int, columns: int) -> Rows:
    limited(rows * columns)
    return sets(np.ones((rows, columns), np.bool_))


def nothing(rows: int, columns: int) -> Rows:
    """Elements that depend on nothing."""
    return sparse.csr_array((rows, columns), dtype=np.bool_)


def sets(matrix: np.ndarray) -> Rows:
    """The sets that a matrix of booleans shows."""
    return sparse.csr_array(matrix)


def lengths(rows: Rows) -> np.ndarray:
    """How many input elements each row holds."""
    return np.diff(rows.indptr)


def union(parts: Sequence[Rows]) -> Rows:
    """Row by row the union of sets of one shape."""
    limited(sum(part.nnz for part in parts) if len(parts) > 1 else 0)
    return reduce(lambda left, right: left + right, parts)


def picked(rows: Rows, places: np.ndarray) -> Rows:
    """Row k is the row number ``places[k]``, and empty where that is -1."""
    flat = np.ravel(places)
    ended = sparse.csr_array(
        (rows.data, rows.indices, np.append(rows.indptr, rows.indptr[-1])), (rows.shape[0] + 1, rows.shape[1])
    )
    limited(int(np.append(lengths(rows), 0)[flat].sum()))
    return ended[np.where(flat < 0, rows.shape[0], flat)]


def grouped(rows: Rows, places: np.ndarray, count: int) -> Rows:
    """Row p of `count` is the union of the rows k with ``places[k] == p``; places of -1 are left out."""
    flat = np.ravel(places)
    kept = np.flatnonzero(flat >= 0)
    shape = (count, rows.shape[0])
    return sparse.csr_array((np.ones(len(kept), np.bool_), (flat[kept], kept)), shape) @ rows


def through(reach: Rows, rows: Rows) -> Rows:
    """The sets of results of which element k reads the elements in row k of `reach`."""
    limited(min(int((reach.astype(np.int64) @ lengths(rows)).sum()), reach.shape[0] * rows.shape[1]))
    return reach @ rows


@dataclass(frozen=True)
class Along:
    """What a result reads along one axis: `first` maps the axis to fewer places, `second` these to the new axis."""

    first: Rows
    second: Rows | None = None


def selected(places: np.ndarray, size: int) -> Along:
    """Place k of the new axis reads place ``places[k]`` of an axis of length `size`, or nothing where that is -1."""
    return Along(picked(eye(size), places))


def whole(size: int, result: int) -> Along:
    """All of the axis is read by every place of the new one."""
    return Along(ones(1, size), ones(result, 1))


def along(rows: Rows, axes: Sequence[Along | int]) -> Rows:
    """Read along every axis of an array in its own way; a number is the length of an axis that stays as it is."""
    firsts = [axis.first if isinstance(axis, Along) else eye(axis) for axis in axes]
    rows = through(_product(firsts), rows)
    if not any(isinstance(axis, Along) and axis.second is not None for axis in axes):
        return rows
    middle = zip(axes, firsts, strict=True)
    seconds = [
        axis.second if isinstance(axis, Along) and axis.second is not None else eye(first.shape[0])
        for axis, first in middle
    ]
    return through(_product(seconds), rows)


def _product(factors: Sequence[Rows]) -> Rows:
    """The Kronecker product, which does to every axis of an array what its factor says."""
    limited(int(np.prod([float(factor.nnz) for factor in factors])))
    found = eye(1)
    for factor in factors:
        found = sparse.csr_array(sparse.kron(found, factor, format="csr"), dtype=np.bool_)
    return found


def stacked(parts: Sequence[Rows]) -> Rows:
    """Arrays one behind the other."""
    limited(sum(part.nnz for part in parts))
    return sparse.csr_array(sparse.vstack(parts, format="csr"), dtype=np.bool_)


def same(left: Rows | None, right: Rows | None) -> bool:
    """Whether sets, the right ones at least as large as the left ones, are equal."""
    return (0 if left is None else left.nnz) == (0 if right is None else right.nnz)
