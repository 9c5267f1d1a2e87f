"""Long straight programs in parts: a first-order program enters; the same as calls of shorter programs leaves.

LLVM's work on a function grows faster than its length. Each part becomes a function of its own, and what one part hands
to another goes through memory. Literals are written again where they are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import Program, Step, as_array

Numbered = tuple[int, Step]

LONG = 2000  # steps of a program that stays whole
PART = 500  # steps of a part


@dataclass(frozen=True)
class _Packed:
    """Where a number that parts hand on stands: in an array of numbers of one dtype."""

    array: int
    place: int


@lru_cache(maxsize=128)
def in_parts(program: Program) -> Program:
    """The program, as calls of its parts when it is long."""
    numbered = list(program.numbered())
    if len(numbered) <= LONG:
        return program
    literals = {first: step for first, step in numbered if not step.operands and len(step.types) == 1}
    chunks = [numbered[k : k + PART] for k in range(0, len(numbered), PART)]
    last_use = {slot: k for k, chunk in enumerate(chunks) for _, step in chunk for slot in step.operands}
    last_use.update(dict.fromkeys(program.outputs, len(chunks)))
    b = Builder(program.name, program.inputs, program.sizes)
    place: dict[int, int | _Packed] = {slot: slot for slot in range(len(program.inputs))}
    for k, chunk in enumerate(chunks):
        made = [slot for first, step in chunk for slot in range(first, first + len(step.types))]
        handed_on = [slot for slot in made if slot not in literals and last_use.get(slot, k) > k]
        _call(b, program, chunk, literals, handed_on, place)
    for slot in set(program.outputs) & set(literals):
        (place[slot],) = b.replay(literals[slot], [])
    ends = [_taken(b, place[slot], {}) for slot in program.outputs]
    return b.build(ends, program.signature, program.rules)


def _call(
    b: Builder,
    program: Program,
    chunk: Sequence[Numbered],
    literals: Mapping[int, Step],
    outputs: Sequence[int],
    place: dict[int, int | _Packed],
) -> None:
    """Write some steps as a call; numbers enter and leave in arrays, of which there are few."""
    if not outputs:
        return
    made = {slot for first, step in chunk for slot in range(first, first + len(step.types))}
    read = dict.fromkeys(slot for _, step in chunk for slot in step.operands if slot not in made)
    given = {slot: place[slot] for slot in read if slot not in literals}
    operands = list(dict.fromkeys(at.array if isinstance(at, _Packed) else at for at in given.values()))
    inside = Builder(program.name, [b.types[slot] for slot in operands], program.sizes)
    own = {slot: k for k, slot in enumerate(operands)}
    here = {slot: _taken(inside, at, own) for slot, at in given.items()}
    for slot in read:
        if slot in literals:
            (here[slot],) = inside.replay(literals[slot], [])
    for first, step in chunk:
        inside.origin = step.origin
        found = inside.replay(step, [here[slot] for slot in step.operands])
        here.update(zip(range(first, first + len(step.types)), found, strict=True))
    numbers: dict[str, list[int]] = {}
    for slot in outputs:
        if not as_array(program.types[slot]).shape:
            numbers.setdefault(as_array(program.types[slot]).dtype, []).append(slot)
    arrays = [slot for slot in outputs if as_array(program.types[slot]).shape]
    packed = [_together(inside, [here[slot] for slot in slots]) for slots in numbers.values()]
    found = b.call(inside.build([*(here[slot] for slot in arrays), *packed]), operands)
    place.update(zip(arrays, found, strict=False))
    for array, slots in zip(found[len(arrays) :], numbers.values(), strict=True):
        place.update({slot: _Packed(array, k) for k, slot in enumerate(slots)})


def _together(b: Builder, numbers: Sequence[int]) -> int:
    rows = [b.apply("reshape", number, shape=(1,)) for number in numbers]
    return rows[0] if len(rows) == 1 else b.apply("concat", *rows, axis=0)


def _taken(b: Builder, at: int | _Packed, own: Mapping[int, int]) -> int:
    """A slot, or a number out of an array; `own` are the names of slots here."""
    if not isinstance(at, _Packed):
        return own.get(at, at)
    one = b.apply("slice", own.get(at.array, at.array), starts=(at.place,), limits=(at.place + 1,))
    return b.apply("reshape", one, shape=())
