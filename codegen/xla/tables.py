"""Scatter-adds at places known beforehand: literal index arithmetic enters, reads through a table leave.

Places that no input decides are worked out while compiling. Every place of the result then reads the values that go
there, in the order in which they would have been added; XLA does that in one fused loop, whereas it scatters one number
after another. Values known to be zero, as choices leave them, go nowhere.
"""

from __future__ import annotations

import numpy as np

from ...lang.builder import Builder
from ...lang.constants import constant_value
from ...lang.ir import Apply, Constant
from ...lang.sizes import known
from ..index_arithmetic import ARITHMETIC
from .places import is_zero

LIMIT = 4096  # longest table
MEETINGS = 4  # most values that may meet in one place
SPARSE = 4  # places per value from which on scattering is better


def read_instead(b: Builder, base: int, values: int, indices: tuple[int, ...]) -> int | None:
    """``base`` with values added at known indices, by reading; None when the indices are not known or too many meet."""
    shape, count = b.array_type(base).shape, len(indices)
    indexed, rest = tuple(size for size in shape[:count] if isinstance(size, int)), shape[count:]
    length = int(np.prod(indexed, dtype=int))
    places = _places(b, indexed, values, indices)
    if places is None or len(places) * SPARSE < length:
        return None
    tables = _tables(places, length)
    if tables is None:
        return None
    type_ = b.array_type(values)
    flat = b.apply("reshape", values, shape=(len(places), *rest))
    padded = b.apply("concat", flat, b.zeros(type_.with_shape((1, *rest))), axis=0)
    total = base
    for table in tables:
        read = b.apply("gather", padded, b.constant(table, "i64", table.shape), proved=True)
        part = b.apply("reshape", read, shape=shape)
        total = part if is_zero(b, total) else b.apply("add", total, part)
    return total


def _places(b: Builder, shape: tuple[int, ...], values: int, indices: tuple[int, ...]) -> np.ndarray | None:
    """Where each value goes, as a place in row-major order, or -1 for nowhere."""
    if len(shape) != len(indices) or np.prod(shape, dtype=int) > LIMIT:
        return None
    found = [index for index in (literal(b, index) for index in indices) if index is not None]
    if len(found) < len(indices) or not found:
        return None
    inside = ~_zeros(b, values) if found[0].ndim == b.array_type(values).rank else np.ones(found[0].shape, bool)
    place = np.zeros(found[0].shape, np.int64)
    for index, length in zip(found, shape, strict=True):
        inside &= (index >= 0) & (index < length)
        place = place * length + index
    return np.where(inside, place, -1).reshape(-1)


def _tables(places: np.ndarray, size: int) -> list[np.ndarray] | None:
    """Per place the first value that goes there, then the second, and so on; `len(places)` stands for none."""
    tables: list[np.ndarray] = []
    met = np.zeros(size, int)
    for value, place in enumerate(places):
        if place < 0:
            continue
        if met[place] == len(tables):
            tables.append(np.full(size, len(places)))
        tables[met[place]][place] = value
        met[place] += 1
        if len(tables) > MEETINGS:
            return None
    return tables


def literal(b: Builder, slot: int, seen: dict[int, np.ndarray | None] | None = None) -> np.ndarray | None:
    """The value of an integer or boolean slot that no input decides, or None; `seen` keeps answers."""
    seen = {} if seen is None else seen
    if slot not in seen:
        seen[slot] = _literal(b, slot, seen)
    return seen[slot]


def _literal(b: Builder, slot: int, seen: dict[int, np.ndarray | None]) -> np.ndarray | None:
    type_, step = b.array_type(slot), b.definition(slot)
    if step is None or type_.dtype not in ("i64", "bool") or not 0 < _length(type_.shape) <= LIMIT:
        return None
    if isinstance(step.op, Constant):
        return constant_value(step.op, type_)
    if not isinstance(step.op, Apply):
        return None
    parts: list[np.ndarray] = []
    for operand in step.operands:
        part = literal(b, operand, seen)
        if part is None:
            return None
        parts.append(part)
    return _evaluate(step.op, parts)


def _length(shape: tuple[object, ...]) -> int:
    sizes = [size for size in shape if isinstance(size, int)]
    return int(np.prod(sizes, dtype=int)) if len(sizes) == len(shape) else 0


def _evaluate(op: Apply, x: list[np.ndarray]) -> np.ndarray | None:
    match op.primitive:
        case "iota":
            return np.arange(op.integer("size"))
        case "reshape":
            return x[0].reshape(op.integers("shape"))
        case "transpose":
            return x[0].transpose(op.integers("axes"))
        case "concat":
            return np.concatenate(x, axis=op.integer("axis"))
        case "broadcast":
            return _broadcast(x[0], op.integers("shape"), op.integers("axes"))
        case "slice":
            return x[0][tuple(map(slice, op.integers("starts"), op.integers("limits")))]
        case "floordiv" | "mod" if not x[1].all():
            return None
        case name:
            return ARITHMETIC[name](*x) if name in ARITHMETIC else None


def _broadcast(x: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    between = [1] * len(shape)
    for axis, size in zip(axes, x.shape, strict=True):
        between[axis] = size
    return np.broadcast_to(x.reshape(between), shape)


def _zeros(b: Builder, slot: int) -> np.ndarray:
    """Which elements are known to be zero."""
    shape = tuple(map(known, b.array_type(slot).shape))
    step = b.definition(slot)
    if is_zero(b, slot):
        return np.ones(shape, bool)
    if step is not None and isinstance(step.op, Apply) and _length(shape):
        match step.op.primitive:
            case "reshape":
                return _zeros(b, step.operands[0]).reshape(shape)
            case "concat":
                return np.concatenate([_zeros(b, x) for x in step.operands], axis=step.op.integer("axis"))
            case "where" if (mask := literal(b, step.operands[0])) is not None:
                return np.where(mask, *(_zeros(b, x) for x in step.operands[1:]))
            case _:
                pass
    return np.zeros(shape, bool)
