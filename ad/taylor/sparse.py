"""What becomes of coefficients that are zero except at one place where arrays are moved and chosen.

A step and one coefficient of each operand enter; its coefficient of the result leaves, one-hot again wherever there is
one place again, or None where the coefficients have to be written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from ...lang.ir import Apply, ArrayType
from ...lang.primitives import get
from ...lang.sizes import add, product, sub
from ..vmap_rules import Lane
from .emit import Coefficient, Emitter
from .graph import Graph, Node
from .onehot import OneHot, place, take, value, without

Nodes = Sequence[Node]


def move_one_hot(
    graph: Graph, op: Apply, nodes: Nodes, y: Node, tangents: Sequence[Coefficient | None]
) -> Coefficient | None:
    """The coefficient of the result; at least one of `tangents` is one-hot."""
    if get(op.primitive).elementwise:
        return _elementwise(graph, op, nodes, y, tangents)
    present = [(k, c) for k, c in enumerate(tangents) if c is not None]
    if len(present) != 1:
        return None
    (number, hot), emit = present[0], graph.emit
    assert isinstance(hot, OneHot)
    match op.primitive:
        case "broadcast":
            return _broadcast(emit, op, hot, nodes[0].type, y.type)
        case "reshape":
            return _reshape(emit, hot, nodes[0].type, y.type)
        case "slice":
            return _slice(emit, op, hot, nodes[0].type, y.type)
        case "concat" if op["axis"] == hot.axis:
            before = reduce(add, (node.type.shape[hot.axis] for node in nodes[:number]), 0)
            return _shifted(emit, hot, emit.builder.size(before))
        case "gather" if nodes[0].type.rank == 1:
            return _read(emit, hot, nodes[0].type, nodes[1].base)
        case _:
            return None


def _elementwise(
    graph: Graph, op: Apply, nodes: Nodes, y: Node, tangents: Sequence[Coefficient | None]
) -> OneHot | None:
    """The tangent rule at the one place where the operands move."""
    from .rules import first_order, used_inputs

    emit = graph.emit
    moving = [(c, node.type) for c, node in zip(tangents, nodes, strict=True) if c is not None]
    hots = [(c, own) for c, own in moving if isinstance(c, OneHot) and own.shape == y.type.shape]
    hot = hots[0][0] if len(hots) == len(moving) else None
    if hot is None or not all(other.at_same_place(hot) for other, _ in hots):
        return None
    types = tuple(_rest(node.type, hot) for node in nodes)
    program = first_order(op, types, tuple(c is not None for c in tangents))
    if program is None:
        return None
    used = used_inputs(program)
    values = [_entry(emit, node, hot) if k in used else Lane(-1, False) for k, node in enumerate((*nodes, y))]
    dots = [value(emit, *own) for own in hots]
    (result,) = emit.run(program, [*values, *dots])
    return replace(hot, value=emit.spread(result, place(emit, hot).mapped).slot)


def _rest(type_: ArrayType, hot: OneHot) -> ArrayType:
    return type_.with_shape(without(type_.shape, hot.axis)) if type_.shape else type_


def _entry(emit: Emitter, node: Node, hot: OneHot) -> Lane:
    """The value of a node at the place; of a number, itself."""
    return take(emit, node.base, node.type.rank, hot.axis, hot) if node.type.shape else node.base


# --- structure -------------------------------------------------------------------------------------------------------


def _shifted(emit: Emitter, hot: OneHot, by: int) -> OneHot:
    """The same further along its axis."""
    return replace(hot, index=emit.apply("add", place(emit, hot), Lane(by, False)).slot)


def _broadcast(emit: Emitter, op: Apply, hot: OneHot, own: ArrayType, type_: ArrayType) -> OneHot:
    axes, entry = op.integers("axes"), value(emit, hot, own)
    at = axes[hot.axis]
    kept = [axis - (axis > at) for k, axis in enumerate(axes) if k != hot.axis]
    written = emit.apply("broadcast", entry, shape=without(type_.shape, at), axes=tuple(kept))
    return OneHot(hot.index, written.slot, at, hot.summed)


def _reshape(emit: Emitter, hot: OneHot, own: ArrayType, type_: ArrayType) -> OneHot | None:
    """Where the axis stays one: as much lies before it, and it is as long."""
    before, length = product(own.shape[: hot.axis]), own.shape[hot.axis]
    for axis, size in enumerate(type_.shape):
        if size == length and product(type_.shape[:axis]) == before:
            entry = emit.apply("reshape", value(emit, hot, own), shape=without(type_.shape, axis))
            return OneHot(hot.index, entry.slot, axis, hot.summed)
    return None


def _slice(emit: Emitter, op: Apply, hot: OneHot, own: ArrayType, type_: ArrayType) -> Coefficient:
    """A part of the array; where the place is outside, nothing at the nearest place inside. One entry is dense."""
    starts, limits = op.sizes("starts"), op.sizes("limits")
    start, length = starts[hot.axis], sub(limits[hot.axis], starts[hot.axis])
    others = {"starts": without(starts, hot.axis), "limits": without(limits, hot.axis)}
    entry = value(emit, hot, own)
    entry = emit.apply("slice", entry, **others) if others["starts"] else entry
    if (start, length) == (0, own.shape[hot.axis]):
        return replace(hot, value=entry.slot)
    first, last, begin = (Lane(emit.builder.size(n), False) for n in (0, sub(length, 1), start))
    shifted = emit.apply("sub", place(emit, hot), begin)
    index = emit.apply("clip", shifted, first, last)
    inside = emit.apply("eq", index, shifted)
    rest = type_.with_shape(without(type_.shape, hot.axis))
    zero = Lane(emit.builder.zeros(rest), False)
    kept = emit.apply("where", emit.apply("broadcast", inside, shape=rest.shape, axes=()), entry, zero)
    if length != 1:
        return OneHot(index.slot, kept.slot, hot.axis, hot.summed)
    found = emit.apply("reshape", kept, shape=type_.shape)
    return emit.apply_sum(found) if hot.summed else found


def _read(emit: Emitter, hot: OneHot, own: ArrayType, at: Lane) -> Coefficient:
    """Some elements of a vector: what stands at the place, for those that are there."""
    shape = emit.builder.array_type(at.slot).shape
    index, entry = (
        emit.apply("broadcast", lane, shape=shape, axes=()) for lane in (place(emit, hot), value(emit, hot, own))
    )
    zero = Lane(emit.builder.zeros(own.with_shape(shape)), False)
    found = emit.apply("where", emit.apply("eq", index, at), entry, zero)
    return emit.apply_sum(found) if hot.summed else found
