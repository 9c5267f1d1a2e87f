"""Derivatives that users of JAX gave: an equation of ``custom_jvp`` or ``custom_vjp`` enters, the rule's jaxpr leaves.

The rule is traced by evaluating that one equation under a transformation of JAX, the only use of a derivative of JAX
in the product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend.core as jex

from .jaxprs import is_inexact


def custom_rule(equation: Any, kind: str) -> Any:
    """The closed jaxpr of the derivative that the user of ``custom_jvp`` or ``custom_vjp`` gave, in one mode.

    ``jvp``: (x, x_dot) -> y_dot, ``vjp``: (x, y_bar) -> x_bar, with tangents and cotangents of float arrays only.
    The caller sets the width that the program was traced with.
    """
    return (_forward_rule if kind == "jvp" else _backward_rule)(equation)


def _function_of(equation: Any) -> tuple[Callable[..., list[Any]], list[Any], list[Any]]:
    """The equation as a function, and the types of its operands and results."""
    ins = [atom.aval for atom in equation.invars]
    outs = [var.aval for var in equation.outvars]
    variables = [jex.Var(aval) for aval in ins]
    results = [jex.Var(aval) for aval in outs]
    alone = equation.replace(invars=variables, outvars=results)
    jaxpr = jex.Jaxpr([], variables, results, [alone], debug_info=_debug(len(ins), len(outs)))
    return jex.jaxpr_as_fun(jex.ClosedJaxpr(jaxpr, [])), ins, outs


def equation_function(equation: Any) -> Callable[..., list[Any]]:
    """An equation as a function of its operands."""
    return _function_of(equation)[0]


def over_lanes(function: Callable[..., Sequence[Any]], mapped: tuple[bool, ...]) -> Callable[..., Sequence[Any]]:
    """A function of JAX over a leading axis of the operands that are marked."""
    return jax.vmap(function, in_axes=tuple(0 if flag else None for flag in mapped))


def _debug(inputs: int, outputs: int) -> Any:
    return jex.DebugInfo("custom rule", "rule", tuple(f"x{k}" for k in range(inputs)), ("y",) * outputs)


def _with_floats(function: Callable[..., list[Any]], ins: Sequence[Any], outs: Sequence[Any], x: Sequence[Any]) -> Any:
    """The function of its float operands alone, with its float results alone."""
    floats = [k for k, aval in enumerate(ins) if is_inexact(aval)]

    def inner(*values: Any) -> list[Any]:
        operands = list(x)
        for k, value in zip(floats, values, strict=True):
            operands[k] = value
        return [y for y, aval in zip(function(*operands), outs, strict=True) if is_inexact(aval)]

    return inner, [x[k] for k in floats]


def _forward_rule(equation: Any) -> Any:
    function, ins, outs = _function_of(equation)

    def rule(*arguments: Any) -> list[Any]:
        x, x_dot = arguments[: len(ins)], arguments[len(ins) :]
        inner, floats = _with_floats(function, ins, outs, x)
        return jax.jvp(inner, floats, list(x_dot))[1]

    return jax.make_jaxpr(rule)(*_abstract(ins), *_abstract([aval for aval in ins if is_inexact(aval)]))


def _backward_rule(equation: Any) -> Any:
    function, ins, outs = _function_of(equation)

    def rule(*arguments: Any) -> tuple[Any, ...]:
        x, y_bar = arguments[: len(ins)], arguments[len(ins) :]
        inner, floats = _with_floats(function, ins, outs, x)
        return jax.vjp(inner, *floats)[1](list(y_bar))

    return jax.make_jaxpr(rule)(*_abstract(ins), *_abstract([aval for aval in outs if is_inexact(aval)]))


def _abstract(avals: Sequence[Any]) -> list[Any]:
    return [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]
