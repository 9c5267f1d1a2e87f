"""The stepping skeleton of the evaluators: a program in unary form and an arithmetic enter, values leave.

Values are NumPy scalars and arrays (of whatever the arithmetic puts into them), `Closure` for functions and
`Variant` for variants. The skeleton knows control only: loops, branches, calls and closures; what primitives
do is the arithmetic's. Each program is planned once, as a list of (function of operand values, operand
slots).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ..lang.diagnostics import DiagnosticError, InternalError, fail
from ..lang.ir import (
    Apply,
    ArrayType,
    Branch,
    Call,
    Close,
    Constant,
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
)
from ..lang.source import Span
from ..lang.substitute import substitute_sizes
from .scalar_line import is_scalar_line
from .shapes import solve_sizes

Value = Any
Kernel = Callable[..., Value]
Runner = Callable[[list[Value]], Sequence[Value]]
Lookup = Callable[[Function], Program]


@dataclass(frozen=True)
class Closure:
    """A function value: `program` with its first inputs already given."""

    program: Program
    captured: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Variant:
    """A variant value: the number of its constructor and what it holds."""

    tag: int
    payload: tuple[Value, ...] = ()


Transforms = Callable[[Transform, Closure, SlotType], Closure]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many steps may run and how deep calls of function values may nest."""

    steps: int = 100_000_000
    depth: int = 2_000


class Arithmetic(Protocol):
    """What an evaluator computes with."""

    # Whether elementwise kernels also take arrays with one more axis than their types say.
    vectorises: bool

    def dtype(self, name: str) -> np.dtype:
        """The NumPy dtype of arrays of an IR dtype."""
        ...

    def constant(self, op: Constant, type_: ArrayType) -> Value:
        """The value of a literal."""
        ...

    def kernel(self, op: Apply, operands: tuple[ArrayType, ...], result: ArrayType) -> Kernel:
        """The function that a primitive with its parameters is, on values of these (concrete) types."""
        ...

    def add(self, left: Value, right: Value) -> Value:
        """The sum of two values of one type, for `Each` and `Fold` that sum."""
        ...


