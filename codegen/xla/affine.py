"""Index arithmetic that is known: integer arrays of the form ``c + sum of a_k * i_k`` over their own axes i_k.

Indices of loops become such arrays when loops become array axes; reading an array at them is no gather but a slice, a
transposition or a broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...lang.builder import Builder
from ...lang.constants import constant_value
from ...lang.ir import Apply, ArrayType, Constant, Step

TABLE_LIMIT = 4096  # literal index tables up to this length are tested for being a progression


@dataclass(frozen=True, slots=True)
class Affine:
    """``constant + sum_k slopes[k] * i_k``, one slope per axis (0 along axes of length at most 1)."""

    constant: int
    slopes: tuple[int, ...]


def affine(b: Builder, slot: int) -> Affine | None:
    """The form of an integer slot, or None when it is not known to be affine."""
    type_, step = b.array_type(slot), b.definition(slot)
    if type_.dtype != "i64" or step is None:
        return None
    found = _of_step(b, step, type_)
    if found is None:
        return None
    slopes = zip(found.slopes, type_.shape, strict=True)
    return Affine(found.constant, tuple(0 if length in (0, 1) else slope for slope, length in slopes))


def _of_step(b: Builder, step: Step, type_: ArrayType) -> Affine | None:
    if isinstance(step.op, Constant):
        return _literal(step.op, type_)
    if not isinstance(step.op, Apply):
        return None
    op = step.op
    if op.primitive == "iota":
        return Affine(0, (1,))
    if op.primitive not in ("add", "sub", "mul", "neg", "broadcast", "transpose", "slice", "reshape"):
        return None
    parts = [affine(b, slot) for slot in step.operands]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    match op.primitive:
        case "broadcast":
            slopes = dict(zip(_ints(op, "axes"), known[0].slopes, strict=True))
            return Affine(known[0].constant, tuple(slopes.get(axis, 0) for axis in range(type_.rank)))
        case "transpose":
            return Affine(known[0].constant, tuple(known[0].slopes[axis] for axis in _ints(op, "axes")))
        case "slice":
            shift = sum(s * a for s, a in zip(_ints(op, "starts"), known[0].slopes, strict=True))
            return Affine(known[0].constant + shift, known[0].slopes)
        case "reshape":
            return _reshaped(known[0], b.array_type(step.operands[0]), type_)
        case "neg":
            return _scaled(known[0], -1)
        case primitive:
            return _arithmetic(primitive, *(_spread(part, type_.rank) for part in known))


def _reshaped(part: Affine, old: ArrayType, new: ArrayType) -> Affine | None:
    """Axes of length 1 may come and go."""
    left = [axis for axis, size in enumerate(old.shape) if size != 1]
    right = [axis for axis, size in enumerate(new.shape) if size != 1]
    if [old.shape[axis] for axis in left] != [new.shape[axis] for axis in right]:
        return None
    slopes = dict(zip(right, (part.slopes[axis] for axis in left), strict=True))
    return Affine(part.constant, tuple(slopes.get(axis, 0) for axis in range(new.rank)))


def _literal(op: Constant, type_: ArrayType) -> Affine | None:
    if type_.rank > 1:
        return None
    values = constant_value(op, type_).reshape(-1)
    if type_.rank == 0:
        return Affine(int(values[0]), ())
    if not 0 < len(values) <= TABLE_LIMIT:
        return None
    slope = int(values[1] - values[0]) if len(values) > 1 else 0
    straight = all(int(value) == int(values[0]) + slope * k for k, value in enumerate(values))
    return Affine(int(values[0]), (slope,)) if straight else None


def _spread(part: Affine, rank: int) -> Affine:
    return part if len(part.slopes) == rank else Affine(part.constant, (0,) * rank)


def _scaled(part: Affine, factor: int) -> Affine:
    return Affine(part.constant * factor, tuple(slope * factor for slope in part.slopes))


def _arithmetic(primitive: str, left: Affine, right: Affine) -> Affine | None:
    if primitive == "mul":
        for part, other in ((left, right), (right, left)):
            if not any(part.slopes):
                return _scaled(other, part.constant)
        return None
    other = right if primitive == "add" else _scaled(right, -1)
    slopes = tuple(a + c for a, c in zip(left.slopes, other.slopes, strict=True))
    return Affine(left.constant + other.constant, slopes)


def _ints(op: Apply, name: str) -> tuple[int, ...]:
    value = op[name]
    assert isinstance(value, tuple)
    return tuple(item for item in value if isinstance(item, int))
