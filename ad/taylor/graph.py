"""Nodes: values of the program whose coefficients are computed when they are asked for.

Rules of curved functions refer to each other and to their own result (the series of sin needs that of cos, which needs
that of sin), one order lower each time. So a coefficient is computed on demand and kept, and nodes are numbered by what
they are, as the builder numbers steps.

A node has a `shift`: the total order of the derivative that it is of the program's value. Together with the order of a
coefficient it says whether the coefficient has the axis of directions.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from functools import partial

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import Apply, ArrayType, Branch, Call, Each, Fold, Param, Program, Step
from ..vmap_rules import Lane
from .emit import Coefficient, Emitter
from .onehot import OneHot
from .shape import Index, JetShape, unit

Rule = Callable[[Index], Coefficient | None]


class Node:
    """One value: its coefficients by index, None for those that are zero by construction."""

    def __init__(
        self,
        graph: Graph,
        type_: ArrayType,
        rule: Rule,
        *,
        shift: int = 0,
        indices: frozenset[Index] | None = None,
        support: frozenset[Index] | None = None,
    ) -> None:
        self.graph = graph
        self.type = type_
        self.shift = shift
        self.indices = graph.all if indices is None else indices  # where coefficients are known
        self.support = self.indices if support is None else support  # where they can differ from zero
        self.active = bool(shift) or any(any(index) for index in self.support)
        self._rule = rule
        self._known: dict[Index, Coefficient | None] = {}
        self._asked: set[Index] = set()

    def coefficient(self, index: Index) -> Coefficient | None:
        """The coefficient, computed when it is asked for first."""
        if index not in self.support:
            return None
        if index not in self._known:
            if index in self._asked:
                raise InternalError(f"coefficient {index} of a series is not determined by lower ones")
            self._asked.add(index)
            found = self._rule(index)
            self._known[index] = None if found is None else self._laid_out(found, sum(index) + self.shift)
        return self._known[index]

    def _laid_out(self, found: Coefficient, degree: int) -> Coefficient:
        """The coefficient in the shape of the value, with the axis of directions where its degree has it."""
        emit, found = self.graph.emit, self.graph.emit.fit(found, self.type)
        if not isinstance(found, Lane) or found.mapped == self.graph.shape.mapped(degree):
            return found
        # A term that a linear rule wrote without its tangent is a zero; its layout is that of a lower degree.
        return emit.apply_sum(found) if found.mapped else emit.spread(found, True)

    def lane(self, index: Index) -> Lane | None:
        """The coefficient, written out when it is one-hot."""
        found = self.coefficient(index)
        if isinstance(found, OneHot):
            found = self._known[index] = self.graph.emit.dense(found, self.type)
        return found

    @property
    def base(self) -> Lane:
        """The coefficient of index 0, written out in any case."""
        found = self.lane(self.graph.shape.zero)
        return self.graph.emit.zeros(self.type, mapped=self.graph.shape.mapped(self.shift)) if found is None else found


class Graph:
    """The nodes of one expansion, and the open program into which their coefficients are written."""

    def __init__(self, builder: Builder, shape: JetShape) -> None:
        self.shape = shape
        self.emit = Emitter(builder, shape)
        self.all = frozenset(shape.indices)
        self._numbered: dict[Hashable, Node] = {}

    @property
    def builder(self) -> Builder:
        return self.emit.builder

    # --- nodes of no step ---

    def leaf(
        self,
        type_: ArrayType,
        coefficients: Mapping[Index, Coefficient],
        *,
        shift: int = 0,
        indices: frozenset[Index] | None = None,
    ) -> Node:
        """A node with given coefficients; those left out are zero."""
        return Node(self, type_, coefficients.get, shift=shift, indices=indices, support=frozenset(coefficients))

    def constant(self, lane: Lane) -> Node:
        """A value that no input moves."""
        return self.numbered(
            ("constant", lane), lambda: self.leaf(self.builder.array_type(lane.slot), {self.shape.zero: lane})
        )

    def derivative(self, x: Node, variable: int) -> Node:
        """The derivative of a series in one variable of it: coefficients ``(m + 1) x[m + 1]``."""
        one = unit(variable, self.shape.variables)

        def rule(index: Index) -> Coefficient | None:
            found = x.coefficient(tuple(a + b for a, b in zip(index, one, strict=True)))
            return None if found is None else self.emit.scale(found, Fraction(index[variable] + 1), x.type)

        indices, support = lowered(x.indices, variable), lowered(x.support, variable)
        make = partial(Node, self, x.type, rule, shift=x.shift + 1, indices=indices, support=support)
        return self.numbered(("derivative", x, variable), make)

    def clip(self, x: Node, indices: frozenset[Index]) -> Node:
        """The same series, known at fewer indices."""
        if not x.active or x.indices <= indices:
            return x
        return self.numbered(("clip", x, indices), lambda: self._changed(x, x.indices & indices, x.support & indices))

    def tail(self, x: Node) -> Node:
        """The series without its value."""
        return self.numbered(("tail", x), lambda: self._changed(x, x.indices, x.support - {self.shape.zero}))

    def with_base(self, x: Node, base: Lane) -> Node:
        """The same series with another value, which is computed in a better way."""
        zero = self.shape.zero

        def rule(index: Index) -> Coefficient | None:
            return base if index == zero else x.coefficient(index)

        return self.numbered(("base", x, base), lambda: self._changed(x, x.indices, x.support | {zero}, rule))

    def _changed(self, x: Node, indices: frozenset[Index], support: frozenset[Index], rule: Rule | None = None) -> Node:
        return Node(self, x.type, rule or x.coefficient, shift=x.shift, indices=indices, support=support)

    def numbered(self, key: Hashable, make: Callable[[], Node]) -> Node:
        """The node of a key, made when it is new."""
        found = self._numbered.get(key)
        if found is None:
            found = self._numbered[key] = make()
        return found

    def common(self, nodes: Sequence[Node]) -> frozenset[Index]:
        """Where the coefficients of all nodes are known."""
        return frozenset.intersection(*(node.indices if node.active else self.all for node in nodes))

    # --- programs ---

    def apply(self, primitive: str, *nodes: Node, **params: Param) -> Node:
        """A primitive on nodes."""
        from .rules import apply_row

        op = Apply(primitive, tuple(sorted(params.items())))
        return self.numbered((op, nodes), lambda: apply_row(self, op, nodes))

    def run(self, program: Program, nodes: Sequence[Node]) -> list[Node]:
        """A program on nodes."""
        known = list(nodes)
        for step in program.steps:
            known.extend(self.step(step, [known[slot] for slot in step.operands]))
        return [known[slot] for slot in program.outputs]

    def step(self, step: Step, nodes: list[Node]) -> Sequence[Node]:
        """The results of a step of another program."""
        from . import calls, structured

        if not any(node.active for node in nodes):
            slots = self.builder.replay(step, [node.base.slot for node in nodes])
            return [self.constant(Lane(slot, False)) for slot in slots]
        match step.op:
            case Apply() as op:
                return [self.apply(op.primitive, *nodes, **dict(op.params))]
            case Each() as op:
                return structured.each(self, op, nodes)
            case Fold() as op:
                return structured.fold(self, op, nodes)
            case Branch() as op:
                return structured.branch(self, op, nodes)
            case Call(program):
                return calls.call(self, program, nodes)
            case op:
                raise InternalError(f"{type(op).__name__} must be specialised before differentiation")


def lowered(indices: frozenset[Index], variable: int) -> frozenset[Index]:
    """The indices that stay in the set when they are raised in a variable."""
    return frozenset(
        (*index[:variable], index[variable] - 1, *index[variable + 1 :]) for index in indices if index[variable]
    )
