"""Rounds one after another: operands of a `Fold` enter, a loop is written, the last carry and results leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from ...lang.ir import UNBOUNDED, Apply, ArrayType, Call, Fold, Program, as_array
from . import steps
from .code import Code, Number
from .memory import Target, Value, allocate, deliver, known, read, row, variable
from .results import results_of, round_targets, rows_of, settled, share, stacks_of, sums_of


def fold(
    code: Code, op: Fold, operands: list[Value], types: Sequence[ArrayType], goals: Sequence[Target | None]
) -> Sequence[Value]:
    """Rounds one after another, which hand on a carry."""
    size, first = known(op.size), op.captures + op.arrays
    captures, arrays = settled(code, operands[: op.captures]), rows_of(code, operands[op.captures : first])
    number = len(operands) - first
    ways = [_way(op.body, first + k, k) for k in range(number)]
    initial = zip(types, operands[first:], ways, strict=False)
    carries = [_Carry(code, t, x, way, k) for k, (t, x, way) in enumerate(initial)]
    sums = sums_of(code, op.combine, types[number:], goals[number:])
    stacks = stacks_of(code, op.combine, types[number:], goals[number:])

    def round_(index: Number) -> None:
        code.unit.buffers.open()
        i = code.b.sub(code.integer(size - 1), index) if op.reverse else index
        elements = [row(code, x, i) for x in arrays]
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


# Steps that change a few places of their first operand and leave the others.
_UPDATES = frozenset(
    "scatter scatter_add scatter_last scatter_max scatter_min scatter_mul block_write block_add".split()
)


def _way(body: Program, slot: int, number: int) -> str:
    """How a carry gets its next value: it is "kept", changed "in place", or "made" anew."""
    output = body.outputs[number]
    if output == slot:
        return "kept"
    found = next((k for k, (first, _) in enumerate(body.numbered()) if first == output), None)
    if found is None or body.outputs.count(output) > 1 or slot in body.outputs:
        return "made"
    step = body.steps[found]
    changes = isinstance(step.op, Apply) and step.op.primitive in _UPDATES and step.operands[0] == slot
    return "in place" if changes and not _read_behind(body, slot, found) else "made"


def _read_behind(body: Program, slot: int, change: int) -> bool:
    """Whether the change itself, or a step behind it, reads what the slot held, perhaps through arrays that are
    computed where they are read."""
    held = {slot}
    for k, (first, step) in enumerate(body.numbered()):
        reads = held.intersection(step.operands[1:] if k == change else step.operands)
        if reads and k >= change:
            return True
        if reads and isinstance(step.op, Apply | Call):
            arrays = (place for place, t in enumerate(step.types) if as_array(t).shape)
            held.update(first + place for place in arrays)
    return bool(held.intersection(body.outputs))


class _Carry:
    """What a loop hands from round to round: a variable, or an array, with a place for the next one if it is made."""

    def __init__(self, code: Code, type_: ArrayType, initial: Value, way: str, number: int) -> None:
        self.code, self.type = code, type_
        self.goal: Target | None = None
        if not type_.shape:
            self.variable = variable(code, type_.dtype, read(code, initial))
        else:
            self.place = allocate(code, type_, "carry", number)
            deliver(code, initial, Target(self.place))
            if way != "kept":
                self.goal = Target(allocate(code, type_, "next carry", number) if way == "made" else self.place)

    @property
    def value(self) -> Value:
        return self.place if self.type.shape else self.variable.get()

    def take(self, value: Value) -> None:
        """The next value, once all of the round is done."""
        if not self.type.shape:
            self.variable.set(read(self.code, value))
        elif self.goal is not None:
            deliver(self.code, self.goal.place, Target(self.place))


def _while(
    code: Code,
    op: Fold,
    size: int,
    captures: Sequence[Value],
    carries: Sequence[_Carry],
    round_: Callable[[Number], None],
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
    with code.unit.loop():
        round_(index)
    code.b.store(code.b.add(index, code.integer(1)), counter)
    code.b.branch(test)
    code.b.position_at_end(after)
