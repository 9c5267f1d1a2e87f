"""Programs under the probe: a first-order program enters, a subject leaves.

Values come from the reference, derivatives from the two modes (with the custom rules the program holds), slopes from
the many-digit evaluator, which runs definitions and never looks at a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ....ad.cost import flops
from ....ad.forward import forward
from ....ad.reverse import reverse
from ....ad.vmap import vmap
from ....lang import ir
from ....lang.builder import Builder
from ....lang.constants import numpy_dtype
from ....lang.diagnostics import DiagnosticError, InternalError
from ....lang.passes import normalise
from ....lang.sizes import known
from ....semantics.exact import Digits, evaluate_exact
from ....semantics.interpreter import Interpreter
from ....semantics.reference import evaluate
from ....semantics.reference_numpy import NumpyArithmetic
from ....semantics.shapes import solve_sizes
from .point import Arrays, Leaf, Missing, Slope, Unusable, finite, inner
from .slopes import exact_slope, float_slope, side

DIGITS = 50
# Above this many operations one exact evaluation takes longer than a person waits.
MOST_EXACT_FLOPS = 1_000
_MOST_RUNS = 256  # remembered at a time

Specialise = Callable[[Mapping[str, int]], ir.Program]


@dataclass(frozen=True, eq=False)
class ProgramSubject:
    """A first-order program at known sizes. `general` has the open sizes and `at` gives the program at known ones."""

    base: ir.Program
    names: tuple[str, ...]
    general: ir.Program | None = None
    at: Specialise | None = None

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return self._leaves

    @cached_property
    def _leaves(self) -> tuple[Leaf, ...]:
        return tuple(
            Leaf(name, type_.dtype, known_shape(type_), type_.is_float)
            for name, type_ in zip(self.names, _arrays(self.base.inputs), strict=True)
        )

    @property
    def active(self) -> tuple[bool, ...]:
        return tuple(leaf.active for leaf in self.leaves)

    @cached_property
    def outputs(self) -> tuple[ir.ArrayType, ...]:
        return _arrays(self.base.output_types)

    @property
    def low_precision(self) -> bool:
        types = (*_arrays(self.base.inputs), *self.outputs)
        return any(type_.is_float and type_.dtype != "f64" for type_ in types)

    @property
    def has_rules(self) -> bool:
        return any(program.rules for program in walk(self.base))

    # --- values and rules ---

    def value(self, x: Arrays) -> Arrays:
        return self._remembered("value", lambda: self.base, x)

    def _remembered(self, kind: str, program: Callable[[], ir.Program], x: Sequence[Any]) -> Arrays:
        """One run for all properties that look at the same point."""
        key = (kind, *(np.asarray(v).tobytes() for v in x))
        found = self._runs.get(key)
        if found is None:
            if len(self._runs) >= _MOST_RUNS:
                self._runs.clear()
            found = self._runs[key] = _run(program(), x)
        return found

    @cached_property
    def _runs(self) -> dict[tuple[Any, ...], Arrays]:
        return {}

    @cached_property
    def pushed(self) -> ir.Program:
        """(x, x_dot) -> (y, y_dot)."""
        return _derived(lambda: forward(self.base, self.active), "forward")

    @cached_property
    def pulled(self) -> ir.Program:
        """(x, y_bar) -> (y, x_bar)."""
        return _derived(lambda: reverse(self.base, self.active), "reverse")

    def jvp(self, x: Arrays, x_dot: Arrays) -> tuple[Arrays | None, Arrays]:
        found = self._remembered("jvp", lambda: self.pushed, [*x, *_present(x_dot)])
        return found[: len(self.outputs)], self._beside(found[len(self.outputs) :], self.outputs)

    def vjp(self, x: Arrays, y_bar: Arrays) -> tuple[Arrays | None, Arrays]:
        found = self._remembered("vjp", lambda: self.pulled, [*x, *_present(y_bar)])
        return found[: len(self.outputs)], self._beside(found[len(self.outputs) :], _arrays(self.base.inputs))

    def _beside(self, found: Sequence[Any], types: Sequence[ir.ArrayType]) -> Arrays:
        """One entry per type: what was found for floats, None for the others."""
        rest = iter(found)
        return tuple(next(rest) if type_.is_float else None for type_ in types)

    # --- slopes ---

    def slope(self, x: Arrays, x_dot: Arrays) -> Slope:
        key = tuple(None if v is None else np.asarray(v).tobytes() for v in (*x, *x_dot))
        found = self._slopes.get(key)
        if found is None:
            found = self._slopes[key] = self._new_slope(x, x_dot)
        return found

    @cached_property
    def _slopes(self) -> dict[tuple[bytes | None, ...], Slope]:
        """Slopes by point and direction: several properties look at the same ones."""
        return {}

    def _new_slope(self, x: Arrays, x_dot: Arrays) -> Slope:
        if any(uses(program, "stop_gradient") for program in walk(self.base)):
            raise Missing("the program uses stop_gradient, so its derivative is not that of its values")
        shapes = [known_shape(type_) if type_.is_float else None for type_ in self.outputs]
        if self.is_small:
            field = Digits(DIGITS)
            try:
                return exact_slope(self._exact_line(field, x, x_dot), field.number, shapes)
            except _Beyond:
                pass  # an arm that is not taken may leave the real numbers: floats go on with nan there
        dtype = np.float32 if self.low_precision else np.float64
        return float_slope(self._float_line(x, x_dot), dtype, shapes)

    @cached_property
    def is_small(self) -> bool:
        """Whether the many-digit evaluator runs it in reasonable time."""
        return flops(normalise(self.base)) <= MOST_EXACT_FLOPS

    def exact(self, x: Arrays) -> Arrays:
        """The results by the many-digit evaluator, rounded to floats at the end."""
        if not self.is_small:
            raise Missing("too many operations for the many-digit evaluator")
        found = exactly(self.base, x)
        return tuple(_rounded(value, type_) for value, type_ in zip(found, self.outputs, strict=True))

    def _exact_line(self, field: Digits, x: Arrays, x_dot: Arrays) -> Callable[[Any], np.ndarray]:
        start = [_wide(value, field) if v is not None else value for value, v in zip(x, x_dot, strict=True)]
        along = [None if v is None else _wide(v, field) for v in x_dot]

        def line(step: Any) -> np.ndarray:
            moved = [a if v is None else a + step * v for a, v in zip(start, along, strict=True)]
            return self._row(exactly(self.base, moved), object)

        return line

    def _float_line(self, x: Arrays, x_dot: Arrays) -> Callable[[Any], np.ndarray]:
        def line(step: Any) -> np.ndarray:
            moved = [
                a if v is None else np.asarray(np.asarray(a) + float(step) * np.asarray(v), np.asarray(a).dtype)
                for a, v in zip(x, x_dot, strict=True)
            ]
            return self._row(_run(self.base, moved), np.float64)

        return line

    def _row(self, found: Sequence[Any], dtype: Any) -> np.ndarray:
        pairs = zip(found, self.outputs, strict=True)
        kept = [np.ravel(np.asarray(value, dtype)) for value, type_ in pairs if type_.is_float]
        return np.concatenate(kept) if kept else np.zeros(0, dtype)

    def one_sided(self, x: Arrays, x_dot: Arrays, y_bar: Arrays) -> tuple[float | None, float | None]:
        def line(step: float) -> float:
            moved = [a if v is None else a + step * np.asarray(v) for a, v in zip(x, x_dot, strict=True)]
            return inner(y_bar, _run(self.base, moved))

        return side(line, -1.0), side(line, 1.0)

    def in_domain(self, x: Arrays) -> bool:
        """Whether inf and nan, where they occur on the way to a finite result, are only discarded by a `where`.

        ``exp(-t / tau)`` is 0 at tau = 0 because the division left its domain; a `where` around it means to guard.
        """
        caught: list[tuple[ir.Program, Sequence[Any]]] = [(self.base, x)]
        interpreter = Interpreter(NumpyArithmetic())
        interpreter.watch = lambda program, inputs, outputs: caught.append((program, list(inputs)))
        _guarded(lambda: interpreter.run(self.base, x))
        interpreter.watch = None
        return not any(_swallows(program, interpreter.slots(program, inputs)) for program, inputs in caught)

    # --- batches and sizes ---

    def lanes(self, rows: Sequence[Arrays]) -> Arrays:
        stacked = [np.stack([row[k] for row in rows]) for k in range(len(self.leaves))]
        return _run(vmap(self.base, (True,) * len(stacked), len(rows)), stacked)

    def resized(self, x: Arrays) -> ProgramSubject:
        shapes = [np.shape(value) for value in x]
        if shapes == [leaf.shape for leaf in self.leaves]:
            return self
        if self.general is None or self.at is None:
            raise Unusable("the sizes are fixed")
        sizes = _guarded(lambda: solve_sizes(self.general.sizes, self.general.inputs, shapes, {}))  # type: ignore[union-attr]
        return ProgramSubject(called(self.at(sizes)), self.names, self.general, self.at)

    def up_to(self, slot: int) -> ProgramSubject:
        """The program that gives one of its slots."""
        return ProgramSubject(replace(self.base, outputs=(slot,), signature=None), self.names)


def called(program: ir.Program) -> ir.Program:
    """A program with rules of its own as one call of it, where the passes look for rules."""
    if not program.rules:
        return program
    builder = Builder(program.name, program.inputs, program.sizes)
    return builder.build(builder.call(program, range(len(program.inputs))))


def walk(program: ir.Program) -> Iterator[ir.Program]:
    """The program and every program inside it."""
    yield program
    for step in program.steps:
        for body in ir.bodies(step.op):
            yield from walk(body)


def uses(program: ir.Program, primitive: str) -> bool:
    """Whether one of the program's own steps applies the primitive."""
    return any(isinstance(step.op, ir.Apply) and step.op.primitive == primitive for step in program.steps)


