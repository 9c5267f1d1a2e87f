"""Programs on series with dense coefficients as inputs, and running them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pushforward.ad.taylor import Index, JetShape, Series, expand
from pushforward.lang.builder import Builder
from pushforward.lang.check_ir import check_program
from pushforward.lang.ir import ArrayType, Program
from pushforward.lang.sizes import known
from pushforward.semantics.reference import evaluate

Arrays = list[np.ndarray]
Coefficients = dict[Index, np.ndarray]


def is_float(type_: object) -> bool:
    return isinstance(type_, ArrayType) and type_.is_float


def lead(shape: JetShape, index: Index) -> tuple[int, ...]:
    """The axis of directions of a coefficient, if it has one."""
    return (known(shape.directions),) if shape.directions is not None and shape.mapped(sum(index)) else ()


def run_series(
    program: Program, shape: JetShape, x: Sequence[np.ndarray], coefficients: Sequence[Coefficients]
) -> tuple[Arrays, list[Coefficients]]:
    """Values and coefficients of all outputs; zeros that are left out are filled in."""
    inputs, operands = list(program.inputs), list[Series]()
    for k, own in enumerate(coefficients):
        places = dict[Index, int]()
        for index, array in own.items():
            places[index] = len(inputs)
            type_ = program.inputs[k]
            assert isinstance(type_, ArrayType)
            inputs.append(type_.with_shape(array.shape))
        operands.append(Series(k, places))
    b = Builder(program.name, inputs, program.sizes)
    results = expand(b, program, operands, shape)
    slots = [series.value for series in results]
    places = [(k, index) for k, series in enumerate(results) for index in series.coefficients]
    whole = b.build([*slots, *(results[k].slot(index) for k, index in places)])
    check_program(whole)
    found = evaluate(whole, [*x, *(array for own in coefficients for array in own.values())])
    values, rest = found[: len(slots)], iter(found[len(slots) :])
    filled: list[Coefficients] = []
    for value, type_ in zip(values, program.output_types, strict=True):
        own = dict[Index, np.ndarray]()
        for index in shape.above if is_float(type_) else ():
            own[index] = np.zeros((*lead(shape, index), *np.shape(value)))
        filled.append(own)
    for k, index in places:
        array = np.asarray(next(rest))
        assert array.shape == filled[k][index].shape
        filled[k][index] = array
    return [np.asarray(value) for value in values], filled


def random_series(program: Program, shape: JetShape, rng: np.random.Generator) -> list[Coefficients]:
    """Coefficients of every float input."""
    found: list[Coefficients] = []
    for type_ in program.inputs:
        own: Coefficients = {}
        if is_float(type_):
            assert isinstance(type_, ArrayType)
            for index in shape.above:
                own[index] = rng.normal(size=(*lead(shape, index), *map(known, type_.shape))) * 0.5
        found.append(own)
    return found
