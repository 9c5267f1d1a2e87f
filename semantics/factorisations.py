"""Factorisations of matrices by SciPy's LAPACK, which XLA calls too (so signs agree): arrays enter, a factor leaves.

Matrices lie along the last two axes. What does not exist is NaN, matrix by matrix, as compiled code has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray


def _scipy() -> Any:
    """SciPy's module, imported when a factorisation first runs."""
    from scipy import linalg

    return linalg


def or_nan(function: Callable[..., Array], *operands: Array) -> Array:
    """A function of matrices, with NaN for those of a batch that it refuses."""
    try:
        return function(*operands)
    except ValueError:  # that of NumPy's linear algebra among them
        batch = operands[0].shape[:-2]
        if batch:
            return np.stack([or_nan(function, *(x[k] for x in operands)) for k in range(batch[0])])
        return np.full_like(function(*map(_harmless, operands)), np.nan)


def _harmless(x: Array) -> Array:
    """An operand of the same type for which every factorisation exists, to learn the type of the result."""
    return np.eye(x.shape[-2], x.shape[-1], dtype=x.dtype)


def _each(function: Callable[[Array], Array], a: Array) -> Array:
    """A function of one matrix, over leading batch axes."""
    batch = a.shape[:-2]
    results = {lane: or_nan(function, a[lane]) for lane in np.ndindex(batch)}
    like = next(iter(results.values())) if results else function(np.zeros(a.shape[-2:], a.dtype))
    stacked = np.empty((*batch, *like.shape), like.dtype)
    for lane, result in results.items():
        stacked[lane] = result
    return stacked


def _eigh(part: int) -> Callable[..., Array]:
    def run(a: Array, *, lower: bool) -> Array:
        return _each(lambda x: _scipy().eigh(x, lower=lower, driver="evd", check_finite=False)[part], a)

    return run


def _svd(part: int) -> Callable[..., Array]:
    def run(a: Array, *, full: bool) -> Array:
        return _each(lambda x: _scipy().svd(x, full_matrices=full, check_finite=False)[part], a)

    return run


def _svd_values(a: Array) -> Array:
    return _each(lambda x: _scipy().svdvals(x, check_finite=False), a)


def _qr(part: int) -> Callable[..., Array]:
    def run(a: Array, *, full: bool) -> Array:
        return _each(lambda x: _scipy().qr(x, mode="full" if full else "economic", check_finite=False)[part], a)

    return run


def _getrf(a: Array) -> tuple[Array, Array]:
    """LU in one matrix, and the row that each row was exchanged with."""
    if 0 in a.shape:
        return a, np.zeros(0, np.int32)
    (getrf,) = _scipy().get_lapack_funcs(("getrf",), (a,))
    packed, pivots, _ = getrf(a)
    return packed, pivots.astype(np.int32)


def _lu(a: Array) -> Array:
    return _each(lambda x: _getrf(x)[0], a)


def _lu_pivots(a: Array) -> Array:
    return _each(lambda x: _getrf(x)[1], a)


def _lu_permutation(a: Array) -> Array:
    return pivots_to_permutation(_lu_pivots(a), size=a.shape[-2])


def pivots_to_permutation(pivots: Array, *, size: int) -> Array:
    """The order that exchanging row i with row pivots[i], one after another, leaves."""
    order = np.broadcast_to(np.arange(size, dtype=pivots.dtype), (*pivots.shape[:-1], size)).copy()
    for lane in np.ndindex(pivots.shape[:-1]):
        for row, other in enumerate(pivots[lane]):
            order[lane][[row, other]] = order[lane][[other, row]]
    return order


def _tridiagonal_solve(low: Array, middle: Array, high: Array, b: Array) -> Array:
    """Elimination with row exchanges, by LAPACK's `gtsv`, which wants more than one row."""
    if b.shape[-2] == 1:
        only = middle[..., None]
        return np.where(only == 0, np.nan, b / only)
    result = np.full(b.shape, np.nan, b.dtype)
    (gtsv,) = _scipy().get_lapack_funcs(("gtsv",), (b,))
    for lane in np.ndindex(b.shape[:-2]):
        if 0 in b.shape:
            break
        *_, solved, info = gtsv(low[lane][1:], middle[lane], high[lane][:-1], b[lane])
        if info == 0:
            result[lane] = solved
    return result


FACTORISATIONS: Mapping[str, Callable[..., Any]] = {
    "eigh_values": _eigh(0),
    "eigh_vectors": _eigh(1),
    "svd_values": _svd_values,
    "svd_left": _svd(0),
    "svd_right": _svd(2),
    "qr_q": _qr(0),
    "qr_r": _qr(1),
    "lu": _lu,
    "lu_pivots": _lu_pivots,
    "lu_permutation": _lu_permutation,
    "pivots_to_permutation": pivots_to_permutation,
    "tridiagonal_solve": _tridiagonal_solve,
}
