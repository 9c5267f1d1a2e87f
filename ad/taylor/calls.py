"""Calls with derivatives of their own: custom rules, and programs that state a linear system.

A custom rule ``y_dot = rule(x, x_dot)`` is the equation ``d_i y = rule(x, d_i x)`` between series, so the rule that a
user gave decides coefficients of every order. A solution of ``A(c) x = b`` solves for one order after the other, by the
same solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import ArrayType, Program, as_array
from ...lang.solution import constants, is_solution, part
from ..activity import is_float
from ..custom import tangent_rule
from ..vmap_rules import Lane
from .emit import Coefficient
from .graph import Graph, Node, lowered
from .rules import MINUS, integral
from .shape import Index, below


def call(graph: Graph, program: Program, nodes: Sequence[Node]) -> Sequence[Node]:
    """The results of a call; one without rules is written out."""
    if is_solution(program):
        return _solution(graph, program, nodes)
    return _ruled(graph, program, nodes) if program.rules else graph.run(program, nodes)


@lru_cache(maxsize=256)
def _as_step(program: Program) -> Program:
    """A program of one call."""
    builder = Builder(program.name, program.inputs, program.sizes)
    return builder.build(builder.call(program, range(len(program.inputs))))


def _ruled(graph: Graph, program: Program, nodes: Sequence[Node]) -> list[Node]:
    """The results of a call with custom rules."""
    rule = tangent_rule(program)
    shift = max(node.shift for node in nodes)
    values = graph.emit.run(_as_step(program), [node.base for node in nodes])
    known = graph.common(nodes)
    flows = dict[int, list[Node]]()

    def flow(variable: int) -> list[Node]:
        if variable not in flows:
            lower = lowered(known, variable)
            dots = [_dot(graph, node, variable) for node in nodes if is_float(node.type)]
            inputs = [*(graph.clip(node, lower) for node in nodes), *dots]
            flows[variable] = list(call(graph, rule, inputs))
        return flows[variable]

    floats = [k for k, type_ in enumerate(program.output_types) if is_float(type_)]
    return [
        integral(
            graph, as_array(type_), lambda k=k: values[k], lambda i, k=k: flow(i)[floats.index(k)], known, shift=shift
        )
        if k in floats
        else graph.constant(values[k])
        for k, type_ in enumerate(program.output_types)
    ]


def _dot(graph: Graph, node: Node, variable: int) -> Node:
    """The derivative of an operand; of one that does not move, a tangent without coefficients."""
    return graph.derivative(node, variable) if node.active else graph.leaf(node.type, {}, shift=1)


# --- linear systems --------------------------------------------------------------------------------------------------


def _solution(graph: Graph, program: Program, nodes: Sequence[Node]) -> list[Node]:
    """``A(c[0]) x[m] = b[m] - (A(c) x)[m]`` with the unknown ``x[m]`` left out on the right."""
    split = constants(program)
    fixed, right = nodes[:split], nodes[split:]
    known, shift = graph.common(nodes), max(node.shift for node in right)
    found = dict[Index, list[Lane] | None]()

    def order(index: Index) -> list[Lane] | None:
        if index not in found:
            found[index] = _order(
                graph,
                program,
                fixed,
                _right(index),
            )
        return found[index]

    def _right(index: Index) -> list[Coefficient | None]:
        sides = [node.coefficient(index) for node in right]
        if not any(index) or not any(node.active for node in fixed):
            return sides
        lower = frozenset(below(index))
        zero_left = [_truncated(graph, x, index, lower) for x in results]
        products = graph.run(part(program, "matvec"), [*(graph.clip(node, lower) for node in fixed), *zero_left])
        return [
            side if (change := product.coefficient(index)) is None
            else graph.emit.add(side, graph.emit.scale(change, MINUS, node.type), node.type)
            for side, product, node in zip(sides, products, right, strict=True)
        ]  # fmt: skip

    def rule(number: int, index: Index) -> Coefficient | None:
        lanes = order(index)
        return None if lanes is None else lanes[number]

    results = [
        Node(graph, node.type, lambda index, k=k: rule(k, index), shift=shift, indices=known)
        for k, node in enumerate(right)
    ]
    return results


def _order(
    graph: Graph, program: Program, fixed: Sequence[Node], sides: Sequence[Coefficient | None]
) -> list[Lane] | None:
    """One order of the solution; None when all right-hand sides are zero."""
    types: list[ArrayType] = [as_array(type_) for type_ in program.output_types]
    if all(side is None for side in sides):
        return None
    lanes = [
        graph.emit.zeros(type_) if side is None else graph.emit.dense(side, type_)
        for side, type_ in zip(sides, types, strict=True)
    ]
    return graph.emit.run(_as_step(program), [*(node.base for node in fixed), *lanes])


def _truncated(graph: Graph, x: Node, index: Index, lower: frozenset[Index]) -> Node:
    """A result with the coefficient of the index, and all that are not below it, left out."""
    return Node(graph, x.type, x.coefficient, shift=x.shift, indices=lower, support=x.support & lower - {index})
