"""One level of a jet by Taylor mode.

In: a program, a level, and the coefficients that are needed. Out: a program over the same inputs with these
coefficients of every output, each computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from ...lang.builder import Builder
from ...lang.diagnostics import DiagnosticError, InternalError
from ...lang.ir import ArrayType, Program, as_array
from ...lang.passes import normalise
from ...lang.sizes import Size
from ..derive import value_and_gradient
from ..taylor import JetShape, OneHot, Series, expand_all, staircase
from .jets import EXACT, Index, Lanes, Level, Seed

How = Literal["plain", "sum", "stack"]
Need = tuple[Index, How]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A program along a level, and the twins in it."""

    program: Program
    twins: Mapping[int, int] = field(default_factory=dict[int, int])


def push(
    program: Program,
    level: Level,
    places: Mapping[str, int],
    matrices: Sequence[int],
    needs: Sequence[Need],
    draws: Mapping[str, int] = MappingProxyType({}),
    twins: Mapping[int, int] = MappingProxyType({}),
    again: bool = False,
) -> Pushed:
    """The needed coefficients of all outputs along a level, for each need the outputs in order.

    Args:
        program: a first-order program; `places` are the inputs that hold the variables, `matrices` those of weights.
        needs: indices; those of a level with lanes say whether lanes are summed or stacked (as the first axis).
        draws: the inputs that hold the random lanes over a variable: the numbers of sampled coordinates, or one vector
            per row.
        twins: those of a program that was pushed along the same level; see `ad.taylor.expand_all`.
        again: whether the program will be pushed along the same level once more, so that its twins are asked for.
    """
    if not level.seeds:
        return Pushed(program)
    if level.is_gradient and [as_array(type_).shape for type_ in program.output_types] == [()]:
        with suppress(DiagnosticError):  # what only goes forward takes a lane per coordinate
            return Pushed(_by_reverse(program, places[level.seeds[0].variable], needs))
    b = Builder(program.name, program.inputs, program.sizes)
    vectors = None if level.lanes is None else _vectors(b, level.lanes, places, draws)
    shape = _shape(level, None if vectors is None else vectors.count, needs)
    moved: dict[int, dict[Index, int | OneHot]] = {}
    for seed in level.seeds:
        place = places[seed.variable]
        own = moved.setdefault(place, {})
        step = _direction(b, seed, b.array_type(place), vectors, matrices)
        own[seed.index] = step if seed.index not in own else _sum(b, seed.index, own[seed.index], step)
    operands = [Series(place, moved.get(place, {})) for place in range(len(program.inputs))]
    results, pairs = expand_all(b, program, operands, shape, twins)
    outputs = [
        _needed(b, series, need, as_array(type_), shape)
        for need in needs
        for series, type_ in zip(results, program.output_types, strict=True)
    ]
    found = normalise(b.build([*outputs, *(slot for pair in pairs if again for slot in pair)]))
    ends = found.outputs[len(outputs) :]
    return Pushed(replace(found, outputs=found.outputs[: len(outputs)]), dict(zip(ends[::2], ends[1::2], strict=True)))


def _by_reverse(program: Program, place: int, needs: Sequence[Need]) -> Program:
    """The value and the gradient of a program of one number."""
    b = Builder(program.name, program.inputs, program.sizes)
    value, slope = b.inline(value_and_gradient(program, (place,)), range(len(program.inputs)))
    return normalise(b.build([slope if any(index) else value for index, _ in needs]))


def _shape(level: Level, lanes: Size | None, needs: Sequence[Need]) -> JetShape:
    """The coefficients of a level; the highest are kept per lane where a seed has one or where they are stacked."""
    top = max(map(sum, level.indices))
    per_lane = [seed.index for seed in level.seeds] + [index for index, how in needs if how == "stack"]
    return staircase(level.indices, lanes, collapse=level.collapsed and top not in map(sum, per_lane))


@dataclass(frozen=True, slots=True)
class _Vectors:
    """The vectors of the lanes of a level: how many, and the slot of their numbers or of the vectors themselves."""

    count: Size
    numbers: int | None = None
    rows: int | None = None


def _vectors(b: Builder, lanes: Lanes, places: Mapping[str, int], draws: Mapping[str, int]) -> _Vectors:
    if lanes.law in EXACT:
        (length,) = b.array_type(places[lanes.variable]).shape
        return _Vectors(length, numbers=b.apply("iota", size=length))
    if lanes.variable not in draws:
        raise InternalError("random lanes need random numbers, which an estimate brings")
    drawn = draws[lanes.variable]
    type_ = b.array_type(drawn)
    if lanes.law != "sampled":
        return _Vectors(type_.shape[0], rows=drawn)
    return _Vectors(type_.shape[0], numbers=drawn if type_.dtype == "i64" else b.apply("convert", drawn, dtype="i64"))


def _direction(
    b: Builder, seed: Seed, type_: ArrayType, vectors: _Vectors | None, matrices: Sequence[int]
) -> int | OneHot:
    """What a seed moves its variable by, for all lanes at once."""
    scale = None if seed.scale == 1 else b.constant(float(seed.scale), type_.dtype)
    if seed.direction == "one":
        return b.constant(float(seed.scale), type_.dtype)
    if seed.direction == "unit":
        return OneHot(b.constant(seed.number, "i64"), scale)
    assert vectors is not None
    if seed.direction == "lane" and vectors.numbers is not None:
        return OneHot(vectors.numbers, None if scale is None else b.broadcast(scale, (vectors.count,), ()))
    dense = vectors.rows if seed.direction == "lane" else _images(b, matrices[seed.number], vectors)
    assert dense is not None
    return dense if scale is None else b.apply("mul", dense, b.broadcast(scale, b.array_type(dense).shape, ()))


def _images(b: Builder, matrix: int, vectors: _Vectors) -> int:
    """The matrix times every vector: its columns where these are unit vectors."""
    if vectors.rows is not None:
        return b.apply("einsum", vectors.rows, matrix, spec="bj,ij->bi")
    assert vectors.numbers is not None
    return b.apply("gather", b.apply("transpose", matrix, axes=(1, 0)), vectors.numbers, proved=False)


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
