"""Partial values and their shapes.

A partial value is a slot of the open builder (an array), a `Node` (a function or variant whose making is known, over
partial values), or a `Union` (one of several known cases, chosen by an ``i64`` slot). A `Shape` is the same without the
slots: it says which arrays carry a value across the border of a body. Shapes `join`: the least shape that holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..builder import Builder
from ..diagnostics import InternalError
from ..ir import ArrayType, Close, Function, Inject, SlotType, Transform

Head = Inject | Function | Close | Transform


@dataclass(frozen=True, slots=True)
class Node:
    """The value a step of the full stage makes: `head` over the partial values of its operands."""

    head: Head
    type: SlotType
    children: tuple[PartialValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Union:
    """One of `cases`, by the number in slot `selector`; None stands for a case that cannot occur.

    The cases of a variant stand at their tags.
    """

    selector: int
    type: SlotType
    cases: tuple[Node | None, ...]


PartialValue = int | Node | Union


@dataclass(frozen=True, slots=True)
class NodeShape:
    head: Head
    type: SlotType
    children: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class UnionShape:
    type: SlotType
    cases: tuple[NodeShape | None, ...]


Shape = ArrayType | NodeShape | UnionShape
SELECTOR = ArrayType("i64")


def slots_of(value: PartialValue) -> list[int]:
    """The slots a value is made of, in the order of `types_of` its shape."""
    if isinstance(value, int):
        return [value]
    parts: Iterable[PartialValue]
    if isinstance(value, Union):
        found = [value.selector]
        parts = [case for case in value.cases if case is not None]
    else:
        found, parts = [], value.children
    for part in parts:
        found.extend(slots_of(part))
    return found


def renamed(value: PartialValue, slots: dict[int, int]) -> PartialValue:
    """The same value with other slots."""
    if isinstance(value, int):
        return slots[value]
    if isinstance(value, Node):
        children = []
        for child in value.children:
            children.append(renamed(child, slots))
        return Node(value.head, value.type, tuple(children))
    cases: list[Node | None] = []
    for case in value.cases:
        new = None if case is None else renamed(case, slots)
        assert new is None or isinstance(new, Node)
        cases.append(new)
    return Union(slots[value.selector], value.type, tuple(cases))


def shape_of(builder: Builder, value: PartialValue) -> Shape:
    """The shape of a value in a builder."""
    if isinstance(value, int):
        return builder.array_type(value)
    if isinstance(value, Node):
        return _node_shape(builder, value)
    cases = tuple(None if case is None else _node_shape(builder, case) for case in value.cases)
    return UnionShape(value.type, cases)


def _node_shape(builder: Builder, node: Node) -> NodeShape:
    children = []
    for child in node.children:
        children.append(shape_of(builder, child))
    return NodeShape(node.head, node.type, tuple(children))


def types_of(shape: Shape) -> list[ArrayType]:
    """The arrays that carry a value of a shape."""
    if isinstance(shape, ArrayType):
        return [shape]
    if isinstance(shape, NodeShape):
        return [type_ for child in shape.children for type_ in types_of(child)]
    return [SELECTOR, *(type_ for case in shape.cases if case is not None for type_ in types_of(case))]


def unpack(shape: Shape, slots: Iterator[int]) -> PartialValue:
    """The value of a shape made of slots."""
    if isinstance(shape, ArrayType):
        return next(slots)
    if isinstance(shape, NodeShape):
        return _unpack_node(shape, slots)
    selector = next(slots)
    cases = tuple([None if case is None else _unpack_node(case, slots) for case in shape.cases])
    return Union(selector, shape.type, cases)


def _unpack_node(shape: NodeShape, slots: Iterator[int]) -> Node:
    return Node(shape.head, shape.type, tuple([unpack(child, slots) for child in shape.children]))


def pack(builder: Builder, shape: Shape, value: PartialValue) -> list[int]:
    """The slots that carry a value in a shape that holds it; cases that do not occur are filled with zeros."""
    if isinstance(shape, ArrayType):
        if not isinstance(value, int):
            raise InternalError(f"a partial value where {shape} was expected")
        return [value]
    if isinstance(shape, NodeShape):
        assert isinstance(value, Node)
        return [
            slot
            for child, inner in zip(shape.children, value.children, strict=True)
            for slot in pack(builder, child, inner)
        ]
    return _pack_union(builder, shape, value)


def _pack_union(builder: Builder, shape: UnionShape, value: PartialValue) -> list[int]:
    if isinstance(value, Node):
        place = _place(shape, value)
        selector = builder.constant(place, "i64")
        present: dict[int, Node] = {place: value}
    else:
        assert isinstance(value, Union)
        places = [None if case is None else _place(shape, case) for case in value.cases]
        selector = _renumbered(builder, value.selector, places)
        present = {
            place: case
            for place, case in zip(places, value.cases, strict=True)
            if place is not None and case is not None
        }
    slots = [selector]
    for place, case in enumerate(shape.cases):
        if case is None:
            continue
        slots += pack(builder, case, present[place]) if place in present else zeros(builder, case)
    return slots


def _place(shape: UnionShape, node: Node) -> int:
    for place, case in enumerate(shape.cases):
        if case is not None and case.head == node.head and len(case.children) == len(node.children):
            return place
    raise InternalError("a case that the joined shape lacks")


def _renumbered(builder: Builder, selector: int, places: Sequence[int | None]) -> int:
    """The selector with case k renamed ``places[k]``."""
    result = selector
    for old, new in enumerate(places):
        if new is not None and new != old:
            hit = builder.apply("eq", selector, builder.constant(old, "i64"))
            result = builder.apply("where", hit, builder.constant(new, "i64"), result)
    return result


def zeros(builder: Builder, shape: Shape) -> list[int]:
    """Slots of a value of a shape that nobody will read."""
    return [builder.zeros(type_) for type_ in types_of(shape)]


Tags = Callable[[SlotType], int]


def join(left: Shape, right: Shape, tags: Tags) -> Shape:
    """The least shape that holds both; `tags` gives the number of constructors of a variant type, 0 for functions."""
    if left == right:
        return left
    if isinstance(left, ArrayType) or isinstance(right, ArrayType):
        raise InternalError(f"no common form of {left} and {right}")
    if isinstance(left, NodeShape) and isinstance(right, NodeShape) and left.head == right.head:
        return _join_nodes(left, right, tags)
    return _join_cases(left, right, tags)


def _join_nodes(left: NodeShape, right: NodeShape, tags: Tags) -> NodeShape:
    children = []
    for one, other in zip(left.children, right.children, strict=True):
        children.append(join(one, other, tags))
    return NodeShape(left.head, left.type, tuple(children))


def _join_cases(left: NodeShape | UnionShape, right: NodeShape | UnionShape, tags: Tags) -> UnionShape:
    cases: list[NodeShape | None] = [None] * tags(left.type)
    for shape in (left, right):
        for case in (shape,) if isinstance(shape, NodeShape) else shape.cases:
            if case is None:
                continue
            place = _case_place(cases, case)
            if place == len(cases):
                cases.append(None)
            old = cases[place]
            cases[place] = case if old is None else _join_nodes(old, case, tags)
    return UnionShape(left.type, tuple(cases))


def _case_place(cases: list[NodeShape | None], case: NodeShape) -> int:
    if isinstance(case.head, Inject):
        return case.head.tag
    for place, other in enumerate(cases):
        if other is not None and other.head == case.head:
            return place
    return len(cases)
