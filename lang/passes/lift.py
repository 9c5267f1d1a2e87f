"""Lift work out of loop bodies: hoist what does not change, and read arrays element by element.

Enters and leaves a first-order program with the same meaning. In the body of an `Each` or `Fold`

* a step whose operands are all loop-invariant moves in front of the loop, unless it could fail;
* a read ``x[…, i + c, …]`` of an invariant array at the loop's own index becomes an array operand, so that its
  transpose is a slice and not a scatter; indices that are invariant are applied first, in front of the loop.

Inner bodies come first, so reads like ``x[i, j]`` under ``for i, j`` become plain elements in both loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..builder import Builder
from ..constants import scalar_value
from ..ir import Apply, ArrayType, Branch, Call, Constant, Each, Fold, Program, SizeValue, Step, bodies
from ..memo import memo
from ..sizes import Size, add, mul
from .walk import rebuild

MAY_FAIL = frozenset({"floordiv", "mod", "scatter", "scatter_add", "scatter_last", "cholesky", "solve"})


@memo(maxsize=8192)
def lift(program: Program) -> Program:
    """The program with every loop lifted, inner loops first."""
    if not any(bodies(step.op) for step in program.steps):
        return program
    return rebuild(program, lift, _lifted)


def _lifted(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
    op = step.op
    # A loop known to have no rounds runs nothing, so nothing of it may move in front.
    if (isinstance(op, Each) or (isinstance(op, Fold) and op.condition is None)) and op.size != 0:
        return _lift_loop(b, op, operands)
    return None


@dataclass
class _Loop:
    """What is known while one body is split. `outside` maps body slots to slots of the enclosing builder."""

    b: Builder
    index: int
    outside: dict[int, int]
    literals: dict[int, Step] = field(default_factory=dict)
    offsets: dict[int, Size] = field(default_factory=dict)  # body slots that are index + offset
    elements: dict[int, int] = field(default_factory=dict)  # first result of a staying read -> array operand


def _lift_loop(b: Builder, op: Each | Fold, operands: list[int]) -> Sequence[int]:
    arrays = operands[op.captures : op.captures + op.arrays] if isinstance(op, Fold) else operands[op.captures :]
    initial = operands[op.captures + op.arrays :] if isinstance(op, Fold) else []
    body = _split_reads(op.body, op.captures)
    index = len(body.inputs) - 1
    loop = _Loop(b, index, {k: operands[k] for k in range(op.captures)}, offsets={index: 0})
    staying = _hoist(loop, body, op.size)
    captures, inner = _rebuild(loop, body, op.captures, arrays, staying)
    reads = [loop.elements[first] for first, _ in staying if first in loop.elements]
    if isinstance(op, Each):
        return b.each(op.size, captures, [*arrays, *reads], inner, op.combine)
    return b.fold(
        op.size, captures, [*arrays, *reads], initial, inner, op.combine,
        reverse=op.reverse, associative=op.associative, lean=op.lean,
    )  # fmt: skip


def _hoist(loop: _Loop, body: Program, size: Size) -> list[tuple[int, Step]]:
    """Emit invariant steps outside; return the others with their first slots."""
    b = loop.b
    staying: list[tuple[int, Step]] = []
    for first, step in body.numbered():
        b.origin = step.origin
        if isinstance(step.op, Constant | SizeValue):
            loop.literals[first] = step
            continue
        if _invariant(loop, step) and _is_safe(step):
            outer = [_outside(loop, slot) for slot in step.operands]
            for offset, slot in enumerate(b.replay(step, outer)):
                loop.outside[first + offset] = slot
            continue
        _note_offset(loop, first, step, b)
        array = _element_read(loop, step, size)
        if array is not None:
            loop.elements[first] = array
        staying.append((first, step))
    return staying


def _invariant(loop: _Loop, step: Step) -> bool:
    known = [slot in loop.outside for slot in step.operands]
    return any(known) and all(slot in loop.outside or slot in loop.literals for slot in step.operands)


def _is_safe(step: Step) -> bool:
    """Whether running the step once, even when the loop has no rounds, cannot fail or do something absurd."""
    match step.op:
        case Apply(primitive="gather"):
            return bool(dict(step.op.params).get("proved", False))
        case Apply(primitive):
            return primitive not in MAY_FAIL
        case Each() | Fold() | Branch() | Call():
            return all(_is_safe(inner) for body in bodies(step.op) for inner in body.steps)
        case _:
            return False


def _outside(loop: _Loop, slot: int) -> int:
    if slot in loop.outside:
        return loop.outside[slot]
    step = loop.literals[slot]
    return loop.b.emit(step.op, (), step.types)[0]


def _note_offset(loop: _Loop, first: int, step: Step, b: Builder) -> None:
    """Remember slots of the form index + literal."""
    if not isinstance(step.op, Apply) or step.op.primitive not in ("add", "sub"):
        return
    left, right = step.operands
    shift = _literal_size(loop, right)
    if left in loop.offsets and shift is not None:
        sign = 1 if step.op.primitive == "add" else -1
        loop.offsets[first] = add(loop.offsets[left], shift if sign == 1 else _negated(shift))
    elif step.op.primitive == "add" and right in loop.offsets:
        shift = _literal_size(loop, left)
        if shift is not None:
            loop.offsets[first] = add(loop.offsets[right], shift)


def _negated(size: Size) -> Size:
    return mul(-1, size)


def _literal_size(loop: _Loop, slot: int) -> Size | None:
    step = loop.literals.get(slot)
    if step is None:
        return None
    if isinstance(step.op, SizeValue):
        return step.op.size
    value = scalar_value(step)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _element_read(loop: _Loop, step: Step, size: Size) -> int | None:
    """The array to be read by element instead of ``gather(x, i + c)``, made outside; None when it does not apply."""
    if not isinstance(step.op, Apply) or step.op.primitive != "gather" or len(step.operands) != 2:
        return None
    x, index = step.operands
    if x not in loop.outside or index not in loop.offsets or not step.op["proved"]:
        return None
    outer = loop.outside[x]
    shape = loop.b.array_type(outer).shape
    start = loop.offsets[index]
    starts = (start, *(0 for _ in shape[1:]))
    return loop.b.apply("slice", outer, starts=starts, limits=(add(start, size), *shape[1:]))


def _split_reads(body: Program, captures: int) -> Program:
    """Write ``x[a, i, b]`` of a capture, with `a`, `b` invariant and `i` not, as ``(x, axes moved)[a, b][i]``."""
    if not any(isinstance(step.op, Apply) and step.op.primitive == "gather" and len(step.operands) > 2
               for step in body.steps):  # fmt: skip
        return body
    b = Builder(body.name, body.inputs, body.sizes)
    slots = list(range(len(body.inputs)))
    invariant = set(range(captures))
    own = {len(body.inputs) - 1}
    for step in body.steps:
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        start = len(b.steps)
        if isinstance(step.op, Apply) and step.op.primitive == "gather" and operands[0] in invariant:
            results: Sequence[int] = [_read_in_turn(b, step.op, operands, invariant, own)]
        else:
            results = b.replay(step, operands)
        for position in range(start, len(b.steps)):
            if all(slot in invariant for slot in b.steps[position].operands):
                invariant.update(range(b.firsts[position], b.firsts[position] + len(b.steps[position].types)))
            elif _is_shift(b.steps[position], own):
                own.add(b.firsts[position])
        slots.extend(results)
    return b.build([slots[slot] for slot in body.outputs])


def _is_shift(step: Step, own: set[int]) -> bool:
    """Whether a step adds something to the loop's own index."""
    return isinstance(step.op, Apply) and step.op.primitive in ("add", "sub") and step.operands[0] in own