def known_shape(type_: ir.ArrayType) -> tuple[int, ...]:
    """The shape of a type without open sizes."""
    return tuple(map(known, type_.shape))


def _arrays(types: Sequence[ir.SlotType]) -> tuple[ir.ArrayType, ...]:
    found = tuple(type_ for type_ in types if isinstance(type_, ir.ArrayType))
    if len(found) != len(types):
        raise Missing("functions and variants as arguments or results are not probed")
    return found


def _present(arrays: Arrays) -> list[Any]:
    return [item for item in arrays if item is not None]


def _run(program: ir.Program, x: Sequence[Any]) -> Arrays:
    with np.errstate(all="ignore"):
        return tuple(np.asarray(item) for item in _guarded(lambda: evaluate(program, x)))


def _guarded(run: Callable[[], Any]) -> Any:
    """What goes wrong while running is a point that cannot be used."""
    try:
        return run()
    except DiagnosticError as error:
        raise Unusable(error.diagnostics[0].message) from None


def _swallows(program: ir.Program, slots: Sequence[Any]) -> bool:
    """Whether an operation other than a selection makes finite results of operands that are not."""
    for first, step in program.numbered():
        selects = isinstance(step.op, ir.Apply) and step.op.primitive == "where"
        results = slots[first : first + len(step.types)]
        if not selects and not finite([slots[k] for k in step.operands]) and finite(results):
            if any(isinstance(type_, ir.ArrayType) and type_.is_float for type_ in step.types):
                return True
    return False


