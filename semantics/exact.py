"""Exact evaluation: a program and numbers enter, rationals or numbers of many digits leave.

The stepping skeleton is the reference's; the arithmetic shares nothing with NumPy's. Elementwise primitives
follow the oracle of their row, on `fractions.Fraction` or mpmath numbers; derived primitives (logsumexp,
softmax, cumprod) follow their definition; the rest is written out in `exact_arrays`. Floats stand in object
arrays; integers are 64-bit and wrap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from ..lang import primitives
from ..lang.builder import body
from ..lang.constants import constant_value, numpy_dtype
from ..lang.diagnostics import InternalError, fail
from ..lang.ir import FLOAT_DTYPES, Apply, ArrayType, Constant, Function, Program
from ..lang.primitives.row import Defined, RuleContext
from ..lang.primitives.type_rules import INTEGER_DTYPES, scalar_type, width
from .exact_arrays import ARRAYS, NEED_ROOTS
from .exact_integers import INTEGERS
from .interpreter import Interpreter, Limits, Lookup
from .movement import MOVEMENT
from .oracle import scalar_function
from .reference import sized

Definitions = Lookup | Mapping[Function, Program]


class Field(Protocol):
    """The numbers an exact evaluator computes with."""

    def number(self, value: Any) -> Any:
        """A Python, NumPy or own number as a number of the field."""
        ...

    def function(self, name: str) -> Callable[..., Any]:
        """A scalar function by the name oracles use; E108 when there is none."""
        ...


@dataclass(frozen=True)
class Rationals:
    """Fractions of whole numbers: exact, without infinities and without transcendental functions."""

    def number(self, value: Any) -> Fraction:
        if isinstance(value, (float, np.floating)) and not math.isfinite(value):
            raise fail("E110", f"rationals have no {float(value)}", hint="evaluate with many digits instead")
        return Fraction(float(value)) if isinstance(value, np.floating) else Fraction(value)

    def function(self, name: str) -> Callable[..., Any]:
        found = _RATIONAL.get(name)
        if found is None:
            raise fail("E108", f"rational arithmetic has no `{name}`", hint="evaluate with many digits instead")
        return found


def _rational_power(base: Any, exponent: Any) -> Fraction:
    if Fraction(exponent).denominator != 1:
        raise fail("E108", "rational arithmetic has whole powers only", hint="evaluate with many digits instead")
    return Fraction(base) ** int(exponent)


_RATIONAL: Mapping[str, Callable[..., Any]] = {
    "power": _rational_power,
    "decimal": Fraction,
    "floor": math.floor,
    "ceil": math.ceil,
    "nint": round,
    "fabs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "isfinite": lambda x: True,
}


class Digits:
    """Real numbers of a fixed number of decimal digits, with every function of mpmath."""

    def __init__(self, digits: int) -> None:
        import mpmath

        self.context = mpmath.mp.clone()
        self.context.dps = digits

    def number(self, value: Any) -> Any:
        if isinstance(value, Fraction):
            return self.context.mpf(value.numerator) / value.denominator
        return self.context.mpf(value.item() if isinstance(value, np.generic) else value)

    def function(self, name: str) -> Callable[..., Any]:
        if name == "decimal":
            return self.context.mpf
        found = getattr(self.context, name, None)
        if found is None:
            raise InternalError(f"mpmath has no {name}")
        return found


class ExactArithmetic:
    """Arithmetic of the interpreter over a field."""

    vectorises = False

    def __init__(self, field: Field) -> None:
        self.field = field

    def dtype(self, name: str) -> np.dtype:
        return np.dtype(object) if name in FLOAT_DTYPES else numpy_dtype(name)

    def constant(self, op: Constant, type_: ArrayType) -> Any:
        return self.values(constant_value(op, type_), type_)

    def values(self, array: Any, type_: ArrayType) -> Any:
        """An array of numbers of the field; integers and truth values stay as they are."""
        if type_.dtype not in FLOAT_DTYPES:
            return np.asarray(array, numpy_dtype(type_.dtype))[()]
        source = np.asarray(array)
        result = np.empty(source.shape, object)
        for place in np.ndindex(source.shape):
            result[place] = self.field.number(source[place])
        return result[()]

    def add(self, left: Any, right: Any) -> Any:
        return left + right

    def kernel(self, op: Apply, operands: tuple[ArrayType, ...], result: ArrayType) -> Callable[..., Any]:
        row = primitives.get(op.primitive)
        params = dict(op.params)
        if op.primitive == "convert":
            return lambda x: self._convert(x, result)
        if op.primitive == "where":
            return lambda b, x, y: self._shape(np.where(np.asarray(b, bool), x, y), result)
        if op.primitive == "stop_gradient":
            return lambda x: x
        if row.elementwise:
            return self._elementwise(row, params, result)
        if isinstance(row.derivative, Defined):
            return self._defined(op, row.derivative, operands)
        moved = MOVEMENT.get(op.primitive)
        function = moved or ARRAYS[op.primitive]
        extra = {} if moved else {"field": self.field}
        if op.primitive in NEED_ROOTS:
            self.field.function("sqrt")
        types = [self.dtype(type_.dtype) for type_ in operands]

        def run(*values: Any) -> Any:
            arrays = [np.asarray(value, dtype) for value, dtype in zip(values, types, strict=True)]
            return self._shape(self._guard(lambda *x: function(*x, **params, **extra), *arrays), result)

        return run

    def _shape(self, value: Any, result: ArrayType) -> Any:
        """The value with the container its type has: a bare number for rank 0; integers wrap."""
        dtype = self.dtype(result.dtype)
        array = np.asarray(value, object)
        if np.issubdtype(dtype, np.integer):
            least, count = int(np.iinfo(dtype).min), 1 << width(result.dtype)
            wrapped = [(int(item) - least) % count + least for item in array.flat]
            return np.array(wrapped, dtype).reshape(array.shape)[()]
        return array.astype(dtype)[()]

    def _elementwise(self, row: primitives.Primitive, params: dict[str, Any], result: ArrayType) -> Callable[..., Any]:
        each = np.frompyfunc(self._scalar(row, params, result), len(scalar_type(row.type)[0]), 1)

        def run(*values: Any) -> Any:
            answer = self._guard(each, *values)
            return self.values(answer, result) if result.is_float else self._shape(answer, result)

        return run

    def _scalar(self, row: primitives.Primitive, params: dict[str, Any], result: ArrayType) -> Callable[..., Any]:
        """The function of Python numbers; E108 for what depends on how floats are written."""
        whole = INTEGERS.get(row.name) if result.dtype in INTEGER_DTYPES else None
        if whole is not None:
            bits = width(result.dtype)
            return lambda *x: whole(bits, *map(int, x), **params)
        if row.oracle is None:
            raise fail("E108", f"exact arithmetic has no `{row.name}`", hint="evaluate with floats instead")
        return scalar_function(row.oracle, params, self.field.function)

    def _guard(self, function: Callable[..., Any], *values: Any) -> Any:
        try:
            return function(*values)
        except ZeroDivisionError:
            raise fail("E109", "a division by zero in exact arithmetic", hint="guard the divisor") from None

    def _convert(self, x: Any, result: ArrayType) -> Any:
        if result.is_float:
            source = np.asarray(x)
            return self.values(source.astype(np.int64) if source.dtype == bool else source, result)
        if result.dtype == "bool":
            return (np.asarray(x) != 0)[()]
        return self._shape(np.frompyfunc(int, 1, 1)(x), result)

    def _defined(self, op: Apply, rule: Defined, operands: tuple[ArrayType, ...]) -> Callable[..., Any]:
        program = body(op.primitive, operands, lambda b, x: [rule.definition(RuleContext(b, x, (), op.params))])
        interpreter = Interpreter(self)
        return lambda *values: interpreter.run(program, values)[0]


def evaluate_exact(
    program: Program,
    args: Sequence[Any],
    sizes: Mapping[str, int] | None = None,
    definitions: Definitions | None = None,
    *,
    digits: int | None = None,
    limits: Limits | None = None,
) -> list[Any]:
    """Run a program over the rationals, or with a number of decimal digits.

    Arguments may be integers, `Fraction`s, mpmath numbers, floats (taken exactly) and arrays of them. Outputs
    of rank 0 are bare numbers, others object arrays.

    Raises:
        DiagnosticError: E108 to E110 for what rationals lack, and those of the reference.

    >>> from ..lang.ir import F64
    >>> third = body("third", [F64], lambda b, x: [b.apply("div", x[0], b.constant(3.0))])
    >>> evaluate_exact(third, [1])
    [Fraction(1, 3)]
    """
    field: Field = Rationals() if digits is None else Digits(digits)
    arithmetic = ExactArithmetic(field)
    if len(args) != len(program.inputs):
        message = f"{program.name} takes {len(program.inputs)} arguments, not {len(args)}"
        raise fail("E105", message, hint="give one array per input, in their order")
    values = [
        arithmetic.values(np.asarray(value, object), type_) if isinstance(type_, ArrayType) else value
        for type_, value in zip(program.inputs, args, strict=True)
    ]
    return Interpreter(arithmetic, definitions, None, limits).run(sized(program, values, sizes or {}), values)
