"""What each primitive is in XLA: one table from names to functions over JAX arrays.

A function receives the operand arrays and the parameters and returns the result array. The corner cases follow the
language, not JAX: negative indices are out of range, a gather outside gives NaN (0 for integers), a scatter outside is
dropped, integer division by zero gives 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from math import factorial
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from ...lang.primitives.environment import platform_number
from .einsum import einsum
from .factorisations import FACTORISATIONS
from .indexing import gather, scatter, scatter_add
from .random import random_gamma, threefry2x32
from .scalars import BITS, SPECIAL
from .sliding import SLIDING

Params = Mapping[str, Any]
Lowering = Callable[[Sequence[Array], Params], Array]

DTYPES = {"f64": "float64", "f32": "float32", "f16": "float16", "i64": "int64"}


def jax_dtype(dtype: str) -> Any:
    """The JAX dtype of an IR dtype; integers follow the width that is enabled.

    >>> str(jax_dtype("f32"))
    'float32'
    """
    from jax.dtypes import canonicalize_dtype

    return canonicalize_dtype(DTYPES.get(dtype, dtype))


def _elementwise(function: Callable[..., Array]) -> Lowering:
    """Bring rank-0 operands to the common shape first, as `lax` wants equal shapes."""

    def lower(operands: Sequence[Array], params: Params) -> Array:
        shape = max((x.shape for x in operands), key=len)
        return function(*(x if x.shape == shape else lax.broadcast(x, shape) for x in operands))

    return lower


def _integer_pow(operands: Sequence[Array], params: Params) -> Array:
    return lax.integer_pow(operands[0], params["exponent"])


def _polygamma(operands: Sequence[Array], params: Params) -> Array:
    """(-1)^(k+1) k! zeta(k+1, x): DLMF 5.15.2."""
    (x,) = operands
    order = params["order"]
    sign = 1.0 if order % 2 else -1.0
    return sign * factorial(order) * lax.zeta(jnp.full_like(x, order + 1), x)


def _reduce_precision(operands: Sequence[Array], params: Params) -> Array:
    return lax.reduce_precision(operands[0], params["exponent_bits"], params["mantissa_bits"])


def _convert(operands: Sequence[Array], params: Params) -> Array:
    (x,) = operands
    if params["dtype"] == "bool":
        return lax.ne(x, jnp.zeros_like(x)) if x.dtype != jnp.bool_ else x
    return lax.convert_element_type(x, jax_dtype(params["dtype"]))


def _divided(function: Callable[..., Array]) -> Callable[[Array, Array], Array]:
    """Floor division and remainder, with 0 for an integer divided by 0."""

    def divide(x: Array, y: Array) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.integer):
            return function(x, y)
        zero = lax.eq(y, jnp.zeros_like(y))
        return lax.select(zero, jnp.zeros_like(x), function(x, lax.select(zero, jnp.ones_like(y), y)))

    return divide


def _softplus(x: Array) -> Array:
    return lax.max(x, jnp.zeros_like(x)) + lax.log1p(lax.exp(-lax.abs(x)))


def _relu(x: Array) -> Array:
    return lax.max(x, jnp.zeros_like(x))


def _log2(x: Array) -> Array:
    return lax.div(lax.log(x), lax.log(jnp.full_like(x, 2)))


ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "add": lax.add,
    "sub": lax.sub,
    "mul": lax.mul,
    "div": lax.div,
    "neg": lax.neg,
    "floordiv": _divided(jnp.floor_divide),
    "mod": _divided(jnp.remainder),
    "pow": lax.pow,
    "abs": lambda x: x if jnp.issubdtype(x.dtype, jnp.unsignedinteger) else lax.abs(x),
    "sign": lax.sign,
    "floor": lax.floor,
    "ceil": lax.ceil,
    "round": partial(lax.round, rounding_method=lax.RoundingMethod.TO_NEAREST_EVEN),
    "round_away": partial(lax.round, rounding_method=lax.RoundingMethod.AWAY_FROM_ZERO),
    "minimum": lax.min,
    "maximum": lax.max,
    "clip": lambda x, low, high: lax.min(lax.max(x, low), high),
    "where": lax.select,
    "relu": _relu,
    "eq": lax.eq,
    "ne": lax.ne,
    "lt": lax.lt,
    "le": lax.le,
    "gt": lax.gt,
    "ge": lax.ge,
    "logical_and": lax.bitwise_and,
    "logical_or": lax.bitwise_or,
    "logical_not": lax.bitwise_not,
    "is_finite": lax.is_finite,
    "exp": lax.exp,
    "expm1": lax.expm1,
    "exp2": lax.exp2,
    "log": lax.log,
    "log1p": lax.log1p,
    "log2": _log2,
    "sin": lax.sin,
    "cos": lax.cos,
    "tan": lax.tan,
    "asin": lax.asin,
    "acos": lax.acos,
    "atan": lax.atan,
    "atan2": lax.atan2,
    "sinh": lax.sinh,
    "cosh": lax.cosh,
    "tanh": lax.tanh,
    "asinh": lax.asinh,
    "acosh": lax.acosh,
    "atanh": lax.atanh,
    "sqrt": lax.sqrt,
    "cbrt": lax.cbrt,
    "rsqrt": lax.rsqrt,
    **BITS,
    **SPECIAL,
    "softplus": _softplus,
    "stop_gradient": lambda x: x,
}


def _broadcast(operands: Sequence[Array], params: Params) -> Array:
    return lax.broadcast_in_dim(operands[0], params["shape"], params["axes"])


def _pad(operands: Sequence[Array], params: Params) -> Array:
    (x,) = operands
    widths = [(low, high, 0) for low, high in zip(params["low"], params["high"], strict=True)]
    return lax.pad(x, jnp.zeros((), x.dtype), widths)


def _iota(operands: Sequence[Array], params: Params) -> Array:
    return lax.iota(jax_dtype("i64"), params["size"])


def _foreign(operands: Sequence[Array], params: Params) -> Array:
    """A step that the caller asked to leave to JAX."""
    from ...lang.from_jax.foreign import run

    return run(params["token"], operands)[params["which"]]


def _platform_index(operands: Sequence[Array], params: Params) -> Array:
    """Decided when the program is lowered for a platform, not when it is traced."""
    platforms = params["platforms"]
    named = sorted({name for group in platforms for name in group})
    numbers = {name: partial(jnp.asarray, platform_number(platforms, name), jax_dtype("i64")) for name in named}
    default = partial(jnp.asarray, platform_number(platforms, ""), jax_dtype("i64"))
    return lax.platform_dependent(default=default, **numbers)


def _reduce(function: Callable[..., Array]) -> Lowering:
    return lambda operands, params: function(operands[0], axis=tuple(params["axes"]))


SHORT_AXIS, LARGE = 16, 1 << 13


def _reduce_by(whole: Callable[..., Array], pair: Callable[[Array, Array], Array]) -> Lowering:
    """A reduction; over a short axis that is not innermost it is written out as elementwise steps.

    XLA's CPU code for such a reduction walks the short axis in its innermost loop, with long strides and no vectors.
    """

    def lower(operands: Sequence[Array], params: Params) -> Array:
        (x,), axes = operands, tuple(params["axes"])
        short = len(axes) == 1 and axes[0] != x.ndim - 1 and 1 <= x.shape[axes[0]] <= SHORT_AXIS
        if not short or x.size < LARGE:
            return whole(x, axis=axes)
        return reduce(pair, [lax.index_in_dim(x, k, axes[0], keepdims=False) for k in range(x.shape[axes[0]])])

    return lower


def _winners(operands: Sequence[Array], params: Params) -> Array:
    """Those that equal the extremum, and the first extreme.

    An element equals the extremum only if both are rounded alike. XLA may compute the operand twice, in two kernels,
    once with fused multiply-adds; the place of the extreme is found within one.
    """
    (x,), axes = operands, tuple(params["axes"])
    whole, place = (jnp.max, lax.argmax) if params["greatest"] else (jnp.min, lax.argmin)
    top = whole(x, axis=axes, keepdims=True)
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    order = (*kept, *axes)
    lines = lax.transpose(x, order).reshape((*(x.shape[axis] for axis in kept), -1))
    first = place(lines, lines.ndim - 1, jax_dtype("i64"))
    hit = lax.eq(lax.broadcasted_iota(jax_dtype("i64"), lines.shape, lines.ndim - 1), first[..., None])
    hit = lax.transpose(hit.reshape([x.shape[axis] for axis in order]), [order.index(axis) for axis in range(x.ndim)])
    return (x == top) | (hit & (top == top))


def _arg(function: Callable[..., Array]) -> Lowering:
    return lambda operands, params: function(operands[0], params["axis"], jax_dtype("i64"))


def _cumulative(function: Callable[..., Array]) -> Lowering:
    return lambda operands, params: function(operands[0], axis=params["axis"], reverse=params["reverse"])


def _cumlogsumexp(operands: Sequence[Array], params: Params) -> Array:
    """By doubling: XLA's window of all elements so far takes a number of steps that grows with the square."""
    return lax.associative_scan(jnp.logaddexp, operands[0], params["reverse"], params["axis"])


