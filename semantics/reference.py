"""The reference evaluator: a program and NumPy arrays enter, NumPy arrays leave, step by step.

This is the meaning that compiled code is compared with. It runs every construct of unary form, also the full
stage (functions, variants, recursion), stops with a source span at an index out of range or an integer
division by zero, and can name the first step that made a number that is not finite.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..lang.constants import numpy_dtype
from ..lang.diagnostics import fail
from ..lang.ir import Apply, ArrayType, Constant, Function, Program, SlotType, Step
from ..lang.source import Span
from ..lang.substitute import substitute_sizes
from .interpreter import Closure, Interpreter, Limits, Lookup, Transforms, Variant
from .reference_numpy import NumpyArithmetic
from .shapes import solve_sizes

__all__ = ["Closure", "Limits", "NonFinite", "Variant", "evaluate", "first_nonfinite"]

Definitions = Lookup | Mapping[Function, Program]
# Python frames that one level of recursion in a program takes (invoke, run, slots, runners), rounded up.
_FRAMES = 16
# Programs at known sizes; the original is kept beside, so that its id stays its own.
_AT_SIZES: dict[tuple[int, tuple[tuple[str, int], ...]], tuple[Program, Program]] = {}
_MOST_REMEMBERED = 64


def evaluate(
    program: Program,
    args: Sequence[Any],
    sizes: Mapping[str, int] | None = None,
    definitions: Definitions | None = None,
    *,
    transforms: Transforms | None = None,
    limits: Limits | None = None,
) -> list[Any]:
    """Run a program on arrays (one per input slot) and return one array per output.

    Args:
        program: a program of either stage; its size variables follow from the shapes of the arguments and
        `sizes`. args: arrays, Python numbers, `Closure`s and `Variant`s. definitions: gives the program of a
        `Function`, as a mapping or a function. transforms: applies a derivative operator to a function value:
        (operation, closure, result type) -> closure. limits: how many steps may run and how deep calls may
        nest.

    Raises:
        DiagnosticError: E100 to E111, with the span of the step that stopped.

    >>> from ..lang.builder import body
    >>> square = body("square", [ArrayType("f64")], lambda b, x: [b.apply("mul", x[0], x[0])])
    >>> [float(y) for y in evaluate(square, [3.0])]
    [9.0]
    """
    values = _arguments(program, args)
    program = sized(program, values, sizes or {})
    interpreter = Interpreter(NumpyArithmetic(), definitions, transforms, limits)
    with _running(interpreter.limits):
        outputs = interpreter.run(program, values)
    return [_result(type_, value) for type_, value in zip(program.output_types, outputs, strict=True)]


@contextmanager
def _running(limits: Limits) -> Iterator[None]:
    """Silent IEEE arithmetic, and Python frames enough for the recursion that the limits allow."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, limits.depth * _FRAMES + 1_000))
    try:
        with np.errstate(all="ignore"):
            yield
    except RecursionError:
        raise fail("E102", "the program nests too deep", hint="is a base case missing?") from None
    finally:
        sys.setrecursionlimit(before)


def _arguments(program: Program, args: Sequence[Any]) -> list[Any]:
    if len(args) != len(program.inputs):
        message = f"{program.name} takes {len(program.inputs)} arguments, not {len(args)}"
        raise fail("E105", message, hint="give one array per input, in their order")
    return [_argument(type_, value) for type_, value in zip(program.inputs, args, strict=True)]


def _argument(type_: SlotType, value: Any) -> Any:
    """An array of the wanted dtype; Python numbers take it, arrays must have it."""
    if not isinstance(type_, ArrayType):
        return value
    dtype = numpy_dtype(type_.dtype)
    array = np.asarray(value, dtype) if isinstance(value, (bool, int, float, list)) else np.asarray(value)
    if array.dtype != dtype:
        raise fail(
            "E105",
            "an argument has the wrong kind of number",
            expected=str(type_),
            actual=str(array.dtype),
            hint=f"convert it first: x.astype('{dtype}')",
        )
    return array[()]


def sized(program: Program, values: Sequence[Any], sizes: Mapping[str, int]) -> Program:
    """The program with its size variables read off the arguments, or given by name; E106 when one is unknown."""
    shapes = [
        np.shape(value) if isinstance(type_, ArrayType) else None
        for type_, value in zip(program.inputs, values, strict=True)
    ]
    known = solve_sizes(program.sizes, program.inputs, shapes, sizes)
    return _substituted(program, tuple(known.items()))


