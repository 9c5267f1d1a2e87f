"""Derivative words without derivative passes: each kind becomes a program of central differences.

Given to the specialiser in place of the passes, they leave a program that says what the derivative words of a text mean
and shares no derivative rule with them. It is meant to be evaluated with many digits: with a step near 1e-20 every
nested difference takes 20 of them, and leaves an error near 1e-40.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...lang.builder import Builder
from ...lang.ir import ArrayType, Program

Flags = tuple[bool, ...]
LOG_STEP = -46.0
"""The step is ``exp(-46)``: a step, so that no literal is added to another one in double precision."""


def _floats(program: Program) -> list[int]:
    return [k for k, t in enumerate(program.output_types) if isinstance(t, ArrayType) and t.is_float]


def _shifted(b: Builder, program: Program, slots: Sequence[int], dots: Mapping[int, int]) -> list[int]:
    """The directional derivatives of the float outputs along the tangents given by input."""
    h = b.apply("exp", b.constant(LOG_STEP))
    ends = []
    for sign in ("add", "sub"):
        moved = [b.apply(sign, slot, b.apply("mul", dots[k], h)) if k in dots else slot for k, slot in enumerate(slots)]
        ends.append(b.inline(program, moved))
    twice = b.apply("add", h, h)
    return [b.apply("div", b.apply("sub", ends[0][k], ends[1][k]), twice) for k in _floats(program)]


def _unit(b: Builder, index: int, type_: ArrayType) -> int:
    hit = b.apply("eq", b.apply("iota", size=type_.elements), index)
    return b.apply("reshape", b.apply("convert", hit, dtype=type_.dtype), shape=type_.shape)


def jvp(program: Program, active: Flags) -> Program:
    """inputs, tangents -> outputs, tangents of the float outputs."""
    wrt = [k for k, flag in enumerate(active) if flag]
    b = Builder(program.name, [*program.inputs, *(program.inputs[k] for k in wrt)], program.sizes)
    slots = list(range(len(program.inputs)))
    dots = {k: len(slots) + place for place, k in enumerate(wrt)}
    return b.build([*b.inline(program, slots), *_shifted(b, program, slots, dots)])


def _partials(b: Builder, program: Program, slots: Sequence[int], k: int) -> list[int]:
    """The derivatives of the float outputs by every element of input k, stacked in front."""
    type_ = b.array_type(slots[k])
    inner = Builder(program.name, [*program.inputs, ArrayType("i64")], program.sizes)
    own = list(range(len(program.inputs)))
    columns = _shifted(inner, program, own, {k: _unit(inner, len(own), type_)})
    return list(b.each(type_.elements, slots, [], inner.build(columns), ["stack"] * len(columns)))


def vjp(program: Program, active: Flags) -> Program:
    """inputs, cotangents of the float outputs -> outputs, cotangents of the active inputs."""
    outputs = _floats(program)
    b = Builder(program.name, [*program.inputs, *(program.output_types[k] for k in outputs)], program.sizes)
    slots = list(range(len(program.inputs)))
    bars = [_pulled(b, program, slots, k, len(slots)) for k, flag in enumerate(active) if flag]
    return b.build([*b.inline(program, slots), *bars])


def _pulled(b: Builder, program: Program, slots: Sequence[int], k: int, first: int) -> int:
    total = None
    for place, stack in enumerate(_partials(b, program, slots, k)):
        rank = b.array_type(stack).rank
        weighted = b.broadcast(first + place, b.array_type(stack).shape, tuple(range(1, rank)))
        term = b.apply("mul", stack, weighted)
        term = b.apply("reduce_sum", term, axes=tuple(range(1, rank))) if rank > 1 else term
        total = term if total is None else b.apply("add", total, term)
    assert total is not None
    return b.apply("reshape", total, shape=b.array_type(slots[k]).shape)


def value_and_grad(program: Program, active: Flags) -> Program:
    """inputs -> outputs, gradient of the first output by the active inputs."""
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    bars = [
        b.apply("reshape", _partials(b, program, slots, k)[0], shape=b.array_type(k).shape)
        for k, flag in enumerate(active) if flag
    ]  # fmt: skip
    return b.build([*b.inline(program, slots), *bars])


def grad(program: Program, active: Flags) -> Program:
    """inputs -> gradient of the first output by the active inputs."""
    both = value_and_grad(program, active)
    b = Builder(both.name, both.inputs, both.sizes)
    return b.build(b.inline(both, range(len(both.inputs)))[len(program.outputs) :])


def jacobian(program: Program, active: Flags) -> Program:
    """inputs -> derivatives of every output by one input, of shape ``y.shape + x.shape``."""
    k = active.index(True)
    b = Builder(program.name, program.inputs, program.sizes)
    x_shape = b.array_type(k).shape
    results = []
    for stack in _partials(b, program, range(len(program.inputs)), k):
        shape = b.array_type(stack).shape
        moved = b.apply("transpose", stack, axes=(*range(1, len(shape)), 0))
        results.append(b.apply("reshape", moved, shape=(*shape[1:], *x_shape)))
    return b.build(results)


def hessian(program: Program, active: Flags) -> Program:
    """inputs -> second derivatives by one input."""
    return jacobian(grad(program, active), active)


def laplacian(program: Program, active: Flags) -> Program:
    """inputs -> the trace of the second derivatives."""
    whole = hessian(program, active)
    b = Builder(whole.name, whole.inputs, whole.sizes)
    (matrix,) = b.inline(whole, range(len(whole.inputs)))
    if not b.array_type(matrix).rank:
        return b.build([matrix])
    inner = Builder("diagonal", [b.array_type(matrix), ArrayType("i64")])
    entry = inner.apply("gather", 0, 1, 1, proved=True)
    size = b.array_type(matrix).shape[0]
    return b.build(b.each(size, [matrix], [], inner.build([entry]), ["sum"]))


DIFFERENCES: Mapping[str, Callable[[Program, Flags], Program]] = {
    "grad": grad, "value_and_grad": value_and_grad, "jvp": jvp, "vjp": vjp,
    "jacobian": jacobian, "hessian": hessian, "laplacian": laplacian,
}  # fmt: skip
