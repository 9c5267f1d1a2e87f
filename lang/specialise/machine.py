"""The partial evaluator: replays the steps of full-stage programs into a `Builder`, over partial values.

In: a program, and a partial value for each input. Out: partial values of its outputs, and first-order steps in the
builder. Calls of known functions are inlined (online partial evaluation: Jones, Gomard & Sestoft 1993, chapter 7); a
choice between several known functions or constructors becomes a number and a first-order `Branch` (Reynolds 1972,
defunctionalisation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..builder import Builder
from ..diagnostics import InternalError, fail
from ..elaborate.definitions import Definitions
from ..elaborate.patterns import constructor_fields
from ..elaborate.scope import array_of_values, drop_unread
from ..ir import (
    I64,
    Apply,
    ArrayType,
    Branch,
    Close,
    Constant,
    DataType,
    Each,
    Fold,
    Function,
    FunType,
    Inject,
    Invoke,
    Program,
    SizeValue,
    SlotType,
    Step,
    Transform,
    bodies,
    leaves,
)
from .derive import Transforms, derive
from .folding import folded
from .limits import ROUNDS, RULES, Budget
from .values import (
    Node,
    NodeShape,
    PartialValue,
    Shape,
    Union,
    UnionShape,
    join,
    pack,
    renamed,
    shape_of,
    slots_of,
    types_of,
    unpack,
    zeros,
)

Values = list[PartialValue]
Writer = Callable[[Builder, Values], Values]


@dataclass(frozen=True, slots=True)
class Inner:
    """An open body: its builder, the captured values as it sees them, its own inputs, and the slots captured outside."""

    builder: Builder
    values: Values
    own: list[int]
    captures: list[int]


class Machine:
    """State of one specialisation: where definitions and derivative operators come from, what is left to spend."""

    def __init__(self, definitions: Definitions, transforms: Transforms) -> None:
        self.definitions = definitions
        self.transforms = transforms
        self.budget = Budget()
        self.rule_depth = 0
        self.derived: dict[tuple[str, Program, tuple[bool, ...]], Program] = {}
        self._resolved: dict[Function, Program] = {}
        self._units: dict[tuple[Function, int], Program] = {}
        self._first_order: dict[int, tuple[Program, bool]] = {}

    # --- steps ---

    def run(self, builder: Builder, program: Program, inputs: Sequence[PartialValue]) -> Values:
        """Replay a program onto partial values and return its outputs."""
        values = list(inputs)
        outer = builder.origin
        for step in program.steps:
            builder.origin = step.origin or outer
            self.budget.step(builder.origin)
            values.extend(self.step(builder, step, [values[slot] for slot in step.operands]))
        builder.origin = outer
        return [values[slot] for slot in program.outputs]

    def step(self, builder: Builder, step: Step, operands: Values) -> Sequence[PartialValue]:
        """Replay one step."""
        match step.op:
            case Apply():
                return self._apply(builder, step, _slots(operands))
            case SizeValue(size):
                return (builder.size(size),)
            case Function() | Close() | Inject() | Transform():
                return (Node(step.op, step.types[0], tuple(operands)),)
            case Invoke():
                return self.invoke(builder, operands[0], operands[1:])
            case Branch():
                return self._branch(builder, step, operands)
            case Each():
                return self._each(builder, step, operands)
            case Fold():
                return self._fold(builder, step, operands)
            case _:
                return builder.emit(step.op, _slots(operands), step.types)

    def _apply(self, builder: Builder, step: Step, operands: list[int]) -> Sequence[int]:
        assert isinstance(step.op, Apply)
        known = folded(builder, step.op, operands)
        return (known,) if known is not None else builder.replay(step, operands)

    # --- calls ---

    def invoke(self, builder: Builder, function: PartialValue, arguments: Values) -> Values:
        """Apply a function value."""
        if isinstance(function, int):
            raise InternalError("a function in an array slot")
        if isinstance(function, Union):
            return self._invoke_union(builder, function, arguments)
        match function.head:
            case Close(program):
                return self._enter(builder, program, [*function.children, *arguments])
            case Function() as head:
                return self._call(builder, head, arguments)
            case Transform():
                return derive(self, builder, function, arguments)
            case Inject():
                raise InternalError("a variant is applied")

    def _enter(self, builder: Builder, program: Program, inputs: Values) -> Values:
        self.budget.enter(program.name, builder.origin)
        values = self.run(builder, program, inputs)
        self.budget.leave()
        return values

    def _call(self, builder: Builder, head: Function, arguments: Values) -> Values:
        program = self._resolved.get(head)
        if program is None:
            program = self.definitions.resolve(head)
            self._resolved[head] = program
        if not program.rules or self.rule_depth >= RULES:
            return self._enter(builder, program, arguments)
        if not all(isinstance(type_, ArrayType) for type_ in (*program.inputs, *program.output_types)):
            raise fail(
                "E127",
                f"`{head.name}` has a custom rule and takes or gives functions or variants",
                builder.origin,
                hint="give the rule to a definition of numbers and arrays",
            )
        key = (head, self.rule_depth)
        if key not in self._units:
            self.budget.enter(head.name, builder.origin)
            self._units[key] = self.closed(program)
            self.budget.leave()
        return list(builder.call(self._units[key], _slots(arguments)))

    def closed(self, program: Program) -> Program:
        """A first-order program of a full-stage one over arrays, with its custom rules specialised too."""
        builder = Builder(program.name, program.inputs, program.sizes)
        outputs = self.run(builder, program, range(len(program.inputs)))
        return builder.build(_slots(outputs), program.signature, self.rules(program))

    def rules(self, program: Program) -> tuple[tuple[str, Program], ...]:
        """The custom rules of a program, first-order; inside them rules apply a limited number of times."""
        if self.rule_depth >= RULES:
            return ()
        self.rule_depth += 1
        found = tuple([(kind, self.closed(rule)) for kind, rule in program.rules])
        self.rule_depth -= 1
        return found

    def _invoke_union(self, builder: Builder, function: Union, arguments: Values) -> Values:
        def writer(case: Node | None) -> Writer | None:
            if case is None:
                return None
            width = len(case.children)

            def write(inner: Builder, values: Values) -> Values:
                return self.invoke(inner, Node(case.head, case.type, tuple(values[:width])), values[width:])

            return write

        groups: list[Values] = [[] if case is None else [*case.children, *arguments] for case in function.cases]
        return self.choose(builder, function.selector, groups, [writer(case) for case in function.cases])

    # --- choices ---

    def _branch(self, builder: Builder, step: Step, operands: Values) -> Values:
        assert isinstance(step.op, Branch)
        selector, captured, arms = operands[0], operands[1:], step.op.arms
        if isinstance(selector, Node):
            assert isinstance(selector.head, Inject)
            return self.run(builder, arms[selector.head.tag], [*captured, *selector.children])
        if isinstance(selector, Union):
            groups = [[] if case is None else [*captured, *case.children] for case in selector.cases]
            writers = [
                None if case is None else self._replays(arm) for case, arm in zip(selector.cases, arms, strict=True)
            ]
            return self.choose(builder, selector.selector, groups, writers)
        known = builder.scalar(selector)
        if known is not None and 0 <= int(known) < len(arms):
            return self.run(builder, arms[int(known)], captured)
        if self._plain(step, captured):
            return list(builder.replay(step, [selector, *_slots(captured)]))
        return self.choose(builder, selector, [captured] * len(arms), [self._replays(arm) for arm in arms])

    def _replays(self, arm: Program) -> Writer:
        return lambda inner, values: self.run(inner, arm, values)

    def choose(
        self, builder: Builder, selector: int, groups: Sequence[Values], writers: Sequence[Writer | None]
    ) -> Values:
        """A `Branch` whose arms are written by functions, each over its own group of captured values.

        Results of the arms are brought into one form; a None writer is an arm that cannot run.
        """
        possible = [place for place, writer in enumerate(writers) if writer is not None]
        if len(possible) == 1:
            writer = writers[possible[0]]
            assert writer is not None
            return writer(builder, groups[possible[0]])
        everything = [value for group in groups for value in group]
        opened = []
        results: list[Values] = []
        for place, writer in enumerate(writers):
            inner = self.enter(builder, everything, "arm", ())
            start = sum(len(group) for group in groups[:place])
            opened.append(inner.builder)
            if writer is not None:
                results.append(writer(inner.builder, inner.values[start : start + len(groups[place])]))
        captures = inner.captures
        shapes = self._common([opened[place] for place in possible], results)
        waiting = iter(results)
        programs = []
        for inner_builder, writer in zip(opened, writers, strict=True):
            outputs = _packed(inner_builder, shapes, None if writer is None else next(waiting))
            programs.append(inner_builder.build(outputs))
        kept, trimmed = drop_unread(programs, len(captures))
        slots = iter(builder.branch(selector, [captures[place] for place in kept], trimmed))
        return [unpack(shape, slots) for shape in shapes]

    def _common(self, builders: Sequence[Builder], results: Sequence[Values]) -> list[Shape]:
        shapes: list[Shape] = []
        for place in range(len(results[0])):
            found = shape_of(builders[0], results[0][place])
            for builder, values in zip(builders[1:], results[1:], strict=True):
                found = join(found, shape_of(builder, values[place]), self.tags)
            shapes.append(found)
        return shapes

    def tags(self, type_: SlotType) -> int:
        """The number of constructors of a variant type; functions have none."""
        return len(self.definitions.data(type_.data.name).constructors) if isinstance(type_, DataType) else 0

    # --- loops ---

    def _each(self, builder: Builder, step: Step, operands: Values) -> Sequence[PartialValue]:
        op = step.op
        assert isinstance(op, Each)
        if self._plain(step, operands):
            return builder.replay(step, _slots(operands))
        arrays = _slots(operands[op.captures :])
        elements = [_element(builder, slot) for slot in arrays]
        inner = self.enter(builder, operands[: op.captures], op.body.name, [*elements, I64])
        values = self.run(inner.builder, op.body, [*inner.values, *inner.own])
        body = inner.builder.build(self._array_slots(inner.builder, values))
        kept, (body,) = drop_unread([body], len(inner.captures))
        captures = [inner.captures[place] for place in kept]
        return builder.each(op.size, captures, arrays, body, op.combine)

    def _array_slots(self, builder: Builder, values: Values) -> list[int]:
        for value in values:
            if not isinstance(value, int):
                raise array_of_values(value.type, builder.origin)
        return _slots(values)

    def _fold(self, builder: Builder, step: Step, operands: Values) -> Sequence[PartialValue]:
        op = step.op
        assert isinstance(op, Fold)
        if self._plain(step, operands):
            return builder.replay(step, _slots(operands))
        captured = operands[: op.captures]
        arrays = _slots(operands[op.captures : op.captures + op.arrays])
        initial = operands[op.captures + op.arrays :]
        shapes = [shape_of(builder, value) for value in initial]
        for _ in range(ROUNDS):
            inner, values = self._round(builder, op, captured, arrays, shapes)
            found = [
                join(shape, shape_of(inner.builder, value), self.tags)
                for shape, value in zip(shapes, values[: len(shapes)], strict=True)
            ]
            if found == shapes:
                return self._finish(builder, op, inner, arrays, initial, shapes, values, captured)
            shapes = found
        raise fail(
            "E125",
            "the state of this loop takes another form in every round",
            step.origin,
            hint="carry numbers and arrays, or variants that do not hold earlier states",
        )

    def _round(
        self, builder: Builder, op: Fold, captured: Values, arrays: list[int], shapes: list[Shape]
    ) -> tuple[Inner, Values]:
        """The body of a fold for a state of given shapes, not yet closed."""
        elements = [_element(builder, slot) for slot in arrays]
        carry = [type_ for shape in shapes for type_ in types_of(shape)]
        inner = self.enter(builder, captured, op.body.name, [*elements, *carry, I64])
        own = iter(inner.own[len(elements) : -1])
        state = [unpack(shape, own) for shape in shapes]
        inputs = [*inner.values, *inner.own[: len(elements)], *state, inner.own[-1]]
        return inner, self.run(inner.builder, op.body, inputs)

    def _finish(
        self,
        builder: Builder,
        op: Fold,
        inner: Inner,
        arrays: list[int],
        initial: Values,
        shapes: list[Shape],
        values: Values,
        captured: Values,
    ) -> Sequence[PartialValue]:
        state = _packed(inner.builder, shapes, values[: len(shapes)])
        extras = self._array_slots(inner.builder, values[len(shapes) :])
        programs = [inner.builder.build([*state, *extras])]
        if op.condition is not None:
            programs.append(self._condition(builder, op.condition, captured, shapes))
        kept, trimmed = drop_unread(programs, len(inner.captures))
        condition = trimmed[1] if op.condition is not None else None
        op = replace(op, captures=len(kept), body=trimmed[0], condition=condition)
        slots = builder.fold(
            op.size,
            [inner.captures[place] for place in kept],
            arrays,
            _packed(builder, shapes, initial),
            op.body,
            op.combine,
            reverse=op.reverse,
            condition=op.condition,
            associative=op.associative,
        )
        states = iter(slots)
        return [*(unpack(shape, states) for shape in shapes), *states]

    def _condition(self, builder: Builder, condition: Program, captured: Values, shapes: list[Shape]) -> Program:
        inner = self.enter(builder, captured, condition.name, [t for shape in shapes for t in types_of(shape)])
        own = iter(inner.own)
        state = [unpack(shape, own) for shape in shapes]
        outputs = self.run(inner.builder, condition, [*inner.values, *state])
        return inner.builder.build(_slots(outputs))

    # --- borders ---

    def enter(
        self, outer: Builder, values: Sequence[PartialValue], name: str, own: Sequence[ArrayType]
    ) -> Inner:
        """Open a body that captures values; scalar literals and sizes are written again inside."""
        slots = dict.fromkeys(slot for value in values for slot in slots_of(value))
        literal = {slot for slot in slots if _is_literal(outer, slot)}
        captures = [slot for slot in slots if slot not in literal]
        builder = Builder(name, [*(outer.types[slot] for slot in captures), *own])
        builder.origin = outer.origin
        names = {slot: place for place, slot in enumerate(captures)}
        for slot in literal:
            step = outer.definition(slot)
            assert step is not None
            (names[slot],) = builder.emit(step.op, (), step.types)
        inside = []
        for value in values:
            inside.append(renamed(value, names))
        count = len(captures)
        return Inner(builder, inside, list(range(count, count + len(own))), captures)

    def _plain(self, step: Step, operands: Values) -> bool:
        """Whether a step can stay as it is: first-order bodies over arrays."""
        return all(isinstance(value, int) for value in operands) and all(map(self.is_first_order, bodies(step.op)))

    def is_first_order(self, program: Program) -> bool:
        """Whether no step below builds or uses functions and variants."""
        known = self._first_order.get(id(program))
        if known is None:
            answer = all(isinstance(type_, ArrayType) for type_ in program.inputs)
            for step in program.steps:
                answer = answer and not isinstance(step.op, (Function, Close, Invoke, Inject, Transform))
                answer = answer and all(map(self.is_first_order, bodies(step.op)))
            known = (program, answer)
            self._first_order[id(program)] = known
        return known[1]

    def border(self, type_: SlotType, name: str, above: tuple[SlotType, ...] = ()) -> Shape:
        """The shape in which a value crosses the border of the compiled program: every constructor has its place."""
        if isinstance(type_, ArrayType):
            return type_
        if isinstance(type_, FunType):
            raise fail(
                "E123",
                f"`{name}` takes or gives a function, which must be known at compile time",
                hint="write a definition that calls it with the function",
            )
        if type_ in above:
            raise fail(
                "E122",
                f"`{name}` takes or gives `{type_}`, a recursive variant whose constructors are not known",
                hint="give the value where the program is compiled, or use the reference evaluator",
            )
        data = self.definitions.data(type_.data.name)
        cases = []
        for tag in range(len(data.constructors)):
            fields = [leaf for item in constructor_fields(data, type_.data, tag) for leaf in leaves(item)]
            children = tuple([self.border(field, name, (*above, type_)) for field in fields])
            cases.append(NodeShape(Inject(tag), type_, children))
        return UnionShape(type_, tuple(cases))


def _slots(values: Sequence[PartialValue]) -> list[int]:
    for value in values:
        if not isinstance(value, int):
            raise InternalError(f"a value of type {value.type} where an array was expected")
    return list(values)  # type: ignore[arg-type]


def _packed(builder: Builder, shapes: Sequence[Shape], values: Values | None) -> list[int]:
    """The slots of values in given shapes; zeros when there are none."""
    if values is None:
        return [slot for shape in shapes for slot in zeros(builder, shape)]
    return [slot for shape, value in zip(shapes, values, strict=True) for slot in pack(builder, shape, value)]


def _element(builder: Builder, slot: int) -> ArrayType:
    type_ = builder.array_type(slot)
    return ArrayType(type_.dtype, type_.shape[1:])


def _is_literal(builder: Builder, slot: int) -> bool:
    step = builder.definition(slot)
    if step is None:
        return False
    return isinstance(step.op, SizeValue) or (isinstance(step.op, Constant) and builder.scalar(slot) is not None)