def _argsort(operands: Sequence[Array], params: Params) -> Array:
    (x,) = operands
    places = lax.broadcasted_iota(jax_dtype("i64"), x.shape, params["axis"])
    return lax.sort((x, places), dimension=params["axis"], is_stable=True, num_keys=1)[1]


def _shifted(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """``exp(x - m)`` with m the finite maximum along axes (kept as axes of length 1), and m."""
    top = jnp.max(x, axis=axes, keepdims=True, initial=-jnp.inf)
    top = lax.select(lax.is_finite(top), top, jnp.zeros_like(top))
    return lax.exp(x - top), top


def _logsumexp(operands: Sequence[Array], params: Params) -> Array:
    axes = tuple(params["axes"])
    powers, top = _shifted(operands[0], axes)
    return lax.log(jnp.sum(powers, axis=axes)) + jnp.squeeze(top, axes)


def _softmax(operands: Sequence[Array], params: Params) -> Array:
    axes = tuple(params["axes"])
    powers, _ = _shifted(operands[0], axes)
    return powers / jnp.sum(powers, axis=axes, keepdims=True)


def _solve(operands: Sequence[Array], params: Params) -> Array:
    matrix, right = operands
    lu, _, order = lax.linalg.lu(matrix)
    right = jnp.take_along_axis(right, order[..., None], axis=-2)
    halfway = lax.linalg.triangular_solve(lu, right, left_side=True, lower=True, unit_diagonal=True)
    return lax.linalg.triangular_solve(lu, halfway, left_side=True, lower=False)


def _triangular_solve(operands: Sequence[Array], params: Params) -> Array:
    return lax.linalg.triangular_solve(
        *operands,
        left_side=True,
        lower=params["lower"],
        transpose_a=params["transposed"],
        unit_diagonal=params["unit"],
    )


def _cholesky(operands: Sequence[Array], params: Params) -> Array:
    return lax.linalg.cholesky(operands[0], symmetrize_input=False)


def _logdet(operands: Sequence[Array], params: Params) -> Array:
    lu, _, _ = lax.linalg.lu(operands[0])
    return jnp.sum(lax.log(lax.abs(jnp.diagonal(lu, axis1=-2, axis2=-1))), axis=-1)


def _triangle(operands: Sequence[Array], params: Params) -> Array:
    (x,) = operands
    row = lax.broadcasted_iota(jax_dtype("i64"), x.shape, x.ndim - 2)
    column = lax.broadcasted_iota(jax_dtype("i64"), x.shape, x.ndim - 1)
    edge = row + params["offset"]
    kept = lax.le(column, edge) if params["lower"] else lax.ge(column, edge)
    return lax.select(kept, x, jnp.zeros_like(x))


LOWERINGS: dict[str, Lowering] = {
    **{name: _elementwise(function) for name, function in ELEMENTWISE.items()},
    "integer_pow": _integer_pow,
    "polygamma": _polygamma,
    "convert": _convert,
    "bitcast": lambda x, params: lax.bitcast_convert_type(x[0], jax_dtype(params["dtype"])),
    "reduce_precision": _reduce_precision,
    "threefry2x32": threefry2x32,
    "random_gamma": random_gamma,
    "broadcast": _broadcast,
    "reshape": lambda x, params: lax.reshape(x[0], params["shape"]),
    "transpose": lambda x, params: lax.transpose(x[0], params["axes"]),
    "slice": lambda x, params: lax.slice(x[0], params["starts"], params["limits"]),
    "pad": _pad,
    "reverse": lambda x, params: lax.rev(x[0], params["axes"]),
    "concat": lambda x, params: lax.concatenate(x, params["axis"]),
    "platform_index": _platform_index,
    "foreign": _foreign,
    "iota": _iota,
    "gather": lambda x, params: gather(x[0], x[1:], proved=params["proved"]),
    "scatter_add": lambda x, params: scatter_add(x[0], x[1], x[2:], proved=params["proved"]),
    "scatter": lambda x, params: scatter(x[0], x[1], x[2:], proved=params["proved"]),
    "einsum": lambda x, params: einsum(params["spec"], x),
    "reduce_sum": _reduce_by(jnp.sum, lax.add),
    "reduce_max": _reduce_by(jnp.max, lax.max),
    "reduce_min": _reduce_by(jnp.min, lax.min),
    "reduce_prod": _reduce(jnp.prod),
    "reduce_all": _reduce(jnp.all),
    "reduce_any": _reduce(jnp.any),
    "winners": _winners,
    "argmax": _arg(lax.argmax),
    "argmin": _arg(lax.argmin),
    "cumsum": _cumulative(lax.cumsum),
    "cumprod": _cumulative(lax.cumprod),
    "cummax": _cumulative(lax.cummax),
    "cummin": _cumulative(lax.cummin),
    "cumlogsumexp": _cumlogsumexp,
    "sort": lambda x, params: lax.sort(x[0], dimension=params["axis"]),
    "argsort": _argsort,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "solve": _solve,
    "triangular_solve": _triangular_solve,
    "cholesky": _cholesky,
    "symmetric_cholesky": _cholesky,
    **FACTORISATIONS,
    "logdet": _logdet,
    "triangle": _triangle,
    **SLIDING,
}
