"""Long straight programs in parts: a first-order program enters; the same as calls of shorter programs leaves.

LLVM's work on a function grows faster than its length. Each part becomes a function of its own, and what one part hands
to another goes through memory (`kernel`). Literals are written again where they are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import Program, Step

Numbered = tuple[int, Step]

LONG = 2000  # steps of a program that stays whole
PART = 240  # steps of a part: many periods of unrolled loops divide it, and then the parts of one are alike


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
    place = {slot: slot for slot in range(len(program.inputs))}
    for k, chunk in enumerate(chunks):
        made = [slot for first, step in chunk for slot in range(first, first + len(step.types))]
        outputs = [slot for slot in made if slot not in literals and last_use.get(slot, k) > k]
        if outputs:
            part, inputs = _part(program, chunk, literals, outputs)
            place.update(zip(outputs, b.call(part, [place[slot] for slot in inputs]), strict=True))
    for slot in set(program.outputs) & set(literals):
        (place[slot],) = b.replay(literals[slot], [])
    return b.build([place[slot] for slot in program.outputs], program.signature, program.rules)


def _part(
    program: Program, chunk: Sequence[Numbered], literals: Mapping[int, Step], outputs: Sequence[int]
) -> tuple[Program, list[int]]:
    """Some steps as a program, and the slots that it takes."""
    made = {slot for first, step in chunk for slot in range(first, first + len(step.types))}
    read = dict.fromkeys(slot for _, step in chunk for slot in step.operands if slot not in made)
    inputs = [slot for slot in read if slot not in literals]
    inside = Builder(program.name, [program.types[slot] for slot in inputs], program.sizes)
    here = {slot: k for k, slot in enumerate(inputs)}
    for slot in read:
        if slot in literals:
            (here[slot],) = inside.replay(literals[slot], [])
    for first, step in chunk:
        inside.origin = step.origin
        found = inside.replay(step, [here[slot] for slot in step.operands])
        here.update(zip(range(first, first + len(step.types)), found, strict=True))
    return inside.build([here[slot] for slot in outputs]), inputs
