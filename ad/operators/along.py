"""One level of a jet by Taylor mode.

In: a program, a level, and the coefficients that are needed. Out: a program over the same inputs with these
coefficients of every output, each computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ...lang.builder import Builder
from ...lang.diagnostics import InternalError
from ...lang.ir import ArrayType, Program, as_array
from ...lang.passes import normalise
from ...lang.sizes import Size
from ..taylor import JetShape, OneHot, Series, expand, staircase
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
    if not level.seeds:
        return program
    if level.lanes is not None and level.lanes.law != "coordinates":
        raise InternalError("random lanes need random numbers, which an estimate brings")
    b = Builder(program.name, program.inputs, program.sizes)
    lanes: Size | None = None
    if level.lanes is not None:
        (lanes,) = as_array(program.inputs[places[level.lanes.variable]]).shape
    shape = _shape(level, lanes, needs)
    moved: dict[int, dict[Index, int | OneHot]] = {}
    for seed in level.seeds:
        place = places[seed.variable]
        own = moved.setdefault(place, {})
        step = _direction(b, seed, b.array_type(place), lanes, matrices)
        own[seed.index] = step if seed.index not in own else _sum(b, seed.index, own[seed.index], step)
    operands = [Series(place, moved.get(place, {})) for place in range(len(program.inputs))]
    results = expand(b, program, operands, shape)
    outputs = [
        _needed(b, series, need, as_array(type_), shape)
        for need in needs
        for series, type_ in zip(results, program.output_types, strict=True)
    ]
    return normalise(b.build(outputs))


def _shape(level: Level, lanes: Size | None, needs: Sequence[Need]) -> JetShape:
    """The coefficients of a level; the highest are kept per lane where a seed has one or where they are stacked."""
    top = max(map(sum, level.indices))
    per_lane = [seed.index for seed in level.seeds] + [index for index, how in needs if how == "stack"]
    return staircase(level.indices, lanes, collapse=level.collapsed and top not in map(sum, per_lane))


def _direction(b: Builder, seed: Seed, type_: ArrayType, lanes: Size | None, matrices: Sequence[int]) -> int | OneHot:
    """What a seed moves its variable by, for all lanes at once."""
    scale = None if seed.scale == 1 else b.constant(float(seed.scale), type_.dtype)
    match seed.direction:
        case "one":
            return b.constant(float(seed.scale), type_.dtype)
        case "lane":
            assert lanes is not None
            value = None if scale is None else b.broadcast(scale, (lanes,), ())
            return OneHot(b.apply("iota", size=lanes), value)
        case "image":  # row i of the transposed matrix is the matrix times unit vector i
            columns = b.apply("transpose", matrices[seed.number], axes=(1, 0))
            return columns if scale is None else b.apply("mul", columns, b.broadcast(scale, type_.shape * 2, ()))
        case "unit":
            return OneHot(b.constant(seed.number, "i64"), scale)


def _sum(b: Builder, index: Index, one: int | OneHot, other: int | OneHot) -> int:
    if isinstance(one, OneHot) or isinstance(other, OneHot):
        raise InternalError(f"two seeds of one variable at {index} along coordinates")
    return b.apply("add", one, other)


def _needed(b: Builder, series: Series, need: Need, type_: ArrayType, shape: JetShape) -> int:
    """One coefficient of one output, with its lanes summed or stacked as they are needed."""
    index, how = need
    if not any(index):
        if how != "plain":
            raise InternalError("a value is the same on all lanes")
        return series.value
    slot = series.coefficients.get(index)
    if isinstance(slot, OneHot):
        raise InternalError("a coefficient of a result is dense")
    if slot is None:
        lanes = () if shape.directions is None or how != "stack" else (shape.directions,)
        return b.zeros(type_.with_shape((*lanes, *type_.shape)))
    return b.apply("reduce_sum", slot, axes=(0,)) if how == "sum" and shape.mapped(sum(index)) else slot
