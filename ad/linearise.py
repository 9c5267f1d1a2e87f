"""Linearise a body: split its derivative into a forward part that saves residuals and a backward part that uses them.

Enters: a closed first-order program and which inputs are active. Leaves: a `Linearised` whose `forward` returns the
outputs and the residuals, and whose `backward` maps inputs, residuals and output cotangents to input cotangents. One
joint derivative serves all inputs of the body, so the cost does not grow with nesting; with ``recompute`` the backward
part runs the forward part again and saves nothing but what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..lang.builder import Builder
from ..lang.ir import Apply, ArrayType, Constant, Program, SizeValue, SlotType, Step
from ..lang.memo import memo
from .activity import Flags, is_float, output_activity
from .cotangents import Piece
from .sweep import Sweep

FREE = frozenset({"broadcast", "reshape", "transpose", "iota", "convert", "reverse"})


@dataclass(frozen=True, slots=True)
class Linearised:
    """``forward``: x -> y ++ residuals. ``backward``: x ++ residuals ++ y_bar -> pieces of x_bar.

    ``active_outputs`` says which outputs have a cotangent; ``pieces[k]`` describes how that of input k leaves (empty
    when it is zero). ``residuals`` are slots types in order. Inputs not ``available`` to the backward part are not
    read by it.
    """

    forward: Program
    backward: Program
    residuals: tuple[ArrayType, ...]
    active_outputs: Flags
    pieces: tuple[tuple[Piece, ...], ...]


@memo(maxsize=2048)
def linearise(
    program: Program, active: Flags, available: Flags, demanded: Flags | None = None, recompute: bool = False
) -> Linearised:
    """Linearise `program`; `demanded` lists outputs that have a cotangent even where activity finds none."""
    on = output_activity(program, active)
    on = tuple(
        (flag or (demanded is not None and demanded[k])) and is_float(type_)
        for k, (flag, type_) in enumerate(zip(on, program.output_types, strict=True))
    )
    count = len(program.inputs)
    z_types = [type_ for type_, flag in zip(program.output_types, on, strict=True) if flag]
    b = Builder(program.name, [*program.inputs, *z_types], program.sizes)
    sweep = Sweep(b, {k for k, flag in enumerate(active) if flag and is_float(program.inputs[k])})
    outputs = sweep.run_forward(program, range(count))
    cut = len(b.steps)
    zs = iter(range(count, count + len(z_types)))
    for slot, flag in zip(outputs, on, strict=True):
        if flag:
            sweep.ledger.add(slot, next(zs))
    sweep.run_backward(cut)
    pieces, slots = _collect(sweep, program, active)
    return _split(b, program, cut, outputs, slots, on, pieces, available, recompute)


def _collect(
    sweep: Sweep, program: Program, active: Flags
) -> tuple[tuple[tuple[Piece, ...], ...], list[int]]:
    """What waits at the inputs, as pieces and as output slots in the same order."""
    b = sweep.builder
    pieces: list[tuple[Piece, ...]] = []
    slots: list[int] = []
    for k, flag in enumerate(active):
        here: list[Piece] = []
        if flag and sweep.ledger.has(k):
            dense, sparse = sweep.ledger.parts(k)
            for at in sparse:
                batch = b.array_type(at.indices[0]).shape
                here.append(Piece(len(at.indices), b.array_type(at.value), batch, at.proved))
                slots.extend((*at.indices, at.value))
            if dense is not None:
                here.append(Piece(0, b.array_type(dense)))
                slots.append(dense)
        pieces.append(tuple(here))
    return tuple(pieces), slots


def _split(
    b: Builder,
    program: Program,
    cut: int,
    outputs: Sequence[int],
    bars: Sequence[int],
    on: Flags,
    pieces: tuple[tuple[Piece, ...], ...],
    available: Flags,
    recompute: bool,
) -> Linearised:
    count = len(program.inputs)
    early = {slot for k in range(cut) for slot in _results(b, k)}
    needed = _read_by(b, cut, bars)
    again = set(range(cut)) if recompute else _free(b, cut, available)
    again = _closure(b, again, needed, cut)
    residuals = sorted(
        slot
        for slot in _needed_values(b, again, needed)
        if slot in early or (slot < count and not available[slot])
    )
    forward = _replay(b, program.name, program.inputs, range(cut), {k: k for k in range(count)})
    forward_program = forward.finish([*outputs, *residuals])
    place = {k: k for k in range(count)}
    place |= {slot: count + position for position, slot in enumerate(residuals)}
    z_start = count + len(residuals)
    place |= {count + k: z_start + k for k in range(sum(on))}
    types = [b.types[slot] for slot in residuals]
    inputs = [*program.inputs, *types, *b.inputs[count:]]
    positions = [k for k in range(len(b.steps)) if k >= cut or k in again]
    backward = _replay(b, program.name, inputs, positions, place)
    return Linearised(
        forward_program, backward.finish(bars), tuple(b.array_type(slot) for slot in residuals), on, pieces
    )


def _results(b: Builder, position: int) -> range:
    first = b.firsts[position]
    return range(first, first + len(b.steps[position].types))


def _read_by(b: Builder, cut: int, bars: Sequence[int]) -> set[int]:
    """Slots read by the steps of the backward part that its outputs need, and those outputs."""
    needed = set(bars)
    for position in range(len(b.steps) - 1, cut - 1, -1):
        if any(slot in needed for slot in _results(b, position)):
            needed.update(b.steps[position].operands)
    return needed


def _is_free(step: Step) -> bool:
    if isinstance(step.op, Constant | SizeValue):
        return True
    return isinstance(step.op, Apply) and step.op.primitive in FREE


def _free(b: Builder, cut: int, available: Flags) -> set[int]:
    """Forward steps that cost nothing to repeat: literals, re-arrangements of what the backward part has, and
    repetitions of anything, since what is repeated takes less memory."""
    have = {k for k, flag in enumerate(available) if flag}
    free: set[int] = set()
    for position in range(cut):
        step = b.steps[position]
        repeats = isinstance(step.op, Apply) and step.op.primitive == "broadcast"
        if repeats or (_is_free(step) and all(slot in have for slot in step.operands)):
            free.add(position)
            have.update(_results(b, position))
    return free


def _closure(b: Builder, again: set[int], needed: set[int], cut: int) -> set[int]:
    """Of the steps that may be repeated, those that are needed."""
    wanted = set(needed)
    kept: set[int] = set()
    for position in range(cut - 1, -1, -1):
        if position in again and any(slot in wanted for slot in _results(b, position)):
            kept.add(position)
            wanted.update(b.steps[position].operands)
    return kept


def _needed_values(b: Builder, again: set[int], needed: set[int]) -> set[int]:
    """Slots that the backward part reads and does not make itself."""
    made = {slot for position in again for slot in _results(b, position)}
    wanted = set(needed)
    for position in again:
        wanted.update(b.steps[position].operands)
    return {slot for slot in wanted if slot not in made}


class _replay:
    """Copies chosen steps of one builder into a new one whose inputs are placed by `place`."""

    def __init__(
        self, source: Builder, name: str, inputs: Sequence[SlotType], positions: Sequence[int], place: dict[int, int]
    ) -> None:
        self.builder = Builder(name, inputs, source.sizes)
        self.place = dict(place)
        for position in positions:
            step = source.steps[position]
            if all(slot in self.place for slot in step.operands):
                self.builder.origin = step.origin
                results = self.builder.replay(step, [self.place[slot] for slot in step.operands])
                for old, new in zip(_results(source, position), results, strict=True):
                    self.place.setdefault(old, new)

    def finish(self, outputs: Sequence[int]) -> Program:
        return self.builder.build([self.place[slot] for slot in outputs])
