"""Reverse mode: program -> program that also returns cotangents.

Enters: a first-order program ``x -> y``. Leaves: ``(x, y_bar) -> (y, x_bar)``. Source: Huot & Shaikhha 2022
(arXiv 2212.09801), the reverse macro on unary form, as a backward walk with one joint derivative per body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..lang.builder import Builder
from ..lang.diagnostics import InternalError
from ..lang.ir import ArrayType, Program
from ..lang.memo import memo
from .activity import Flags, is_float
from .sweep import Sweep


def reverse(program: Program, active: Sequence[bool] | None = None, *, memory: int | None = None) -> Program:
    """The program ``(x, y_bar) -> (y, x_bar)``: a cotangent enters per float output and leaves per active float input.

    Args:
        program: a first-order program.
        active: a flag per input; by default every float input is active.
        memory: bytes that one loop may save for the way back; beyond it loops run their bodies again, and long ones
            keep about the square root of their number of rounds of carries. Sizes must be known for that.

    Returns:
        A program with the inputs of `program` and one cotangent per float output; it returns the outputs of
        `program` and one cotangent per active float input, of the same shape (zero where nothing depends on it).
    """
    flags = tuple(is_float(t) for t in program.inputs) if active is None else tuple(active)
    return _reverse(program, flags, memory)


@memo(maxsize=512)
def _reverse(program: Program, active: Flags, memory: int | None) -> Program:
    count = len(program.inputs)
    z_types = [type_ for type_ in program.output_types if is_float(type_)]
    b = Builder(program.name, [*program.inputs, *z_types], program.sizes)
    outputs, bars = sweep_onto(b, program, active, lambda position, _: count + position, memory)
    return b.build([*outputs, *bars])


def sweep_onto(
    b: Builder,
    program: Program,
    active: Flags,
    seed: Callable[[int, ArrayType], int],
    memory: int | None = None,
) -> tuple[list[int], list[int]]:
    """Run a program on the first inputs of a builder, forwards and backwards.

    `seed(position, type)` gives the cotangent of float output number `position`. Returns the outputs and one cotangent
    per active float input.
    """
    wrt = [k for k, flag in enumerate(active) if flag and is_float(program.inputs[k])]
    sweep = Sweep(b, set(wrt), memory)
    outputs = sweep.run_forward(program, range(len(program.inputs)))
    cut = len(b.steps)
    position = 0
    for slot, type_ in zip(outputs, program.output_types, strict=True):
        if isinstance(type_, ArrayType) and type_.is_float:
            if slot in sweep.active:
                sweep.ledger.add(slot, seed(position, type_))
            position += 1
    sweep.run_backward(cut)
    bars = []
    for k in wrt:
        type_ = program.inputs[k]
        assert isinstance(type_, ArrayType)
        bars.append(sweep.or_zeros(sweep.ledger.take(k), type_))
    return outputs, bars


class NotLinear(InternalError):
    """A program does not depend linearly on the inputs it should be transposed in."""


def transpose(program: Program, linear: Flags) -> Program:
    """The transpose of a program in the inputs marked `linear`, in which its float outputs must be linear.

    Returns ``(other inputs, y_bar) -> x_bar`` with one cotangent per linear input.
    """
    both = reverse(program, linear)
    outputs = len(program.outputs)
    count = len(program.inputs)
    kept = [k for k in range(len(both.inputs)) if k >= count or not linear[k]]
    bars = both.outputs[outputs:]
    inner = Builder(program.name, both.inputs, both.sizes)
    slots = inner.inline(both, range(len(both.inputs)))
    only = inner.build(slots[outputs:])
    used = {slot for step in only.steps for slot in step.operands} | set(only.outputs)
    if any(linear[k] and k in used for k in range(count)):
        raise NotLinear(f"{program.name} is not linear in the inputs it should be transposed in")
    place = {old: new for new, old in enumerate(kept)}
    b = Builder(program.name, [both.inputs[k] for k in kept], both.sizes)
    assert len(bars) == sum(linear)
    return b.build(b.inline(only, [place.get(k, 0) for k in range(len(both.inputs))]))
