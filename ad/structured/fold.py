"""The transpose of a `Fold` is a `Fold` in the other direction; its carry is the cotangent of the carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...lang.builder import Builder
from ...lang.diagnostics import fail
from ...lang.ir import UNBOUNDED, ArrayType, Fold, SlotType
from ...lang.source import Span
from ..activity import fold_carry_activity
from ..checkpoint import exceeds, strip_mined
from ..linearise import Linearised, linearise
from ..sweep import Sweep
from .loops import (
    LoopBody,
    Pieces,
    dense,
    hand_out,
    inline_reordered,
    live,
    outer_cotangents,
    pull_apart,
    reuse_stacked,
)


def forward_fold(sweep: Sweep, op: Fold, operands: list[int]) -> Sequence[int]:
    """Run the `Fold` with residuals stacked; register the `Fold` in the other direction."""
    b = sweep.builder
    if op.condition is not None:
        op = masked(op, b.origin)
    outer = op.captures + op.arrays
    carries = len(operands) - outer
    flags = tuple(slot in sweep.active for slot in operands)
    on_carry = fold_carry_activity(op, flags)
    active = (*flags[:outer], *on_carry, False)
    available = (*(True,) * outer, *(False,) * carries, True)
    demanded = (*on_carry, *(False for _ in op.combine))
    lin = linearise(op.body, active, available, demanded)
    lean = exceeds(lin.residuals, op.size, sweep.memory)
    if lean:
        lin = linearise(op.body, active, available, demanded, recompute=True)
        if exceeds(lin.residuals, op.size, sweep.memory) and isinstance(op.size, int) and op.size > 3:
            types = [b.array_type(slot) for slot in operands]
            return sweep.run_forward(strip_mined(op, types), operands)
    body, places = reuse_stacked(lin, op.combine, carries)
    count = carries + len(op.combine)
    combine = (*op.combine, *("stack" for _ in range(len(body.outputs) - count)))
    results = b.fold(
        op.size,
        operands[: op.captures],
        operands[op.captures : outer],
        operands[outer:],
        body,
        combine,
        reverse=op.reverse,
    )
    residuals = [results[place] for place in places]

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        _backward_fold(sweep, op, lin, operands, residuals, zs[:count], lean)

    sweep.register(results, lin.active_outputs, backward)
    return results[:count]


def masked(op: Fold, origin: Span | None = None) -> Fold:
    """A while loop as a fixed number of rounds that leave the carry alone once the condition is false.

    The reverse sweep of a while loop runs over all rounds up to its limit; idle rounds cost one branch.
    """
    assert op.condition is not None
    if op.size == UNBOUNDED:
        raise fail(
            "E115",
            "a while loop without a bound cannot be differentiated in reverse mode",
            origin,
            hint="use a loop with a known number of rounds (`fori_loop`, `scan`), or forward mode",
        )
    b = Builder(op.body.name, op.body.inputs)
    slots = tuple(range(len(op.body.inputs)))
    (go,) = b.inline(op.condition, slots[:-1])
    idle = Builder("idle", op.body.inputs).build(slots[op.captures : -1])
    return replace(op, body=b.build(b.branch(go, slots, [idle, op.body])), condition=None)


def _backward_fold(
    sweep: Sweep,
    op: Fold,
    lin: Linearised,
    operands: Sequence[int],
    residuals: Sequence[int],
    zs: Sequence[int | None],
    lean: bool,
) -> None:
    outer = op.captures + op.arrays
    inputs, carries = len(op.body.inputs), len(operands) - outer
    on_carry = lin.active_outputs[:carries]
    types = op.body.inputs[outer : outer + carries]
    first_z = inputs + len(residuals)
    lin = live(lin, first_z, zs, kept=carries)
    body = LoopBody(lin, inputs)
    body.primals(operands[:outer], op.captures)
    body.residuals(residuals)
    z_carries = range(first_z, first_z + sum(on_carry))
    extras = zip(op.combine, lin.active_outputs[carries:], zs[carries:], op.body.output_types[carries:], strict=True)
    body.cotangents(sweep, list(extras), op.size, z_carries.stop)
    order = [*body.order, *z_carries, inputs - 1]
    b = Builder(lin.backward.name, [lin.backward.inputs[k] for k in order])
    groups = pull_apart(lin, inline_reordered(b, lin, order))
    active = [k for k, on in enumerate(on_carry) if on]
    next_bars = [_dense_carry(b, groups[outer + k], types[k]) for k in active]
    outputs, combine = outer_cotangents(b, groups[:outer], op.captures, op.body.inputs[:outer])
    captures, arrays = [slot for _, slot in body.captures], [slot for _, slot in body.arrays]
    initial = [_or_zeros(sweep, zs[k], types[k]) for k in active]
    program = b.build([*next_bars, *outputs])
    bars = sweep.builder.fold(op.size, captures, arrays, initial, program, combine, reverse=not op.reverse, lean=lean)
    for k, bar in zip(active, bars, strict=False):
        if operands[outer + k] in sweep.active:
            sweep.ledger.add(operands[outer + k], bar)
    hand_out(sweep, lin, operands[:outer], op.captures, bars[len(active) :])


def _dense_carry(b: Builder, pieces: Pieces, type_: SlotType) -> int:
    assert isinstance(type_, ArrayType)
    return dense(b, pieces, type_)


def _or_zeros(sweep: Sweep, z: int | None, type_: SlotType) -> int:
    assert isinstance(type_, ArrayType)
    return sweep.or_zeros(z, type_)
