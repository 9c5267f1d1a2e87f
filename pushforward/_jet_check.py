"""What `pf.jet` is given, checked before anything is traced: points and series enter, tuples and an order leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ._derived import NOTHING, tangent
from .lang.check.derivatives import HIGHEST_ORDER
from .lang.diagnostics import fail
from .lang.types import UNIT, Record, Tuple, Type

SCALINGS = ("taylor", "derivative")
FITS = "a coefficient has the structure, shapes and dtypes of the floats of its input"


def checked(
    f: Callable[..., Any], primals: Any, series: Any, scaling: Any
) -> tuple[tuple[Any, ...], tuple[tuple[Any, ...] | None, ...], int]:
    """The inputs and their series as tuples, and the order that all series have; E210 to E213, E246 to E248.

    `f` is asked for nothing but whether it is a program, whose inputs know their own structure.
    """
    from ._program import Program

    if not isinstance(scaling, str) or scaling not in SCALINGS:
        message = f"there is no scaling {scaling!r}"
        raise fail("E212", message, expected=" or ".join(map(repr, SCALINGS)), hint='"taylor" divides by k!')
    points = _sequence(primals, "`primals`", "one value per input: (x,) for one input")
    given = _sequence(series, "`series`", "one series per input: ((1.0, 0.0),) for one input of order 2")
    if len(given) != len(points):
        raise misfit(f"{len(given)} series for {len(points)} inputs")
    owns = tuple(
        None if own is None else _sequence(own, f"series {place}", "the coefficients of orders 1, 2, …, or None")
        for place, own in enumerate(given)
    )
    order = _common_order(owns)
    for place, (x, own) in enumerate(zip(points, owns, strict=True)):
        moving = None if isinstance(f, Program) or own is None else _moving(place, x)
        for number, coefficient in enumerate(own or (), 1):
            _check_coefficient(f"coefficient {number} of input {place}", x, coefficient, moving)
    return points, owns, order


def _sequence(given: Any, what: str, expected: str) -> tuple[Any, ...]:
    """The parts of a tuple, of a list, or of an array along its first axis."""
    if isinstance(given, tuple | list) or getattr(given, "ndim", 0):
        return tuple(given)
    raise fail(
        "E246", f"{what} is no tuple", expected=expected, actual=type(given).__name__, hint="write it as a tuple"
    )


def _common_order(series: Sequence[tuple[Any, ...] | None]) -> int:
    orders = {place: len(own) for place, own in enumerate(series) if own is not None}
    if len(set(orders.values())) != 1 or 0 in orders.values():
        found = ", ".join(f"input {place} has order {order}" for place, order in orders.items())
        raise misfit(f"the series have no common order: {found or 'no input has a series'}")
    order = next(iter(orders.values()))
    if order > HIGHEST_ORDER:
        hint = "the work grows with the square of the order; expand in pieces, around several points"
        raise fail("E247", f"a series of order {order}", expected=f"order {HIGHEST_ORDER} at most", hint=hint)
    return order


def misfit(message: str) -> Exception:
    """Series that do not go together."""
    return fail("E210", message, hint="give one series per input, all with the same number of coefficients, or None")


def _moving(place: int, x: Any) -> Type:
    """What moves of an argument of a function of JAX; E213 when that is nothing."""
    from ._trees import type_of

    found = tangent(type_of(x))
    if found in (UNIT, NOTHING):
        kind = getattr(x, "dtype", type(x).__name__)
        raise fail("E213", f"input {place} is {kind}, which does not move", hint="only floats move; give None for it")
    return found


def _check_coefficient(name: str, x: Any, coefficient: Any, moving: Type | None) -> None:
    if coefficient is None:
        return
    found = _problems(x, coefficient, "") if moving is None else _by_type(x, coefficient, moving, "")
    for problem in found:
        raise fail("E211", f"{name}{problem}", hint=FITS)
    for path in _not_finite(coefficient, ""):
        raise fail("E248", f"{name}{path} is not finite", expected="finite numbers", hint="a curve has finite slopes")


# --- structure --------------------------------------------------------------------------------------------------------


def _by_type(x: Any, c: Any, moving: Type, path: str) -> Iterator[str]:
    """What is wrong with a coefficient, by the type of what moves of an argument of a function of JAX."""
    if moving in (UNIT, NOTHING):
        if c is not None and not (isinstance(c, tuple) and not c):
            yield f"{path} belongs to what does not move; it must be () or None"
        return
    match moving:
        case Record(fields):
            names = [name for name, _ in fields]
            if not isinstance(c, dict) or set(c) != set(names):
                yield f"{path} is no record of {', '.join(names)}"
                return
            for name, item in fields:
                yield from _by_type(x[name], c[name], item, f"{path}.{name}")
        case Tuple(items, node):
            yield from _of_container(x, c, items, node, path)
        case _:
            yield from _of_array(x, c, path)


def _of_container(x: Any, c: Any, items: tuple[Type, ...], node: Any, path: str) -> Iterator[str]:
    if node is None:
        parts = c if isinstance(c, tuple) and len(c) == len(items) else None
    else:
        try:
            parts = node.parts(c)
        except (ValueError, TypeError):
            parts = None
    if parts is None:
        kind = "tuple" if node is None else type(x).__name__
        yield f"{path} is no {kind} of {len(items)}"
        return
    values = x if node is None else node.parts(x)
    for place, (value, part, item) in enumerate(zip(values, parts, items, strict=True)):
        yield from _by_type(value, part, item, f"{path}[{place}]")


def _problems(x: Any, c: Any, path: str) -> Iterator[str]:
    """What is wrong with a coefficient of an input of a program, as far as the value shows; the rest is found where
    both are bound to the inputs of the derived program.
    """
    if isinstance(x, dict):
        if not isinstance(c, dict) or not c.keys() <= x.keys():
            yield f"{path} is no record of {', '.join(x)}"
            return
        for name in c:
            yield from _problems(x[name], c[name], f"{path}.{name}")
    elif type(x) is tuple:
        if not isinstance(c, tuple) or len(c) != len(x):
            yield f"{path} is no tuple of {len(x)}"
            return
        for place, (part, own) in enumerate(zip(x, c, strict=True)):
            yield from _problems(part, own, f"{path}[{place}]")
    elif _is_array(x) and c is not None and not (isinstance(c, tuple) and not c):
        yield from _of_array(x, c, path)


# --- arrays -----------------------------------------------------------------------------------------------------------


def _is_array(x: Any) -> bool:
    return isinstance(x, int | float | np.ndarray | np.generic) or (hasattr(x, "shape") and hasattr(x, "dtype"))


def _of_array(x: Any, c: Any, path: str) -> Iterator[str]:
    own, dtype = getattr(c, "dtype", None), getattr(x, "dtype", None)
    if not (own is not None or _is_numbers(c)):
        yield f"{path} is no number and no array"
    elif _shape(c) != np.shape(x):
        yield f"{path} has shape {_shape(c)} where the value has {np.shape(x)}"
    elif dtype is not None and np.issubdtype(dtype, np.integer):
        yield f"{path} belongs to an integer, which does not move"
    elif own is not None and (own != dtype if dtype is not None else np.dtype(own).kind in "cbOSU"):
        yield f"{path} is {own} where the value is {dtype or type(x).__name__}"


def _is_numbers(c: Any) -> bool:
    """Whether this is a number, or lists of numbers of one shape."""
    if isinstance(c, list | tuple):
        return all(map(_is_numbers, c)) and len({_shape(item) for item in c}) <= 1
    return (isinstance(c, int | float) and not isinstance(c, bool)) or hasattr(c, "dtype")


def _shape(c: Any) -> tuple[int, ...]:
    return tuple(np.shape(c))


def _not_finite(c: Any, path: str) -> Iterator[str]:
    """Where numbers are not finite; of what is being traced there is no telling."""
    if isinstance(c, dict):
        for name, part in c.items():
            yield from _not_finite(part, f"{path}.{name}")
    elif isinstance(c, tuple | list):
        for place, part in enumerate(c):
            yield from _not_finite(part, f"{path}[{place}]")
    elif _is_known(c) and np.asarray(c).dtype.kind == "f" and not np.isfinite(c).all():
        yield path


def _is_known(c: Any) -> bool:
    """Whether the numbers are there; an array of JAX may stand for what comes."""
    if isinstance(c, float | np.ndarray | np.generic):
        return True
    if not hasattr(c, "dtype"):
        return False
    from .lang import _jax

    return _jax.is_concrete(c)
