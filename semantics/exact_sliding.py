"""Convolutions, sliding windows and repeated updates over exact numbers, written out as loops over elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lang.primitives.sliding import Slide, conv_slides, slides
from .movement import block_corner

if TYPE_CHECKING:
    from .exact import Field

Array = np.ndarray


def _along(slide: Slide, position: int) -> list[tuple[int, int]]:
    """The elements of one axis that a position of the window sees, with their place in the window."""
    found = []
    for k in range(slide.window):
        start = position * slide.stride - slide.low + k * slide.window_dilation
        place, rest = divmod(start, slide.base_dilation)
        if rest == 0 and 0 <= place < slide.size:
            found.append((place, k))
    return found


def _under(windows: Sequence[Slide], position: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Places of the operand and of the window that meet at a position."""
    axes = [_along(slide, at) for slide, at in zip(windows, position, strict=True)]
    for pairs in product(*axes):
        yield tuple(place for place, _ in pairs), tuple(k for _, k in pairs)


def _zero(x: Array, field: Field) -> Any:
    return field.number(0) if x.dtype == object else 0


def _whole(item: Any) -> Any:
    return int(item) if isinstance(item, np.integer) else item


def conv(lhs: Array, rhs: Array, *, feature_groups: int, batch_groups: int, field: Field, **params: Any) -> Array:
    windows = conv_slides(lhs.shape, rhs.shape, tuple(params.items()))
    batch, (outputs, inputs) = lhs.shape[0] // batch_groups, rhs.shape[:2]
    result = np.empty((batch, outputs, *(window.count for window in windows)), object)
    for n, o, *position in np.ndindex(result.shape):
        group = o // (outputs // (feature_groups * batch_groups))
        row = n + (group * batch if batch_groups > 1 else 0)
        channel = group * inputs if feature_groups > 1 else 0
        total = _zero(lhs, field)
        for places, offset in _under(windows, position):
            for i in range(inputs):
                total = total + _whole(lhs[(row, channel + i, *places)]) * _whole(rhs[(o, i, *offset)])
        result[(n, o, *position)] = total
    return result


def _windows(x: Array, params: Mapping[str, Any], one: Callable[[list[tuple[int, ...]]], Any]) -> Array:
    windows = slides(x.shape, tuple(params.items()))
    result = np.empty(tuple(window.count for window in windows), object)
    for position in np.ndindex(result.shape):
        result[position] = one([places for places, _ in _under(windows, position)])
    return result


def window_sum(x: Array, *, field: Field, **params: Any) -> Array:
    return _windows(x, params, lambda seen: sum((_whole(x[place]) for place in seen), _zero(x, field)))


def _first(x: Array, seen: list[tuple[int, ...]], greatest: bool) -> tuple[int, ...] | None:
    best: tuple[int, ...] | None = None
    for place in seen:
        if best is None or (x[place] > x[best] if greatest else x[place] < x[best]):
            best = place
    return best


def _extremum(greatest: bool) -> Callable[..., Array]:
    def run(x: Array, *, field: Field, **params: Any) -> Array:
        ends = np.iinfo(x.dtype) if x.dtype.kind in "iu" else None
        low, high = (ends.min, ends.max) if ends else (float("-inf"), float("inf"))

        def one(seen: list[tuple[int, ...]]) -> Any:
            best = _first(x, seen, greatest)
            nothing = low if greatest else high
            return x[best] if best is not None else nothing if ends else field.number(nothing)

        return _windows(x, params, one)

    return run


def window_place(x: Array, *, greatest: bool, field: Field, **params: Any) -> Array:
    def one(seen: list[tuple[int, ...]]) -> int:
        best = _first(x, seen, greatest)
        return -1 if best is None else int(np.ravel_multi_index(best, x.shape))

    return _windows(x, params, one)


def _updates(join: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    """Every value joined to its place in turn; one whose place does not exist is dropped."""

    def run(base: Array, values: Array, *indices: Array, field: Field, distinct: bool = False) -> Array:
        result = base.astype(object)
        for place in np.ndindex(indices[0].shape):
            target = tuple(int(index[place]) for index in indices)
            if all(0 <= at < length for at, length in zip(target, base.shape, strict=False)):
                for rest in np.ndindex(base.shape[len(indices) :]):
                    result[(*target, *rest)] = join(_whole(result[(*target, *rest)]), _whole(values[(*place, *rest)]))
        return result

    return run


def block_add(base: Array, values: Array, *starts: Array, axes: tuple[int, ...], field: Field) -> Array:
    result = base.astype(object)
    corner = block_corner(base.shape, values.shape, starts, axes)
    for place in np.ndindex(values.shape):
        target = tuple(at + start for at, start in zip(place, corner, strict=True))
        result[target] = _whole(result[target]) + _whole(values[place])
    return result


EXACT_SLIDING: Mapping[str, Callable[..., Array]] = {
    "conv": conv,
    "window_sum": window_sum,
    "window_max": _extremum(True),
    "window_min": _extremum(False),
    "window_place": window_place,
    "scatter_max": _updates(lambda old, new: new if new > old else old),
    "scatter_min": _updates(lambda old, new: new if new < old else old),
    "scatter_mul": _updates(lambda old, new: old * new),
    "block_add": block_add,
}
