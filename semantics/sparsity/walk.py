"""The walk over a program: every step takes values with sets to values with sets.

`Each` is walked once, as arrays over all its rounds, so that indices of loops are known numbers. `Fold` is walked round
by round while that is little work, else to a fixed point; a branch is the union of its arms unless its selector is
known. A call with derivative rules of its own reads all of its floats for each of its floats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...ad.vmap import vmap
from ...lang.constants import constant_value
from ...lang.diagnostics import InternalError
from ...lang.ir import (
    I64,
    Apply,
    ArrayType,
    Branch,
    Call,
    Constant,
    Each,
    Fold,
    Program,
    SizeValue,
    Step,
    as_array,
    bodies,
)
from ...lang.memo import memo
from ...lang.passes import normalise
from . import rows
from .rows import Along, Rows
from .ruled import without_rules
from .rules import applied
from .values import Value, joined

STEPS = 20_000  # steps that loops may be walked through round by round
ROUNDS = 8  # rounds towards a fixed point, before everything is taken to depend on everything


@memo(maxsize=64)
def pattern(program: Program, wrt: int) -> Rows:
    """A boolean matrix: a row per element of every float output, in order, a column per element of input number `wrt`.

    A place that is not set is zero in every Jacobian of the program; a place that is set may be zero. All sizes must be
    known. Raises E135 for patterns too large to hold.
    """
    program = without_rules(normalise(program))
    if program.sizes:
        raise InternalError(f"a pattern of {program.name}, which has open sizes")
    inputs = [Value(as_array(type_)) for type_ in program.inputs]
    count = inputs[wrt].size
    inputs[wrt] = Value(inputs[wrt].type, None, rows.eye(count))
    outputs = Walk().run(program, inputs)
    return rows.stacked([
        rows.nothing(value.size, count) if value.rows is None else value.rows
        for value in outputs
        if value.type.is_float
    ])  # fmt: skip


class Walk:
    """Walks programs; `left` counts the steps that loops may still be unrolled to."""

    def __init__(self) -> None:
        self.left = STEPS

    def run(self, program: Program, inputs: Sequence[Value]) -> list[Value]:
        """The outputs of a program."""
        values = list(inputs)
        for step in program.steps:
            values.extend(self._step(step, [values[slot] for slot in step.operands]))
        return [values[slot] for slot in program.outputs]

    def _step(self, step: Step, operands: list[Value]) -> list[Value]:
        type_ = as_array(step.types[0])
        match step.op:
            case Constant():
                return [Value(type_, constant_value(step.op, type_))]
            case SizeValue(size):
                return [Value(type_, np.asarray(size, np.int64))]
            case Apply():
                return [applied(step.op, tuple(operands), type_)]
            case Each():
                return self._each(step.op, operands)
            case Fold():
                return self._fold(step.op, operands)
            case Branch(arms):
                return self._branch(arms, operands)
            case Call(program):
                return self.run(program, operands)
            case _:
                raise InternalError(f"{type(step.op).__name__} in a first-order program")

    def _each(self, op: Each, operands: list[Value]) -> list[Value]:
        size = _known(op.size)
        arrays = len(operands) - op.captures
        lanes = vmap(op.body, (*(False,) * op.captures, *(True,) * arrays, True), size, final=True)
        index = Value(ArrayType("i64", (size,)), np.arange(size))
        outputs = self.run(lanes, [*operands, index])
        return [value if how == "stack" else _summed(value) for how, value in zip(op.combine, outputs, strict=True)]

    def _branch(self, arms: tuple[Program, ...], operands: list[Value]) -> list[Value]:
        selector, captures = operands[0].known, operands[1:]
        if selector is not None and 0 <= int(selector) < len(arms):
            return self.run(arms[int(selector)], captures)
        return [joined(values) for values in zip(*(self.run(arm, captures) for arm in arms), strict=True)]

    # --- loops that carry -------------------------------------------------------------------------------------------

    def _fold(self, op: Fold, operands: list[Value]) -> list[Value]:
        size, first = _known(op.size), op.captures + op.arrays
        captures, arrays, carry = operands[: op.captures], operands[op.captures : first], operands[first:]
        if op.condition is None and size * weight(op.body) <= self.left:
            self.left -= size * weight(op.body)
            return self._unrolled(op, size, captures, arrays, carry)
        elements = [_summed(array) for array in arrays]  # what any round may read
        return self._fixed(op, size, [*captures, *elements], carry)

    def _unrolled(
        self, op: Fold, size: int, captures: list[Value], arrays: list[Value], carry: list[Value]
    ) -> list[Value]:
        extras: list[list[Value]] = []
        for i in reversed(range(size)) if op.reverse else range(size):
            inputs = [*captures, *(_element(array, i) for array in arrays), *carry, Value(I64, np.asarray(i))]
            outputs = self.run(op.body, inputs)
            carry = outputs[: len(carry)]
            extras.append(outputs[len(carry) :])
        types = [as_array(type_) for type_ in op.body.output_types[len(carry) :]]
        ordered = extras[::-1] if op.reverse else extras
        return carry + [
            _collected([round_[k] for round_ in ordered], how, types[k]) for k, how in enumerate(op.combine)
        ]

    def _fixed(self, op: Fold, size: int, shared: list[Value], carry: list[Value]) -> list[Value]:
        """Sets that hold before every round, and so after the last one."""
        for _ in range(ROUNDS):
            outputs = self.run(op.body, [*shared, *carry, Value(I64)])
            grown = [joined(pair) for pair in zip(carry, outputs[: len(carry)], strict=True)]
            settled = all(map(_same, carry, grown))
            carry = grown
            if settled:
                break
        else:
            carry = _widened([*shared, *carry], carry)
            outputs = self.run(op.body, [*shared, *carry, Value(I64)])
        extras = zip(op.combine, outputs[len(carry) :], strict=True)
        return carry + [_repeated(value, size) if how == "stack" else Value(value.type, None, value.rows)
                        for how, value in extras]  # fmt: skip


def weight(program: Program) -> int:
    """How many steps a walk of a program takes, its loops unrolled."""
    return sum(
        1 + (_known(step.op.size) if isinstance(step.op, Fold) else 1) * sum(map(weight, bodies(step.op)))
        for step in program.steps
    )


def _known(size: object) -> int:
    if not isinstance(size, int):
        raise InternalError(f"the size {size} is not known")
    return size


def _summed(value: Value) -> Value:
    type_ = value.type.with_shape(value.type.shape[1:])
    if value.rows is None:
        return Value(type_)
    size, *rest = value.shape
    return Value(type_, None, rows.along(value.rows, [Along(rows.ones(1, size)), *rest]))


def _element(array: Value, i: int) -> Value:
    type_ = array.type.with_shape(array.type.shape[1:])
    size = Value(type_).size
    part = None if array.rows is None else rows.picked(array.rows, np.arange(i * size, (i + 1) * size))
    return Value(type_, None if array.known is None else np.asarray(array.known[i]), part)


def _collected(values: list[Value], how: str, type_: ArrayType) -> Value:
    """The results of rounds, in order, stacked or added up."""
    held = next((value.rows for value in values if value.rows is not None), None)
    if how == "sum":
        return Value(type_, None, None if held is None else joined(values).rows)
    stack = type_.with_shape((len(values), *type_.shape))
    known = [value.known for value in values if value.known is not None]
    numbers = np.stack(known) if known and len(known) == len(values) else None
    if held is None:
        return Value(stack, numbers)
    empty = rows.nothing(*held.shape)
    return Value(stack, numbers, rows.stacked([empty if value.rows is None else value.rows for value in values]))


def _repeated(value: Value, size: int) -> Value:
    """What every round may give, stacked."""
    type_ = value.type.with_shape((size, *value.type.shape))
    if value.rows is None:
        return Value(type_)
    return Value(type_, None, rows.picked(value.rows, np.tile(np.arange(value.size), size)))


def _same(before: Value, after: Value) -> bool:
    return rows.same(before.rows, after.rows) and (before.known is None) == (after.known is None)


def _widened(values: list[Value], carry: list[Value]) -> list[Value]:
    """Every float of the carry depends on whatever anything depends on."""
    held = [value.rows for value in values if value.rows is not None]
    if not held:
        return [Value(value.type) for value in carry]
    one = rows.union([rows.grouped(part, np.zeros(part.shape[0], np.int64), 1) for part in held])
    return [
        Value(value.type, None, rows.picked(one, np.zeros(value.size, np.int64)) if value.type.is_float else None)
        for value in carry
    ]
