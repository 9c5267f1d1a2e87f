"""The transpose of a `Branch` is a `Branch` on the same selector."""

from __future__ import annotations

from collections.abc import Sequence

from ...lang.builder import Builder
from ...lang.ir import ArrayType, Branch, Program, as_array
from ..cotangents import Piece
from ..linearise import Linearised, linearise
from ..sweep import Sweep
from .loops import Pieces, contribute, live, pull_apart


def forward_branch(sweep: Sweep, op: Branch, operands: list[int]) -> Sequence[int]:
    """Run the branch with each arm's residuals (arms share places of equal type); register the transposed branch."""
    b = sweep.builder
    selector, captures = operands[0], operands[1:]
    active = tuple(slot in sweep.active for slot in captures)
    available = (True,) * len(active)
    plain = [linearise(arm, active, available) for arm in op.arms]
    demanded = tuple(any(flags) for flags in zip(*(lin.active_outputs for lin in plain), strict=True))
    lins = [linearise(arm, active, available, demanded) for arm in op.arms]
    layout, places = _shared_layout([lin.residuals for lin in lins])
    count = len(op.arms[0].outputs)
    arms = [_padded(lin, place, layout, count) for lin, place in zip(lins, places, strict=True)]
    results = b.branch(selector, captures, arms)
    residuals = results[count:]

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        _backward_branch(sweep, op, lins, places, operands, residuals, zs[:count])

    sweep.register(results, demanded, backward)
    return results[:count]


def _shared_layout(residuals: Sequence[Sequence[ArrayType]]) -> tuple[list[ArrayType], list[list[int]]]:
    """One list of places that fits every arm, and where each residual of each arm goes."""
    layout: list[ArrayType] = []
    places: list[list[int]] = []
    for types in residuals:
        free = list(range(len(layout)))
        here: list[int] = []
        for type_ in types:
            place = next((k for k in free if layout[k] == type_), None)
            if place is None:
                place = len(layout)
                layout.append(type_)
            else:
                free.remove(place)
            here.append(place)
        places.append(here)
    return layout, places


def _padded(lin: Linearised, place: Sequence[int], layout: Sequence[ArrayType], count: int) -> Program:
    b = Builder(lin.forward.name, lin.forward.inputs)
    outputs = b.inline(lin.forward, range(len(lin.forward.inputs)))
    filled = dict(zip(place, outputs[count:], strict=True))
    tail = [filled[k] if k in filled else b.zeros(type_) for k, type_ in enumerate(layout)]
    return b.build([*outputs[:count], *tail])


def _backward_branch(
    sweep: Sweep,
    op: Branch,
    lins: Sequence[Linearised],
    places: Sequence[Sequence[int]],
    operands: Sequence[int],
    residuals: Sequence[int],
    zs: Sequence[int | None],
) -> None:
    b = sweep.builder
    selector, captures = operands[0], list(operands[1:])
    types = op.arms[0].output_types
    on = lins[0].active_outputs
    z_slots = [
        sweep.or_zeros(z, type_)
        for z, type_, flag in zip(zs, types, on, strict=True)
        if flag
    ]
    lins = [live(lin, len(captures) + len(lin.residuals), zs) for lin in lins]
    forms = [_common_form([lin.pieces[k] for lin in lins]) for k in range(len(captures))]
    start = len(captures)
    arms: list[Program] = []
    for lin, place in zip(lins, places, strict=True):
        inputs = [b.types[slot] for slot in (*captures, *residuals, *z_slots)]
        inner = Builder(lin.backward.name, inputs)
        tail = range(start + len(residuals), len(inputs))
        given = [*range(start), *(start + k for k in place), *tail]
        groups = pull_apart(lin, inner.inline(lin.backward, given))
        outputs: list[int] = []
        for k, form in enumerate(forms):
            outputs.extend(_in_form(inner, groups[k], form, as_array(op.arms[0].inputs[k])) if form else [])
        arms.append(inner.build(outputs))
    if not arms[0].outputs:
        return
    results = b.branch(selector, [*captures, *residuals, *z_slots], arms)
    position = 0
    for slot, form in zip(captures, forms, strict=True):
        for piece in form:
            contribute(sweep, slot, [(piece, tuple(results[position : position + piece.width]))])
            position += piece.width


def _common_form(pieces: Sequence[Sequence[Piece]]) -> list[Piece]:
    """Pieces every arm can fill: each sparse form as often as some arm has it, and a dense one if any arm does."""
    form: list[Piece] = []
    for arm in pieces:
        left = list(form)
        for piece in arm:
            if piece in left:
                left.remove(piece)
            else:
                form.append(piece)
    return form


def _in_form(
    b: Builder, pieces: Pieces, form: Sequence[Piece], type_: ArrayType
) -> list[int]:
    """Slots for every piece of `form`; what an arm lacks is zero at index zero."""
    left = list(pieces)
    slots: list[int] = []
    for piece in form:
        found = next((entry for entry in left if entry[0] == piece), None)
        if found is not None:
            left.remove(found)
            slots.extend(found[1])
        else:
            index = ArrayType("i64", piece.batch)
            slots.extend(b.zeros(index) for _ in range(piece.indices))
            slots.append(b.zeros(piece.type))
    return slots
