"""Transformations of programs: a `Program` enters, a `Program` (or a value of one) leaves.

`wrt` is the index or name of an input, or a tuple of them; the default 0 is JAX's. Results have the structure of the
inputs they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from . import _derived, _wire
from ._program import Program, Recipe
from .lang import ir
from .lang.diagnostics import DiagnosticError, fail

WrtLike = int | str | Sequence[int | str]


def grad(f: Program, wrt: WrtLike = 0, has_aux: bool = False, *, memory: int | None = None) -> Program:
    """The gradient of a program with one float result, by reverse mode; E184 and E185 say what does not fit.

    With `has_aux` the program gives ``(value, aux)`` and the gradient ``(gradient, aux)``. `memory` is the number of
    bytes that one loop may save for the way back; beyond it loops compute again what they would have saved.

    >>> import pushforward as pf
    >>> square = pf.parse("def square(x: f64): f64 = x * x")["square"]
    >>> pf.grad(square)(3.0)
    6.0
    """

    def derive(first: ir.Program) -> ir.Program:
        return _derived.gradient(first, _derived.select(first, wrt), has_aux=has_aux, memory=memory)

    return _derive(f, derive)


def value_and_grad(f: Program, wrt: WrtLike = 0, has_aux: bool = False, *, memory: int | None = None) -> Program:
    """``(value, gradient)`` in one pass; with `has_aux` it is ``((value, aux), gradient)``. `memory` as in `grad`."""

    def derive(first: ir.Program) -> ir.Program:
        return _derived.gradient(first, _derived.select(first, wrt), has_aux=has_aux, with_value=True, memory=memory)

    return _derive(f, derive)


def jacobian(f: Program, wrt: WrtLike = 0) -> Program:
    """The Jacobian by forward mode: each float array of the result, of shape S, becomes [S] of the input's shape."""
    return _derive(f, lambda first: _derived.jacobian(first, _derived.select(first, wrt)))


def hessian(f: Program, wrt: int | str = 0) -> Program:
    """The Hessian of a program with one float result: forward mode over reverse mode."""
    return jacobian(grad(f, wrt), wrt)


def vmap(f: Program, in_axes: int | None | Sequence[int | None] = 0, out_axes: int = 0) -> Program:
    """The program over a new axis of its inputs; None marks an input shared by all."""
    count = len(_program(f).signature.inputs)
    axes = [in_axes] * count if in_axes is None or isinstance(in_axes, int) else list(in_axes)
    if len(axes) != count:
        hint = "give one number for all inputs, or one per input"
        raise fail("E185", f"in_axes has {len(axes)} entries for {count} inputs", hint=hint)
    return _derive(f, lambda first: _derived.batch(first, axes, out_axes))


def forward(f: Program) -> Program:
    """The program ``(x, x_dot) -> (y, y_dot)``; x is the tuple of inputs when there are several.

    A program without first-order form (recursion that only its arguments end) is pushed forward as it stands and runs
    in the reference.
    """
    base = _program(f)
    try:
        return _derive(base, _derived.forward)
    except DiagnosticError:
        if base.definitions is None or not all(isinstance(type_, ir.ArrayType) for type_ in base.ir.inputs):
            raise
        pushed, definitions = _wire.forward_full(base.ir, base.definitions)
        return Program(replace(pushed, signature=_derived.pushed_signature(base.signature)), definitions)


def reverse(f: Program) -> Program:
    """The program ``(x, y_bar) -> (y, x_bar)``; x is the tuple of inputs when there are several."""
    return _derive(f, _derived.reverse)


def jvp(f: Program, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``(y, y_dot)`` at a point along a direction: one primal and one tangent per input, as in JAX."""
    pushed = forward(f)
    if len(primals) == 1:
        return pushed(primals[0], tangents[0])
    return pushed(tuple(primals), tuple(tangents))


def vjp(f: Program, *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """``(y, pullback)``; the pullback maps a cotangent of y to a tuple with one cotangent per input, as in JAX."""
    value = _program(f)(*primals)
    both = reverse(f)
    point = primals[0] if len(primals) == 1 else tuple(primals)

    def pullback(y_bar: Any) -> tuple[Any, ...]:
        x_bar = both(point, y_bar)[1]
        return (x_bar,) if len(primals) == 1 else x_bar

    return value, pullback


def _derive(f: Program, how: Callable[[ir.Program], ir.Program]) -> Program:
    """The derived program, with the recipe to derive it again at known sizes."""
    base = _program(f)

    def derive(first: ir.Program) -> ir.Program:
        return how(_derived.as_call(first))

    return Program(derive(base.first()), recipe=Recipe(base, derive))


def _program(f: Program) -> Program:
    if isinstance(f, Program):
        return f
    raise fail(
        "E186",
        f"this version transforms programs, not Python functions (`{getattr(f, '__name__', type(f).__name__)}`)",
        hint='write the function in a .pf text and take it from pf.parse(text)["name"]',
    )