class Interpreter:
    """Runs programs whose sizes are all known; see the module."""

    def __init__(
        self,
        arithmetic: Arithmetic,
        definitions: Lookup | Mapping[Function, Program] | None = None,
        transforms: Transforms | None = None,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self.arithmetic = arithmetic
        self.definitions = definitions
        self.transforms = transforms
        self.limits = limits
        self.steps_left = limits.steps
        self.depth = 0
        self.level = 0  # how many programs are being run, one inside the other
        # Called with (program, inputs, outputs) after every body; used to find where a number went wrong.
        self.watch: Callable[[Program, Sequence[Value], list[Value]], None] | None = None
        self._plans: dict[int, tuple[Program, list[tuple[Runner, tuple[int, ...], Span | None]]]] = {}
        self._functions: dict[Function, Program] = {}

    # --- running ---

    def run(self, program: Program, inputs: Sequence[Value]) -> list[Value]:
        """The outputs of a program; errors carry the span of the step that met them."""
        self.level += 1
        slots = self.slots(program, inputs)
        self.level -= 1
        outputs = [slots[slot] for slot in program.outputs]
        if self.watch is not None:
            self.watch(program, inputs, outputs)
        return outputs

    def slots(self, program: Program, inputs: Sequence[Value]) -> list[Value]:
        """The values of all slots of a program."""
        slots = list(inputs)
        plan = self._plan(program)
        self.steps_left -= len(plan) + 1
        if self.steps_left < 0:
            hint = "shrink the data, or look for a loop or a recursion that does not end"
            raise fail("E103", f"the program runs more than {self.limits.steps} steps", hint=hint)
        for runner, operands, origin in plan:
            try:
                slots.extend(runner([slots[slot] for slot in operands]))
            except DiagnosticError as error:
                raise _located(error, origin) from None
        return slots

    def invoke(self, function: Closure, arguments: Sequence[Value]) -> list[Value]:
        """Apply a function value."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise fail("E102", f"calls nest more than {self.limits.depth} deep", hint="is a base case missing?")
        inputs = [*function.captured, *arguments]
        outputs = self.run(self.sized(function.program, inputs), inputs)
        self.depth -= 1
        return outputs

    def sized(self, program: Program, inputs: Sequence[Value]) -> Program:
        """The program with its open sizes read off the inputs."""
        if not program.sizes:
            return program
        shapes = [
            np.shape(x) if isinstance(t, ArrayType) else None for t, x in zip(program.inputs, inputs, strict=True)
        ]
        return substitute_sizes(program, solve_sizes(program.sizes, program.inputs, shapes, {}))

    def function(self, op: Function) -> Closure:
        """The value of a top-level definition."""
        found = self._functions.get(op)
        if found is None:
            if self.definitions is None:
                raise InternalError(f"{op.name} cannot be looked up: no definitions were given")
            lookup = self.definitions
            found = lookup(op) if callable(lookup) else lookup[op]
            if found.sizes and len(found.sizes) == len(op.sizes):
                found = substitute_sizes(found, dict(zip(found.sizes, op.sizes, strict=True)))
            self._functions[op] = found
        return Closure(found)

    # --- planning ---

    def _plan(self, program: Program) -> list[tuple[Runner, tuple[int, ...], Span | None]]:
        known = self._plans.get(id(program))
        if known is not None:
            return known[1]
        types = program.types
        plan = [
            (self.runner(step, [types[slot] for slot in step.operands]), step.operands, step.origin)
            for step in program.steps
        ]
        self._plans[id(program)] = (program, plan)  # the program is kept, so its id stays its own
        return plan

    def runner(self, step: Step, operands: list[SlotType]) -> Runner:
        """What a step does to the values of its operands."""
        match step.op:
            case Constant():
                return _always(self.arithmetic.constant(step.op, _array(step.types[0])))
            case SizeValue(size):
                return _always(np.int64(_known(size)))
            case Apply():
                return self._apply(step.op, operands, _array(step.types[0]), step.origin)
            case Each():
                return self._each(step.op, step.types)
            case Fold():
                return self._fold(step.op, step.types)
            case Branch(arms):
                return self._branch(arms)
            case Call(program):
                return lambda values: self.run(self.sized(program, values), values)
            case Function():
                return lambda values: (self.function(step.op),)  # type: ignore[arg-type]
            case Close(program):
                return lambda values: (Closure(program, tuple(values)),)
            case Invoke():
                return lambda values: self.invoke(values[0], values[1:])
            case Inject(tag):
                return lambda values: (Variant(tag, tuple(values)),)
            case Transform():
                return lambda values: (self._transform(step.op, values[0], step.types[0]),)  # type: ignore[arg-type]

    def _apply(self, op: Apply, operands: list[SlotType], result: ArrayType, origin: Span | None) -> Runner:
        try:
            kernel = self.arithmetic.kernel(op, tuple(_array(type_) for type_ in operands), result)
        except DiagnosticError as error:
            raise _located(error, origin) from None
        return lambda values: (kernel(*values),)

    def _transform(self, op: Transform, function: Closure, type_: SlotType) -> Closure:
        if self.transforms is None:
            raise fail("E111", f"`{op.kind}` of a function value cannot run here", hint="specialise the program first")
        return self.transforms(op, function, type_)

    def _branch(self, arms: tuple[Program, ...]) -> Runner:
        def run(values: list[Value]) -> Sequence[Value]:
            selector, captures = values[0], values[1:]
            if isinstance(selector, Variant):
                return self.run(arms[selector.tag], [*captures, *selector.payload])
            number = int(selector)
            if not 0 <= number < len(arms):
                message = f"there is no arm number {number} among {len(arms)}"
                raise fail("E100", message, hint="arms are counted from 0")
            return self.run(arms[number], captures)

        return run

    def _each(self, op: Each, types: tuple[SlotType, ...]) -> Runner:
        size = _known(op.size)
        if size and self.arithmetic.vectorises and is_scalar_line(op.body, op.captures):
            return lambda values: self._each_at_once(op, values, types)

        def run(values: list[Value]) -> Sequence[Value]:
            captures, arrays = values[: op.captures], values[op.captures :]
            gathered = _Gathered(self.arithmetic, op.combine, types)
            for index in range(size):
                inputs = [*captures, *[array[index] for array in arrays], np.int64(index)]
                gathered.put(index, self.run(op.body, inputs))
            return gathered.results

        return run

    def _each_at_once(self, op: Each, values: list[Value], types: tuple[SlotType, ...]) -> Sequence[Value]:
        """All rounds of a line of scalar operations together, as operations on arrays."""
        size = _known(op.size)
        outputs = self.run(op.body, [*values, np.arange(size, dtype=np.int64)])
        whole = [np.broadcast_to(output, (size,)) for output in outputs]
        return [
            array if how == "stack" else np.sum(array, dtype=self.arithmetic.dtype(_array(type_).dtype))
            for array, how, type_ in zip(whole, op.combine, types, strict=True)
        ]

    def _fold(self, op: Fold, types: tuple[SlotType, ...]) -> Runner:
        size, first = _known(op.size), op.captures + op.arrays

        def run(values: list[Value]) -> Sequence[Value]:
            captures, arrays, carry = values[: op.captures], values[op.captures : first], values[first:]
            gathered = _Gathered(self.arithmetic, op.combine, types[len(carry) :])
            for index in reversed(range(size)) if op.reverse else range(size):
                if op.condition is not None and not bool(self.run(op.condition, [*captures, *carry])[0]):
                    break
                elements = [array[index] for array in arrays]
                outputs = self.run(op.body, [*captures, *elements, *carry, np.int64(index)])
                gathered.put(index, outputs[len(carry) :])
                carry = outputs[: len(carry)]
            return [*carry, *gathered.results]

        return run


class _Gathered:
    """Results of the rounds of a loop, stacked or summed."""

    def __init__(self, arithmetic: Arithmetic, combine: tuple[str, ...], types: tuple[SlotType, ...]) -> None:
        self.arithmetic = arithmetic
        self.combine = combine
        self.results: list[Value] = [zeros(arithmetic, _array(type_)) for type_ in types]

    def put(self, index: int, values: Sequence[Value]) -> None:
        for position, (how, value) in enumerate(zip(self.combine, values, strict=True)):
            if how == "stack":
                self.results[position][index] = value
            else:
                self.results[position] = self.arithmetic.add(self.results[position], value)


def zeros(arithmetic: Arithmetic, type_: ArrayType) -> Value:
    """Zeros of a concrete type; a scalar for rank 0."""
    shape = tuple(_known(size) for size in type_.shape)
    return np.zeros(shape, arithmetic.dtype(type_.dtype))[()]


def _known(size: object) -> int:
    if not isinstance(size, int):
        raise InternalError(f"the size {size} is not known while running")
    if size < 0:
        raise fail("E106", f"a size came out as {size}", hint="sizes are zero or more: give longer arrays")
    return size


def _array(type_: SlotType) -> ArrayType:
    if not isinstance(type_, ArrayType):
        raise InternalError(f"{type_} where an array belongs")
    return type_


def _always(value: Value) -> Runner:
    return lambda values: (value,)


def _located(error: DiagnosticError, origin: Span | None) -> DiagnosticError:
    """The error with the span of the step, unless an inner step gave it one."""
    if origin is None or all(item.span is not None for item in error.diagnostics):
        return error
    return DiagnosticError([item if item.span else replace(item, span=origin) for item in error.diagnostics])
