"""The two doors of Taylor mode: `expand` writes a program on series into an open builder, `jet` makes a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import ArrayType, Program, as_array
from ...lang.memo import memo
from ..activity import is_float
from ..vmap_rules import Lane
from .graph import Graph, Node
from .onehot import OneHot
from .shape import Index, JetShape, univariate
from .structured import replay_all


@dataclass(frozen=True, slots=True)
class Series:
    """A value and its coefficients by index, as slots of a builder; a coefficient left out is zero.

    With directions, coefficients of middle orders have the axis of directions in front; those of the collapsed order
    are sums over directions and have the type of the value. Only operands hold `OneHot` coefficients.
    """

    value: int
    coefficients: Mapping[Index, int | OneHot] = field(default_factory=dict[Index, "int | OneHot"])

    def slot(self, index: Index) -> int:
        """The slot of a coefficient that is there and written out, as those of results are."""
        found = self.coefficients[index]
        if isinstance(found, OneHot):
            raise InternalError(f"coefficient {index} is not written out")
        return found


def expand(builder: Builder, program: Program, operands: Sequence[Series], shape: JetShape) -> list[Series]:
    """Write a first-order program on series: the value and the coefficients of every output.

    Args:
        builder: where the steps go; the series of `operands` are slots of it.
        program: a first-order program.
        operands: one series per input, with coefficients of float inputs only.
        shape: the indices that are carried, the directions, and whether the top order is summed over them.

    Returns:
        One series per output. Coefficients that are zero by construction are left out and cost no step.

    >>> from pushforward.lang.builder import body
    >>> from pushforward.lang.ir import F64
    >>> square = body("square", [F64], lambda b, x: [b.apply("mul", x[0], x[0])])
    >>> b = Builder("jet", [F64, F64])
    >>> series = expand(b, square, [Series(0, {(1,): 1})], univariate(3))
    >>> sorted(series[0].coefficients)
    [(1,), (2,)]

    Source: Griewank & Walther 2008, chapter 13; Dangel et al. 2025 (arXiv 2505.13644) for collapsed orders.
    """
    return expand_all(builder, program, operands, shape, {})[0]


Twins = Mapping[int, int]


def expand_all(
    builder: Builder, program: Program, operands: Sequence[Series], shape: JetShape, twins: Twins
) -> tuple[list[Series], list[tuple[int, int]]]:
    """As `expand`, where the directions of two levels are the same and derivatives along them commute.

    Args:
        twins: of a program that `expand_all` wrote, with the same collapsed second-order shape: slots of first
            derivatives, with the slots of the sums of second ones. The sum of second derivatives of the former is the
            first derivative of the latter, which is computed in any case.

    Returns:
        One series per output, and the twins of the program that is written, as slots of the builder.
    """
    graph, origin = Graph(builder, shape), builder.origin
    nodes = [_node(graph, own, as_array(type_)) for own, type_ in zip(operands, program.inputs, strict=True)]
    known = replay_all(graph, program, nodes, twins)
    found = [_series(graph, known[slot]) for slot in program.outputs]
    builder.origin = origin
    return found, [pair for node in known[len(nodes) :] if (pair := _pair(node)) is not None]


def _pair(node: Node) -> tuple[int, int] | None:
    """The first derivatives along all directions and the sum of the second ones, where both are written out."""
    shape = node.graph.shape
    if not node.active or shape.indices != ((0,), (1,), (2,)) or shape.collapsed != 2:
        return None
    first, second = node.coefficient((1,)), node.coefficient((2,))
    return (first.slot, second.slot) if isinstance(first, Lane) and isinstance(second, Lane) else None


def _node(graph: Graph, own: Series, type_: ArrayType) -> Node:
    base = Lane(own.value, False)
    if not own.coefficients:
        return graph.constant(base)
    shape = graph.shape
    coefficients = {
        index: c if isinstance(c, OneHot) else Lane(c, shape.mapped(sum(index)))
        for index, c in own.coefficients.items()
    }
    return graph.leaf(type_, {shape.zero: base, **coefficients})


def _series(graph: Graph, node: Node) -> Series:
    found = {index: lane.slot for index in graph.shape.above if (lane := node.lane(index)) is not None}
    return Series(node.base.slot, found)


Given = bool | tuple[int, ...]


def _orders(given: Given, order: int) -> tuple[int, ...]:
    return given if isinstance(given, tuple) else tuple(range(1, order + 1)) if given else ()


@memo(maxsize=256)
def jet(program: Program, order: int, active: tuple[Given, ...] | None = None) -> Program:
    """The program on series in one variable: inputs and coefficients -> outputs and coefficients.

    Args:
        program: a first-order program.
        order: the highest coefficient that is carried, at least 1.
        active: per input, whether it has a series, or the orders of the coefficients that are given (the others are
            zero); by default every float input has all.

    Returns:
        A program whose inputs are those of `program`, then the coefficients of each active float input, one input
        after the other; its outputs are those of `program`, then coefficients 1 to `order` of each float output.
    """
    shape, types = univariate(order), list(program.inputs)
    operands = list[Series]()
    for k, type_ in enumerate(program.inputs):
        orders = _orders(True if active is None else active[k], order) if is_float(type_) else ()
        operands.append(Series(k, {(number,): len(types) + place for place, number in enumerate(orders)}))
        types.extend([type_] * len(orders))
    b = Builder(program.name, types, program.sizes)
    results = expand(b, program, operands, shape)
    coefficients = [
        series.coefficients.get(index)
        for series, type_ in zip(results, program.output_types, strict=True)
        if is_float(type_)
        for index in shape.above
    ]
    floats = [as_array(type_) for type_ in program.output_types if is_float(type_) for _ in shape.above]
    filled = [
        b.zeros(type_) if not isinstance(slot, int) else slot for slot, type_ in zip(coefficients, floats, strict=True)
    ]
    return b.build([*(series.value for series in results), *filled])
