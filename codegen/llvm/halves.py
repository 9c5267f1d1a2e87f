"""A program in two: what depends on known inputs alone, and the rest, which is given what it needs of the first.

Enters: a first-order program, and which inputs are known. Leaves: two programs, and the residuals between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...lang.builder import Builder
from ...lang.ir import Apply, ArrayType, Program, as_array
from .effort import FREE, is_work

Flags = tuple[bool, ...]


@dataclass(frozen=True)
class Halves:
    """`first` takes the known inputs and gives the known outputs, then residuals; `second` takes all inputs and the
    residuals and gives the other outputs. `certain` tells which outputs the first gives."""

    first: Program
    second: Program
    certain: Flags
    residuals: tuple[ArrayType, ...]


def sure_slots(program: Program, known: Flags) -> set[int]:
    """The slots that depend on known inputs alone."""
    sure = {k for k, flag in enumerate(known) if flag}
    for first, step in program.numbered():
        if all(slot in sure for slot in step.operands):
            sure.update(range(first, first + len(step.types)))
    return sure


def _at_hand(program: Program, sure: set[int], kept: Flags) -> set[int]:
    """Known slots that the second half has or makes again for nothing: kept inputs, literals, and moves of them."""
    again = {k for k, flag in enumerate(kept) if flag and k in sure}
    for first, step in program.numbered():
        free = not step.operands or (isinstance(step.op, Apply) and step.op.primitive in FREE)
        if first in sure and free and all(slot in again for slot in step.operands):
            again.update(range(first, first + len(step.types)))
    return again


def outcome(program: Program, known: Flags) -> Flags:
    """Which outputs are known."""
    sure = sure_slots(program, known)
    return tuple(slot in sure for slot in program.outputs)


def split(program: Program, known: Flags, kept: Flags, certain: Flags) -> Halves | None:
    """A divided program in two, or None when nothing known is worth it: no work and no output.

    `kept` marks known inputs that the second half gets as well; what it needs of the others are residuals. `certain`
    marks the outputs that the first half gives, all of them known.
    """
    sure = sure_slots(program, known)
    again = _at_hand(program, sure, kept)
    numbered = list(program.numbered())
    works = any(is_work(step) for first, step in numbered if first in sure and first not in again)
    if not works and not any(certain):
        return None
    ends = [slot for slot, flag in zip(program.outputs, certain, strict=True) if flag]
    rest = [slot for slot, flag in zip(program.outputs, certain, strict=True) if not flag]
    needed = {slot for first, step in numbered if first not in sure for slot in step.operands}
    given = sorted((needed | set(rest)) & sure - again)
    first = first_half(program, known, sure, [*ends, *given])
    second = second_half(program, sure, again, given, rest)
    return Halves(first, second, certain, tuple(as_array(program.types[slot]) for slot in given))


def first_half(program: Program, known: Flags, sure: set[int], outputs: Sequence[int]) -> Program:
    inputs = [k for k, flag in enumerate(known) if flag]
    b = Builder(program.name, [program.inputs[k] for k in inputs], program.sizes)
    place = {k: new for new, k in enumerate(inputs)}
    _replay(b, program, place, sure)
    return b.build([place[slot] for slot in outputs])


def second_half(
    program: Program, sure: set[int], again: set[int], given: Sequence[int], outputs: Sequence[int]
) -> Program:
    count = len(program.inputs)
    b = Builder(program.name, [*program.inputs, *(program.types[slot] for slot in given)], program.sizes)
    place = {k: k for k in range(count)} | {slot: count + k for k, slot in enumerate(given)}
    wanted = {slot for slot in range(len(program.types)) if slot not in sure or slot in again}
    _replay(b, program, place, wanted)
    return b.build([place[slot] for slot in outputs])


def _replay(b: Builder, program: Program, place: dict[int, int], wanted: set[int]) -> None:
    for first, step in program.numbered():
        if first in wanted and first not in place:
            b.origin = step.origin
            results = b.replay(step, [place[slot] for slot in step.operands])
            place.update(zip(range(first, first + len(step.types)), results, strict=True))
