"""Factorisations in XLA: operands and parameters enter, one factor leaves.

Factors of one matrix are asked for one by one; XLA merges equal calls of LAPACK, so the work is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jax import Array, lax

Params = Mapping[str, Any]
Lowering = Callable[[Sequence[Array], Params], Array]


def _eigh(part: int) -> Lowering:
    return lambda x, params: lax.linalg.eigh(x[0], lower=params["lower"], symmetrize_input=False)[part]


def _svd(part: int) -> Lowering:
    return lambda x, params: lax.linalg.svd(x[0], full_matrices=params["full"])[part]


def _svd_values(x: Sequence[Array], params: Params) -> Array:
    """With `full`, the step beside it takes the vectors (in full or not), and one call serves both."""
    full = params.get("full")
    if full is None:
        return lax.linalg.svd(x[0], compute_uv=False)
    return lax.linalg.svd(x[0], full_matrices=full)[1]


def _qr(part: int) -> Lowering:
    return lambda x, params: lax.linalg.qr(x[0], full_matrices=params["full"])[part]


def _lu(part: int) -> Lowering:
    return lambda x, params: lax.linalg.lu(x[0])[part]


def _pivots_to_permutation(x: Sequence[Array], params: Params) -> Array:
    order = lax.linalg.lu_pivots_to_permutation(lax.convert_element_type(x[0], "int32"), params["size"])
    return lax.convert_element_type(order, x[0].dtype)


FACTORISATIONS: Mapping[str, Lowering] = {
    "eigh_values": _eigh(1),
    "eigh_vectors": _eigh(0),
    "svd_values": _svd_values,
    "svd_left": _svd(0),
    "svd_right": _svd(2),
    "qr_q": _qr(0),
    "qr_r": _qr(1),
    "lu": _lu(0),
    "lu_pivots": _lu(1),
    "lu_permutation": _lu(2),
    "pivots_to_permutation": _pivots_to_permutation,
    "tridiagonal_solve": lambda x, params: lax.linalg.tridiagonal_solve(*x),
}
