"""Array primitives over exact numbers, written out as loops: reductions, scans, orders, contractions,
elimination.

Arrays hold Python numbers (floats of the language are `Fraction`s or mpmath numbers in object arrays).
Nothing here calls a NumPy routine that computes; NumPy only holds and moves the elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cmp_to_key, reduce
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lang.diagnostics import fail
from ..lang.primitives.type_rules import parse_spec
from .exact_factorisations import FACTORISATIONS, ROOTS, batched
from .exact_sliding import EXACT_SLIDING
from .movement import check_indices

if TYPE_CHECKING:
    from .exact import Field

Array = np.ndarray
NEED_ROOTS = frozenset({"cholesky", "symmetric_cholesky", "logdet"}) | ROOTS


def _reduced(x: Array, axes: tuple[int, ...], join: Callable[[list[Any]], Any]) -> Array:
    """Join the elements of every reduced block."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.transpose(x, (*kept, *axes))
    shape = tuple(x.shape[axis] for axis in kept)
    result = np.empty(shape, object)
    for place in np.ndindex(shape):
        result[place] = join(list(np.ravel(moved[place])) if axes else [moved[place]])
    return result


def _sum(items: Iterable[Any], zero: Any) -> Any:
    return reduce(lambda total, item: total + item, items, zero)


def _zero(x: Array, field: Field) -> Any:
    return field.number(0) if x.dtype == object else 0


def _reduce_sum(x: Array, *, axes: tuple[int, ...], field: Field) -> Array:
    return _reduced(x, axes, lambda items: _sum(map(_python, items), _zero(x, field)))


def _reduce_prod(x: Array, *, axes: tuple[int, ...], field: Field) -> Array:
    one = field.number(1) if x.dtype == object else 1
    return _reduced(x, axes, lambda items: reduce(lambda total, item: total * item, map(_python, items), one))


def _python(item: Any) -> Any:
    """Machine integers as Python integers, so that sums do not overflow before they wrap."""
    return int(item) if isinstance(item, np.integer) else item


def _extremum(choose: Callable[[list[Any]], Any]) -> Callable[..., Array]:
    def run(x: Array, *, axes: tuple[int, ...], field: Field) -> Array:
        if any(x.shape[axis] == 0 for axis in axes):
            raise fail("E104", "a reduction of no elements has no value", hint="give at least one element")
        return _reduced(x, axes, choose)

    return run


def _place(choose: Callable[[list[Any]], Any]) -> Callable[..., Array]:
    def run(x: Array, *, axis: int, field: Field) -> Array:
        if x.shape[axis] == 0:
            raise fail("E104", "a reduction of no elements has no value", hint="give at least one element")
        return _reduced(x, (axis,), lambda items: items.index(choose(items)))

    return run


def _winners(x: Array, *, axes: tuple[int, ...], greatest: bool, field: Field) -> Array:
    best = np.expand_dims(np.asarray(_reduced(x, axes, max if greatest else min), object), axes)
    return np.vectorize(lambda one, top: bool(one == top), otypes=[object])(x, best)


def _along(x: Array, axis: int, line: Callable[[list[Any]], list[Any]]) -> Array:
    """Apply a function of lists to every line along an axis."""
    moved = np.moveaxis(np.asarray(x, object), axis, -1)
    result = np.empty(moved.shape, object)
    for place in np.ndindex(moved.shape[:-1]):
        result[place] = np.array([*line(list(moved[place])), None], object)[:-1]
    return np.moveaxis(result, -1, axis)


