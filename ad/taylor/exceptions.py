"""Primitives with a better rule than their kind: where the equation of the kind divides by zero, or works more.

- quotients and linear systems ``A y = b`` solve for one order after the other with the same ``A``;
- roots ``y y = x`` (of numbers, and the Cholesky factor) need half of the products of a quotient;
- powers with a known whole exponent are products, so bases may be negative or 0; those with a known negative one are
  a quotient per order, which others reach after as many steps as their exponent is great;
- `atan2` turns by ``(x1 d x0 - x0 d x1) / (x0^2 + x1^2)``, scaled so that the squares stay in range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from ...lang.builder import Builder, body
from ...lang.ir import Apply, ArrayType, Program
from ...lang.primitives import get
from ...lang.primitives.elimination import permuted
from ...lang.primitives.row import Implicit, RuleContext
from ..activity import Flags
from ..vmap_rules import Lane
from .emit import LETTERS, Coefficient
from .graph import Graph, Node
from .rules import MINUS, at_base, convolution, integral, move, result_type
from .shape import Index

WHOLE = 64  # the greatest exponent that is written as products

Nodes = Sequence[Node]
Exception_ = Callable[[Graph, Apply, Nodes, Flags], Node | None]


# --- equations that are solved order by order ------------------------------------------------------------------------


def _quotient(graph: Graph, op: Apply, nodes: Nodes, on: Flags) -> Node:
    """``y[m] = (x0[m] - sum x1[j] y[m - j]) / x1[0]``, j from 1."""
    emit, (left, right) = graph.emit, nodes
    type_, zero = result_type(op, nodes), graph.shape.zero

    def rule(index: Index) -> Coefficient | None:
        if index == zero and not left.shift:
            return at_base(graph, op, nodes)
        rest, change = left.coefficient(index), known.coefficient(index) if on[1] else None
        if change is not None:
            rest = emit.add(rest, emit.scale(change, MINUS, type_), type_)
        return None if rest is None else emit.quotient(rest, right.base, (type_, right.type))

    y = Node(graph, type_, rule, shift=left.shift, indices=graph.common(nodes))
    known = convolution(graph, Apply("mul"), [graph.tail(right), y])
    return y


@lru_cache(maxsize=256)
def _change(op: Apply, types: tuple[ArrayType, ...], on: Flags) -> Program:
    """``(operands, y, tangents of coefficients) -> -A_dot y``: the right-hand side of the tangent of a solution."""
    row = get(op.primitive).derivative
    assert isinstance(row, Implicit)
    inputs = [*types, types[-1], *(type_ for type_, flag in zip(types, on, strict=True) if flag)]
    builder, dots = Builder(op.primitive, inputs), iter(range(len(types) + 1, len(inputs)))
    context = RuleContext(builder, tuple(range(len(types))), (len(types),), op.params)
    step = builder.definition(row.tangent(context, tuple(next(dots) if flag else None for flag in on)))
    assert step is not None and step.op == op
    return builder.build([step.operands[-1]])


@lru_cache(maxsize=64)
def _by_factors(types: tuple[ArrayType, ArrayType]) -> Program:
    """``(A, b) -> x`` by the factors of A, which all orders share."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        packed, order = b.apply("lu", x[0]), b.apply("lu_permutation", x[0])
        right = permuted(RuleContext(b, x, (), ()), x[1], order)
        for lower in (True, False):
            right = b.apply("triangular_solve", packed, right, lower=lower, transposed=False, unit=lower)
        return [right]

    return body("solve", types, write)


def _solution(graph: Graph, op: Apply, nodes: Nodes, on: Flags) -> Node:
    """``A[0] y[m] = b[m] - sum A[j] y[m - j]``, j from 1."""
    emit, right = graph.emit, nodes[-1]
    matrix, flags = nodes[:-1], (*on[:-1], False)
    alone = len(graph.common(nodes)) <= 2  # one order beside the value has nobody to share factors with

    def rule(index: Index) -> Coefficient | None:
        rest = right.coefficient(index)
        if any(flags):
            rest = emit.add(rest, change().coefficient(index), right.type)
        if rest is None:
            return None
        lanes = [*(node.base for node in matrix), emit.dense(rest, right.type)]
        if op.primitive != "solve" or not any(index) or alone:
            return emit.apply(op.primitive, *lanes, **dict(op.params))
        return emit.run(_by_factors((matrix[0].type, right.type)), lanes)[0]

    def change() -> Node:
        tails = [graph.tail(node) for node, flag in zip(nodes, flags, strict=True) if flag]
        return graph.run(_change(op, tuple(node.type for node in nodes), flags), [*nodes, y, *tails])[0]

    y = Node(graph, right.type, rule, shift=right.shift, indices=graph.common(nodes))
    return y


