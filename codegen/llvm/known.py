"""What is known about arrays before anything runs: a first-order program enters, facts about its slots leave.

A fact about a slot holds for every round of the loops around it: its axes are those loops, outermost first, and then
the axes of the slot; an axis on which nothing depends may have length 1. Whole numbers and truth values are followed
where they come from literals and indices alone, and so is which numbers are zero by construction. Going back, what
nobody reads is found in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...lang import primitives
from ...lang.constants import constant_value, numpy_dtype
from ...lang.ir import (
    Apply,
    ArrayType,
    Branch,
    Call,
    Constant,
    Each,
    Fold,
    Program,
    SizeValue,
    SlotType,
    Step,
    as_array,
)
from ..index_arithmetic import ARITHMETIC
from .memory import lengths

LIMIT = 1 << 16  # elements of one fact


@dataclass(frozen=True, eq=False)
class Fact:
    """The value of an array of whole numbers or truth values, or which of its floats are 0; None where not known."""

    value: np.ndarray | None = None
    zero: np.ndarray | None = None

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> Fact:
        return Fact(*(None if x is None else _bounded(change(x)) for x in (self.value, self.zero)))


UNKNOWN = Fact()


def _bounded(x: np.ndarray) -> np.ndarray | None:
    return x if x.size <= LIMIT else None


def facts(program: Program, inputs: Sequence[Fact], depth: int) -> list[Fact]:
    """What is known about every slot, given what is known about the inputs, `depth` loops around."""
    found = list(inputs)
    for step in program.steps:
        given = [found[slot] for slot in step.operands]
        found += _results(step, given, [as_array(program.types[slot]) for slot in step.operands], depth)
    return found


def _results(step: Step, given: Sequence[Fact], types: Sequence[ArrayType], depth: int) -> Sequence[Fact]:
    match step.op:
        case Constant() as op:
            return (_literal(op, as_array(step.types[0]), depth),)
        case SizeValue(size) if isinstance(size, int):
            return (Fact(np.full((1,) * depth, size)),)
        case Apply() as op:
            return (_applied(op, given, types, as_array(step.types[0]), depth),)
        case Each() as op:
            body = facts(op.body, inside(op, given, depth), depth + 1)
            return [
                body[slot] if how == "stack" else _added(body[slot], depth)
                for slot, how in zip(op.body.outputs, op.combine, strict=True)
            ]
        case Branch(arms):
            ends = [[slots[slot] for slot in arm.outputs] for arm in arms for slots in (facts(arm, given[1:], depth),)]
            return [
                _chosen(given[0], results, as_array(type_).rank)
                for results, type_ in zip(zip(*ends, strict=True), step.types, strict=True)
            ]
        case Call(program):
            slots = facts(program, given, depth)
            return [slots[slot] for slot in program.outputs]
        case _:
            return [UNKNOWN] * len(step.types)


def inside(op: Each | Fold, given: Sequence[Fact], depth: int) -> list[Fact]:
    """What is known about the inputs of a loop's body."""
    captured = [fact.map(lambda x: np.expand_dims(x, depth)) for fact in given[: op.captures]]
    if isinstance(op, Fold):
        # A fold with a condition has no arrays; what a carry holds changes from round to round.
        rows = given[op.captures : op.captures + op.arrays]
        changing = [UNKNOWN] * (len(op.body.inputs) - len(captured) - len(rows))
        return [*captured, *rows, *changing]
    size = op.size if isinstance(op.size, int) else LIMIT + 1
    index = Fact(_bounded(np.arange(size).reshape((1,) * depth + (-1,)))) if size <= LIMIT else UNKNOWN
    return [*captured, *given[op.captures :], index]


def _literal(op: Constant, type_: ArrayType, depth: int) -> Fact:
    value = constant_value(op, type_)
    if value.size > LIMIT:
        return UNKNOWN
    value = value.reshape((1,) * depth + value.shape)
    if type_.is_float:
        return Fact(zero=(value == 0) & ~np.signbit(value)) if value.dtype.kind == "f" else UNKNOWN
    return Fact(value) if type_.dtype in ("i64", "bool") else UNKNOWN


def _applied(op: Apply, given: Sequence[Fact], types: Sequence[ArrayType], result: ArrayType, depth: int) -> Fact:
    values = [fact.value for fact in given]
    name = op.primitive
    if name == "broadcast":
        return given[0].map(lambda x: _broadcast(x, op.integers("axes"), lengths(result), depth))
    if name == "iota" and result.dtype == "i64":
        size = lengths(result)[0]
        return Fact(np.arange(size).reshape((1,) * depth + (size,))) if size <= LIMIT else UNKNOWN
    if name == "where" and all(type_.shape == result.shape for type_ in types):
        return _chosen(given[0], given[1:][::-1], 0)
    function = ARITHMETIC.get(name)
    whole = all(type_.dtype in ("i64", "bool") for type_ in (*types, result))
    if function is None or not whole or any(x is None for x in values):
        return UNKNOWN
    if any(type_.shape != result.shape for type_ in types):
        return UNKNOWN
    if name in ("floordiv", "mod") and not np.all(values[1]):
        return UNKNOWN
    with np.errstate(over="ignore"):
        found = function(*values)
    return Fact(found.astype(numpy_dtype(result.dtype), copy=False)) if found.size <= LIMIT else UNKNOWN


