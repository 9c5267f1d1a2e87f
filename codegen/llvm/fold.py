"""Rounds one after another: operands of a `Fold` enter, a loop is written, the last carry and results leave."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from ...lang.ir import UNBOUNDED, ArrayType, Fold
from . import steps
from .code import Code, Number
from .memory import Target, Value, allocate, deliver, read, row, variable
from .results import known, results_of, round_targets, settled, share, stacks_of, sums_of


def fold(
    code: Code, op: Fold, operands: list[Value], types: Sequence[ArrayType], goals: Sequence[Target | None]
) -> Sequence[Value]:
    """Rounds one after another, which hand on a carry."""
    size, first = known(op.size), op.captures + op.arrays
    captures, arrays = settled(code, operands[: op.captures]), settled(code, operands[op.captures : first])
    number = len(operands) - first
    carries = [_Carry(code, type_, x) for type_, x in zip(types[:number], operands[first:], strict=True)]
    sums = sums_of(code, op.combine, types[number:], goals[number:])
    stacks = stacks_of(code, op.combine, types[number:], goals[number:])

    def round_(index: Number) -> None:
        code.unit.buffers.open()
        i = code.b.sub(code.integer(size - 1), index) if op.reverse else index
        elements = [row(code, x, i) for x in arrays]  # type: ignore[arg-type]
        inputs = [*captures, *elements, *(carry.value for carry in carries), i]
        targets = [*(carry.goal for carry in carries), *round_targets(code, stacks, sums, i)]
        found = steps.run(code, op.body, inputs, targets)
        for carry, value in zip(carries, found[:number], strict=True):
            carry.take(value)
        share(code, sums, found[number:])
        code.unit.buffers.close()

    if op.condition is not None:
        _while(code, op, size, captures, carries, round_)
    elif size:
        with code.loop(size) as index:
            round_(index)
    return [*(carry.value for carry in carries), *results_of(stacks, sums)]


class _Carry:
    """What a loop hands from round to round: a variable, or an array beside the place for the next one."""

    def __init__(self, code: Code, type_: ArrayType, initial: Value) -> None:
        self.code, self.type = code, type_
        self.goal: Target | None = None
        if not type_.shape:
            self.variable = variable(code, type_.dtype, read(code, initial))
        else:
            self.place = allocate(code, type_)
            deliver(code, initial, Target(self.place))
            self.goal = Target(allocate(code, type_))

    @property
    def value(self) -> Value:
        return self.place if self.type.shape else self.variable.get()

    def take(self, value: Value) -> None:
        """The next value, once all of the round is done."""
        if self.type.shape:
            assert self.goal is not None
            deliver(self.code, self.goal.place, Target(self.place))
        else:
            self.variable.set(read(self.code, value))


def _while(
    code: Code, op: Fold, size: int, captures: Sequence[Value], carries: Sequence[_Carry], round_: object
) -> None:
    """At most `size` rounds, as long as the condition holds."""
    assert op.condition is not None
    counter = code.unit.variable(ir.IntType(64))
    code.b.store(code.integer(0), counter)
    test, inside, after = (code.b.append_basic_block(name) for name in ("test", "round", "done"))
    code.b.branch(test)
    code.b.position_at_end(test)
    index = code.b.load(counter, typ=ir.IntType(64))
    (going,) = steps.run(code, op.condition, [*captures, *(carry.value for carry in carries)])
    going = read(code, going)
    if size != UNBOUNDED:
        going = code.b.and_(going, code.b.icmp_signed("<", index, code.integer(size)))
    code.b.cbranch(going, inside, after)
    code.b.position_at_end(inside)
    round_(index)  # type: ignore[operator]
    code.b.store(code.b.add(index, code.integer(1)), counter)
    code.b.branch(test)
    code.b.position_at_end(after)
