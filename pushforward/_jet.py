"""Taylor series of programs and functions: values and series of inputs enter, values and series of results leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from . import _derived
from ._program import Program
from ._transform import transformed
from .lang import ir
from .lang.diagnostics import fail
from .lang.types import UNIT, show_type

SCALINGS = ("taylor", "derivative")
Coefficients = Sequence[Any] | None


def jet(
    f: Program | Callable[..., Any],
    primals: Sequence[Any],
    series: Sequence[Coefficients],
    scaling: Literal["taylor", "derivative"] = "taylor",
) -> tuple[Any, tuple[Any, ...]]:
    """``(y, (y1, y2, …))``: the Taylor series of a program or function along a curve.

    Args:
        f: a program, or a function of JAX.
        primals: one value per input, any structure of arrays: where the curve begins.
        series: per input the coefficients of orders 1, 2, … of the curve, each with the structure and shapes of the
            floats of the input. None stands for a coefficient, or for all coefficients of an input, that are zero.
        scaling: ``"taylor"`` for normalised coefficients, the k-th derivative divided by k!; ``"derivative"`` for
            derivatives, of the curve and of the result.

    Returns:
        The value, and one coefficient per order, each with the structure of the floats of the result. E210 says that
        series do not fit together, E211 that a coefficient does not fit its value, E212 that there is no such scaling.

    >>> import pushforward as pf
    >>> f = pf.parse("def f(x: f64): f64 = exp(sin(x))")["f"]
    >>> pf.jet(f, (0.0,), ((1.0, 0.0, 0.0, 0.0),))
    (1.0, (1.0, 0.5, 0.0, -0.125))

    Source: Griewank & Walther 2008, chapter 13.
    """
    order = check(primals, series, scaling)
    given = [tuple(k for k, c in enumerate(own or (), 1) if c is not None) for own in series]
    present = tuple(tuple(c for c in own or () if c is not None) for own in series)
    pushed = with_series(f, order, given, scaling)
    point = primals[0] if len(primals) == 1 else tuple(primals)
    return pushed(point, present)


def with_series(f: Any, order: int, given: Sequence[tuple[int, ...]], scaling: str = "taylor") -> Any:
    """``(x, series) -> (y, (y1, …))`` where the series of each input has the coefficients of the orders `given`."""

    def how(first: ir.Program) -> ir.Program:
        inputs = _derived.signature(first).inputs
        if len(inputs) != len(given):
            raise _misfit(f"{len(given)} series for {len(inputs)} inputs")
        for (name, type_), orders in zip(inputs, given, strict=True):
            if orders and _derived.tangent(type_) in (UNIT, _derived.NOTHING):
                hint = "only floats move; give None for the series of the others"
                raise fail("E213", f"the input `{name}: {show_type(type_)}` does not move", hint=hint)
        return _derived.jet(first, order, given, derivatives=scaling == "derivative")

    if not isinstance(f, Program):
        from ._jit import derived

        return derived(
            f, lambda program: transformed(program, how), lambda args: args[0] if len(given) > 1 else args[:1]
        )
    return transformed(f, how)


# --- what fits --------------------------------------------------------------------------------------------------------


def check(primals: Sequence[Any], series: Sequence[Coefficients], scaling: str) -> int:
    """The order that all series have; E210 to E212."""
    if scaling not in SCALINGS:
        message = f"there is no scaling {scaling!r}"
        raise fail("E212", message, expected=" or ".join(map(repr, SCALINGS)), hint='"taylor" divides by k!')
    if len(series) != len(primals):
        raise _misfit(f"{len(series)} series for {len(primals)} inputs")
    orders = {place: len(own) for place, own in enumerate(series) if own is not None}
    if len(set(orders.values())) != 1 or 0 in orders.values():
        found = ", ".join(f"input {place} has order {order}" for place, order in orders.items())
        raise _misfit(f"the series have no common order: {found or 'no input has a series'}")
    for place, (x, own) in enumerate(zip(primals, series, strict=True)):
        for number, coefficient in enumerate(own or (), 1):
            for problem in () if coefficient is None else _problems(x, coefficient, ""):
                raise fail(
                    "E211",
                    f"coefficient {number} of input {place}{problem}",
                    hint="a coefficient has the structure, shapes and dtypes of the floats of its input",
                )
    return next(iter(orders.values()))


def _misfit(message: str) -> Exception:
    return fail("E210", message, hint="give one series per input, all with the same number of coefficients, or None")


def _problems(x: Any, c: Any, path: str) -> Iterator[str]:
    """What is wrong with a coefficient of a value; containers of other kinds are checked where they are taken apart."""
    if isinstance(x, dict):
        if not isinstance(c, dict) or not c.keys() <= x.keys():
            yield f"{path} is no record of {', '.join(x)}"
            return
        for name in c:
            yield from _problems(x[name], c[name], f"{path}.{name}")
    elif isinstance(x, tuple):
        if not isinstance(c, tuple) or len(c) != len(x):
            yield f"{path} is no tuple of {len(x)}"
            return
        for place, (part, own) in enumerate(zip(x, c, strict=True)):
            yield from _problems(part, own, f"{path}[{place}]")
    elif _is_array(x) and c is not None and not (isinstance(c, tuple) and not c):
        yield from _of_array(x, c, path)


def _is_array(x: Any) -> bool:
    return isinstance(x, int | float | np.ndarray | np.generic) or (hasattr(x, "shape") and hasattr(x, "dtype"))


def _of_array(x: Any, c: Any, path: str) -> Iterator[str]:
    own, dtype = getattr(c, "dtype", None), getattr(x, "dtype", None)
    if np.shape(c) != np.shape(x):
        yield f"{path} has shape {np.shape(c)} where the value has {np.shape(x)}"
    elif dtype is not None and np.issubdtype(dtype, np.integer):
        yield f"{path} belongs to an integer, which does not move"
    elif own is not None and dtype is not None and own != dtype:
        yield f"{path} is {own} where the value is {dtype}"
