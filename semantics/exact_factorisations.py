"""Factorisations of matrices over exact numbers: object arrays enter, one factor leaves, over leading batch axes.

Eigenvalues and singular values are mpmath's; reflections, elimination and substitution are written out here, with the
signs and the choice of pivots of LAPACK. Signs of eigenvectors and of pairs of singular vectors are free; here the
largest component of an eigenvector or of a left vector is positive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .exact import Field

Array = np.ndarray
ROOTS = frozenset({"eigh_values", "eigh_vectors", "svd_values", "svd_left", "svd_right", "qr_q", "qr_r"})


def batched(function: Callable[..., Any], *arrays: Array, inner: int = 2) -> Array:
    """Apply a function of matrices (or of arrays of rank `inner`, by the last one) over leading batch axes."""
    batch = arrays[-1].shape[:-inner]
    answers = {place: np.asarray(function(*(x[place] for x in arrays)), object) for place in np.ndindex(batch)}
    shape = next(iter(answers.values())).shape if answers else arrays[-1].shape[-inner:]
    result = np.empty((*batch, *shape), object)
    for place, answer in answers.items():
        result[place] = answer[()]
    return result


def _array(matrix: Any) -> Array:
    """An mpmath matrix as an object array; a row or a column of it when it has no other."""
    result = np.empty((matrix.rows, matrix.cols), object)
    for row, column in np.ndindex(result.shape):
        result[row, column] = matrix[row, column]
    return result


def _symmetric(a: Array, lower: bool) -> Array:
    """A matrix from one of its triangles."""
    below = np.tri(a.shape[0], dtype=bool)
    return np.where(below if lower else below.T, a, a.T)


def _signs(columns: Array) -> Array:
    """The sign of the largest component of every column."""
    largest = [max(column, key=abs) for column in columns.T]
    return np.array([-1 if x < 0 else 1 for x in largest], object)


def _eigh(part: int) -> Callable[..., Array]:
    def run(a: Array, *, lower: bool, field: Field) -> Array:
        eigsy, matrix = field.function("eigsy"), field.function("matrix")

        def one(x: Array) -> Array:
            values, vectors = eigsy(matrix(_symmetric(x, lower).tolist()))
            order = sorted(range(len(values)), key=lambda k: values[k])
            columns = _array(vectors)[:, order]
            return _array(values)[order, 0] if part == 0 else columns * _signs(columns)

        return batched(one, a)

    return run


def _svd(part: int) -> Callable[..., Array]:
    def run(a: Array, *, full: bool = False, field: Field) -> Array:
        svd, matrix = field.function("svd_r"), field.function("matrix")

        def one(x: Array) -> Array:
            left, values, right = map(_array, svd(matrix(x.tolist()), full_matrices=full))
            if part == 1:
                return values[:, 0]
            paired, signs = len(values), _signs(left)
            if part == 0:
                return left * signs
            own = _signs(right[paired:].T)
            return right * np.concatenate([signs[:paired], own])[:, None]

        return batched(one, a)

    return run


# --- QR --------------------------------------------------------------------------------------------------------------


def _reflect(r: Array, q: Array, column: int, field: Field) -> None:
    """Reflect so that a column becomes zero below the diagonal, which gets the other sign (LAPACK `larfg`)."""
    x = r[column:, column]
    if all(item == 0 for item in x[1:]):
        return
    norm = field.function("sqrt")(sum(item * item for item in x))
    v = x.copy()
    v[0] = x[0] + (norm if x[0] >= 0 else -norm)
    scale = 2 / sum(item * item for item in v)
    r[column:] = r[column:] - scale * np.outer(v, v.dot(r[column:]))
    q[:, column:] = q[:, column:] - scale * np.outer(q[:, column:].dot(v), v)


def _qr(part: int) -> Callable[..., Array]:
    def run(a: Array, *, full: bool, field: Field) -> Array:
        def one(x: Array) -> Array:
            m, n = x.shape
            r, q = x.copy(), np.where(np.eye(m, dtype=bool), field.number(1), field.number(0))
            for column in range(min(m - 1, n)):
                _reflect(r, q, column, field)
            kept = m if full else min(m, n)
            upper = np.where(np.tri(m, n, -1, dtype=bool), field.number(0), r)
            return q[:, :kept] if part == 0 else upper[:kept]

        return batched(one, a)

    return run


# --- LU and substitution ---------------------------------------------------------------------------------------------


def _eliminated(a: Array) -> tuple[Array, list[int], list[int]]:
    """LU in one matrix with the first of the largest pivots, what each row was exchanged with, and the final order."""
    m, n = a.shape
    packed, order, pivots = a.copy(), list(range(m)), []
    for column in range(min(m, n)):
        pivot = max(range(column, m), key=lambda row: abs(packed[row, column]))
        pivots.append(pivot)
        packed[[column, pivot]] = packed[[pivot, column]]
        order[column], order[pivot] = order[pivot], order[column]
        if packed[column, column] != 0:
            packed[column + 1 :, column] = packed[column + 1 :, column] / packed[column, column]
        below = np.outer(packed[column + 1 :, column], packed[column, column + 1 :])
        packed[column + 1 :, column + 1 :] = packed[column + 1 :, column + 1 :] - below
    return packed, pivots, order


def _lu(part: int) -> Callable[..., Array]:
    return lambda a, *, field: batched(lambda x: _eliminated(x)[part], a)


def _pivots_to_permutation(pivots: Array, *, size: int, field: Field) -> Array:
    def one(exchanged: Array) -> list[int]:
        order = list(range(size))
        for row, other in enumerate(exchanged):
            order[row], order[other] = order[other], order[row]
        return order

    return batched(one, pivots, inner=1)


def _tridiagonal_solve(low: Array, middle: Array, high: Array, b: Array, *, field: Field) -> Array:
    def one(low: Array, middle: Array, high: Array, b: Array) -> Array:
        n = len(middle)
        a = np.where(np.eye(n, dtype=bool), middle, field.number(0))
        for k in range(1, n):
            a[k, k - 1], a[k - 1, k] = low[k], high[k - 1]
        packed, _, order = _eliminated(a)
        y = b[order]
        for k in range(n):
            y[k] = y[k] - packed[k, :k].dot(y[:k]) if k else y[k]
        for k in reversed(range(n)):
            rest = packed[k, k + 1 :].dot(y[k + 1 :]) if k + 1 < n else field.number(0)
            y[k] = (y[k] - rest) / packed[k, k]
        return y

    return batched(one, low, middle, high, b)


FACTORISATIONS: Mapping[str, Callable[..., Array]] = {
    "eigh_values": _eigh(0),
    "eigh_vectors": _eigh(1),
    "svd_values": _svd(1),
    "svd_left": _svd(0),
    "svd_right": _svd(2),
    "qr_q": _qr(0),
    "qr_r": _qr(1),
    "lu": _lu(0),
    "lu_pivots": _lu(1),
    "lu_permutation": _lu(2),
    "pivots_to_permutation": _pivots_to_permutation,
    "tridiagonal_solve": _tridiagonal_solve,
}
