"""Loops and branches: closed bodies are pushed to closed bodies that carry coefficients.

Captures, arrays, carries and results gain one slot per coefficient that may differ from zero; conditions and selectors
read values. Where there are directions, coefficients of arrays have the axis of directions behind that of the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...lang.builder import Builder
from ...lang.ir import ArrayType, Branch, Each, Fold, Program, SlotType, as_array
from ...lang.memo import memo
from ..vmap_rules import Lane
from .emit import Coefficient
from .graph import Graph, Node
from .shape import Index, JetShape


@dataclass(frozen=True, slots=True)
class Entry:
    """What crosses the border of a body for one value: its shift and the indices of its coefficients."""

    shift: int
    present: tuple[Index, ...]
    indices: frozenset[Index]

    def types(self, type_: ArrayType, shape: JetShape) -> list[ArrayType]:
        """The types of the slots."""
        return [_slot_type(type_, shape, sum(index) + self.shift) for index in self.present]


def _slot_type(type_: ArrayType, shape: JetShape, degree: int) -> ArrayType:
    if shape.directions is None or not shape.mapped(degree):
        return type_
    return type_.with_shape((shape.directions, *type_.shape))


@dataclass(frozen=True, slots=True)
class Pushed:
    """``program``: the slots of all entries -> the slots of all exits."""

    program: Program
    exits: tuple[Entry, ...]


def entry(node: Node) -> Entry:
    """The coefficients of a node that there are."""
    zero = node.graph.shape.zero
    if not node.active:
        return Entry(0, (zero,), node.graph.all)
    known = [index for index in node.graph.shape.indices if index in node.indices]
    present = tuple(i for i in known if (i == zero and not node.shift) or node.coefficient(i) is not None)
    return Entry(node.shift, present, node.indices)


def joined(left: Entry, right: Entry, shape: JetShape) -> Entry:
    """What holds the coefficients of both."""
    either, common = {*left.present, *right.present}, left.indices & right.indices
    present = tuple(index for index in shape.indices if index in either and index in common)
    return Entry(max(left.shift, right.shift), present, common)


def lanes(node: Node, own: Entry) -> list[Lane]:
    """The slots of a node at the border; zeros where it has no coefficient."""
    emit, shape = node.graph.emit, node.graph.shape
    found = list[Lane]()
    for index in own.present:
        mapped = shape.mapped(sum(index) + own.shift)
        lane = node.lane(index)
        found.append(emit.zeros(node.type, mapped=mapped) if lane is None else emit.spread(lane, mapped))
    return found


@memo(maxsize=1024)
def push(
    program: Program, entries: tuple[Entry, ...], shape: JetShape, demanded: tuple[Entry | None, ...] | None = None
) -> Pushed:
    """A body on series; `demanded` names coefficients that must leave it, be they zero."""
    types = [own.types(as_array(type_), shape) for own, type_ in zip(entries, program.inputs, strict=True)]
    builder = Builder(program.name, [type_ for group in types for type_ in group], program.sizes)
    graph = Graph(builder, shape)
    outputs = replay(
        graph, program, received(graph, program.inputs, entries, ("",) * len(entries), range(len(builder.inputs)))
    )
    exits = [entry(node) for node in outputs]
    if demanded is not None:
        exits = [own if more is None else joined(own, more, shape) for own, more in zip(exits, demanded, strict=True)]
    slots = [lane.slot for node, own in zip(outputs, exits, strict=True) for lane in lanes(node, own)]
    return Pushed(builder.build(slots), tuple(exits))


def replay(graph: Graph, program: Program, nodes: Sequence[Node]) -> list[Node]:
    """A program on nodes: those of its outputs."""
    known = replay_all(graph, program, nodes, {})
    return [known[slot] for slot in program.outputs]


def replay_all(graph: Graph, program: Program, nodes: Sequence[Node], twins: Mapping[int, int]) -> list[Node]:
    """The nodes of all slots, all coefficients of each step before the next, which keeps the recursion shallow.

    `twins` names slots whose top coefficient is the first coefficient of another slot; see `expand`.
    """
    known = list(nodes)
    waiting = dict[int, list[int]]()
    top, shape = graph.shape.indices[-1], graph.shape
    for step in program.steps:
        graph.builder.origin = step.origin or graph.builder.origin
        start = len(known)
        for node in graph.step(step, [known[slot] for slot in step.operands]):
            twin = twins.get(len(known))
            known.append(node if twin is None else _twin(graph, node, twin, known))
        for slot in range(start, len(known)):
            later = twins.get(slot, -1) >= len(known)
            if later:
                waiting.setdefault(twins[slot], []).append(slot)
            for index in shape.indices[:-1] if later else shape.indices:
                known[slot].coefficient(index)
            for ready in waiting.pop(slot, ()):
                known[ready].coefficient(top)
    return known


def _twin(graph: Graph, node: Node, twin: int, known: Sequence[Node]) -> Node:
    """A node whose top coefficient is the first of another node, once that is there."""
    first, top = graph.shape.indices[1], graph.shape.indices[-1]

    def rule(index: Index) -> Coefficient | None:
        if index != top or twin >= len(known):
            return node.coefficient(index)
        found = known[twin].lane(first)  # its directions are those that the slot has as its first axis
        return None if found is None else Lane(found.slot, False)

    return Node(graph, node.type, rule, shift=node.shift, indices=node.indices, support=node.support)


# --- borders of loops ------------------------------------------------------------------------------------------------


def _moved(graph: Graph, lane: Lane, source: int, target: int) -> Lane:
    """The axis of directions behind that of the loop, or back in front of it."""
    batch = graph.emit.batch
    return Lane(batch.move(lane.slot, source, target), True) if lane.mapped and batch is not None else lane


def received(
    graph: Graph, types: Sequence[SlotType], exits: Sequence[Entry], how: Sequence[str], slots: Sequence[int]
) -> list[Node]:
    """The nodes of slots that crossed a border; what a loop stacked gets its axis of directions in front."""
    found, rest = list[Node](), iter(slots)
    for type_, own, combine in zip(types, exits, how, strict=True):
        lanes_of = {index: Lane(next(rest), graph.shape.mapped(sum(index) + own.shift)) for index in own.present}
        if combine == "stack":
            lanes_of = {index: _moved(graph, lane, 1, 0) for index, lane in lanes_of.items()}
        found.append(graph.leaf(as_array(type_), lanes_of, shift=own.shift, indices=own.indices))
    return found


def _crossing(graph: Graph, nodes: Sequence[Node], entries: Sequence[Entry], *, arrays: bool = False) -> list[int]:
    found = [lane for node, own in zip(nodes, entries, strict=True) for lane in lanes(node, own)]
    return [(_moved(graph, lane, 0, 1) if arrays else lane).slot for lane in found]


def _repeated(how: Sequence[str], exits: Sequence[Entry]) -> list[str]:
    return [combine for combine, own in zip(how, exits, strict=True) for _ in own.present]


def _counter(graph: Graph) -> Entry:
    return Entry(0, (graph.shape.zero,), graph.all)


# --- constructs ------------------------------------------------------------------------------------------------------


def each(graph: Graph, op: Each, nodes: Sequence[Node]) -> list[Node]:
    """A map: elements of coefficients enter, coefficients of results are stacked or summed."""
    entries = [entry(node) for node in nodes]
    split = op.captures
    pushed = push(op.body, (*entries, _counter(graph)), graph.shape)
    slots = graph.builder.each(
        op.size,
        _crossing(graph, nodes[:split], entries[:split]),
        _crossing(graph, nodes[split:], entries[split:], arrays=True),
        pushed.program,
        _repeated(op.combine, pushed.exits),
    )
    types = [_stacked(type_, how, op) for type_, how in zip(op.body.output_types, op.combine, strict=True)]
    return received(graph, types, pushed.exits, op.combine, slots)


def _stacked(type_: SlotType, how: str, op: Each | Fold) -> ArrayType:
    inner = as_array(type_)
    return inner.with_shape((op.size, *inner.shape)) if how == "stack" else inner


def fold(graph: Graph, op: Fold, nodes: Sequence[Node]) -> list[Node]:
    """A loop: the carry gains the coefficients that some round gives it."""
    split = op.captures + op.arrays
    fixed = [entry(node) for node in nodes[:split]]
    carries = tuple(entry(node) for node in nodes[split:])
    extras = (None,) * len(op.combine)
    while True:
        pushed = push(op.body, (*fixed, *carries, _counter(graph)), graph.shape, (*carries, *extras))
        grown = tuple(joined(*pair, graph.shape) for pair in zip(carries, pushed.exits, strict=False))
        if grown == carries and pushed.exits[: len(carries)] == carries:
            break
        carries = grown
    exits = pushed.exits[len(carries) :]
    condition = op.condition
    if condition is not None:
        inner = [*op.body.inputs[: op.captures], *op.body.inputs[split : split + len(carries)]]
        condition = _widened(condition, inner, (*fixed[: op.captures], *carries), graph.shape)
    slots = graph.builder.fold(
        op.size,
        _crossing(graph, nodes[: op.captures], fixed[: op.captures]),
        _crossing(graph, nodes[op.captures : split], fixed[op.captures :], arrays=True),
        _crossing(graph, nodes[split:], carries),
        pushed.program,
        _repeated(op.combine, exits),
        reverse=op.reverse,
        condition=condition,
    )
    outputs = op.body.output_types
    count = len(carries)
    types = [*outputs[:count], *(_stacked(t, how, op) for t, how in zip(outputs[count:], op.combine, strict=True))]
    return received(graph, types, (*carries, *exits), (*("",) * count, *op.combine), slots)


def _widened(condition: Program, types: Sequence[SlotType], entries: Sequence[Entry], shape: JetShape) -> Program:
    """A condition that receives coefficients too and reads the values."""
    inner = [own.types(as_array(type_), shape) for own, type_ in zip(entries, types, strict=True)]
    builder, values, place = Builder(condition.name, [t for group in inner for t in group], condition.sizes), [], 0
    for group in inner:
        values.append(place)  # the value comes first
        place += len(group)
    return builder.build(builder.inline(condition, values))


def branch(graph: Graph, op: Branch, nodes: Sequence[Node]) -> list[Node]:
    """A choice by the selector's value; every arm gives the coefficients that one of them has."""
    selector, captures = nodes[0], nodes[1:]
    entries = tuple(entry(node) for node in captures)
    exits = push(op.arms[0], entries, graph.shape).exits
    for arm in op.arms[1:]:
        others = push(arm, entries, graph.shape).exits
        exits = tuple(joined(*pair, graph.shape) for pair in zip(exits, others, strict=True))
    arms = [push(arm, entries, graph.shape, exits).program for arm in op.arms]
    slots = graph.builder.branch(selector.base.slot, _crossing(graph, captures, entries), arms)
    return received(graph, op.arms[0].output_types, exits, ("",) * len(exits), slots)