def _broadcast(x: np.ndarray, axes: Sequence[int], shape: Sequence[int], depth: int) -> np.ndarray:
    own = [1] * len(shape)
    for place, axis in enumerate(axes):
        own[axis] = x.shape[depth + place]
    loops = x.shape[:depth]
    return np.broadcast_to(x.reshape((*loops, *own)), (*loops, *shape))


def _added(fact: Fact, depth: int) -> Fact:
    return Fact(zero=None if fact.zero is None else np.asarray(fact.zero.all(axis=depth)))


def _chosen(selector: Fact, arms: Sequence[Fact], rank: int) -> Fact:
    """What a choice between arms gives; where the choice is not known, what all arms have in common."""
    number = selector.value
    values, zeros = [arm.value for arm in arms], [arm.zero for arm in arms]
    if number is None:
        common = [zero for zero in zeros if zero is not None]
        if len(common) < len(zeros):
            return UNKNOWN
        shape = np.broadcast_shapes(*(zero.shape for zero in common))
        return Fact(zero=np.logical_and.reduce([np.broadcast_to(zero, shape) for zero in common]))
    place = number.reshape(number.shape + (1,) * rank).astype(np.int64)
    known = [x for x in values if x is not None]
    # Floats of which nothing is known may not be 0.
    nothing = np.zeros((1,) * place.ndim, bool)
    zero = _choice(place, [nothing if x is None else x for x in zeros])
    return Fact(_choice(place, known) if len(known) == len(values) else None, zero)


def _choice(place: np.ndarray, arms: Sequence[np.ndarray]) -> np.ndarray | None:
    shape = np.broadcast_shapes(place.shape, *(arm.shape for arm in arms))
    if int(np.prod(shape)) > LIMIT:
        return None
    last = np.clip(place, 0, len(arms) - 1)
    return np.choose(last, [np.broadcast_to(arm, shape) for arm in arms])


# --- what is read -----------------------------------------------------------------------------------------------------

Read = np.ndarray | None  # which elements of a slot are read; None for all


def reads(program: Program, known: Sequence[Fact], wanted: Sequence[Read], depth: int) -> list[Read]:
    """Which elements of every slot are read, given which ones of the outputs are."""
    found = [_nothing(type_, depth) for type_ in program.types]
    for slot, want in zip(program.outputs, wanted, strict=True):
        found[slot] = either(found[slot], want)
    for first, step in reversed(list(program.numbered())):
        results = found[first : first + len(step.types)]
        operands = _operand_reads(program, step, [known[slot] for slot in step.operands], results, depth)
        for slot, want in zip(step.operands, operands, strict=True):
            found[slot] = either(found[slot], want)
    return found


def _nothing(type_: SlotType, depth: int) -> Read:
    return np.zeros((1,) * (depth + as_array(type_).rank), bool)


def either(x: Read, y: Read) -> Read:
    """What is read by one or by the other."""
    if x is None or y is None:
        return None
    found = np.logical_or(x, y)
    return found if found.size <= LIMIT else None


def _operand_reads(
    program: Program, step: Step, given: Sequence[Fact], results: Sequence[Read], depth: int
) -> list[Read]:
    everything: list[Read] = [None] * len(step.operands)
    match step.op:
        case Each() as op:
            body = facts(op.body, inside(op, given, depth), depth + 1)
            inner = reads(op.body, body, inside_wanted(op, results, depth), depth + 1)
            captured = [None if x is None else np.asarray(x.any(axis=depth)) for x in inner[: op.captures]]
            return [*captured, *inner[op.captures : len(step.operands)]]
        case Branch(arms) as op:
            found = [_nothing(type_, depth) for type_ in arms[0].inputs]
            for number, arm in enumerate(arms):
                inner = reads(arm, facts(arm, given[1:], depth), arm_wanted(op, number, given[0], results), depth)
                found = [either(x, y) for x, y in zip(found, inner, strict=False)]
            return [None, *found]
        case Apply() as op if primitives.get(op.primitive).elementwise:
            shape = as_array(step.types[0]).shape
            return [results[0] if as_array(program.types[slot]).shape == shape else None for slot in step.operands]
        case _:
            return everything


def inside_wanted(op: Each, results: Sequence[Read], depth: int) -> list[Read]:
    """Which elements of the outputs of a loop's body are read."""
    return [
        x if x is None or how == "stack" else np.expand_dims(x, depth)
        for x, how in zip(results, op.combine, strict=True)
    ]


def arm_wanted(op: Branch, number: int, selector: Fact, results: Sequence[Read]) -> list[Read]:
    """Which elements of the outputs of one arm are read."""
    if selector.value is None:
        return list(results)
    mine = np.clip(selector.value.astype(np.int64), 0, len(op.arms) - 1) == number
    return [
        here if x is None else np.asarray(np.logical_and(x, here))
        for x, type_ in zip(results, op.arms[number].output_types, strict=True)
        for here in (mine.reshape(mine.shape + (1,) * as_array(type_).rank),)
    ]
