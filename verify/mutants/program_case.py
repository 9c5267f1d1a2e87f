"""A small program with everything that its checks compare with, computed before any fault is in.

Enters a text; leaves a case: values, derivatives by every element and second derivatives, as differences of the exact
evaluator at 60 digits on the full-stage program, before any pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...ad.transforms import TRANSFORMS
from ...lang.builder import Builder
from ...lang.ir import Function, Program
from ...lang.module import Module, parse_module
from ...lang.specialise import specialise
from ...lang.substitute import substitute_sizes
from ...semantics.exact import evaluate_exact
from .program_texts import Text

STEP = Fraction(1, 10**16)


@dataclass(frozen=True, eq=False)
class Case:
    """A text with everything that was computed before any fault was in.

    `slopes[d]` is the derivative of the result along direction d, `bars` that of ``<z, result>`` by every element of
    every float argument, `twice` the second derivative along directions 0 and 1.
    """

    text: Text
    module: Module
    meaning: Module
    arguments: list[np.ndarray]
    floats: tuple[int, ...]
    directions: tuple[list[np.ndarray], list[np.ndarray]]
    z: np.ndarray
    value: np.ndarray
    slopes: tuple[np.ndarray, np.ndarray]
    bars: list[np.ndarray]
    twice: np.ndarray

    def open(self) -> Program:
        """The first-order program with its sizes open."""
        if self.text.program is not None:
            return self.text.program
        return specialise(self.module.program(self.text.entry), self.module.definitions, {}, TRANSFORMS)

    def first(self) -> Program:
        """The first-order program, specialised with open sizes and then given them (so that loops stay loops)."""
        return substitute_sizes(self.open(), self.text.sizes)

    def scalar(self) -> Program:
        """``<z, result>`` as a program."""
        first = self.first()
        b = Builder(first.name, first.inputs, first.sizes)
        (y,) = b.inline(first, range(len(first.inputs)))
        weights = b.constant(self.z.tolist(), "f64", self.z.shape)
        total = b.apply("mul", y, weights)
        axes = tuple(range(self.z.ndim))
        return b.build([b.apply("reduce_sum", total, axes=axes) if axes else total])


def prepare(text: Text) -> Case:
    """Evaluate the oracles of a text."""
    module = parse_module(text.text)
    meaning = parse_module(text.meaning) if text.meaning else module
    arguments = [np.asarray(value) for value in text.arguments]
    floats = tuple(k for k, x in enumerate(arguments) if x.dtype == float)
    random = np.random.default_rng(len(text.text))
    one, two = ([random.uniform(-1, 1, arguments[k].shape) for k in floats] for _ in range(2))
    evaluator = partial(_exact, meaning, text, arguments, floats, digits=60)
    value = evaluator([])
    z = random.uniform(0.5, 1.5, value.shape)
    return Case(
        text, module, meaning, arguments, floats, (one, two), z, value.astype(float),
        (_slope(evaluator, one), _slope(evaluator, two)), _bars(evaluator, arguments, floats, z),
        _second(evaluator, one, two),
    )  # fmt: skip


def exact_value(case: Case, moves: Sequence[tuple[Fraction, list[np.ndarray]]], digits: int) -> np.ndarray:
    """The result of a case, its float arguments moved by multiples of directions."""
    return _exact(case.meaning, case.text, case.arguments, case.floats, moves, digits)


def _exact(
    module: Module, text: Text, arguments: list[np.ndarray], floats: tuple[int, ...],
    moves: Sequence[tuple[Fraction, list[np.ndarray]]], digits: int,
) -> np.ndarray:  # fmt: skip
    """The result at so many digits, the float arguments moved by multiples of directions."""
    exact: list[Any] = [_fractions(x) if k in floats else x for k, x in enumerate(arguments)]
    for scale, direction in moves:
        for k, step in zip(floats, direction, strict=True):
            exact[k] = exact[k] + scale * _fractions(step)
    program = module.program(text.entry)
    return np.asarray(evaluate_exact(program, exact, text.sizes, lookup(module), digits=digits)[0], object)


def lookup(module: Module) -> Callable[[Function], Program]:
    return lambda function: module.definitions.program(function.module, function.name, function.types)


def _fractions(x: np.ndarray) -> np.ndarray:
    return np.array([Fraction(float(value)) for value in x.flat], object).reshape(x.shape)


def _slope(evaluator: Callable[..., np.ndarray], direction: list[np.ndarray]) -> np.ndarray:
    sides = evaluator([(STEP, direction)]) - evaluator([(-STEP, direction)])
    return np.asarray(sides / (2 * float(STEP))).astype(float)


def _bars(
    evaluator: Callable[..., np.ndarray], arguments: list[np.ndarray], floats: tuple[int, ...], z: np.ndarray
) -> list[np.ndarray]:
    bars = [np.zeros(arguments[k].shape) for k in floats]
    for position, bar in enumerate(bars):
        for place in np.ndindex(bar.shape):
            unit = [np.zeros_like(b) for b in bars]
            unit[position][place] = 1.0
            bar[place] = float(np.sum(z * _slope(evaluator, unit)))
    return bars


def _second(evaluator: Callable[..., np.ndarray], one: list[np.ndarray], two: list[np.ndarray]) -> np.ndarray:
    total: Any = 0
    for a, b in itertools.product((1, -1), repeat=2):
        total = total + a * b * evaluator([(a * STEP, one), (b * STEP, two)])
    return np.asarray(total / (4 * float(STEP * STEP))).astype(float)
