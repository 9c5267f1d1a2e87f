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

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import Apply, ArrayType, Branch, Call, Each, Fold, Param, Program, Step
from ..vmap_rules import Lane
from .emit import Coefficient, Emitter
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
        active: bool = True,
        support: Callable[[Index], bool] | None = None,
    ) -> None:
        self.graph = graph
        self.type = type_
        self.shift = shift
        self.indices = indices  # where coefficients are known; None: everywhere
        self.active = active
        self._rule = rule
        self._support = support
        self._known: dict[Index, Coefficient | None] = {}
        self._asked: set[Index] = set()

    def may(self, index: Index) -> bool:
        """Whether the coefficient can differ from zero, as far as is known without computing it."""
        if not self.active:
            return not any(index)
        return self._support is None or self._support(index)

    def coefficient(self, index: Index) -> Coefficient | None:
        """The coefficient, computed when it is asked for first."""
        if not self.may(index):
            return None
        if index not in self._known:
            if index in self._asked or (self.indices is not None and index not in self.indices):
                raise InternalError(f"coefficient {index} of a series is not determined by lower ones")
            self._asked.add(index)
            found = self._rule(index)
            self._known[index] = None if found is None else self.graph.emit.fit(found, self.type)
        return self._known[index]

    def lane(self, index: Index) -> Lane | None:
        """The coefficient, written out when it is one-hot."""
        found = self.coefficient(index)
        if found is None or isinstance(found, Lane):
            return found
        lane = self.graph.emit.dense(found, self.type)
        self._known[index] = lane
        return lane

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
        zero = self.shape.zero
        active = bool(shift) or any(index != zero for index in coefficients)
        known = (self.all if indices is None else indices) if active else None
        return Node(
            self, type_, coefficients.get, shift=shift, indices=known, active=active,
            support=lambda index: index in coefficients,
        )  # fmt: skip

    def constant(self, lane: Lane) -> Node:
        """A value that no input moves."""
        return self.numbered(
            ("constant", lane), lambda: self.leaf(self.builder.array_type(lane.slot), {self.shape.zero: lane})
        )

    def derivative(self, x: Node, variable: int) -> Node:
        """The derivative of a series in one variable of it: coefficients ``(m + 1) x[m + 1]``."""
        one = unit(variable, self.shape.variables)

        def raised(index: Index) -> Index:
            return tuple(a + b for a, b in zip(index, one, strict=True))

        def rule(index: Index) -> Coefficient | None:
            found = x.coefficient(raised(index))
            return None if found is None else self.emit.scale(found, Fraction(index[variable] + 1), x.type)

        return self.numbered(
            ("derivative", x, variable),
            lambda: Node(
                self, x.type, rule, shift=x.shift + 1, indices=self.lowered(x.indices, variable), active=x.active,
                support=lambda index: x.may(raised(index)),
            ),
        )  # fmt: skip

    def lowered(self, indices: frozenset[Index] | None, variable: int) -> frozenset[Index] | None:
        """The indices that stay in the set when they are raised in a variable."""
        if indices is None:
            return None
        return frozenset(
            (*index[:variable], index[variable] - 1, *index[variable + 1 :]) for index in indices if index[variable]
        )

    def clip(self, x: Node, indices: frozenset[Index] | None) -> Node:
        """The same series, known at fewer indices."""
        if not x.active or indices is None or indices == x.indices:
            return x
        return self.numbered(
            ("clip", x, indices),
            lambda: Node(self, x.type, x.coefficient, shift=x.shift, indices=indices, support=x.may),
        )

    def tail(self, x: Node) -> Node:
        """The series without its value."""
        zero = self.shape.zero
        return self.numbered(
            ("tail", x),
            lambda: Node(
                self, x.type, x.coefficient, shift=x.shift, indices=x.indices,
                support=lambda index: index != zero and x.may(index),
            ),
        )  # fmt: skip

    def with_base(self, x: Node, base: Lane) -> Node:
        """The same series with another value, which is computed in a better way."""
        zero = self.shape.zero
        return self.numbered(
            ("base", x, base),
            lambda: Node(
                self, x.type, lambda index: base if index == zero else x.coefficient(index), shift=x.shift,
                indices=x.indices, active=x.active, support=lambda index: index == zero or x.may(index),
            ),
        )  # fmt: skip

    def numbered(self, key: Hashable, make: Callable[[], Node]) -> Node:
        """The node of a key, made when it is new."""
        found = self._numbered.get(key)
        if found is None:
            found = self._numbered[key] = make()
        return found

    def common(self, nodes: Sequence[Node]) -> frozenset[Index] | None:
        """Where the coefficients of all nodes are known."""
        known = [node.indices for node in nodes if node.indices is not None]
        return frozenset.intersection(*known) if known else None

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