def _read_in_turn(b: Builder, op: Apply, operands: Sequence[int], invariant: set[int], own: set[int]) -> int:
    """Read by invariant scalar indices first, then by the loop's own index, then by the rest."""
    x, indices = operands[0], list(operands[1:])
    if len(indices) < 2 or any(b.array_type(index).shape for index in indices):
        return b.apply("gather", x, *indices, proved=op["proved"])
    group = [k for k, index in enumerate(indices) if index in invariant]
    group = group or [k for k, index in enumerate(indices) if index in own][:1]
    if not group or len(group) == len(indices):
        return b.apply("gather", x, *indices, proved=op["proved"])
    rest = [axis for axis in range(b.array_type(x).rank) if axis not in group]
    turned = b.apply("transpose", x, axes=(*group, *rest))
    part = b.apply("gather", turned, *(indices[k] for k in group), proved=op["proved"])
    later = [indices[k] for k in range(len(indices)) if k not in group]
    return _read_in_turn(b, op, [part, *later], invariant, own)


def _rebuild(
    loop: _Loop, body: Program, captures: int, arrays: Sequence[int], staying: Sequence[tuple[int, Step]]
) -> tuple[list[int], Program]:
    """The body of the steps that stay, and its captures."""
    b = loop.b
    made = {first + k for first, step in staying for k in range(len(step.types))}
    used = [slot for first, step in staying if first not in loop.elements for slot in step.operands]
    used += list(body.outputs)
    outer_captures: list[int] = []
    for slot in used:
        if slot in loop.outside and slot not in made and loop.outside[slot] not in outer_captures:
            outer_captures.append(loop.outside[slot])
    reads = [(first, loop.elements[first]) for first, _ in staying if first in loop.elements]
    types = [b.types[slot] for slot in outer_captures]
    types += [_element(b.array_type(slot)) for slot in arrays]
    types += [_element(b.array_type(slot)) for _, slot in reads]
    first_tail = captures + len(arrays)
    tail = body.inputs[first_tail:]
    inner = Builder(body.name, [*types, *tail])
    place: dict[int, int] = {}
    for position in range(len(arrays)):
        place[captures + position] = len(outer_captures) + position
    for position, (first, _) in enumerate(reads):
        place[first] = len(outer_captures) + len(arrays) + position
    for position in range(len(tail)):
        place[first_tail + position] = len(types) + position
    for slot, outer in loop.outside.items():
        if outer in outer_captures:
            place.setdefault(slot, outer_captures.index(outer))
    for slot, step in loop.literals.items():
        place[slot] = inner.emit(step.op, (), step.types)[0]
    for first, step in staying:
        if first in loop.elements:
            continue
        inner.origin = step.origin
        for offset, slot in enumerate(inner.replay(step, [place[slot] for slot in step.operands])):
            place[first + offset] = slot
    return outer_captures, inner.build([place[slot] for slot in body.outputs])


def _element(type_: ArrayType) -> ArrayType:
    return type_.with_shape(type_.shape[1:])
