"""The transpose of an `Each` is an `Each`."""

from __future__ import annotations

from collections.abc import Sequence

from ...lang.builder import Builder
from ...lang.ir import Each
from ..checkpoint import exceeds
from ..linearise import Linearised, linearise
from ..sweep import Sweep
from .loops import LoopBody, hand_out, inline_reordered, live, outer_cotangents, pull_apart, reuse_stacked


def forward_each(sweep: Sweep, op: Each, operands: list[int]) -> Sequence[int]:
    """Run the `Each` with residuals stacked; register its transposition."""
    b = sweep.builder
    captures, arrays = operands[: op.captures], operands[op.captures :]
    active = (*(slot in sweep.active for slot in operands), False)
    available = (True,) * len(active)
    lin = linearise(op.body, active, available)
    if exceeds(lin.residuals, op.size, sweep.memory):
        lin = linearise(op.body, active, available, recompute=True)
    count = len(op.combine)
    body, places = reuse_stacked(lin, op.combine)
    combine = (*op.combine, *("stack" for _ in range(len(body.outputs) - count)))
    results = b.each(op.size, captures, arrays, body, combine)
    residuals = [results[place] for place in places]

    def backward(sweep: Sweep, zs: Sequence[int | None]) -> None:
        _backward_each(sweep, op, lin, operands, residuals, zs[:count])

    sweep.register(results, lin.active_outputs, backward)
    return results[:count]


def _backward_each(
    sweep: Sweep,
    op: Each,
    lin: Linearised,
    operands: Sequence[int],
    residuals: Sequence[int],
    zs: Sequence[int | None],
) -> None:
    inputs = len(op.body.inputs)
    lin = live(lin, inputs + len(residuals), zs)
    body = LoopBody(lin, inputs)
    body.primals(operands, op.captures)
    body.residuals(residuals)
    results = list(zip(op.combine, lin.active_outputs, zs, op.body.output_types, strict=True))
    body.cotangents(sweep, results, op.size, inputs + len(residuals))
    order = [*body.order, inputs - 1]
    b = Builder(lin.backward.name, [lin.backward.inputs[k] for k in order])
    groups = pull_apart(lin, inline_reordered(b, lin, order))
    outputs, combine = outer_cotangents(b, groups[:-1], op.captures, op.body.inputs[:-1])
    captures, arrays = [slot for _, slot in body.captures], [slot for _, slot in body.arrays]
    bars = sweep.builder.each(op.size, captures, arrays, b.build(outputs), combine)
    hand_out(sweep, lin, operands, op.captures, bars)
