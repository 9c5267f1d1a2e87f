"""The derivative operators of the language, as functions on first-order programs.

`lang.specialise` applies them to functions it has made first-order; each takes the program and the inputs to
differentiate in, and returns a program over the same inputs (and tangents or cotangents behind them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..lang.ir import Program
from ..lang.passes import normalise
from . import derive
from .activity import Flags
from .forward import forward, reorder_inputs, reorder_outputs
from .reverse import reverse


def _active(flags: Flags) -> tuple[int, ...]:
    return tuple(k for k, flag in enumerate(flags) if flag)


def _grad(program: Program, active: Flags) -> Program:
    return derive.gradient(program, _active(active))


def _value_and_grad(program: Program, active: Flags) -> Program:
    return derive.value_and_gradient(program, _active(active))


def _jvp(program: Program, active: Flags) -> Program:
    return forward(normalise(program), active)


def _vjp(program: Program, active: Flags) -> Program:
    return reverse(normalise(program), active)


def _jacobian(program: Program, active: Flags) -> Program:
    return derive.jacobian(program, _active(active)[0])


def _hessian(program: Program, active: Flags) -> Program:
    return derive.hessian(program, _active(active)[0])


def _laplacian(program: Program, active: Flags) -> Program:
    return derive.laplacian(program, _active(active)[0])


def _jet(program: Program, active: Flags, order: int) -> Program:
    """In the language all first coefficients come before all second ones."""
    from .taylor import jet

    series = jet(normalise(program), order, active)
    inner = reorder_inputs(series, _by_order(len(program.inputs), len(series.inputs), order))
    return reorder_outputs(inner, _by_order(len(program.outputs), len(series.outputs), order))


def _by_order(fixed: int, count: int, order: int) -> list[int]:
    """The places of coefficients order by order, where those of one value lie side by side behind `fixed` values.

    >>> _by_order(1, 5, 2)
    [0, 1, 3, 2, 4]
    """
    return [*range(fixed), *(place for number in range(order) for place in range(fixed + number, count, order))]


def _partials(program: Program, active: Flags, *, atoms: str, variables: str) -> Program:
    from .operators.execute import partials

    return partials(normalise(program), variables.split(), active, atoms.split())


TRANSFORMS: Mapping[str, Callable[..., Program]] = MappingProxyType(
    {
        "grad": _grad,
        "value_and_grad": _value_and_grad,
        "jvp": _jvp,
        "vjp": _vjp,
        "jacobian": _jacobian,
        "hessian": _hessian,
        "laplacian": _laplacian,
        "jet": _jet,
        "partials": _partials,
    }
)
