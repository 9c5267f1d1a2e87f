"""What the transposed `Each` and `Fold` share: where body inputs come from, and how cotangents leave a body.

A backward body has canonical inputs (captures, array elements, index) although it reads the linearised body's inputs,
residuals and cotangents in any order; a `LoopBody` collects which of those are captures and which are arrays.
Cotangents of captures leave summed when dense and stacked when they are `At`s; those of array elements leave dense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...lang.builder import Builder
from ...lang.ir import ArrayType, Program, SlotType
from ...lang.sizes import Size
from ..cotangents import At, Piece, scatter
from ..linearise import Linearised
from ..sweep import Sweep
from ..zeros import without_cotangents

Pieces = Sequence[tuple[Piece, tuple[int, ...]]]


def pull_apart(lin: Linearised, outputs: Sequence[int]) -> list[list[tuple[Piece, tuple[int, ...]]]]:
    """The output slots of a backward program, grouped by input and piece."""
    groups: list[list[tuple[Piece, tuple[int, ...]]]] = []
    position = 0
    for pieces in lin.pieces:
        here: list[tuple[Piece, tuple[int, ...]]] = []
        for piece in pieces:
            here.append((piece, tuple(outputs[position : position + piece.width])))
            position += piece.width
        groups.append(here)
    return groups


def dense(b: Builder, pieces: Pieces, type_: ArrayType) -> int:
    """All pieces of one input as one dense slot (zero when there are none)."""
    total: int | None = None
    for piece, slots in pieces:
        if piece.indices:
            base = b.zeros(type_) if total is None else total
            total = scatter(b, base, At(slots[:-1], slots[-1], piece.proved))
        else:
            total = slots[0] if total is None else b.apply("add", total, slots[0])
    return b.zeros(type_) if total is None else total


def contribute(sweep: Sweep, slot: int, pieces: Pieces) -> None:
    """Hand what came out of a body to the ledger of the enclosing program."""
    for piece, slots in pieces:
        sweep.ledger.add(slot, At(slots[:-1], slots[-1], piece.proved) if piece.indices else slots[0])


class LoopBody:
    """The operands of a transposed loop under construction.

    `captures` and `arrays` pair an input of the linearised backward program with the outer slot it is read from; inputs
    nothing reads are left out.
    """

    def __init__(self, lin: Linearised, inputs: int) -> None:
        self.lin = lin
        self.inputs = inputs  # inputs of the primal body, the index last
        self.captures: list[tuple[int, int]] = []
        self.arrays: list[tuple[int, int]] = []
        self.read = read_inputs(lin.backward)

    def capture(self, position: int, outer: int) -> None:
        if position in self.read:
            self.captures.append((position, outer))

    def array(self, position: int, outer: int) -> None:
        if position in self.read:
            self.arrays.append((position, outer))

    def primals(self, operands: Sequence[int], captures: int) -> None:
        """Captures and arrays of the primal loop are read again as they were."""
        for position, slot in enumerate(operands):
            (self.capture if position < captures else self.array)(position, slot)

    def residuals(self, slots: Sequence[int]) -> None:
        """Residuals are read round by round."""
        for k, slot in enumerate(slots):
            self.array(self.inputs + k, slot)

    def cotangents(
        self,
        sweep: Sweep,
        results: Sequence[tuple[str, bool, int | None, SlotType]],
        size: Size,
        start: int,
    ) -> None:
        """Cotangents of stacked results are read round by round, those of sums are shared.

        `results` holds, per result: how it is combined, whether it has a cotangent, that cotangent (None for zero) and
        the type in the body. `start` is the backward input of the first.
        """
        position = start
        for how, on, z, type_ in results:
            if not on:
                continue
            if position in self.read:
                assert isinstance(type_, ArrayType)
                if how == "sum":
                    self.capture(position, sweep.or_zeros(z, type_))
                else:
                    self.array(position, sweep.or_zeros(z, type_.with_shape((size, *type_.shape))))
            position += 1

    @property
    def order(self) -> list[int]:
        """Backward inputs in the order captures, arrays."""
        return [position for position, _ in (*self.captures, *self.arrays)]


def read_inputs(program: Program) -> frozenset[int]:
    """The inputs that some step or output reads."""
    used = {slot for step in program.steps for slot in step.operands} | set(program.outputs)
    return frozenset(slot for slot in used if slot < len(program.inputs))


def reuse_stacked(lin: Linearised, combine: Sequence[str], carries: int = 0) -> tuple[Program, list[int]]:
    """Leave out residuals that are stacked outputs already; say at which result each residual is found."""
    outputs = list(lin.forward.outputs)
    count = len(outputs) - len(lin.residuals)
    stacked = {outputs[k]: k for k in range(carries, count) if combine[k - carries] == "stack"}
    kept = outputs[:count]
    places: list[int] = []
    for slot in outputs[count:]:
        if slot in stacked:
            places.append(stacked[slot])
        else:
            places.append(len(kept))
            kept.append(slot)
    return replace(lin.forward, outputs=tuple(kept)), places


def inline_reordered(b: Builder, lin: Linearised, order: Sequence[int]) -> tuple[int, ...]:
    """Inline a backward program whose unread inputs are absent (they are given slot 0, which nothing reads)."""
    place = {old: new for new, old in enumerate(order)}
    return b.inline(lin.backward, [place.get(k, 0) for k in range(len(lin.backward.inputs))])


def outer_cotangents(
    b: Builder, groups: Sequence[Pieces], captures: int, types: Sequence[SlotType]
) -> tuple[list[int], list[str]]:
    """Results of a backward body for captures (as pieces) and array elements (dense), and how each is combined."""
    results: list[int] = []
    combine: list[str] = []
    for k, (pieces, type_) in enumerate(zip(groups, types, strict=True)):
        if k >= captures:
            if pieces:
                assert isinstance(type_, ArrayType)
                results.append(dense(b, pieces, type_))
                combine.append("stack")
            continue
        for piece, slots in pieces:
            results.extend(slots)
            combine.extend(["stack"] * len(slots) if piece.indices else ["sum"])
    return results, combine


def live(lin: Linearised, first_z: int, zs: Sequence[int | None], kept: int = 0) -> Linearised:
    """The linearised body without the cotangents that are zero; the first `kept` results keep theirs (carries)."""
    dead = set()
    position = first_z
    for k, (on, z) in enumerate(zip(lin.active_outputs, zs, strict=True)):
        if on:
            if z is None and k >= kept:
                dead.add(position)
            position += 1
    return replace(lin, backward=without_cotangents(lin.backward, frozenset(dead)))


def hand_out(sweep: Sweep, lin: Linearised, operands: Sequence[int], captures: int, results: Sequence[int]) -> None:
    """Give the results that `outer_cotangents` announced to the operands of the loop."""
    position = 0
    for k, slot in enumerate(operands):
        if k >= captures:
            if lin.pieces[k]:
                sweep.ledger.add(slot, results[position])
                position += 1
            continue
        for piece in lin.pieces[k]:
            contribute(sweep, slot, [(piece, tuple(results[position : position + piece.width]))])
            position += piece.width
