"""Loops made one: a first-order program enters, the same with fewer and longer loops leaves.

Two `Each` of one size become one when the second reads the results of the first round by round (Darte 1999, "On the
complexity of loop fusion"). What the first hands to the second then lives for one round: the sweep back of a reverse
derivative meets the values of the primal in registers, not in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import Each, Program, Step, bodies
from ...lang.passes import SIMPLIFY
from ...lang.passes.walk import rebuild

Numbered = tuple[int, Step]


@lru_cache(maxsize=1024)
def fuse(program: Program) -> Program:
    """The program with loops joined, in bodies too; joined bodies are looked at again."""
    if not any(bodies(step.op) for step in program.steps):
        return program
    steps = list(program.numbered())
    for place, (_, step) in enumerate(steps):
        partner = _partner(steps, place) if isinstance(step.op, Each) else None
        if partner is not None:
            return fuse(SIMPLIFY.function(_joined(program, steps, place, partner)))
    return rebuild(program, fuse, lambda b, step, operands: None)


def _partner(steps: Sequence[Numbered], place: int) -> int | None:
    """A later loop that reads results of this one only round by round, and needs nothing that comes of them."""
    first, step = steps[place]
    op = step.op
    assert isinstance(op, Each)
    mine = set(range(first, first + len(step.types)))
    stacked = {first + k for k, how in enumerate(op.combine) if how == "stack"}
    tainted = set(mine)
    for later in range(place + 1, len(steps)):
        start, other = steps[later]
        if isinstance(other.op, Each) and other.op.size == op.size:
            captures, rows = other.operands[: other.op.captures], other.operands[other.op.captures :]
            reads = mine & set(rows)
            if reads and reads <= stacked and not tainted & set(captures) and not (tainted - reads) & set(rows):
                return later
        if tainted & set(other.operands):
            tainted.update(range(start, start + len(other.types)))
    return None


def _joined(program: Program, steps: Sequence[Numbered], left: int, right: int) -> Program:
    """The program with two of its loops as one, behind all that the second needs."""
    b = Builder(program.name, program.inputs, program.sizes)
    place = {slot: slot for slot in range(len(program.inputs))}
    first, step = steps[left]
    tainted = set(range(first, first + len(step.types)))
    later: list[Numbered] = []

    def emit(numbered: Numbered) -> None:
        start, one = numbered
        b.origin = one.origin
        found = b.replay(one, [place[slot] for slot in one.operands])
        place.update(zip(range(start, start + len(one.types)), found, strict=True))

    for numbered in steps[:left]:
        emit(numbered)
    for start, one in steps[left + 1 : right]:
        if tainted & set(one.operands):
            tainted.update(range(start, start + len(one.types)))
            later.append((start, one))
        else:
            emit((start, one))
    _emit_joined(b, place, steps[left], steps[right])
    for numbered in (*later, *steps[right + 1 :]):
        emit(numbered)
    return b.build([place[slot] for slot in program.outputs], program.signature, program.rules)


def _emit_joined(b: Builder, place: dict[int, int], left: Numbered, right: Numbered) -> None:
    (first, one), (second, two) = left, right
    a, c = one.op, two.op
    assert isinstance(a, Each) and isinstance(c, Each)
    results = {first + k: k for k in range(len(one.types))}
    outside = [slot for slot in two.operands[c.captures :] if slot not in results]
    captures = [*one.operands[: a.captures], *two.operands[: c.captures]]
    rows = [*one.operands[a.captures :], *outside]
    inner = Builder(
        a.body.name,
        [
            *a.body.inputs[: a.captures],
            *c.body.inputs[: c.captures],
            *a.body.inputs[a.captures : -1],
            *(
                t
                for slot, t in zip(two.operands[c.captures :], c.body.inputs[c.captures :], strict=False)
                if slot not in results
            ),
            a.body.inputs[-1],
        ],
        a.body.sizes,
    )
    index, base = len(inner.inputs) - 1, len(captures)
    own = len(one.operands) - a.captures
    made = inner.inline(a.body, [*range(a.captures), *range(base, base + own), index])
    elements, extra = [], iter(range(base + own, index))
    for slot in two.operands[c.captures :]:
        elements.append(made[results[slot]] if slot in results else next(extra))
    ended = inner.inline(c.body, [*range(a.captures, base), *elements, index])
    body = inner.build([*made, *ended])
    found = b.each(a.size, [place[s] for s in captures], [place[s] for s in rows], body, (*a.combine, *c.combine))
    place.update(zip(range(first, first + len(one.types)), found, strict=False))
    place.update(zip(range(second, second + len(two.types)), found[len(one.types) :], strict=True))
