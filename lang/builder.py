"""Builds programs step by step: renumbers, folds and value-numbers while passes replay steps into it.

Passes never edit a program. They open a `Builder`, declare inputs, emit steps and `build` the outputs; equal steps
get one slot, simple rewrites of `lang.rewrite` apply on the way in, and steps nobody reads are dropped at the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from .constants import constant_bytes, scalar_value
from .deferred import Deferred
from .diagnostics import InternalError
from .ir import (
    Apply,
    ArrayType,
    Branch,
    Call,
    Constant,
    Each,
    Fold,
    Op,
    Param,
    Program,
    Signature,
    SizeValue,
    SlotType,
    Step,
    bodies,
)
from .primitives import has_effect, result_types
from .rewrite import rewrite_apply
from .sizes import Size
from .source import Span


class Builder:
    """An open program. Slots are absolute; `origin` is the span given to steps emitted from now on."""

    def __init__(self, name: str, inputs: Sequence[SlotType] = (), sizes: Sequence[str] = ()) -> None:
        self.name = name
        self.sizes = tuple(sizes)
        self.inputs: tuple[SlotType, ...] = tuple(inputs)
        self.types: list[SlotType] = list(inputs)
        self.steps: list[Step] = []
        self.firsts: list[int] = []  # the slot of the first result of each step
        self.origin: Span | None = None
        self._definition: dict[int, Step] = {}
        self._kind: dict[int, str] = {}
        self._numbered: dict[tuple[Op, tuple[int, ...] | tuple[SlotType, ...]], int] = {}

    # --- looking ---

    def array_type(self, slot: int) -> ArrayType:
        """The type of a slot that holds an array."""
        type_ = self.types[slot]
        if not isinstance(type_, ArrayType):
            raise InternalError(f"slot {slot} of {self.name} holds {type_}, not an array")
        return type_

    def definition(self, slot: int) -> Step | None:
        """The step that made a slot, or None for an input."""
        return self._definition.get(slot)

    def result(self, slot: int) -> tuple[Step, range, int] | None:
        """The step that made a slot, the slots of all its results, and which of them it is; None for an input."""
        step = self._definition.get(slot)
        if step is None:
            return None
        first = self.firsts[bisect_right(self.firsts, slot) - 1]
        return step, range(first, first + len(step.types)), slot - first

    def scalar(self, slot: int) -> float | int | bool | None:
        """The number in a slot when it is a scalar literal."""
        step = self._definition.get(slot)
        return None if step is None else scalar_value(step)

    # --- emitting ---

    def emit(self, op: Op, operands: Iterable[int], types: Iterable[SlotType]) -> tuple[int, ...]:
        """Append a step (or find its equal) and return the slots of its results."""
        operands, types = tuple(operands), tuple(types)
        if not types:
            return ()
        if isinstance(op, SizeValue) and isinstance(op.size, int):
            op = Constant(constant_bytes(op.size, "i64"))
        # Operands and operation decide the types; only literals need theirs, whose bytes do not tell.
        key = (op, operands or types)
        first = len(self.types)
        if not (isinstance(op, Apply) and has_effect(op.primitive)):
            found = self._numbered.setdefault(key, first)  # once, since hashing an operation takes a while
            if found != first:
                return tuple(range(found, found + len(types)))
        step = Step(op, operands, types, self.origin)
        self.steps.append(step)
        self.firsts.append(first)
        self.types.extend(types)
        results = (first,) if len(types) == 1 else tuple(range(first, first + len(types)))
        for slot in results:
            self._definition[slot] = step
        if isinstance(op, Apply):
            self._kind[first] = op.primitive
        elif isinstance(op, Constant):
            self._kind[first] = "constant"
        elif isinstance(op, Fold):
            self._kind.update(dict.fromkeys(results, "fold"))
        return results

    def apply(self, primitive: str, *operands: int, **params: Param) -> int:
        """Apply a one-result primitive; the type follows from its row, and rewrites may answer instead."""
        return self._apply(Apply(primitive, tuple(sorted(params.items()))), operands)

    def _apply(self, op: Apply, operands: tuple[int, ...]) -> int:
        known = rewrite_apply(self, op, operands)
        if known is not None:
            return known
        types = _result_types(op, tuple(self.types[slot] for slot in operands))
        return self.emit(op, operands, types)[0]

    def kinds(self, operands: Iterable[int]) -> set[str | None]:
        """What made the operands: primitive names, ``"constant"``, or None for anything else."""
        return {self._kind.get(slot) for slot in operands}

    def constant(self, value: object, dtype: str = "f64", shape: tuple[int, ...] = ()) -> int:
        """A literal scalar or array."""
        data = constant_bytes(value, dtype)  # type: ignore[arg-type]
        return self.emit(Constant(data), (), (ArrayType(dtype, shape),))[0]

    def size(self, size: Size) -> int:
        """A size as an i64 scalar."""
        if isinstance(size, int):
            return self.constant(size, "i64")
        return self.emit(SizeValue(size), (), (ArrayType("i64"),))[0]

    def full(self, value: float | int | bool, type_: ArrayType) -> int:
        """An array of one repeated number."""
        scalar = self.constant(value, type_.dtype)
        return self.broadcast(scalar, type_.shape, ())

    def zeros(self, type_: ArrayType) -> int:
        return self.full(False if type_.dtype == "bool" else 0, type_)

    def broadcast(self, slot: int, shape: tuple[Size, ...], axes: tuple[int, ...]) -> int:
        """Place the operand's axes at positions `axes` of `shape`; all other axes repeat it."""
        if self.array_type(slot).shape == tuple(shape):
            return slot
        return self.apply("broadcast", slot, shape=tuple(shape), axes=tuple(axes))

    def each(
        self,
        size: Size,
        captures: Sequence[int],
        arrays: Sequence[int],
        body: Program,
        combine: Sequence[str],
    ) -> tuple[int, ...]:
        """An `Each` step; result types follow from the body and `combine`."""
        types = [_combined(type_, how, size) for type_, how in zip(body.output_types, combine, strict=True)]
        return self.emit(Each(size, len(captures), body, tuple(combine)), (*captures, *arrays), types)

    def fold(
        self,
        size: Size,
        captures: Sequence[int],
        arrays: Sequence[int],
        initial: Sequence[int],
        body: Program,
        combine: Sequence[str] = (),
        *,
        reverse: bool = False,
        condition: Program | None = None,
        associative: bool = False,
        lean: bool = False,
    ) -> tuple[int, ...]:
        """A `Fold` step: final carry, then combined extras."""
        outputs = body.output_types
        extras = outputs[len(initial) :]
        types = list(outputs[: len(initial)])
        types += [_combined(type_, how, size) for type_, how in zip(extras, combine, strict=True)]
        op = Fold(size, len(captures), len(arrays), body, tuple(combine), reverse, condition, associative, lean)
        return self.emit(op, (*captures, *arrays, *initial), types)

    def branch(self, selector: int, captures: Sequence[int], arms: Sequence[Program]) -> tuple[int, ...]:
        """A `Branch` step; a known selector picks its arm at once."""
        known = self.scalar(selector)
        if known is not None and 0 <= int(known) < len(arms):
            return self.inline(arms[int(known)], captures)
        return self.emit(Branch(tuple(arms)), (selector, *captures), arms[0].output_types)

    def call(self, program: Program, operands: Sequence[int]) -> tuple[int, ...]:
        """A `Call` step, kept as a unit."""
        return self.emit(Call(program), operands, program.output_types)

    def inline(self, program: Program, operands: Sequence[int]) -> tuple[int, ...]:
        """Replay a program's steps onto operands and return its output slots."""
        slots = list(operands)
        if len(slots) != len(program.inputs):
            raise InternalError(f"{program.name} takes {len(program.inputs)} inputs, not {len(slots)}")
        outer = self.origin
        for step in program.steps:
            self.origin = step.origin or outer
            slots.extend(self.replay(step, [slots[slot] for slot in step.operands]))
        self.origin = outer
        return tuple(slots[slot] for slot in program.outputs)

    def replay(self, step: Step, operands: Sequence[int]) -> tuple[int, ...]:
        """Emit a step of another program onto operands of this one, through the same rewrites."""
        if isinstance(step.op, Apply) and len(step.types) == 1:
            return (self._apply(step.op, tuple(operands)),)
        if isinstance(step.op, Branch) and isinstance(self.types[operands[0]], ArrayType):
            return self.branch(operands[0], operands[1:], step.op.arms)
        return self.emit(step.op, operands, step.types)

    # --- closing ---

    def build(
        self,
        outputs: Sequence[int],
        signature: Signature | None = None,
        rules: tuple[tuple[str, Program | Deferred], ...] = (),
    ) -> Program:
        """The finished program with only the steps that its outputs need."""
        steps, rename = _live(self.inputs, self.steps, outputs)
        renamed = tuple(rename[slot] for slot in outputs)
        program = Program(self.name, self.sizes, self.inputs, steps, renamed, rules, signature)
        # Sharing, rewrites and dropping have happened on the way in; only bodies can hide more to do.
        return program if any(bodies(step.op) for step in steps) else program.noted_simple()


