"""Long straight-line programs in pieces: a program enters, programs that run one after another leave.

XLA compiles a long chain of scalar steps as one kernel, in time that grows with the square of its length or worse.
Pieces of a few hundred steps compile in time proportional to the whole; what a later piece reads travels as arguments.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...lang.ir import Constant, Program, SizeValue, Step

PIECE = 400  # steps of one piece
LONG = 2 * PIECE  # programs up to this length stay whole


@dataclass(frozen=True, slots=True)
class Piece:
    """A program, the slots of the whole that it reads, and the slots that it makes for others."""

    program: Program
    reads: tuple[int, ...]
    makes: tuple[int, ...]


def split(program: Program) -> tuple[Piece, ...]:
    """The pieces of a program with too many steps, in order; a shorter one is a single piece."""
    numbered = list(program.numbered())
    if len(numbered) <= LONG:
        inputs = tuple(range(len(program.inputs)))
        return (Piece(program, inputs, program.outputs),)
    literals = {first: step for first, step in numbered if isinstance(step.op, Constant | SizeValue)}
    parts = [numbered[start : start + PIECE] for start in range(0, len(numbered), PIECE)]
    pieces: list[Piece] = []
    later = set(program.outputs)
    for part in reversed(parts):
        made = {first + k for first, step in part for k in range(len(step.types))}
        makes = tuple(sorted(slot for slot in made if slot in later))
        used = {slot for _, step in part for slot in step.operands}
        reads = tuple(sorted(slot for slot in used - made if slot not in literals))
        pieces.append(Piece(_piece(program, part, reads, makes, literals, used - made), reads, makes))
        later |= used
    return tuple(reversed(pieces))


def _piece(
    program: Program,
    part: list[tuple[int, Step]],
    reads: tuple[int, ...],
    makes: tuple[int, ...],
    literals: dict[int, Step],
    outside: set[int],
) -> Program:
    """The steps of one part, with the literals it needs written again."""
    place = {slot: k for k, slot in enumerate(reads)}
    steps: list[Step] = []
    slots = len(reads)
    needed = [(first, step) for first, step in sorted(literals.items()) if first in outside]
    for first, step in [*needed, *part]:
        steps.append(Step(step.op, tuple(place[slot] for slot in step.operands), step.types, step.origin))
        for k in range(len(step.types)):
            place[first + k] = slots + k
        slots += len(step.types)
    inputs = tuple(program.types[slot] for slot in reads)
    return Program(program.name, (), inputs, tuple(steps), tuple(place[slot] for slot in makes))
