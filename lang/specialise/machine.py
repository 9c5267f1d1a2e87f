"""The partial evaluator: replays the steps of full-stage programs into a `Builder`, over partial values.

In: a program, and a partial value for each input. Out: partial values of its outputs, and first-order steps in the
builder. Calls of known functions are inlined (online partial evaluation: Jones, Gomard & Sestoft 1993, chapter 7); a
choice between several known functions or constructors becomes a number and a first-order `Branch` (Reynolds 1972,
defunctionalisation).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..builder import Builder
from ..deferred import resolved
from ..diagnostics import InternalError
from ..elaborate.definitions import Definitions
from ..ir import (
    Apply,
    ArrayType,
    Branch,
    Close,
    DataType,
    Each,
    Fold,
    Function,
    Inject,
    Invoke,
    Program,
    SizeValue,
    SlotType,
    Step,
    Transform,
    bodies,
)
from .borders import Values, array_slots
from .choices import branch, invoke_union
from .derive import Transforms, derive
from .folding import folded
from .limits import RULES, Budget
from .loops import each, fold
from .values import (
    Node,
    PartialValue,
    Union,
)


class Machine:
    """State of one specialisation: where definitions and derivative operators come from, what is left to spend."""

    def __init__(self, definitions: Definitions, transforms: Transforms) -> None:
        self.definitions = definitions
        self.transforms = transforms
        self.budget = Budget()
        self.rule_depth = 0
        self.derived: dict[tuple[Transform, Program, tuple[bool, ...]], Program] = {}
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
                return self._apply(builder, step, array_slots(operands))
            case SizeValue(size):
                return (builder.size(size),)
            case Function() | Close() | Inject() | Transform():
                return (Node(step.op, step.types[0], tuple(operands)),)
            case Invoke():
                return self.invoke(builder, operands[0], operands[1:])
            case Branch():
                return branch(self, builder, step, operands)
            case Each():
                return each(self, builder, step, operands)
            case Fold():
                return fold(self, builder, step, operands)
            case _:
                return builder.emit(step.op, array_slots(operands), step.types)

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
            return invoke_union(self, builder, function, arguments)
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
        key = (head, self.rule_depth)
        if key not in self._units:
            self.budget.enter(head.name, builder.origin)
            self._units[key] = self.closed(program)
            self.budget.leave()
        return list(builder.call(self._units[key], array_slots(arguments)))

    def closed(self, program: Program) -> Program:
        """A first-order program of a full-stage one over arrays, with its custom rules specialised too."""
        builder = Builder(program.name, program.inputs, program.sizes)
        outputs = self.run(builder, program, range(len(program.inputs)))
        return builder.build(array_slots(outputs), program.signature, self.rules(program))

    def rules(self, program: Program) -> tuple[tuple[str, Program], ...]:
        """The custom rules of a program, first-order; inside them rules apply a limited number of times."""
        if self.rule_depth >= RULES:
            return ()
        self.rule_depth += 1
        found = tuple([(kind, self.closed(resolved(rule))) for kind, rule in program.rules])
        self.rule_depth -= 1
        return found

    # --- asking ---

    def tags(self, type_: SlotType) -> int:
        """The number of constructors of a variant type; functions have none."""
        return len(self.definitions.data(type_.data.name).constructors) if isinstance(type_, DataType) else 0

    def is_plain(self, step: Step, operands: Values) -> bool:
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
