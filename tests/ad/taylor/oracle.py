"""Coefficients by nested forward mode, which shares no rule of Taylor mode for curved functions, loops or products."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pushforward.ad.forward import forward
from pushforward.lang.builder import Builder
from pushforward.lang.ir import F64, ArrayType, Program
from pushforward.semantics.reference import evaluate

Arrays = Sequence[np.ndarray]


def along_curve(program: Program, order: int, variables: int = 1) -> Program:
    """``(t…, x, c1, c2, …) -> f(x + c1 t^m1 + c2 t^m2 + …)`` for the indices of total order up to `order`."""
    indices = curve_indices(order, variables)
    count = len(program.inputs)
    floats = [k for k, type_ in enumerate(program.inputs) if isinstance(type_, ArrayType) and type_.is_float]
    inputs = [*[F64] * variables, *program.inputs, *(program.inputs[k] for k in floats for _ in indices)]
    b = Builder(program.name, inputs, program.sizes)
    place = variables + count
    operands = list(range(variables, variables + count))
    for k in floats:
        for index in indices:
            factor = None
            for variable, power in enumerate(index):
                for _ in range(power):
                    factor = variable if factor is None else b.apply("mul", factor, variable)
            assert factor is not None
            operands[k] = b.apply("add", operands[k], b.apply("mul", place, factor))
            place += 1
    return b.build(b.inline(program, operands))


def curve_indices(order: int, variables: int) -> list[tuple[int, ...]]:
    return sorted((i for i in np.ndindex(*[order + 1] * variables) if 0 < sum(i) <= order), key=lambda i: (sum(i), i))


def nested(program: Program, index: Sequence[int], x: Arrays, coefficients: Arrays, order: int) -> list[np.ndarray]:
    """The coefficient of one index of every output, by forward mode once per order.

    `coefficients` lists, for every float input, those of `curve_indices`.
    """
    variables = len(index)
    curve = along_curve(program, order, variables)
    width = len(curve.outputs)
    tangents: list[float] = []
    for variable, power in enumerate(index):
        for _ in range(power):
            own = [k == variable for k in range(len(curve.inputs))]
            pushed = forward(curve, own)
            kept = [slot for k, slot in enumerate(pushed.outputs) if k >= width]
            curve = Program(curve.name, curve.sizes, pushed.inputs, pushed.steps, tuple(kept))
            # The direction of t is the constant 1.
            b = Builder(curve.name, curve.inputs[:-1], curve.sizes)
            slots = [*range(len(curve.inputs) - 1), b.constant(1.0)]
            curve = b.build(b.inline(curve, slots))
            width = len(curve.outputs)
    zeros = [np.zeros(())] * variables
    scale = math.prod(map(math.factorial, index))
    return [np.asarray(y) / scale for y in evaluate(curve, [*zeros, *x, *coefficients, *tangents])]
