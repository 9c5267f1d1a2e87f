"""Rows about where a program runs: the number of the platform, and steps that belong to the host."""

from __future__ import annotations

from ..ir import ArrayType, Params
from ..params import integer, param
from . import costs, type_rules
from .row import Discrete, Primitive
from .type_rules import Types, require


def platform_number(platforms: tuple[tuple[str, ...], ...], platform: str) -> int:
    """The position of the first group that names the platform, or of the one that names none.

    >>> platform_number((("cuda", "rocm"), ("cpu",), ()), "cpu")
    1
    """
    named = [k for k, group in enumerate(platforms) if platform in group]
    other = [k for k, group in enumerate(platforms) if not group]
    return (named or other or [0])[0]


def _foreign_type(operands: Types, params: Params) -> Types:
    """Every operand type is fine; the result is one of those that the step states."""
    results, which = param(params, "results"), integer(params, "which")
    require(isinstance(results, tuple), f"foreign: {results} are no types")
    dtype, shape = results[which]  # type: ignore[index, misc]
    return (ArrayType(str(dtype), shape),)  # type: ignore[arg-type]


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="platform_index",
        type="() -> i64",
        derivative=Discrete("a number of the platform, not of an input"),
        doc="Which of several groups of platforms the program runs on; an empty group stands for all others.",
        flops=costs.free,
        params=("platforms",),
        elementwise=False,
        type_rule=type_rules.whole_number,
    ),
    Primitive(
        name="foreign",
        type="(…) -> […]a",
        derivative=Discrete("its derivative is a rule of the call around it"),
        doc="Result number `which` of a step that was left to the host, which knows it by a token.",
        flops=costs.free,
        params=("token", "which", "results"),
        elementwise=False,
        type_rule=_foreign_type,
    ),
)
