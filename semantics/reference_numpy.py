"""What each primitive means in NumPy: a primitive, its parameters and operand types enter, a function of
arrays leaves.

Elementwise primitives name their NumPy function in their row; this module holds those NumPy lacks or defines
otherwise (integer division by zero is an error here) and the structural ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from ..lang import primitives
from ..lang.constants import constant_value, numpy_dtype
from ..lang.diagnostics import InternalError, fail
from ..lang.ir import Apply, ArrayType, Constant
from .bits_numpy import BITS
from .factorisations import FACTORISATIONS, or_nan
from .movement import MOVEMENT, check_indices
from .random_numpy import RANDOM
from .sliding import SLIDING
from .special_numpy import SPECIAL, in_double

Array = np.ndarray


class NumpyArithmetic:
    """IEEE floats and wrapping integers."""

    vectorises = True

    def dtype(self, name: str) -> np.dtype:
        return numpy_dtype(name)

    def constant(self, op: Constant, type_: ArrayType) -> Any:
        return constant_value(op, type_)[()]

    def kernel(self, op: Apply, operands: tuple[ArrayType, ...], result: ArrayType) -> Callable[..., Any]:
        return _kernel(op, result)

    def add(self, left: Any, right: Any) -> Any:
        return np.add(left, right)


@cache
def _kernel(op: Apply, result: ArrayType) -> Callable[..., Any]:
    row = primitives.get(op.primitive)
    params = dict(op.params)
    special = ELEMENTWISE.get(op.primitive)
    if special is not None:
        return (lambda *x: special(*x, **params)) if params else special
    if row.elementwise:
        function = resolve(row.numpy) if row.numpy else _missing(op.primitive)
        # SciPy has neither half precision nor bfloat16.
        narrow = row.numpy is not None and row.numpy.startswith("scipy") and result.dtype not in ("f64", "f32")
        return in_double(function) if narrow else function
    structural = STRUCTURAL.get(op.primitive) or _missing(op.primitive)
    dtype = numpy_dtype(result.dtype)
    return lambda *x: np.asarray(structural(*map(np.asarray, x), **params), dtype)[()]


def _missing(name: str) -> Callable[..., Any]:
    raise InternalError(f"the reference has no {name}")


@cache
def resolve(name: str) -> Callable[..., Any]:
    """The function behind a dotted name of a row, imported when first used.

    >>> float(resolve("numpy.exp")(0.0))
    1.0
    """
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


# --- elementwise --------------------------------------------------------------------------------------------


def _is_integer(x: Any) -> bool:
    return np.issubdtype(np.asarray(x).dtype, np.integer)


def _whole(function: Callable[..., Any]) -> Callable[..., Any]:
    def divide(x: Any, y: Any) -> Any:
        if _is_integer(y) and np.any(y == 0):
            raise fail("E101", "an integer is divided by zero", hint="guard it: if d == 0 then … else x // d")
        return function(x, y)

    return divide


def integer_pow(x: Any, *, exponent: int) -> Any:
    """Whole powers; integers wrap."""
    if not _is_integer(x):
        return np.power(x, np.asarray(exponent, np.asarray(x).dtype))
    power, square = np.ones_like(x)[()], x
    while exponent:
        power = power * square if exponent & 1 else power
        exponent, square = exponent >> 1, square * square
    return power


def convert(x: Any, *, dtype: str) -> Any:
    """Floats become integers towards zero, NaN 0, and values beyond the ends the ends."""
    target = numpy_dtype(dtype)
    source = np.asarray(x)
    if np.issubdtype(target, np.integer) and source.dtype.kind not in "iub":
        ends = np.iinfo(target)
        whole = np.nan_to_num(np.trunc(source.astype(np.float64)), nan=0.0)
        safe = np.where((whole > ends.min) & (whole < ends.max), whole, 0.0).astype(target)
        return np.where(whole >= ends.max, ends.max, np.where(whole <= ends.min, ends.min, safe)).astype(target)[()]
    return source.astype(target)[()]


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _scipy(name: str, *x: Any) -> Any:
    return resolve(f"scipy.special.{name}")(*x)


def polygamma(x: Any, *, order: int) -> Any:
    """``(-1)^(order + 1) order! zeta(order + 1, x)``."""
    sign = 1.0 if order % 2 else -1.0
    return sign * _scipy("gamma", order + 1.0) * _scipy("zeta", order + 1.0, x)


ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    **BITS,
    **SPECIAL,
    **RANDOM,
    "floordiv": _whole(np.floor_divide),
    "mod": _whole(np.mod),
    "integer_pow": integer_pow,
    "convert": convert,
    "rsqrt": lambda x: np.reciprocal(np.sqrt(x)),
    "softplus": softplus,
    "polygamma": in_double(polygamma),
    "relu": lambda x: np.maximum(x, np.zeros((), np.asarray(x).dtype)),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "where": lambda b, x, y: np.where(b, x, y)[()],
    "stop_gradient": lambda x: x,
}


# --- structural ---------------------------------------------------------------------------------------------


def _nonempty(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Array, *, axes: tuple[int, ...] | None = None, axis: int | None = None) -> Any:
        over = (axis,) if axes is None else axes
        if any(x.shape[k] == 0 for k in over if k is not None):
            raise fail("E104", "a reduction of no elements has no value", hint="give at least one element")
        return function(x, axis if axes is None else axes)

    return reduce


def _running(function: np.ufunc) -> Callable[..., Any]:
    def run(x: Array, *, axis: int, reverse: bool) -> Array:
        if not reverse:
            return function.accumulate(x, axis)
        return np.flip(function.accumulate(np.flip(x, axis), axis), axis)

    return run


def winners(x: Array, *, axes: tuple[int, ...], greatest: bool) -> Array:
    return x == (np.max if greatest else np.min)(x, axes, keepdims=True)


def scatter_add(base: Array, values: Array, *indices: Array, proved: bool = False) -> Array:
    result = base.copy()
    np.add.at(result, check_indices(indices, base.shape), values)
    return result


def _total_order(x: Array) -> Array:
    """Whole numbers in the total order of floats (IEEE 754-2019, section 5.10): -0.0 below 0.0, NaN at the ends."""
    if x.dtype.kind in "iub":
        return x
    bits = x.view(f"int{8 * x.dtype.itemsize}")
    return bits ^ ((bits >> (8 * x.dtype.itemsize - 1)) & np.iinfo(bits.dtype).max)


def top_places(x: Array, *, axis: int, k: int) -> Array:
    backwards = np.argsort(np.flip(_total_order(np.ascontiguousarray(x)), axis), axis, kind="stable")
    return np.take(x.shape[axis] - 1 - np.flip(backwards, axis), np.arange(k), axis)


def logsumexp(x: Array, *, axes: tuple[int, ...]) -> Array:
    peak = np.max(x, axes, keepdims=True, initial=-np.inf)
    safe = np.where(np.isfinite(peak), peak, 0)
    return np.squeeze(np.log(np.sum(np.exp(x - safe), axes, keepdims=True)) + safe, axes)


def softmax(x: Array, *, axes: tuple[int, ...]) -> Array:
    peak = np.max(x, axes, keepdims=True, initial=-np.inf)
    weights = np.exp(x - np.where(np.isfinite(peak), peak, 0))
    total = np.sum(weights, axes, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def cholesky(a: Array) -> Array:
    lower = np.tril(a)
    symmetric = lower + np.swapaxes(np.tril(a, -1), -1, -2)
    return or_nan(np.linalg.cholesky, symmetric)


def triangular_solve(a: Array, b: Array, *, lower: bool, transposed: bool, unit: bool) -> Array:
    """Substitution row by row, over leading batch axes."""
    if transposed:
        a, lower = np.swapaxes(a, -1, -2), not lower
    y = np.zeros(b.shape, b.dtype)
    n = a.shape[-1]
    for row in range(n) if lower else reversed(range(n)):
        known = slice(0, row) if lower else slice(row + 1, n)
        rest = b[..., row, :] - np.einsum("...k,...km->...m", a[..., row, known], y[..., known, :])
        y[..., row, :] = rest if unit else rest / a[..., row, row, None]
    return y


STRUCTURAL: Mapping[str, Callable[..., Any]] = {
    **MOVEMENT,
    "scatter_add": scatter_add,
    "reduce_sum": lambda x, *, axes: np.sum(x, axes),
    "reduce_prod": lambda x, *, axes: np.prod(x, axes),
    "reduce_max": _nonempty(np.max),
    "reduce_min": _nonempty(np.min),
    "reduce_all": lambda x, *, axes: np.all(x, axes),
    "reduce_any": lambda x, *, axes: np.any(x, axes),
    "winners": winners,
    "argmax": _nonempty(np.argmax),
    "argmin": _nonempty(np.argmin),
    "cumsum": _running(np.add),
    "cumprod": _running(np.multiply),
    "cummax": _running(np.maximum),
    "cummin": _running(np.minimum),
    "sort": lambda x, *, axis: np.sort(x, axis, kind="stable"),
    "argsort": lambda x, *, axis: np.argsort(x, axis, kind="stable"),
    "top_places": top_places,
    "logsumexp": logsumexp,
    "cumlogsumexp": _running(np.logaddexp),
    "softmax": softmax,
    "einsum": lambda *xs, spec: np.einsum(spec, *xs, optimize=len(xs) > 2),
    "solve": lambda a, b: or_nan(np.linalg.solve, a, b),
    "triangular_solve": triangular_solve,
    "cholesky": cholesky,
    "symmetric_cholesky": cholesky,
    **FACTORISATIONS,
    **SLIDING,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
}
