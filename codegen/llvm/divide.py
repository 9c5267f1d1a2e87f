"""Work taken out of loops although it is tangled with other work: a first-order program enters and leaves.

A step of a loop's body may hold both work that is the same in every round and work that is not: the loop that carries
a primal beside its tangent, under a loop over the directions of a Jacobian. Such steps are divided in two. The first
holds what depends on nothing that changes from round to round, and hands the second what that needs (residuals); then
it leaves the loop. The division is that of partial evaluation with known and unknown inputs (Jones, Gomard & Sestoft
1993, "Partial Evaluation and Automatic Program Generation", chapter 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ...lang.builder import Builder
from ...lang.ir import (
    ArrayType,
    Branch,
    Each,
    Fold,
    Program,
    SlotType,
    Step,
    as_array,
    bodies,
    with_bodies,
)
from ...lang.sizes import Size
from .effort import STORED
from .halves import Flags, Halves, first_half, outcome, second_half, split, sure_slots


@lru_cache(maxsize=512)
def divide(program: Program) -> Program:
    """The program with the work that rounds share taken out of loops, outer loops first."""
    if not any(bodies(step.op) for step in program.steps):
        return program
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    for step in program.steps:
        b.origin = step.origin
        operands = [slots[s] for s in step.operands]
        op = step.op
        if (isinstance(op, Each) or (isinstance(op, Fold) and op.condition is None)) and op.size != 0:
            op, operands = _emptied(b, op, operands)
        op = with_bodies(op, tuple(divide(inner) for inner in bodies(op)))
        slots.extend(b.replay(Step(op, step.operands, step.types, step.origin), operands))
    return b.build([slots[slot] for slot in program.outputs], program.signature, program.rules)


def _emptied(b: Builder, op: Each | Fold, operands: Sequence[int]) -> tuple[Each | Fold, list[int]]:
    """A loop without the work that its rounds share, which is written in front of it. Compiled code stops at nothing,
    so nothing that a round might not have reached can fail there."""
    old = op.body
    body = _divided(old, tuple(k < op.captures for k in range(len(old.inputs))))
    outside: dict[int, int] = dict(enumerate(operands[: op.captures]))
    literals, staying = set[int](), []
    for first, step in body.numbered():
        results = range(first, first + len(step.types))
        if not step.operands:
            literals.update(results)
            staying.append((first, step))
        elif all(slot in outside or slot in literals for slot in step.operands):
            b.origin = step.origin
            inputs = [outside[s] if s in outside else _literal(b, body, s) for s in step.operands]
            outside.update(zip(results, b.replay(step, inputs), strict=True))
        else:
            staying.append((first, step))
    read = {slot for _, step in staying for slot in step.operands} | set(body.outputs)
    kept = [slot for slot in outside if slot in read]
    rest = range(op.captures, len(body.inputs))
    inner = Builder(body.name, [*(body.types[s] for s in kept), *(body.inputs[k] for k in rest)], body.sizes)
    place = {slot: k for k, slot in enumerate((*kept, *rest))}
    for first, step in staying:
        inner.origin = step.origin
        results = inner.replay(step, [place[s] for s in step.operands])
        place.update(zip(range(first, first + len(step.types)), results, strict=True))
    made = inner.build([place[slot] for slot in body.outputs])
    return replace(op, captures=len(kept), body=made), [*(outside[s] for s in kept), *operands[op.captures :]]


def _literal(b: Builder, body: Program, slot: int) -> int:
    """A literal of the body, written outside as well."""
    first, step = next((f, s) for f, s in body.numbered() if f <= slot < f + len(s.types))
    return b.replay(step, [])[slot - first]


def _divided(program: Program, known: Flags) -> Program:
    """The program with every step either known as a whole or not at all, as far as that is possible."""
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    sure = {k for k, flag in enumerate(known) if flag}
    for step in program.steps:
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        flags = tuple(slot in sure for slot in operands)
        parts = _parts(step, flags) if any(flags) and not all(flags) else None
        if parts is not None:
            results, certain = parts.emit(b, operands)
        else:
            results = list(b.replay(step, operands))
            certain = results if all(flags) else []
        sure.update(certain)
        slots.extend(results)
    return b.build([slots[slot] for slot in program.outputs], program.signature, program.rules)


# --- one step in two -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """The two steps that a step becomes, with the operands each takes by number (those of the second are followed by
    residuals of the first), and which results of the whole the first gives."""

    first: Each | Fold | Branch
    first_operands: tuple[int, ...]
    first_types: tuple[SlotType, ...]
    second: Each | Fold | Branch
    behind: int  # the operands of the second in front of the residuals
    second_operands: tuple[int, ...]
    second_types: tuple[SlotType, ...]
    certain: Flags

    def emit(self, b: Builder, operands: Sequence[int]) -> tuple[list[int], list[int]]:
        """Write both; the results of the whole, and what of them is known."""
        found = b.emit(self.first, [operands[k] for k in self.first_operands], self.first_types)
        count = sum(self.certain)
        own = [operands[k] for k in self.second_operands]
        rest: Sequence[int] = ()
        if self.second_types:
            rest = b.emit(self.second, [*own[: self.behind], *found[count:], *own[self.behind :]], self.second_types)
        sure, other = iter(found[:count]), iter(rest)
        return [next(sure) if flag else next(other) for flag in self.certain], list(found)


def _parts(step: Step, flags: Flags) -> Parts | None:
    match step.op:
        case Each() as op:
            return _each_parts(op, step, flags)
        case Fold(condition=None, lean=False) as op:
            return _fold_parts(op, step, flags)
        case Branch() as op if flags[0]:
            return _branch_parts(op, step, flags)
        case _:
            return None


def _fits(size: Size, residuals: Sequence[ArrayType]) -> bool:
    """Whether residuals of all rounds are few enough to be stored."""
    counts = [type_.elements for type_ in residuals]
    if not isinstance(size, int):
        return False
    return size * sum(count if isinstance(count, int) else STORED for count in counts) <= STORED


def _stacked(size: Size, types: Sequence[SlotType]) -> list[SlotType]:
    return [as_array(t).with_shape((size, *as_array(t).shape)) for t in types]


def _chosen(flags: Flags, wanted: bool = True) -> list[int]:
    return [k for k, flag in enumerate(flags) if flag is wanted]


def _each_parts(op: Each, step: Step, flags: Flags) -> Parts | None:
    known = (*flags, True)
    body = _divided(op.body, known)
    halves = split(body, known, known, outcome(body, known))
    if halves is None or not _fits(op.size, halves.residuals):
        return None
    sure, other = _chosen(halves.certain), _chosen(halves.certain, False)
    ahead = _chosen(flags)
    captures = sum(k < op.captures for k in ahead)
    combine = (*(op.combine[k] for k in sure), *["stack"] * len(halves.residuals))
    first = Each(op.size, captures, halves.first, combine)
    second = Each(op.size, op.captures, _index_last(halves), tuple(op.combine[k] for k in other))
    types = [step.types[k] for k in sure] + _stacked(op.size, halves.residuals)
    return Parts(
        first, tuple(ahead), tuple(types), second, len(flags), tuple(range(len(flags))),
        tuple(step.types[k] for k in other), halves.certain,
    )  # fmt: skip


def _index_last(halves: Halves, carries: int = 0) -> Program:
    """The second half with the residuals in front of the carries and the index, as rows of arrays."""
    program, extra = halves.second, len(halves.residuals)
    count = len(program.inputs) - extra
    front = count - 1 - carries
    order = [*range(front), *range(count, count + extra), *range(front, count)]
    b = Builder(program.name, [program.inputs[k] for k in order], program.sizes)
    return b.build(b.inline(program, [order.index(k) for k in range(len(order))]))


def _fold_parts(op: Fold, step: Step, flags: Flags) -> Parts | None:
    fixed = op.captures + op.arrays
    count = len(flags) - fixed
    carries = _known_carries(op, flags)
    known = (*flags[:fixed], *carries)
    body = _divided(op.body, (*known, True))
    certain = (*carries, *outcome(body, (*known, True))[count:])
    halves = split(body, (*known, True), (*flags[:fixed], *[False] * count, True), certain)
    if halves is None or not _fits(op.size, halves.residuals):
        return None
    sure, other = _chosen(certain), _chosen(certain, False)
    ahead = _chosen(known)
    extras = [op.combine[k - count] for k in sure if k >= count] + ["stack"] * len(halves.residuals)
    first = replace(
        op, captures=sum(k < op.captures for k in ahead), arrays=sum(op.captures <= k < fixed for k in ahead),
        body=halves.first, combine=tuple(extras),
    )  # fmt: skip
    moving = [fixed + k for k in _chosen(carries, False)]
    second = replace(
        op, arrays=op.arrays + len(halves.residuals), body=_without(halves, fixed, carries),
        combine=tuple(op.combine[k - count] for k in other if k >= count),
    )  # fmt: skip
    types = [step.types[k] for k in sure] + _stacked(op.size, halves.residuals)
    return Parts(
        first, tuple(ahead), tuple(types), second, fixed, (*range(fixed), *moving),
        tuple(step.types[k] for k in other), certain,
    )  # fmt: skip


def _known_carries(op: Fold, flags: Flags) -> Flags:
    """Which carries are known in every round: they begin known, and known values lead to the next ones."""
    fixed = op.captures + op.arrays
    carries = flags[fixed:]
    while True:
        known = (*flags[:fixed], *carries, True)
        sure = outcome(_divided(op.body, known), known)
        following = tuple(flag and sure[k] for k, flag in enumerate(carries))
        if following == carries:
            return carries
        carries = following


def _without(halves: Halves, fixed: int, carries: Flags) -> Program:
    """The second half of a fold's body: residuals behind the arrays, and of the carries those that are not known."""
    whole = _index_last(halves, len(carries))
    extra = len(halves.residuals)
    start = fixed + extra
    gone = {start + k for k in _chosen(carries)}
    inputs = [type_ for k, type_ in enumerate(whole.inputs) if k not in gone]
    b = Builder(whole.name, inputs, whole.sizes)
    place: list[int] = []
    for k, type_ in enumerate(whole.inputs):
        # Nothing reads a known carry here: what was needed of it came as a residual.
        place.append(b.zeros(as_array(type_)) if k in gone else k - sum(other < k for other in gone))
    return b.build(b.inline(whole, place))