def _running(join: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    def accumulate(items: list[Any]) -> list[Any]:
        total: list[Any] = []
        for item in items:
            total.append(join(total[-1], item) if total else item)
        return total

    def run(x: Array, *, axis: int, reverse: bool, field: Field) -> Array:
        if reverse:
            return _along(x, axis, lambda items: accumulate(items[::-1])[::-1])
        return _along(x, axis, accumulate)

    return run


def _cumlogsumexp(x: Array, *, axis: int, reverse: bool, field: Field) -> Array:
    exp, log = field.function("exp"), field.function("ln")
    return _running(lambda left, right: log(exp(left) + exp(right)))(x, axis=axis, reverse=reverse, field=field)


def _compare(left: Any, right: Any) -> int:
    return (left > right) - (left < right)


_BY_SIZE = cmp_to_key(_compare)


def _sort(x: Array, *, axis: int, field: Field) -> Array:
    return _along(x, axis, lambda items: sorted(items, key=_BY_SIZE))


def _argsort(x: Array, *, axis: int, field: Field) -> Array:
    return _along(x, axis, lambda items: sorted(range(len(items)), key=lambda place: _BY_SIZE(items[place])))


def _top_places(x: Array, *, axis: int, k: int, field: Field) -> Array:
    def line(items: list[Any]) -> list[Any]:
        return sorted(range(len(items)), key=lambda place: _BY_SIZE(items[place]), reverse=True)

    return np.take(_along(x, axis, line), range(k), axis)


def _scatter_add(base: Array, values: Array, *indices: Array, field: Field, proved: bool = False) -> Array:
    check_indices(indices, base.shape)
    result = base.astype(object)
    for place in np.ndindex(indices[0].shape):
        target = tuple(int(index[place]) for index in indices)
        result[target] = result[target] + values[place]
    return result


def _einsum(*operands: Array, spec: str, field: Field) -> Array:
    terms, result_letters = parse_spec(spec)
    sizes = {
        letter: size
        for term, x in zip(terms, operands, strict=True)
        for letter, size in zip(term, x.shape, strict=True)
    }
    summed = [letter for letter in sizes if letter not in result_letters]
    result = np.empty(tuple(sizes[letter] for letter in result_letters), object)
    for place in np.ndindex(result.shape):
        at = dict(zip(result_letters, place, strict=True))
        total = _zero(operands[0], field)
        for rest in product(*(range(sizes[letter]) for letter in summed)):
            at.update(zip(summed, rest, strict=True))
            factors = [_python(x[tuple(at[c] for c in term)]) for term, x in zip(terms, operands, strict=True)]
            total = total + reduce(lambda left, right: left * right, factors)
        result[place] = total
    return result


# --- linear algebra -----------------------------------------------------------------------------------------


def _eliminate(a: Array, b: Array) -> tuple[Array, Any]:
    """Gauss-Jordan with the largest pivot: the solution and the determinant (a zero pivot raises ZeroDivisionError)."""
    a, b = a.copy(), b.copy()
    n = a.shape[0]
    determinant: Any = 1
    for column in range(n):
        pivot = max(range(column, n), key=lambda row: abs(a[row, column]))
        if pivot != column:
            a[[column, pivot]], b[[column, pivot]] = a[[pivot, column]], b[[pivot, column]]
            determinant = -determinant
        determinant = determinant * a[column, column]
        b[column] = b[column] / a[column, column]
        a[column] = a[column] / a[column, column]
        for row in range(n):
            if row != column:
                b[row] = b[row] - a[row, column] * b[column]
                a[row] = a[row] - a[row, column] * a[column]
    return b, determinant


def _solve(a: Array, b: Array, *, field: Field) -> Array:
    return batched(lambda a, b: _eliminate(a, b)[0], a, b)


def _triangular_solve(a: Array, b: Array, *, lower: bool, transposed: bool, unit: bool, field: Field) -> Array:
    n = a.shape[-1]
    kept = np.tri(n, dtype=bool) if lower else np.tri(n, dtype=bool).T
    triangle = np.where(kept, a, field.number(0))
    if unit:
        triangle = np.where(np.eye(n, dtype=bool), field.number(1), triangle)
    return _solve(np.swapaxes(triangle, -1, -2) if transposed else triangle, b, field=field)


def _cholesky(a: Array, *, field: Field) -> Array:
    root = field.function("sqrt")

    def factor(a: Array) -> Array:
        n = a.shape[0]
        lower = np.full((n, n), field.number(0), object)
        for row in range(n):
            for column in range(row + 1):
                rest = a[row, column] - _sum((lower[row, k] * lower[column, k] for k in range(column)), 0)
                lower[row, column] = root(rest) if row == column else rest / lower[column, column]
        return lower

    return batched(factor, a)


def _logdet(a: Array, *, field: Field) -> Array:
    log = field.function("ln")
    return batched(lambda a: log(abs(_eliminate(a, a)[1])), a)


ARRAYS: Mapping[str, Callable[..., Array]] = {
    "reduce_sum": _reduce_sum,
    "reduce_prod": _reduce_prod,
    "reduce_max": _extremum(max),
    "reduce_min": _extremum(min),
    "reduce_all": lambda x, *, axes, field: _reduced(x, axes, all),
    "reduce_any": lambda x, *, axes, field: _reduced(x, axes, any),
    "winners": _winners,
    "argmax": _place(max),
    "argmin": _place(min),
    "cumsum": _running(lambda left, right: left + right),
    "cummax": _running(lambda left, right: right if right > left else left),
    "cummin": _running(lambda left, right: right if right < left else left),
    "cumlogsumexp": _cumlogsumexp,
    "sort": _sort,
    "argsort": _argsort,
    "top_places": _top_places,
    "scatter_add": _scatter_add,
    "einsum": _einsum,
    "solve": _solve,
    "triangular_solve": _triangular_solve,
    "cholesky": _cholesky,
    "symmetric_cholesky": _cholesky,
    **FACTORISATIONS,
    **EXACT_SLIDING,
    "logdet": _logdet,
}
