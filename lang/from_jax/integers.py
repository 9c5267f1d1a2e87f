"""What is known about whole numbers while tracing: a slot enters, its value or its bounds leave.

Index arithmetic of JAX functions is mostly literal (``x[-1]``, ``arange``) or bounded (places that a sort found). Where
that is known, no step need clip an index or mask what it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..constants import constant_value, numpy_dtype
from ..ir import Apply, ArrayType, Constant, Step
from ..primitives.type_rules import INTEGER_DTYPES

if TYPE_CHECKING:
    from ..builder import Builder

LARGEST = 1 << 12  # arrays of more elements are not worked out
DEEPEST = 40  # longer chains of steps are not followed

Bounds = tuple[int, int]


class Integers:
    """Knowledge about the slots of one builder, remembered while one rule is written."""

    def __init__(self, builder: Builder) -> None:
        self.b = builder
        self._values: dict[int, np.ndarray | None] = {}
        self._bounds: dict[int, Bounds | None] = {}

    # --- values ---

    def value(self, slot: int, depth: int = 0) -> np.ndarray | None:
        """The array in a slot of whole numbers or truth values when it depends on literals alone."""
        if slot not in self._values:
            self._values[slot] = self._work_out(slot, depth)
        return self._values[slot]

    def _work_out(self, slot: int, depth: int) -> np.ndarray | None:
        type_, step = self.b.array_type(slot), self.b.definition(slot)
        size = type_.elements
        whole = type_.dtype == "bool" or type_.dtype in INTEGER_DTYPES
        if step is None or not whole or depth > DEEPEST or not isinstance(size, int) or size > LARGEST:
            return None
        if isinstance(step.op, Constant):
            return constant_value(step.op, type_)
        function = _VALUES.get(step.op.primitive) if isinstance(step.op, Apply) else None
        if function is None or not isinstance(step.op, Apply):
            return None
        operands = [self.value(operand, depth + 1) for operand in step.operands]
        known = [operand for operand in operands if operand is not None]
        if len(known) < len(operands):
            return None
        with np.errstate(all="ignore"):
            found = np.asarray(function(*known, **dict(step.op.params)))
        return np.broadcast_to(found, _shape(type_)).astype(numpy_dtype(type_.dtype))

    # --- bounds ---

    def bounds(self, slot: int, depth: int = 0) -> Bounds | None:
        """Two numbers between which all elements of a slot of whole numbers lie."""
        if slot not in self._bounds:
            self._bounds[slot] = self._bound(slot, depth)
        return self._bounds[slot]

    def _bound(self, slot: int, depth: int) -> Bounds | None:
        type_, step = self.b.array_type(slot), self.b.definition(slot)
        if type_.dtype == "bool":
            return (0, 1)
        if step is None or type_.dtype not in INTEGER_DTYPES or depth > DEEPEST or type_.elements == 0:
            return None
        value = self.value(slot, depth)
        if value is None and isinstance(step.op, Constant):
            value = constant_value(step.op, type_)
        if value is not None:
            return (int(value.min()), int(value.max()))
        found = self._bound_of_step(step, depth + 1) if isinstance(step.op, Apply) else None
        ends = np.iinfo(numpy_dtype(type_.dtype))
        return found if found is not None and ends.min <= found[0] <= found[1] <= ends.max else None

    def _bound_of_step(self, step: Step, depth: int) -> Bounds | None:
        op = step.op
        assert isinstance(op, Apply)
        if op.primitive in _PLACES:
            length = self._places(step)
            return None if length is None else (0, length - 1)
        if op.primitive == "where":
            return self._bound_of_choice(step, depth)
        count = 1 if op.primitive == "gather" else len(step.operands)
        rule = _BOUNDS.get(op.primitive)
        if rule is None:
            return None
        parts = [self.bounds(operand, depth) for operand in step.operands[:count]]
        return rule(parts)

    def _places(self, step: Step) -> int | None:
        """How many places a step that gives places chooses from."""
        assert isinstance(step.op, Apply)
        size = step.op["size"] if step.op.primitive == "iota" else None
        if step.op.primitive != "iota":
            size = self.b.array_type(step.operands[0]).shape[step.op.integer("axis")]
        return size if isinstance(size, int) and size > 0 else None

    def _bound_of_choice(self, step: Step, depth: int) -> Bounds | None:
        chosen = self._decided(step.operands[0], depth)
        if chosen is not None:
            return self.bounds(step.operands[1 if chosen else 2], depth)
        return _union([self.bounds(operand, depth) for operand in step.operands[1:]])

    def _decided(self, slot: int, depth: int) -> bool | None:
        """Whether a comparison has the same answer everywhere, by the bounds of its two sides."""
        step = self.b.definition(slot)
        if step is None or not isinstance(step.op, Apply) or step.op.primitive not in ("lt", "ge"):
            return None
        left, right = (self.bounds(operand, depth) for operand in step.operands)
        if left is None or right is None:
            return None
        less = True if left[1] < right[0] else False if left[0] >= right[1] else None
        return less if less is None or step.op.primitive == "lt" else not less

    # --- simpler slots ---

    def settled(self, slot: int, dtype: str = "i64") -> int:
        """A slot with the same whole numbers as `dtype`: a literal, or what is left when decided choices are taken."""
        value = self.value(slot)
        if value is not None:
            whole = value.astype(numpy_dtype(dtype))
            return self.b.constant(whole if whole.shape else int(whole), dtype, whole.shape)
        bounds = self.bounds(slot)
        if bounds is not None and bounds[0] == bounds[1]:
            return self.b.full(bounds[0], ArrayType(dtype, self.b.array_type(slot).shape))
        return self.b.apply("convert", self._peeled(slot, dtype), dtype=dtype)

    def _peeled(self, slot: int, dtype: str) -> int:
        ends = np.iinfo(numpy_dtype(dtype))
        for _ in range(DEEPEST):
            step = self.b.definition(slot)
            if step is None or not isinstance(step.op, Apply):
                return slot
            inner = self._without(step, ends.min, ends.max)
            if inner is None or self.b.array_type(inner).shape != self.b.array_type(slot).shape:
                return slot
            slot = inner
        return slot

    def _without(self, step: Step, least: int, greatest: int) -> int | None:
        """The operand that a choice takes, or that a conversion leaves unchanged."""
        assert isinstance(step.op, Apply)
        if step.op.primitive == "where":
            chosen = self._decided(step.operands[0], 0)
            return None if chosen is None else step.operands[1 if chosen else 2]
        if step.op.primitive != "convert" or self.b.array_type(step.operands[0]).dtype not in INTEGER_DTYPES:
            return None
        known = self.bounds(step.operands[0])
        ends = np.iinfo(numpy_dtype(str(step.op["dtype"])))
        fits = known is not None and max(least, ends.min) <= known[0] and known[1] <= min(greatest, ends.max)
        return step.operands[0] if fits else None


def _shape(type_: ArrayType) -> tuple[int, ...]:
    return tuple(size for size in type_.shape if isinstance(size, int))


def _broadcast(x: np.ndarray, *, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    placed = [1] * len(shape)
    for axis, size in zip(axes, x.shape, strict=True):
        placed[axis] = size
    return np.broadcast_to(x.reshape(placed), shape)


def _slice(x: np.ndarray, *, starts: tuple[int, ...], limits: tuple[int, ...]) -> np.ndarray:
    return x[tuple(slice(start, limit) for start, limit in zip(starts, limits, strict=True))]


_VALUES: Mapping[str, Callable[..., Any]] = {
    "iota": lambda *, size: np.arange(size, dtype=np.int64),
    "broadcast": _broadcast,
    "slice": _slice,
    "reshape": lambda x, *, shape: x.reshape(shape),
    "transpose": lambda x, *, axes: np.transpose(x, axes),
    "reverse": lambda x, *, axes: np.flip(x, axes),
    "concat": lambda *x, axis: np.concatenate(x, axis),
    "convert": lambda x, *, dtype: x.astype(numpy_dtype(dtype)),
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "neg": np.negative,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "where": np.where,
    **{name: getattr(np, name) for name in ("logical_and", "logical_or", "logical_not")},
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}

_PLACES = frozenset({"iota", "argsort", "argmax", "argmin", "top_places"})

Parts = list[Bounds | None]


def _all(rule: Callable[..., Bounds]) -> Callable[[Parts], Bounds | None]:
    """A rule that needs the bounds of all operands."""

    def run(parts: Parts) -> Bounds | None:
        known = [part for part in parts if part is not None]
        return rule(*known) if len(known) == len(parts) else None

    return run


def _union(parts: Parts) -> Bounds | None:
    return _all(lambda *x: (min(low for low, _ in x), max(high for _, high in x)))(parts)


def _product(x: Bounds, y: Bounds) -> Bounds:
    corners = [left * right for left in x for right in y]
    return min(corners), max(corners)


def _clipped(parts: Parts) -> Bounds | None:
    """Between the limits, whatever is clipped."""
    x, low, high = parts
    if low is None or high is None:
        return None
    inner = x or (low[0], high[1])
    return min(max(inner[0], low[0]), high[0]), min(max(inner[1], low[1]), high[1])


_BOUNDS: Mapping[str, Callable[[Parts], Bounds | None]] = {
    **dict.fromkeys(("broadcast", "slice", "reshape", "transpose", "reverse", "concat", "convert", "gather"), _union),
    "sort": _union,
    "add": _all(lambda x, y: (x[0] + y[0], x[1] + y[1])),
    "sub": _all(lambda x, y: (x[0] - y[1], x[1] - y[0])),
    "mul": _all(_product),
    "minimum": _all(lambda x, y: (min(x[0], y[0]), min(x[1], y[1]))),
    "maximum": _all(lambda x, y: (max(x[0], y[0]), max(x[1], y[1]))),
    "clip": _clipped,
}
