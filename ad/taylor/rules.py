"""From the derivative kind of a row to the coefficients of its result.

Seven kinds are handled here, not a hundred names. What is linear in the tangent at a fixed point (linear maps, choices
by a guard, selected elements) maps coefficients as it maps tangents. Products are convolutions. A curved function
satisfies ``d y = tangent(x, y, d x)`` in every variable, an equation between series:
``m_i y[m] = tangent(x, y, d_i x)[m - e_i]``, which needs lower coefficients of y only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, reduce

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import Apply, ArrayType, Program
from ...lang.primitives import get, result_types
from ...lang.primitives.row import Defined, Implicit, Linear, Piecewise, Primitive, RuleContext, Selects, Smooth
from ...lang.primitives.rules import is_algebraic, partial
from ..activity import Flags
from ..rules import carries_tangent, definition_of, tangent
from ..vmap_rules import Lane
from .compose import composed, composes
from .emit import Coefficient, as_einsum
from .graph import Graph, Node, lowered
from .onehot import OneHot
from .shape import Index, plus_each, splits, step_down
from .sparse import move_one_hot

Nodes = Sequence[Node]
MINUS = Fraction(-1)


def apply_row(graph: Graph, op: Apply, nodes: Nodes) -> Node:
    """The series of the result of one primitive."""
    from .exceptions import EXCEPTIONS

    on = tuple(node.active and carries_tangent(op, k, node.type) for k, node in enumerate(nodes))
    if not any(on):
        return graph.constant(graph.emit.apply(op.primitive, *(node.base for node in nodes), **dict(op.params)))
    better = EXCEPTIONS.get(op.primitive)
    found = None if better is None else better(graph, op, nodes, on)
    if found is not None:
        return found
    match get(op.primitive).derivative:
        case Linear(_, jointly):
            several = sum(on) > 1 and not jointly
            types = [node.type for node in nodes]
            return convolution(graph, op, nodes) if several or as_einsum(op, types) else moved(graph, op, nodes, on)
        case Piecewise() | Selects():
            return moved(graph, op, nodes, on)
        case Smooth():
            alone = len(nodes) == 1 and composes(graph)
            return composed(graph, op, nodes[0]) if alone else curved(graph, op, nodes, on)
        case Implicit():
            return curved(graph, op, nodes, on, clipped=True)
        case Defined():
            definition = definition_of(op, [node.type for node in nodes])
            assert definition is not None
            (result,) = graph.run(definition, nodes)
            return graph.with_base(result, at_base(graph, op, nodes))
        case _:
            raise InternalError(f"{op.primitive} has no series")


def at_base(graph: Graph, op: Apply, nodes: Nodes) -> Lane:
    """The primitive itself at the values of the operands."""
    return graph.emit.apply(op.primitive, *(node.base for node in nodes), **dict(op.params))


def result_type(op: Apply, nodes: Nodes) -> ArrayType:
    return result_types(op.primitive, tuple(node.type for node in nodes), op.params)[0]


@lru_cache(maxsize=4096)
def first_order(op: Apply, types: tuple[ArrayType, ...], on: Flags) -> Program | None:
    """``(operands, result, tangents of those that are on) -> tangent``; None when that is zero."""
    result = result_types(op.primitive, types, op.params)[0]
    inputs = [*types, result, *(type_ for type_, flag in zip(types, on, strict=True) if flag)]
    builder, dots = Builder(op.primitive, inputs), iter(range(len(types) + 1, len(inputs)))
    y_dot = tangent(builder, op, range(len(types)), len(types), [next(dots) if flag else None for flag in on])
    return None if y_dot is None else builder.build([y_dot])


def used_inputs(program: Program) -> set[int]:
    return {slot for step in program.steps for slot in step.operands} | set(program.outputs)


# --- linear at a point -----------------------------------------------------------------------------------------------


def moved(graph: Graph, op: Apply, nodes: Nodes, on: Flags) -> Node:
    """Every coefficient goes where a tangent would go."""
    shift = max(node.shift for node, flag in zip(nodes, on, strict=True) if flag)
    zero = graph.shape.zero

    def rule(index: Index) -> Coefficient | None:
        if index == zero and not shift:
            return at_base(graph, op, nodes)
        found = [node.coefficient(index) if flag else None for node, flag in zip(nodes, on, strict=True)]
        return move(graph, op, nodes, y, found)

    indices = graph.common(nodes)
    support = indices & frozenset.union(*(node.support for node, flag in zip(nodes, on, strict=True) if flag))
    y = Node(graph, result_type(op, nodes), rule, shift=shift, indices=indices, support=support)
    return y


def move(graph: Graph, op: Apply, nodes: Nodes, y: Node, tangents: Sequence[Coefficient | None]) -> Coefficient | None:
    """The tangent rule of a primitive at the values of its operands, on one coefficient of each."""
    present = [c for c in tangents if c is not None]
    if not present:
        return None
    if any(isinstance(c, OneHot) for c in present):
        sparse = move_one_hot(graph, op, nodes, y, tangents)
        if sparse is not None:
            return sparse
    program = first_order(op, tuple(node.type for node in nodes), tuple(c is not None for c in tangents))
    if program is None:
        return None
    used, nowhere = used_inputs(program), Lane(-1, False)
    values = [node.base if k in used else nowhere for k, node in enumerate(nodes)]
    result = y.base if len(nodes) in used else nowhere
    dots = [graph.emit.dense(c, node.type) for c, node in zip(tangents, nodes, strict=True) if c is not None]
    return graph.emit.run(program, [*values, result, *dots])[0]


# --- products --------------------------------------------------------------------------------------------------------


def convolution(graph: Graph, op: Apply, nodes: Nodes) -> Node:
    """A multilinear primitive: ``y[m]`` is the sum over all ways to give each operand a part of m."""
    emit, types, type_ = graph.emit, [node.type for node in nodes], result_type(op, nodes)
    on = [k for k, node in enumerate(nodes) if node.active]
    shift = sum(node.shift for node in nodes)
    twice = _is_square(op, nodes)
    zero = graph.shape.zero

    def term(split: tuple[Index, ...], sums: bool) -> Coefficient | None:
        parts = dict(zip(on, split, strict=True))
        if not all(part in nodes[k].support for k, part in parts.items()):
            return None
        found = [node.coefficient(parts.get(k, zero)) for k, node in enumerate(nodes)]
        factors = [c for c in found if c is not None]
        return emit.product(op, factors, types, sums) if len(factors) == len(found) else None

    def rule(index: Index) -> Coefficient | None:
        sums = sum(index) + shift == graph.shape.collapsed
        total, middle = None, None
        for split in splits(index, len(on)):
            if twice and split[0] > split[1]:
                continue
            if twice and split[0] == split[1]:
                middle = term(split, sums)
            else:
                total = emit.add(total, term(split, sums), type_)
        if twice and total is not None:
            total = emit.scale(total, Fraction(2), type_)
        return emit.add(total, middle, type_)

    indices = graph.common(nodes)
    sums = reduce(plus_each, (nodes[k].support for k in on))
    return Node(graph, type_, rule, shift=shift, indices=indices, support=sums & indices)


def _is_square(op: Apply, nodes: Nodes) -> bool:
    """Whether both factors are the same series, so that half of the products are the other half."""
    if len(nodes) != 2 or nodes[0] is not nodes[1]:
        return False
    spec = as_einsum(op, [node.type for node in nodes])
    return spec is not None and spec[0][0] == spec[0][1]


# --- curved functions ------------------------------------------------------------------------------------------------


def curved(graph: Graph, op: Apply, nodes: Nodes, on: Flags, *, clipped: bool = False) -> Node:
    """A function that satisfies ``d y = tangent(x, y, d x)``; of a tangent only where it is linear in that."""
    row, shift = get(op.primitive), max(node.shift for node in nodes)
    if shift and not clipped:
        raise InternalError(f"{op.primitive} of a tangent: a rule that is not linear")

    def flow(variable: int) -> Node:
        dots = [graph.derivative(node, variable) for node, flag in zip(nodes, on, strict=True) if flag]
        if isinstance(row.derivative, Smooth) and _is_autonomous(row, op):
            return graph.apply("mul", dots[0], _partial(graph, row, op, nodes, y))
        program = first_order(op, tuple(node.type for node in nodes), on)
        assert program is not None
        lower = lowered(indices, variable) if clipped else indices
        return graph.run(program, [*(graph.clip(node, lower) for node in (*nodes, y)), *dots])[0]

    indices = graph.common(nodes)
    y = integral(graph, result_type(op, nodes), lambda: at_base(graph, op, nodes), flow, indices, shift=shift)
    return y


def integral(
    graph: Graph,
    type_: ArrayType,
    base: Callable[[], Lane],
    flow: Callable[[int], Node],
    indices: frozenset[Index],
    *,
    shift: int = 0,
) -> Node:
    """The series with a value and with given derivatives: ``y[m] = (d_i y)[m - e_i] / m_i``."""
    flows = dict[int, Node]()

    def rule(index: Index) -> Coefficient | None:
        if index == graph.shape.zero:
            return base()
        variable, rest = step_down(index)
        if variable not in flows:
            flows[variable] = flow(variable)
        found = flows[variable].coefficient(rest)
        return None if found is None else graph.emit.divide(found, index[variable], type_)

    return Node(graph, type_, rule, shift=shift, indices=indices)


def _is_autonomous(row: Primitive, op: Apply) -> bool:
    """Whether the algebraic partial depends on the result alone and another form is the stable one.

    Such an equation needs one product per order, where the stable form needs a function of its own.
    """
    derivative = row.derivative
    if not isinstance(derivative, Smooth) or len(derivative.partials) != 1:
        return False
    algebraic, stable = derivative.partials[0], (derivative.stable or (None,))[0]
    own = algebraic is not None and "x0" not in algebraic
    return own and stable is not None and "x0" in stable and not is_algebraic(op.params)


@lru_cache(maxsize=1024)
def _partial_program(op: Apply, type_: ArrayType, stable: bool) -> Program:
    """``(x, y) -> partial`` of a function of one operand."""
    builder = Builder(op.primitive, [type_, type_])
    return builder.build([partial(RuleContext(builder, (0,), (1,), op.params), get(op.primitive), 0, stable=stable)])


def _partial(graph: Graph, row: Primitive, op: Apply, nodes: Nodes, y: Node) -> Node:
    """The partial by its equation in y, with the stable form as its value."""
    (series,) = graph.run(_partial_program(op, y.type, False), [*nodes, y])
    (base,) = graph.emit.run(_partial_program(op, y.type, True), [nodes[0].base, y.base])
    return graph.with_base(series, base)
