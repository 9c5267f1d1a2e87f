"""How convolutions, sliding windows and blocks act on batches: a batch axis enters in front and leaves in front."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..lang.ir import Apply
from ..lang.sizes import Size, mul

if TYPE_CHECKING:
    from .vmap_rules import Batch, Lane


def conv(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """Lanes become more of the batch, more result channels, or groups when array and kernel both differ."""
    lhs, rhs = lanes
    if lhs.mapped and rhs.mapped:
        return _conv_by_groups(batch, op, lhs.slot, rhs.slot)
    return _conv_of_lanes(batch, op, lhs.slot, rhs.slot) if lhs.mapped else _conv_with_lanes(batch, op, lhs, rhs)


def _folded(batch: Batch, slot: int, groups: int) -> int:
    """``[B, g * n, …] -> [g * B * n, …]``."""
    shape = batch.type(slot).shape
    parts = (batch.size, groups, _part(shape[1], groups), *shape[2:])
    apart = batch.builder.apply("reshape", slot, shape=parts)
    moved = batch.move(apart, 0, 1)
    return batch.builder.apply("reshape", moved, shape=(mul(batch.size, shape[1]), *shape[2:]))


def _part(size: Size, groups: int) -> Size:
    return size if groups == 1 or not isinstance(size, int) else size // groups


def _conv_of_lanes(batch: Batch, op: Apply, lhs: int, rhs: int) -> int:
    b, groups = batch.builder, op.integer("batch_groups")
    result = b.apply("conv", _folded(batch, lhs, groups), rhs, **dict(op.params))
    count = _part(batch.type(lhs).shape[1], groups)
    return b.apply("reshape", result, shape=(batch.size, count, *batch.type(result).shape[1:]))


def _conv_with_lanes(batch: Batch, op: Apply, lhs: Lane, rhs: Lane) -> int:
    b, groups = batch.builder, op.integer("batch_groups") * op.integer("feature_groups")
    result = b.apply("conv", lhs.slot, _folded(batch, rhs.slot, groups), **dict(op.params))
    count, _, *rest = batch.type(result).shape
    channels = batch.type(rhs.slot).shape[1]
    apart = b.apply("reshape", result, shape=(count, groups, batch.size, _part(channels, groups), *rest))
    return b.apply("reshape", batch.move(apart, 2, 0), shape=(batch.size, count, channels, *rest))


def _conv_by_groups(batch: Batch, op: Apply, lhs: int, rhs: int) -> int:
    b, params = batch.builder, dict(op.params)
    by_batch = op.integer("batch_groups") > 1
    name = "batch_groups" if by_batch else "feature_groups"
    params[name] = mul(batch.size, op.integer(name))
    size, count, channels, *spatial = batch.type(lhs).shape
    if by_batch:
        joined = b.apply("reshape", lhs, shape=(mul(size, count), channels, *spatial))
    else:
        joined = b.apply("reshape", batch.move(lhs, 0, 1), shape=(count, mul(size, channels), *spatial))
    _, outputs, *kernel = batch.type(rhs).shape
    result = b.apply("conv", joined, b.apply("reshape", rhs, shape=(mul(size, outputs), *kernel)), **params)
    rows, _, *rest = batch.type(result).shape
    return batch.move(b.apply("reshape", result, shape=(rows, size, outputs, *rest)), 1, 0)


def window(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """A window of length 1 along the axis of the lanes."""
    params = dict(op.params)
    for name in ("window", "strides", "base_dilation", "window_dilation"):
        params[name] = (1, *op.integers(name))
    padding = op["padding"]
    params["padding"] = ((0, 0), *padding) if isinstance(padding, tuple) else padding
    return batch.builder.apply(op.primitive, lanes[0].slot, **params)


def window_place(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """Flat places count from the start of their lane."""
    b = batch.builder
    places = window(batch, op, lanes)
    elements: Size = 1
    for size in batch.shape(lanes[0]):
        elements = mul(elements, size)
    first = b.apply("mul", b.apply("iota", size=batch.size), b.size(elements))
    own = b.apply("sub", places, b.broadcast(first, batch.type(places).shape, (0,)))
    none = b.constant(-1, "i64")
    return b.apply("where", b.apply("lt", places, b.constant(0, "i64")), none, own)


def block(kind: str) -> Callable[[Batch, Apply, tuple[Lane, ...]], int]:
    """Shared starts move by one axis; starts of their own are index arrays over the lanes and the block."""

    def rule(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
        arrays = 1 if kind == "gather" else 2
        starts = lanes[arrays:]
        if not any(start.mapped for start in starts):
            slots = [batch.full(lane) for lane in lanes[:arrays]]
            params = {**dict(op.params), "axes": tuple(axis + 1 for axis in op.integers("axes"))}
            return batch.builder.apply(op.primitive, *slots, *(start.slot for start in starts), **params)
        return _block_by_lane(batch, op, lanes[:arrays], starts, kind)

    return rule


def _block_by_lane(batch: Batch, op: Apply, arrays: tuple[Lane, ...], starts: tuple[Lane, ...], kind: str) -> int:
    b, axes = batch.builder, op.integers("axes")
    shape = batch.shape(arrays[0])
    lengths = op.sizes("sizes") if kind == "gather" else tuple(batch.shape(arrays[1])[axis] for axis in axes)
    places = _places(batch, shape, axes, lengths, starts)
    order = (0, *(axis + 1 for axis in axes), *(axis + 1 for axis in range(len(shape)) if axis not in axes))
    back = tuple(order.index(axis) for axis in range(len(order)))
    moved = [b.apply("transpose", batch.full(lane), axes=order) for lane in arrays]
    return b.apply("transpose", b.apply(kind, *moved, *places, proved=True), axes=back)


def _places(
    batch: Batch, shape: tuple[Size, ...], axes: tuple[int, ...], lengths: tuple[Size, ...], starts: tuple[Lane, ...]
) -> list[int]:
    """Index arrays of the lane and of every axis of the block, over ``[B, *lengths]``."""
    b, whole = batch.builder, (batch.size, *lengths)
    places = [b.broadcast(b.apply("iota", size=batch.size), whole, (0,))]
    for number, (axis, start) in enumerate(zip(axes, starts, strict=True)):
        last = b.apply("sub", b.size(shape[axis]), b.size(lengths[number]))
        wide = b.apply("convert", start.slot, dtype="i64")
        first = b.broadcast(b.apply("clip", wide, b.constant(0, "i64"), last), whole, (0,) if start.mapped else ())
        inside = b.broadcast(b.apply("iota", size=lengths[number]), whole, (number + 1,))
        places.append(b.apply("add", first, inside))
    return places