def _root(graph: Graph, op: Apply, nodes: Nodes, on: Flags) -> Node:
    """``y[m]`` is what the tangent rule makes of ``x[m] - sum y[j] y[m - j]``, 0 < j < m."""
    emit, (x,) = graph.emit, nodes

    def rule(index: Index) -> Coefficient | None:
        if not any(index):
            return at_base(graph, op, nodes)
        square = squares.coefficient(index)
        rest = x.coefficient(index)
        if square is not None:
            rest = emit.add(rest, emit.scale(square, MINUS, x.type), x.type)
        return move(graph, op, nodes, y, [rest])

    y = Node(graph, x.type, rule, indices=x.indices)
    part = graph.tail(y)
    if op.primitive == "sqrt":
        squares = convolution(graph, Apply("mul"), [part, part])
    else:
        batch = LETTERS[: x.type.rank - 2]
        squares = convolution(graph, Apply("einsum", (("spec", f"{batch}xz,{batch}yz->{batch}xy"),)), [part, part])
    return y


# --- powers ----------------------------------------------------------------------------------------------------------


def _whole_power(graph: Graph, op: Apply, nodes: Nodes, on: Flags) -> Node:
    return graph.with_base(_product(graph, nodes[0], op.integer("exponent")), at_base(graph, op, nodes))


def _product(graph: Graph, x: Node, exponent: int) -> Node:
    """A power by squaring."""
    if exponent < 0:
        one = graph.constant(Lane(graph.builder.constant(1, x.type.dtype), False))
        return graph.apply("div", one, _product(graph, x, -exponent))
    if exponent == 0:
        return graph.constant(Lane(graph.builder.full(1, x.type), False))
    if exponent == 1:
        return x
    half = _product(graph, x, exponent // 2)
    square = graph.apply("mul", half, half)
    return graph.apply("mul", square, x) if exponent % 2 else square


def _power(graph: Graph, op: Apply, nodes: Nodes, on: Flags) -> Node | None:
    """A power with a literal exponent."""
    base, exponent = nodes
    known = None if on[1] or base.shift else _literal(graph.builder, exponent.base.slot)
    if known is None:
        return None
    if known == int(known) and abs(known) <= WHOLE:
        return graph.with_base(_product(graph, base, int(known)), at_base(graph, op, nodes))
    factor, lower = (
        graph.constant(Lane(graph.builder.constant(c, base.type.dtype), False)) for c in (known, known - 1)
    )

    def flow(variable: int) -> Node:
        slope = graph.apply("mul", factor, graph.apply("pow", base, lower))
        return graph.apply("mul", graph.derivative(base, variable), slope)

    def pole(variable: int) -> Node:
        """``x d y = c y d x``: one quotient, and no power with another exponent; at 0 such a power has no series."""
        change = graph.apply("mul", graph.derivative(base, variable), y)
        return graph.apply("div", graph.apply("mul", factor, change), base)

    own = pole if known < 0 else flow
    y = integral(graph, result_type(op, nodes), lambda: at_base(graph, op, nodes), own, graph.common(nodes))
    return y


def _literal(builder: Builder, slot: int) -> float | None:
    """The finite number that a slot is known to hold or to repeat."""
    step = builder.definition(slot)
    if step is not None and step.op == Apply("broadcast", step.op.params if isinstance(step.op, Apply) else ()):
        slot = step.operands[0]
    found = builder.scalar(slot)
    return None if found is None or isinstance(found, bool) or found - found != 0 else float(found)


# --- angles ----------------------------------------------------------------------------------------------------------


def _angle(graph: Graph, op: Apply, nodes: Nodes, on: Flags) -> Node:
    emit = graph.emit
    sizes = [emit.apply("abs", node.base) for node in nodes]
    scale = graph.constant(emit.apply("maximum", *sizes))
    y, x = (graph.apply("div", node, scale) for node in nodes)
    square = graph.apply("add", graph.apply("mul", y, y), graph.apply("mul", x, x))

    def flow(variable: int) -> Node:
        terms = [
            graph.apply("mul", other, graph.derivative(node, variable))
            for node, other, flag in zip((y, x), (x, y), on, strict=True)
            if flag
        ]
        if not on[0]:
            turning = graph.apply("neg", terms[0])
        else:
            turning = graph.apply("sub", *terms) if on[1] else terms[0]
        return graph.apply("div", turning, square)

    return integral(graph, result_type(op, nodes), lambda: at_base(graph, op, nodes), flow, graph.common(nodes))


EXCEPTIONS: dict[str, Exception_] = {
    "div": _quotient,
    **dict.fromkeys(("solve", "triangular_solve", "tridiagonal_solve"), _solution),
    **dict.fromkeys(("sqrt", "cholesky", "symmetric_cholesky"), _root),
    "integer_pow": _whole_power,
    "pow": _power,
    "atan2": _angle,
}
