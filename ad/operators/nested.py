"""One level of a jet by first-order forward mode, taken again and again: the plain meaning of a level.

In: a program, a level, and the coefficients that are needed. Out: a program over the same inputs with these
coefficients of every output. The curve is written as a program over its parameters, which is pushed forward once per
order and read at zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import factorial, prod
from typing import Literal

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import ArrayType, Program, as_array
from ...lang.passes import normalise
from ..forward import forward
from .jets import Index, Level, Seed

How = Literal["plain", "sum", "stack"]
Need = tuple[Index, How]


def push(
    program: Program, level: Level, places: Mapping[str, int], matrices: Sequence[int], needs: Sequence[Need]
) -> Program:
    """The needed coefficients of all outputs along a level, for each need the outputs in order.

    Args:
        program: a first-order program; `places` are the inputs that hold the variables, `matrices` those of weights.
        level: without random lanes.
        needs: indices; those of a level with lanes say whether lanes are summed or stacked (as the first axis).
    """
    if level.lanes is None:
        return normalise(_along(program, level, places, matrices, [index for index, _ in needs], None))
    if level.lanes.law != "coordinates":
        raise InternalError("random lanes need random numbers, which an estimate brings")
    inner = Builder(program.name, [*program.inputs, ArrayType("i64")], program.sizes)
    count = len(program.inputs)
    lane = _unit(inner, count, as_array(program.inputs[places[level.lanes.variable]]))
    along = _along(program, level, places, matrices, [index for index, _ in needs], level.lanes.variable)
    body = inner.build(inner.inline(along, [*range(count), lane]))
    (size,) = as_array(program.inputs[places[level.lanes.variable]]).shape
    combine = [how for _, how in needs for _ in program.outputs]
    b = Builder(program.name, program.inputs, program.sizes)
    return normalise(b.build(b.each(size, range(count), [], body, combine)))


def _along(
    program: Program,
    level: Level,
    places: Mapping[str, int],
    matrices: Sequence[int],
    indices: Sequence[Index],
    lane: str | None,
) -> Program:
    """Coefficients along the curve, with the vector of the lane as a last input if there is one."""
    width, count = len(level.indices[0]), len(program.inputs)
    lanes = [program.inputs[places[lane]]] if lane is not None else []
    dtype = as_array(program.inputs[next(iter(places.values()))]).dtype
    curve = Builder(program.name, [*program.inputs, *lanes, *[ArrayType(dtype)] * width], program.sizes)
    operands = list(range(count))
    for seed in level.seeds:
        place = places[seed.variable]
        operands[place] = curve.apply("add", operands[place], _moved(curve, seed, place, matrices, count, len(lanes)))
    pushed = {(0,) * width: curve.build(curve.inline(program, operands))}
    for index in sorted(level.indices, key=sum):
        if any(index) and any(all(a <= b for a, b in zip(index, wanted, strict=True)) for wanted in indices):
            pushed[index] = _raised(pushed, index, count + len(lanes))
    b = Builder(program.name, [*program.inputs, *lanes], program.sizes)
    zero = b.constant(0.0, dtype)
    outputs: list[int] = []
    for index in indices:
        scale = 1.0 / prod(map(factorial, index))
        for slot in b.inline(pushed[index], [*range(count + len(lanes)), *[zero] * width]):
            outputs.append(b.apply("mul", slot, b.full(scale, b.array_type(slot))))
    return b.build(outputs)


def _raised(pushed: Mapping[Index, Program], index: Index, start: int) -> Program:
    """One more derivative by a parameter of the curve."""
    place = next(place for place, entry in enumerate(index) if entry)
    lower = pushed[(*index[:place], index[place] - 1, *index[place + 1 :])]
    along = forward(lower, tuple(slot == start + place for slot in range(len(lower.inputs))))
    b = Builder(lower.name, lower.inputs, lower.sizes)
    one = b.constant(1.0, as_array(lower.inputs[start + place]).dtype)
    outputs = b.inline(along, [*range(len(lower.inputs)), one])
    return normalise(b.build(outputs[len(lower.outputs) :]))


def _moved(b: Builder, seed: Seed, place: int, matrices: Sequence[int], lane: int, lanes: int) -> int:
    """What a seed adds to its variable: its direction times a monomial in the parameters."""
    type_ = b.array_type(place)
    factor = b.constant(float(seed.scale), type_.dtype)
    for parameter, power in enumerate(seed.index):
        for _ in range(power):
            factor = b.apply("mul", factor, lane + lanes + parameter)
    match seed.direction:
        case "one":
            return factor
        case "lane":
            direction = lane
        case "image":
            direction = b.apply("einsum", matrices[seed.number], lane, spec="ij,j->i")
        case "unit":
            direction = _unit(b, b.constant(seed.number, "i64"), type_)
    return b.apply("mul", direction, b.broadcast(factor, type_.shape, ()))


def _unit(b: Builder, index: int, type_: ArrayType) -> int:
    """The vector that is one at an index and zero elsewhere."""
    (size,) = type_.shape
    hit = b.apply("eq", b.apply("iota", size=size), b.broadcast(index, type_.shape, ()))
    return b.apply("convert", hit, dtype=type_.dtype)