class _Beyond(Unusable):
    """The many-digit evaluator has no real number here."""


def exactly(program: ir.Program, x: Sequence[Any], digits: int | None = DIGITS) -> list[Any]:
    """Results by the exact evaluator: of many digits, or over the rationals with ``digits=None``."""
    try:
        return evaluate_exact(program, x, digits=digits)
    except DiagnosticError as error:
        raise _Beyond(error.diagnostics[0].message) from None
    except (TypeError, ValueError, OverflowError):
        raise _Beyond("outside the domain of the function") from None


def _derived(derive: Callable[[], ir.Program], mode: str) -> ir.Program:
    try:
        return derive()
    except DiagnosticError as error:
        raise Missing(error.diagnostics[0].message) from None
    except InternalError as error:
        if "not linear" not in str(error):
            raise
        raise Missing(f"{mode} mode cannot transpose a rule that is not linear") from None


def _wide(value: Any, field: Digits) -> Any:
    """Numbers of many digits in an object array, or one such number."""
    array = np.asarray(value, float)
    found = np.empty(array.shape, object)
    for place in np.ndindex(array.shape):
        found[place] = field.number(float(array[place]))
    return found[()]


def _rounded(value: Any, type_: ir.ArrayType) -> np.ndarray:
    if not type_.is_float:
        return np.asarray(value, numpy_dtype(type_.dtype))
    try:
        return np.array([float(item) for item in np.ravel(np.asarray(value, object))], float).reshape(np.shape(value))
    except TypeError:
        raise Unusable("outside the domain of the function") from None