def _substituted(program: Program, sizes: tuple[tuple[str, int], ...]) -> Program:
    """The program at known sizes, remembered for repeated calls.

    Remembered by identity: programs that differ in spans alone are equal, and an error must show its own
    span.
    """
    if not sizes:
        return program
    key = (id(program), sizes)
    found = _AT_SIZES.get(key)
    if found is None:
        if len(_AT_SIZES) >= _MOST_REMEMBERED:
            _AT_SIZES.clear()
        found = _AT_SIZES[key] = (program, substitute_sizes(program, dict(sizes)))
    return found[1]


def _result(type_: SlotType, value: Any) -> Any:
    return np.array(value, numpy_dtype(type_.dtype)) if isinstance(type_, ArrayType) else value


# --- where a number stopped being finite --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NonFinite:
    """The step that made an infinity or NaN from finite operands: what it did, where it stands, what came out."""

    what: str
    span: Span | None
    value: float


def first_nonfinite(
    program: Program,
    args: Sequence[Any],
    sizes: Mapping[str, int] | None = None,
    definitions: Definitions | None = None,
    *,
    transforms: Transforms | None = None,
    limits: Limits | None = None,
) -> NonFinite | None:
    """The step to blame for an output that is not finite, or None when all outputs are finite.

    Follows the value back from the output to a step with finite operands, and into loops, branches and calls;
    so a NaN in an arm that was not taken is not blamed.
    """
    values = _arguments(program, args)
    program = sized(program, values, sizes or {})
    interpreter = Interpreter(NumpyArithmetic(), definitions, transforms, limits)
    with _running(interpreter.limits):
        return _blame(interpreter, program, values)


def _blame(interpreter: Interpreter, program: Program, inputs: Sequence[Any]) -> NonFinite | None:
    interpreter.watch = None
    slots = interpreter.slots(program, inputs)
    bad = next((slot for slot in program.outputs if not _finite(slots[slot])), None)
    if bad is None:
        return None
    made = {first + k: step for first, step in program.numbered() for k in range(len(step.types))}
    while bad in made:
        step = made[bad]
        earlier = next((slot for slot in step.operands if not _finite(slots[slot])), None)
        if earlier is None:
            return _inside(interpreter, step, slots, bad)
        bad = earlier
    return NonFinite(f"input {bad}", None, _sample(slots[bad]))


def _inside(interpreter: Interpreter, step: Step, slots: Sequence[Any], bad: int) -> NonFinite:
    """Blame the step, or the step of its body that is at fault."""
    operands = [slots[slot] for slot in step.operands]
    caught: list[tuple[Program, Sequence[Any]]] = []
    level = interpreter.level

    def watch(program: Program, inputs: Sequence[Any], outputs: list[Any]) -> None:
        own = interpreter.level == level and not caught
        if own and all(map(_finite, inputs)) and not all(map(_finite, outputs)):
            caught.append((program, inputs))

    if not isinstance(step.op, (Apply, Constant)):
        interpreter.watch = watch
        interpreter.runner(step, [])(operands)
        if caught:
            found = _blame(interpreter, *caught[0])
            if found is not None:
                return found if found.span else NonFinite(found.what, step.origin, found.value)
    return NonFinite(_describe(step, operands, slots[bad]), step.origin, _sample(slots[bad]))


def _describe(step: Step, operands: Sequence[Any], result: Any) -> str:
    if isinstance(step.op, Constant):
        return "a constant"
    if not isinstance(step.op, Apply):
        return f"`{type(step.op).__name__.lower()}`"
    places = np.argwhere(~np.isfinite(np.asarray(result, np.float64)))
    place = tuple(int(k) for k in places[0]) if np.ndim(result) else ()
    shown = [_operand_at(operand, place, np.shape(result)) for operand in operands]
    at = f" at {list(place)}" if place else ""
    known = [text for text in shown if text is not None]
    return f"`{step.op.primitive}`" + (f" of {' and '.join(known)}" if known else "") + at


def _operand_at(operand: Any, place: tuple[int, ...], shape: tuple[int, ...]) -> str | None:
    """The element of an operand that a bad element of an elementwise result came from."""
    if np.ndim(operand) == 0:
        return f"{operand.item():.6g}" if hasattr(operand, "item") else None
    return f"{operand[place].item():.6g}" if np.shape(operand) == shape else None


def _finite(value: Any) -> bool:
    if isinstance(value, Variant):
        return all(_finite(item) for item in value.payload)
    if isinstance(value, Closure):
        return all(_finite(item) for item in value.captured)
    array = np.asarray(value)
    return array.dtype.kind in "iub" or bool(np.all(np.isfinite(array)))


def _sample(value: Any) -> float:
    """One of the numbers that are not finite."""
    if isinstance(value, (Variant, Closure)):
        return float("nan")
    array = np.asarray(value, np.float64)
    return float(array[~np.isfinite(array)].flat[0])
