"""What operators are given, checked where it enters: texts, sizes, lanes, fields, points and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from ._program import Program
from .ad.operators.planner import Variables
from .lang.diagnostics import fail
from .lang.ir import ArrayType
from .lang.ir import Program as Ir

Law = Literal["sampled", "rademacher", "gaussian", "sphere"]
LAWS: tuple[str, ...] = get_args(Law)


def check_texts(**texts: Any) -> None:
    """E246 unless every argument is a text."""
    for name, text in texts.items():
        if not isinstance(text, str):
            hint = 'for example pf.operator("u_t - nu*u_xx", variables="x t", parameters="nu")'
            raise fail("E246", f"`{name}` is no text", expected="a text", actual=type(text).__name__, hint=hint)


def check_alone(names: Sequence[str], text: str) -> None:
    """E246 when a text holds definitions besides the expression."""
    if len(names) != 1:
        hint = "write operators with definitions in a file, and take them from pf.load(path)"
        raise fail("E246", "the text is no single expression", expected="one expression", actual=text, hint=hint)


def check_sizes(sizes: Any, known: set[str]) -> None:
    """E224 unless these are lengths of vectors by the names of open sizes."""
    hint = f"its open sizes are {', '.join(sorted(known))}" if known else "it has no open sizes"
    if not isinstance(sizes, Mapping):
        raise fail("E224", "sizes are given by name", expected='{"n": 3}', actual=repr(sizes), hint=hint)
    for name, size in sizes.items():
        if name not in known:
            raise fail("E224", f"`{name}` is no size of this operator", hint=hint)
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            message = f"the size `{name}` is {size!r}"
            raise fail("E224", message, expected="a whole number, 1 or more", hint=hint)


def check_lanes(samples: Any, law: Any) -> None:
    """E221 unless these are a number of random lanes, if any, and the name of a law."""
    if law not in LAWS:
        hint = "choose one of them"
        raise fail("E221", f"there is no law {law!r}", expected=", ".join(LAWS), actual=repr(law), hint=hint)
    if samples is not None and (isinstance(samples, bool) or not isinstance(samples, int | np.integer)):
        hint = "for example samples=16"
        raise fail("E221", f"{samples!r} lanes", expected="a whole number", actual=type(samples).__name__, hint=hint)


def check_fields(names: Sequence[str], fields: Sequence[Any]) -> None:
    """E249 for a field that is neither a program nor a function."""
    for name, item in zip(names, fields, strict=True):
        if not isinstance(item, Program) and not callable(item):
            raise _no_field(name, repr(item))


def check_results(names: Sequence[str], firsts: Sequence[Ir]) -> None:
    """E249 for a program that does not give one float."""
    for name, first in zip(names, firsts, strict=True):
        if len(first.outputs) != 1 or not _is_one_float(first.output_types[0]):
            raise _no_field(name, ", ".join(map(str, first.output_types)) or "nothing")


def check_result(name: str, result: Any) -> Any:
    """The result of a function of JAX; E249 unless it is one float."""
    dtype, shape = getattr(result, "dtype", None), getattr(result, "shape", ())
    if type(result) is float or (dtype is not None and shape == () and _is_float_dtype(dtype)):
        return result
    raise _no_field(name, type(result).__name__ if dtype is None else f"{dtype}{list(shape)}")


def check_point(variables: Variables, point: Sequence[Any]) -> None:
    """E217 for a coordinate that is no float, and for a vector that is no array of floats."""
    for (name, length), value in zip(variables, point, strict=True):
        dtype, rank = getattr(value, "dtype", None), len(getattr(value, "shape", ()))
        if type(value) is not float and (dtype is None or not _is_float_dtype(dtype)):
            kind = type(value).__name__ if dtype is None else str(dtype)
            hint = "derivatives are by floats: write 1.0, or convert it"
            raise fail("E217", f"the variable `{name}` is no float", expected="a float", actual=kind, hint=hint)
        if rank != (length is not None):
            hint = 'a vector variable is declared with its length: variables="x[n]"'
            wanted = "a float" if length is None else f"[{length}]"
            actual = f"an array of shape {list(getattr(value, 'shape', ()))}"
            raise fail("E217", f"the variable `{name}` has another shape", expected=wanted, actual=actual, hint=hint)


def as_parameter(name: str, value: Any) -> Any:
    """A parameter as an array; E218 unless it is a number or an array of numbers."""
    if isinstance(value, int | float | list | tuple) and not isinstance(value, bool):
        try:
            value = np.asarray(value)
        except ValueError:
            value = None
    dtype = getattr(value, "dtype", None)
    if dtype is None or not (_is_float_dtype(dtype) or np.dtype(dtype).kind in "iu"):
        kind = type(value).__name__ if dtype is None else str(dtype)
        hint = "give a number, or an array in the shape of the declaration"
        raise fail("E218", f"the parameter `{name}` is no number", expected="numbers", actual=kind, hint=hint)
    return value


def _is_float_dtype(dtype: Any) -> bool:
    return np.dtype(dtype).kind == "f" or str(dtype) == "bfloat16"


def _is_one_float(type_: object) -> bool:
    return isinstance(type_, ArrayType) and type_.is_float and not type_.shape


def _no_field(name: str, actual: str) -> Exception:
    hint = "a field is a program, or a function of JAX, that gives one float; take one operator per component"
    message = f"`{name}` stands for no function with one float result"
    return fail("E249", message, expected="one float at each point", actual=actual, hint=hint)
