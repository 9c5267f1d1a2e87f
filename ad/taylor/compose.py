"""Functions of one array of numbers along many directions at once.

With h the series without its value, ``f(x + h) = sum_j f_j h^j``, and the Taylor coefficients ``f_j`` of f at x are the
same for all directions. So what has the axis of directions are powers of h alone, and the weights of a summed order
come after its sum: the second order of a Laplacian takes ``sum_r h_r^2`` and nothing else that is as large.
"""

from __future__ import annotations

from ...lang.ir import Apply
from ..vmap_rules import Lane
from .emit import Coefficient
from .graph import Graph, Node
from .shape import Index, univariate

HIGHEST = 4  # beyond it powers take more products than the equation of the function

MUL = Apply("mul")


def composes(graph: Graph) -> bool:
    """Whether functions are composed with Taylor coefficients that directions share."""
    return graph.shape.directions is not None and graph.shape.order <= HIGHEST


def composed(graph: Graph, op: Apply, x: Node) -> Node:
    """The series of a smooth function of one operand, by its Taylor coefficients at the value of that."""
    emit, zero = graph.emit, graph.shape.zero
    tower = outer(graph, op, x)
    powers = _powers(graph, x)

    def rule(index: Index) -> Coefficient | None:
        if index == zero:
            return tower.base
        total: Coefficient | None = None
        sums = sum(index) == graph.shape.collapsed  # of one-hot powers: a mark that they are sums
        for number, power in enumerate(powers[: sum(index)], 1):
            weight, found = tower.coefficient((number,)), power.coefficient(index)
            if weight is not None and found is not None:
                total = emit.add(total, emit.product(MUL, [found, weight], [x.type, x.type], sums), x.type)
        return total

    return Node(graph, x.type, rule, indices=x.indices)


def outer(graph: Graph, op: Apply, x: Node) -> Node:
    """The series of the function itself at the value of x."""
    one = Lane(graph.builder.full(1, x.type), False)
    own = Graph(graph.builder, univariate(graph.shape.order))
    return own.apply(op.primitive, own.leaf(x.type, {(0,): x.base, (1,): one}), **dict(op.params))


def _powers(graph: Graph, x: Node) -> list[Node]:
    """Powers 1, 2, … of the series without its value, each by the fewest products, as far as they differ from zero."""
    from .rules import convolution

    powers = [graph.tail(x)]
    while powers[-1].support:
        half, rest = divmod(len(powers) + 1, 2)
        factors = [powers[half - 1]] * 2 if not rest else [powers[-1], powers[0]]
        powers.append(convolution(graph, MUL, factors))
    return powers[:-1]