def _branch_parts(op: Branch, step: Step, flags: Flags) -> Parts | None:
    inner = flags[1:]
    arms = [_divided(arm, inner) for arm in op.arms]
    certain = tuple(map(all, zip(*(outcome(arm, inner) for arm in arms), strict=True)))
    divided = [split(arm, inner, inner, certain) for arm in arms]
    halves = [half or _untouched(arm, inner, certain) for half, arm in zip(divided, arms, strict=True)]
    if not any(divided) or not all(_fits(1, half.residuals) for half in halves):
        return None
    saved = [type_ for half in halves for type_ in half.residuals]
    first = Branch(tuple(_padded(half, halves, certain) for half in halves))
    second = Branch(tuple(_picking(half, halves) for half in halves))
    known = [0, *(k + 1 for k in _chosen(inner))]
    sure, other = _chosen(certain), _chosen(certain, False)
    return Parts(
        first, tuple(known), (*(step.types[k] for k in sure), *saved), second, len(flags), tuple(range(len(flags))),
        tuple(step.types[k] for k in other), certain,
    )  # fmt: skip


def _untouched(arm: Program, known: Flags, certain: Flags) -> Halves:
    """An arm that holds no known work worth dividing, in two: what it gives of known outputs, and the rest."""
    sure = sure_slots(arm, known)
    ends = [slot for slot, flag in zip(arm.outputs, certain, strict=True) if flag]
    rest = [slot for slot, flag in zip(arm.outputs, certain, strict=True) if not flag]
    return Halves(first_half(arm, known, sure, ends), second_half(arm, sure, sure, [], rest), certain, ())


def _padded(half: Halves, halves: Sequence[Halves], certain: Flags) -> Program:
    """The first half of an arm, with zeros for what the other arms save."""
    b = Builder(half.first.name, half.first.inputs, half.first.sizes)
    found = list(b.inline(half.first, range(len(half.first.inputs))))
    count = sum(certain)
    outputs = found[:count]
    for other in halves:
        outputs += found[count:] if other is half else [b.zeros(type_) for type_ in other.residuals]
    return b.build(outputs)


def _picking(half: Halves, halves: Sequence[Halves]) -> Program:
    """The second half of an arm, which reads its own residuals among those of all arms."""
    saved = [type_ for other in halves for type_ in other.residuals]
    count = len(half.second.inputs) - len(half.residuals)
    b = Builder(half.second.name, [*half.second.inputs[:count], *saved], half.second.sizes)
    start = count + sum(len(other.residuals) for other in halves[: _place(half, halves)])
    own = range(start, start + len(half.residuals))
    return b.build(b.inline(half.second, [*range(count), *own]))


def _place(half: Halves, halves: Sequence[Halves]) -> int:
    return next(k for k, other in enumerate(halves) if other is half)