@lru_cache(maxsize=65536)
def _result_types(op: Apply, operands: tuple[SlotType, ...]) -> tuple[ArrayType, ...]:
    for type_ in operands:
        if not isinstance(type_, ArrayType):
            raise InternalError(f"{op.primitive} is applied to {type_}, not to an array")
    return result_types(op.primitive, operands, op.params)  # type: ignore[arg-type]


def _combined(type_: SlotType, how: str, size: Size) -> SlotType:
    if not isinstance(type_, ArrayType):
        raise InternalError(f"cannot combine results of type {type_}")
    return ArrayType(type_.dtype, (size, *type_.shape)) if how == "stack" else type_


def _live(
    inputs: tuple[SlotType, ...], steps: Sequence[Step], outputs: Sequence[int]
) -> tuple[tuple[Step, ...], dict[int, int]]:
    """Drop steps whose results are not read, and number the rest anew."""
    firsts: list[int] = []
    slot = len(inputs)
    for step in steps:
        firsts.append(slot)
        slot += len(step.types)
    needed = set(outputs)
    keep: list[int] = []
    for position in range(len(steps) - 1, -1, -1):
        step, first = steps[position], firsts[position]
        single = len(step.types) == 1
        read = first in needed if single else not needed.isdisjoint(range(first, first + len(step.types)))
        if read or (isinstance(step.op, Apply) and has_effect(step.op.primitive)):
            keep.append(position)
            needed.update(step.operands)
    if len(keep) == len(steps):
        return tuple(steps), {slot: slot for slot in outputs}
    rename = {slot: slot for slot in range(len(inputs))}
    kept: list[Step] = []
    next_slot = len(inputs)
    for position in reversed(keep):
        step, first = steps[position], firsts[position]
        for offset in range(len(step.types)):
            rename[first + offset] = next_slot + offset
        next_slot += len(step.types)
        operands = tuple(rename[slot] for slot in step.operands)
        kept.append(Step(step.op, operands, step.types, step.origin))
    return tuple(kept), rename


def body(name: str, inputs: Sequence[SlotType], write: Callable[[Builder, tuple[int, ...]], Sequence[int]]) -> Program:
    """A closed program written by a function from a builder and its input slots to output slots.

    >>> square = body("square", [ArrayType("f64")], lambda b, x: [b.apply("mul", x[0], x[0])])
    >>> [str(type_) for type_ in square.output_types]
    ['f64']
    """
    builder = Builder(name, inputs)
    return builder.build(write(builder, tuple(range(len(inputs)))))
