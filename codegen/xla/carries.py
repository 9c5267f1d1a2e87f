"""Carries taken apart: a first-order program enters, the same leaves with loops that carry the parts of what they glue.

A loop over several states often carries one array, read row by row and put together again at the end of every round.
Carried row by row instead, nothing is put together, and what depends on what becomes visible to the passes behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import Apply, ArrayType, Fold, Program, SlotType, Step
from ...lang.passes.walk import rebuild
from ...lang.sizes import Size


@dataclass(frozen=True, slots=True)
class Part:
    """A slot of a body as it is put together: by `op` from `parts`, or as it stands when `op` is None."""

    type: ArrayType
    op: Apply | None
    parts: tuple[Part, ...]
    slot: int

    def leaves(self) -> Iterator[Part]:
        """The slots it is put together from, in order."""
        if self.op is None:
            yield self
        for part in self.parts:
            yield from part.leaves()


@lru_cache(maxsize=1024)
def split_carries(program: Program) -> Program:
    """The program with carries that are put together from parts carried as these parts, in bodies too."""
    return rebuild(program, split_carries, _split)


def _split(b: Builder, step: Step, operands: list[int]) -> list[int] | None:
    """The results of a loop over the parts of its carries, or None when none of them comes apart."""
    op = step.op
    if not isinstance(op, Fold) or op.condition is not None or op.associative:
        return None
    fixed = op.captures + op.arrays
    carries = len(operands) - fixed
    found = _trees(op.body, op.body.outputs[:carries])
    while any(tree.op is not None for tree in found):
        body = _rebuilt(op.body, fixed, found)
        whole = _still_whole(body, fixed, found)
        if not whole:
            break
        found = [_as_it_stands(tree) if k in whole else tree for k, tree in enumerate(found)]
    else:
        return None
    initial = [slot for tree, slot in zip(found, operands[fixed:], strict=True) for slot in _taken_apart(b, tree, slot)]
    captures, arrays = operands[: op.captures], operands[op.captures : fixed]
    results = b.fold(op.size, captures, arrays, initial, body, op.combine, reverse=op.reverse, lean=op.lean)
    rest = iter(results)
    final = [_put_together(b, tree, rest) for tree in found]
    return [*final, *rest]


def _trees(body: Program, outputs: tuple[int, ...]) -> list[Part]:
    made = dict(body.numbered())

    def tree(slot: int) -> Part:
        type_, step = body.types[slot], made.get(slot)
        assert isinstance(type_, ArrayType)
        glue = None if step is None else _glue(body, step)
        if step is None or glue is None:
            return Part(type_, None, (), slot)
        return Part(type_, glue, tuple(tree(operand) for operand in step.operands), slot)

    return [tree(slot) for slot in outputs]


def _glue(body: Program, step: Step) -> Apply | None:
    """The operation of a step that concatenates, or gives a part the rank of the whole."""
    if not isinstance(step.op, Apply):
        return None
    part, whole = body.types[step.operands[0]] if step.operands else None, step.types[0]
    lifts = isinstance(part, ArrayType) and isinstance(whole, ArrayType) and part.rank < whole.rank
    return step.op if step.op.primitive == "concat" or (step.op.primitive == "reshape" and lifts) else None


def _as_it_stands(tree: Part) -> Part:
    return Part(tree.type, None, (), tree.slot)


def _rebuilt(old: Program, fixed: int, trees: list[Part]) -> Program:
    """The body whose carries are the parts; reading a part of what they make is reading the part."""
    types: list[SlotType] = [leaf.type for tree in trees for leaf in tree.leaves()]
    b = Builder(old.name, (*old.inputs[:fixed], *types, *old.inputs[fixed + len(trees) :]))
    parts = iter(range(fixed, fixed + len(types)))
    place = [*range(fixed), *(_put_together(b, tree, parts) for tree in trees)]
    place.extend(range(fixed + len(types), len(b.inputs)))
    for step in old.steps:
        b.origin = step.origin
        place.extend(b.replay(step, [place[slot] for slot in step.operands]))
    following = [leaf.slot for tree in trees for leaf in tree.leaves()]
    return b.build([place[slot] for slot in (*following, *old.outputs[len(trees) :])])


def _still_whole(body: Program, fixed: int, trees: list[Part]) -> set[int]:
    """Which carries the rebuilt body puts together again, because it reads them as a whole; reshapes cost nothing."""
    owner = [k for k, tree in enumerate(trees) for _ in tree.leaves()]
    concats = [step for step in body.steps if isinstance(step.op, Apply) and step.op.primitive == "concat"]
    glued = {slot for step in concats for slot in _sources(body, step)}
    read = {owner[slot - fixed] for slot in glued if fixed <= slot < fixed + len(owner)}
    return {k for k in read if trees[k].op is not None}


def _sources(body: Program, step: Step) -> set[int]:
    """What a concatenation reads, seen through reshapes."""
    reshapes = {
        first: inner.operands[0]
        for first, inner in body.numbered()
        if isinstance(inner.op, Apply) and inner.op.primitive == "reshape"
    }
    return {reshapes.get(slot, slot) for slot in step.operands}


def _put_together(b: Builder, tree: Part, parts: Iterator[int]) -> int:
    if tree.op is None:
        return next(parts)
    return b.apply(tree.op.primitive, *(_put_together(b, part, parts) for part in tree.parts), **dict(tree.op.params))


def _taken_apart(b: Builder, tree: Part, slot: int) -> Iterator[int]:
    """The parts of a slot that has the shape of the tree."""
    if tree.op is None:
        yield slot
    elif tree.op.primitive == "reshape":
        (part,) = tree.parts
        yield from _taken_apart(b, part, b.apply("reshape", slot, shape=part.type.shape))
    else:
        axis, start = tree.op["axis"], 0
        assert isinstance(axis, int)
        for part in tree.parts:
            length = part.type.shape[axis]
            assert isinstance(length, int)
            yield from _taken_apart(b, part, _window(b, slot, axis, start, start + length))
            start += length


def _window(b: Builder, slot: int, axis: int, start: int, stop: int) -> int:
    shape = b.array_type(slot).shape
    starts = tuple(start if k == axis else 0 for k in range(len(shape)))
    limits: tuple[Size, ...] = tuple(stop if k == axis else size for k, size in enumerate(shape))
    return b.apply("slice", slot, starts=starts, limits=limits)
