"""The logical relation over curves, executable: curves enter, their jets and the programs along them leave.

A curve into a type is a polynomial for every float, with the integers, the tags and the lengths fixed; a curve into a
function type is a definition closed over a curve. `D_k` of a program maps the k-jet of a curve to the k-jet of the
program along the curve: the fundamental lemma of Huot, Staton & Vákár (2022, LMCS 18(1:41), section 4), which holds
whatever functions and variants the program uses inside. Jets are taken by nested forward mode and compared with Taylor
coefficients of the program evaluated along the curve with many digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ad.forward import forward
from ...ad.full import push_full
from ...lang.ir import ArrayType, Program
from ...semantics.reference import Closure, Variant


@dataclass(frozen=True)
class Path:
    """A polynomial curve of arrays: ``x(t) = sum_m coefficients[m] t^m``."""

    coefficients: tuple[np.ndarray, ...]

    def derivative(self, order: int) -> np.ndarray:
        """The derivative of an order at 0."""
        if order >= len(self.coefficients):
            return np.zeros_like(self.coefficients[0])
        return np.asarray(self.coefficients[order] * float(np.prod(range(1, order + 1), initial=1)))


@dataclass(frozen=True)
class Fixed:
    """A value that does not move: integers and truth values."""

    value: Any


@dataclass(frozen=True)
class TaggedCurve:
    """A curve that stays in one constructor."""

    tag: int
    fields: tuple[Curve, ...]


@dataclass(frozen=True)
class FunctionCurve:
    """A function that moves: `program` with its first inputs on curves."""

    program: Program
    captured: tuple[Curve, ...]


Curve = Path | Fixed | TaggedCurve | FunctionCurve


def curve_through(value: Any, random: np.random.Generator, degree: int = 3) -> Curve:
    """A random curve that starts at a value of the reference."""
    if isinstance(value, Variant):
        return TaggedCurve(value.tag, tuple(curve_through(item, random, degree) for item in value.payload))
    if isinstance(value, Closure):
        return FunctionCurve(value.program, tuple(curve_through(item, random, degree) for item in value.captured))
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return Fixed(array)
    return Path((array, *(random.uniform(-0.8, 0.8, array.shape) for _ in range(degree))))


def at(curve: Curve, number: Callable[[np.ndarray], Any], t: Any) -> Any:
    """The value of a curve at a time, in the arithmetic of `t`; `number` converts arrays of floats to it."""
    match curve:
        case Path(coefficients):
            total = number(coefficients[-1])
            for coefficient in reversed(coefficients[:-1]):
                total = total * t + number(coefficient)
            return total
        case Fixed(value):
            return value
        case TaggedCurve(tag, fields):
            return Variant(tag, tuple(at(item, number, t) for item in fields))
        case FunctionCurve(program, captured):
            return Closure(program, tuple(at(item, number, t) for item in captured))


def paths(curve: Curve) -> list[Path | Fixed]:
    """The arrays of a curve, left to right, tags and functions left out."""
    match curve:
        case Path() | Fixed():
            return [curve]
        case TaggedCurve(fields=inner) | FunctionCurve(captured=inner):
            return [leaf for item in inner for leaf in paths(item)]


# --- first-order programs -----------------------------------------------------------------------------------


def nested_forward(program: Program, order: int) -> Program:
    """Forward mode of forward mode, as often as the order says; all tangents stand behind all primals."""
    for _ in range(order):
        program = forward(program, tuple(isinstance(t, ArrayType) and t.is_float for t in program.inputs))
    return program


def _orders(is_float: Sequence[bool], order: int) -> list[tuple[int, int]]:
    """Which derivative of which entry stands where among the inputs or outputs of nested forward mode."""
    places = [(k, 0) for k in range(len(is_float))]
    for _ in range(order):
        places += [(k, m + 1) for k, m in places if is_float[k]]
    return places


def jet_inputs(curves: Sequence[Path | Fixed], order: int) -> list[Any]:
    """The inputs of `nested_forward`: derivatives of the curves at 0."""
    places = _orders([isinstance(curve, Path) for curve in curves], order)
    return [curve.value if isinstance(curve, Fixed) else curve.derivative(m) for curve, m in
            ((curves[k], m) for k, m in places)]  # fmt: skip


def jet_outputs(program: Program, results: Sequence[Any], order: int) -> list[list[np.ndarray]]:
    """Derivatives 0 … order of every output of the program, from the results of `nested_forward`.

    Components that are equal by symmetry must be equal: each derivative is a list of all its copies.
    """
    is_float = [isinstance(t, ArrayType) and t.is_float for t in program.output_types]
    found: list[list[np.ndarray]] = [[] for _ in range(order + 1)]
    for (k, m), result in zip(_orders(is_float, order), results, strict=True):
        if is_float[k]:
            found[m].append(np.asarray(result))
    return found


# --- the full stage -----------------------------------------------------------------------------------------


def pushed_values(curves: Sequence[Curve], order: int) -> list[Any]:
    """Inputs of `push_full` applied `order` times: each float followed by its tangent, everywhere."""
    return [value for curve in curves for value in _pushed(curve, order)]


def _pushed(curve: Curve, order: int) -> list[Any]:
    match curve:
        case Path():
            return [curve.derivative(m) for m in _interleaved(order)]
        case Fixed(value):
            return [value]
        case TaggedCurve(tag, fields):
            return [Variant(tag, tuple(pushed_values(fields, order)))]
        case FunctionCurve(program, captured):
            return [Closure(pushed_program(program, order), tuple(pushed_values(captured, order)))]


def pushed_program(program: Program, order: int) -> Program:
    """`push_full` as often as the order says."""
    for _ in range(order):
        program = push_full(program)
    return program


def _interleaved(order: int) -> list[int]:
    """Derivative orders of the copies of one float, each copy followed by its tangent.

    >>> _interleaved(2)
    [0, 1, 1, 2]
    """
    places = [0]
    for _ in range(order):
        places = [m for place in places for m in (place, place + 1)]
    return places


# --- the oracle ---------------------------------------------------------------------------------------------


def taylor_derivatives(along: Callable[[Any], list[Any]], order: int, digits: int, context: Any) -> list[list[Any]]:
    """Derivatives 0 … order (at most 3) at 0 of a curve of arrays evaluated with many digits.

    Central differences with a step of ``10^(-digits / 5)``: with 60 digits the truncation error is near 1e-24 and the
    rounding error near 1e-24, both far below what is compared.
    """
    step = context.mpf(10) ** (-(digits // 5))
    values = {k: along(k * step) for k in range(-((order + 1) // 2), (order + 1) // 2 + 1)}
    weights = ({0: 1}, {1: 0.5, -1: -0.5}, {1: 1, 0: -2, -1: 1}, {2: 0.5, 1: -1, -1: 1, -2: -0.5})

    def derivative(m: int, place: int) -> Any:
        return sum(values[k][place] * context.mpf(weight) for k, weight in weights[m].items()) / step**m

    return [[derivative(m, place) for place in range(len(values[0]))] for m in range(order + 1)]
