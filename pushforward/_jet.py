"""Taylor series of programs and functions: values and series of inputs enter, values and series of results leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from . import _derived
from ._jet_check import checked, misfit
from ._program import Program
from ._transform import transformed
from .lang import ir
from .lang.diagnostics import fail
from .lang.types import UNIT, show_type

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
        The value, and one coefficient per order, each with the structure of the floats of the result. E210 and E246 say
        that series do not fit together, E211 that a coefficient does not fit its value, E212 that there is no such
        scaling, E213 that an input does not move, E247 that the order is above 64, E248 that a coefficient is not
        finite.

    >>> import pushforward as pf
    >>> f = pf.parse("def f(x: f64): f64 = exp(sin(x))")["f"]
    >>> pf.jet(f, (0.0,), ((1.0, 0.0, 0.0, 0.0),))
    (1.0, (1.0, 0.5, 0.0, -0.125))

    Source: Griewank & Walther 2008, chapter 13.
    """
    points, owns, order = checked(f, primals, series, scaling)
    given = [tuple(k for k, c in enumerate(own or (), 1) if c is not None) for own in owns]
    present = tuple(tuple(c for c in own or () if c is not None) for own in owns)
    pushed = with_series(f, order, given, scaling)
    return pushed(points[0] if len(points) == 1 else points, present)


def with_series(f: Any, order: int, given: Sequence[tuple[int, ...]], scaling: str = "taylor") -> Any:
    """``(x, series) -> (y, (y1, …))`` where the series of each input has the coefficients of the orders `given`."""

    def how(first: ir.Program) -> ir.Program:
        inputs = _derived.signature(first).inputs
        if len(inputs) != len(given):
            raise misfit(f"{len(given)} series for {len(inputs)} inputs")
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
