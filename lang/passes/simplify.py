"""Simplify: drop what nobody reads, share what is equal, and tidy the operands of bodies.

Enters and leaves a first-order program with the same meaning. Replaying into a `Builder` shares equal steps and
applies the local rewrites; here results of `Each`, `Fold`, `Branch` that nobody reads are dropped together with the
work behind them, unread and repeated captures go, literals move into bodies, and arrays that repeat one element
become captures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..builder import Builder
from ..ir import Apply, ArrayType, Branch, Constant, Each, Fold, Program, SizeValue, Step, bodies, with_bodies
from ..memo import memo

ROUNDS = 8  # each round can expose more dead results in enclosing bodies; nests deeper than this keep some dead work


@memo(maxsize=8192)
def simplify(program: Program) -> Program:
    """The same program, smaller; a fixpoint for all but absurdly deep nests."""
    for _ in range(ROUNDS):
        if program.is_simple:
            break
        smaller = _once(program)
        if smaller == program:
            break
        program = smaller
    return program.noted_simple()


def _once(program: Program) -> Program:
    keep = _kept_results(program)
    b = Builder(program.name, program.inputs, program.sizes)
    slots: dict[int, int] = {slot: slot for slot in range(len(program.inputs))}
    for (first, step), kept in zip(program.numbered(), keep, strict=True):
        if not kept:
            continue
        b.origin = step.origin
        operands = [slots.get(slot, -1) for slot in step.operands]
        for offset, result in zip(kept, _emit(b, step, operands, kept), strict=True):
            slots[first + offset] = result
    return b.build([slots[slot] for slot in program.outputs], program.signature, program.rules)


def _kept_results(program: Program) -> list[tuple[int, ...]]:
    """For each step, the results somebody reads."""
    needed = set(program.outputs)
    numbered = list(program.numbered())
    keep: list[tuple[int, ...]] = []
    for first, step in reversed(numbered):
        kept = tuple(offset for offset in range(len(step.types)) if first + offset in needed)
        if kept and isinstance(step.op, Fold):
            kept = _with_needed_carries(step.op, len(step.operands), kept)
        keep.append(kept)
        if kept:
            needed.update(_operands_read(step, kept))
    return keep[::-1]


def _operands_read(step: Step, kept: tuple[int, ...]) -> Sequence[int]:
    """Operands that the kept results depend on (all of them unless a dropped carry frees its initial value)."""
    if not isinstance(step.op, Fold):
        return step.operands
    outer = step.op.captures + step.op.arrays
    carries = len(step.operands) - outer
    dropped = {outer + k for k in range(carries) if k not in kept}
    return [slot for position, slot in enumerate(step.operands) if position not in dropped]


def _with_needed_carries(op: Fold, operands: int, kept: tuple[int, ...]) -> tuple[int, ...]:
    """Kept results plus the carries that they depend on in some round."""
    outer = op.captures + op.arrays
    carries = operands - outer
    needed = set(kept)
    if op.condition is not None:
        needed |= {slot - op.captures for slot in _inputs_behind(op.condition, op.condition.outputs)
                   if slot >= op.captures}  # fmt: skip
    while True:
        behind = _inputs_behind(op.body, [op.body.outputs[k] for k in sorted(needed)])
        grown = needed | {slot - outer for slot in behind if outer <= slot < outer + carries}
        if grown == needed:
            return tuple(sorted(needed))
        needed = grown


def _inputs_behind(program: Program, outputs: Sequence[int]) -> set[int]:
    """Inputs that the given output slots depend on."""
    needed = set(outputs)
    for first, step in reversed(list(program.numbered())):
        if any(first + offset in needed for offset in range(len(step.types))):
            needed.update(step.operands)
    return {slot for slot in needed if slot < len(program.inputs)}


def _emit(b: Builder, step: Step, operands: list[int], kept: tuple[int, ...]) -> Sequence[int]:
    match step.op:
        case Each():
            return _emit_each(b, step.op, operands, kept)
        case Fold():
            return _emit_fold(b, step.op, operands, kept)
        case Branch() if isinstance(b.types[operands[0]], ArrayType):
            arms = tuple(simplify(_only(arm, kept)) for arm in step.op.arms)
            captures = operands[1:]
            used = sorted({k for arm in arms for k in _read_inputs(arm)})
            arms = tuple(_with_inputs(arm, used) for arm in arms)
            if all(arm == arms[0] for arm in arms):
                return b.inline(arms[0], [captures[k] for k in used])
            return b.branch(operands[0], [captures[k] for k in used], arms)
        case _:
            inner = bodies(step.op)
            if inner:
                step = replace(step, op=with_bodies(step.op, tuple(simplify(body) for body in inner)))
            results = b.replay(step, operands)
            return [results[offset] for offset in kept]


def _only(program: Program, outputs: Sequence[int]) -> Program:
    """The program with some of its outputs."""
    if list(outputs) == list(range(len(program.outputs))):
        return program
    b = Builder(program.name, program.inputs, program.sizes)
    slots = b.inline(program, range(len(program.inputs)))
    return b.build([slots[k] for k in outputs])


def _read_inputs(program: Program) -> set[int]:
    used = {slot for step in program.steps for slot in step.operands} | set(program.outputs)
    return {slot for slot in used if slot < len(program.inputs)}


def _with_inputs(program: Program, order: Sequence[int]) -> Program:
    """The program with only the inputs in `order`; the others must be unread."""
    if list(order) == list(range(len(program.inputs))):
        return program
    b = Builder(program.name, [program.inputs[k] for k in order], program.sizes)
    place = {old: new for new, old in enumerate(order)}
    return b.build(b.inline(program, [place.get(k, -1) for k in range(len(program.inputs))]))


# --- operands of loop bodies -----------------------------------------------------------------------------------------


class _Operands:
    """Captures and arrays of a body after tidying, and where each old body input now comes from."""

    def __init__(self, b: Builder, captures: Sequence[int], arrays: Sequence[int], read: set[int]) -> None:
        self.captures: list[int] = []
        self.arrays: list[int] = []
        self.source: dict[int, tuple[str, int]] = {}  # body input -> ("capture" | "array", position) or literal step
        self.literals: dict[int, Step] = {}
        for position, slot in enumerate(captures):
            if position in read:
                self._capture(b, position, slot)
        for position, slot in enumerate(arrays, len(captures)):
            if position in read:
                repeated = _repeated_element(b, slot)
                if repeated is not None:
                    self._capture(b, position, repeated)
                else:
                    self.source[position] = ("array", _place(self.arrays, slot))

    def _capture(self, b: Builder, position: int, slot: int) -> None:
        step = b.definition(slot)
        if step is not None and isinstance(step.op, Constant | SizeValue):
            self.literals[position] = step
        else:
            self.source[position] = ("capture", _place(self.captures, slot))

    def _as_before(self, count: int) -> bool:
        """Whether the first `count` inputs of a body are read from the same places as before."""
        captures = len(self.captures)
        order = [k if kind == "capture" else captures + k for kind, k in self.source.values()]
        return order == list(range(count)) == list(self.source)

    def body(self, b: Builder, program: Program, tail: int) -> Program:
        """`program` with its inputs re-read from the tidied operands; the last `tail` inputs stay."""
        heads = [b.types[slot] for slot in self.captures]
        heads += [_element(b.array_type(slot)) for slot in self.arrays]
        first_tail = len(program.inputs) - tail
        if self._as_before(first_tail) and not program.sizes:
            return program  # the same object, which may be known to be simple
        inner = Builder(program.name, [*heads, *program.inputs[first_tail:]])
        place = {first_tail + k: len(heads) + k for k in range(tail)}
        for position, (kind, k) in self.source.items():
            place[position] = k if kind == "capture" else len(self.captures) + k
        for position, step in self.literals.items():
            place[position] = inner.emit(step.op, (), step.types)[0]
        return inner.build(inner.inline(program, [place.get(k, -1) for k in range(len(program.inputs))]))


def _place(known: list[int], slot: int) -> int:
    if slot not in known:
        known.append(slot)
    return known.index(slot)


def _element(type_: ArrayType) -> ArrayType:
    return type_.with_shape(type_.shape[1:])


def _repeated_element(b: Builder, slot: int) -> int | None:
    """The element of an array that repeats it along the leading axis."""
    step = b.definition(slot)
    if step is None or not isinstance(step.op, Apply) or step.op.primitive != "broadcast":
        return None
    axes, shape = step.op.integers("axes"), step.op.sizes("shape")
    if 0 in axes:
        return None
    return b.broadcast(step.operands[0], shape[1:], tuple(axis - 1 for axis in axes))


def _emit_each(b: Builder, op: Each, operands: list[int], kept: tuple[int, ...]) -> Sequence[int]:
    """The `Each` with tidy operands; results that pass through unchanged, and an `Each` without results, vanish."""
    program = simplify(_only(op.body, kept))
    read = _read_inputs(program)
    tidy = _Operands(b, operands[: op.captures], operands[op.captures :], read)
    body = tidy.body(b, program, 1)
    combine = [op.combine[k] for k in kept]
    passed = [_passed_through(b, op, tidy, body, slot, how) for slot, how in zip(body.outputs, combine, strict=True)]
    if any(slot is not None for slot in passed):
        left = [k for k, slot in enumerate(passed) if slot is None]
        rest = iter(b.each(op.size, tidy.captures, tidy.arrays, _only(body, left), [combine[k] for k in left]))
        return [next(rest) if slot is None else slot for slot in passed]
    return b.each(op.size, tidy.captures, tidy.arrays, body, combine)


def _passed_through(b: Builder, op: Each, tidy: _Operands, body: Program, output: int, how: str) -> int | None:
    """The slot of a result that needs no loop: a body that hands on its element, its capture or its index."""
    if output >= len(body.inputs) or output < len(tidy.captures) and how == "sum":
        return None
    if output < len(tidy.captures):
        capture = tidy.captures[output]
        shape = b.array_type(capture).shape
        return b.broadcast(capture, (op.size, *shape), tuple(range(1, len(shape) + 1)))
    if output == len(body.inputs) - 1:
        stacked = b.apply("iota", size=op.size)
        return stacked if how == "stack" else b.apply("reduce_sum", stacked, axes=(0,))
    array = tidy.arrays[output - len(tidy.captures)]
    return array if how == "stack" else b.apply("reduce_sum", array, axes=(0,))


def _emit_fold(b: Builder, op: Fold, operands: list[int], kept: tuple[int, ...]) -> Sequence[int]:
    """The `Fold` with tidy operands and without carries that never change, which become captures."""
    fixed = _fixed_carries(op, len(operands))
    if fixed:
        return _with_fixed_carries(b, op, operands, kept, fixed)
    outer = op.captures + op.arrays
    carries = len(operands) - outer
    kept_carries = [k for k in kept if k < carries]
    program = _without_carries(op.body, outer, carries, kept_carries)
    program = simplify(_only(program, kept))
    condition = op.condition
    read = _read_inputs(program)
    if condition is not None:
        condition = simplify(_without_carries(condition, op.captures, carries, kept_carries))
        read |= {k for k in _read_inputs(condition) if k < op.captures}
    tidy = _Operands(b, operands[: op.captures], operands[op.captures : outer], read)
    body = tidy.body(b, program, len(kept_carries) + 1)
    if condition is not None:
        condition = tidy.body(b, condition, len(kept_carries))
    results = b.fold(
        op.size,
        tidy.captures,
        tidy.arrays,
        [operands[outer + k] for k in kept_carries],
        body,
        [op.combine[k - carries] for k in kept if k >= carries],
        reverse=op.reverse,
        condition=condition,
        associative=op.associative,
        lean=op.lean,
    )
    return results


def _fixed_carries(op: Fold, operands: int) -> list[int]:
    """Carries that every round hands on unchanged."""
    outer = op.captures + op.arrays
    return [k for k in range(operands - outer) if op.body.outputs[k] == outer + k]


def _with_fixed_carries(
    b: Builder, op: Fold, operands: list[int], kept: tuple[int, ...], fixed: list[int]
) -> Sequence[int]:
    outer = op.captures + op.arrays
    carries = len(operands) - outer
    moving = [k for k in range(carries) if k not in fixed]
    extras = range(carries, len(op.body.outputs))
    count = len(op.body.inputs)
    head = [*range(op.captures), *(outer + k for k in fixed)]
    order = [*head, *range(op.captures, outer), *(outer + k for k in moving)]
    body = _only(_with_inputs(op.body, [*order, count - 1]), [*moving, *extras])
    condition = op.condition
    if condition is not None:
        # A condition takes captures and carries only, and a loop with one has no arrays.
        condition = _with_inputs(condition, order)
    place = {old: new for new, old in enumerate([*moving, *extras])}
    changed = replace(op, captures=len(head), body=body, condition=condition)
    left = tuple(place[k] for k in kept if k not in fixed)
    slots = [operands[k] for k in order]
    results = iter(_emit_fold(b, changed, slots, left) if left else ())
    return [operands[outer + k] if k in fixed else next(results) for k in kept]


def _without_carries(program: Program, outer: int, carries: int, kept: Sequence[int]) -> Program:
    """The program without the inputs of dropped carries (nothing that is kept reads them)."""
    if len(kept) == carries:
        return program
    count = len(program.inputs)
    order = [*range(outer), *(outer + k for k in kept), *range(outer + carries, count)]
    b = Builder(program.name, [program.inputs[k] for k in order])
    place = {old: new for new, old in enumerate(order)}
    dummies = {k: b.zeros(t) for k, t in enumerate(program.inputs) if k not in place and isinstance(t, ArrayType)}
    return b.build(b.inline(program, [place[k] if k in place else dummies[k] for k in range(count)]))
