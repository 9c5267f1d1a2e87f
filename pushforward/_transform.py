"""Transformations of programs and functions: a `Program` enters, a `Program` leaves; a function enters, a function
leaves.

`wrt` is the index or name of an input, or a tuple of them; the default 0 is JAX's. Results have the structure of the
inputs they belong to. A Python function is traced when it is called (`_jit`), and its program is transformed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from . import _batched, _derived, _wire
from ._program import Program, Recipe
from .lang import ir
from .lang.diagnostics import DiagnosticError, fail

WrtLike = int | str | Sequence[int | str]
F = TypeVar("F", bound="Program | Callable[..., Any]")


def grad(f: F, wrt: WrtLike = 0, has_aux: bool = False, *, memory: int | None = None) -> F:
    """The gradient of a program or function with one float result, by reverse mode; E184 and E185 say what does not
    fit.

    With `has_aux` the program gives ``(value, aux)`` and the gradient ``(gradient, aux)``. `memory` is the number of
    bytes that one loop may save for the way back; beyond it loops compute again what they would have saved.

    >>> import pushforward as pf
    >>> square = pf.parse("def square(x: f64): f64 = x * x")["square"]
    >>> pf.grad(square)(3.0)
    6.0
    """

    def derive(first: ir.Program) -> ir.Program:
        return _derived.gradient(first, _derived.select(first, wrt), has_aux=has_aux, memory=memory)

    return transformed(f, derive)


def value_and_grad(f: F, wrt: WrtLike = 0, has_aux: bool = False, *, memory: int | None = None) -> F:
    """``(value, gradient)`` in one pass; with `has_aux` it is ``((value, aux), gradient)``. `memory` as in `grad`."""

    def derive(first: ir.Program) -> ir.Program:
        return _derived.gradient(first, _derived.select(first, wrt), has_aux=has_aux, with_value=True, memory=memory)

    return transformed(f, derive)


def jacobian(f: F, wrt: WrtLike = 0, *, sparsity: Literal["auto"] | None = None) -> F:
    """The Jacobian: each float array of the result, of shape S, becomes [S] of the input's shape.

    With ``sparsity="auto"`` the program is read for which elements of the result depend on which of the input, and
    directions that never meet are run together: the same array for less work. It is worked out once the sizes are known
    (at the first call, where the program leaves them open); ``jacobian.show("sparsity", n=1000)`` says what was found.
    Raises E135 for a pattern too large to hold.

    >>> import numpy as np, pushforward as pf
    >>> steps = pf.parse("def steps[n](x: [n]f64): [n - 1]f64 = for i < n - 1 => (x[i + 1] - x[i])^2")["steps"]
    >>> jacobian = pf.jacobian(steps, sparsity="auto")
    >>> jacobian(np.array([0.0, 1.0, 3.0]))
    array([[-2.,  2.,  0.],
           [ 0., -4.,  4.]])
    >>> print(jacobian.show("sparsity", n=1000))
    steps by x
      pattern: 999 x 1000, 1998 entries (0.2 %)
      colours: 2 of columns, 2 of rows (a row is as much work as 3 columns)
      chosen: forward mode, as much work as 2 columns in place of 1000
    """
    if sparsity not in (None, "auto"):
        raise fail("E136", f"there is no sparsity {sparsity!r}", hint='give sparsity="auto", or leave it out')
    if sparsity is None:
        return transformed(f, lambda first: _derived.jacobian(first, _derived.select(first, wrt)))

    def derive(first: ir.Program) -> ir.Program:
        return _derived.jacobian(first, _derived.select(first, wrt), sparse=True)

    return transformed(f, derive, lambda first: _derived.sparsity(first, _derived.select(first, wrt)))


def hessian(f: F, wrt: int | str = 0) -> F:
    """The Hessian of a program or function with one float result: forward mode over reverse mode."""
    return jacobian(grad(f, wrt), wrt)


def vmap(f: F, in_axes: int | None | Sequence[int | None] = 0, out_axes: int = 0) -> F:
    """The program or function over a new axis of its inputs; None marks an input shared by all."""
    if not isinstance(f, Program):
        from ._jit import derived
        from ._trees import lanes

        return derived(f, lambda program: vmap(program, in_axes, out_axes), lambda args: lanes(args, in_axes))
    count = len(f.signature.inputs)
    axes = [in_axes] * count if in_axes is None or isinstance(in_axes, int) else list(in_axes)
    if len(axes) != count:
        hint = "give one number for all inputs, or one per input"
        raise fail("E185", f"in_axes has {len(axes)} entries for {count} inputs", hint=hint)
    return transformed(f, lambda first: _batched.batch(first, axes, out_axes))


def forward(f: F) -> F:
    """``(x, x_dot) -> (y, y_dot)``; x is the tuple of inputs when there are several.

    A program without first-order form (recursion that only its arguments end) is pushed forward as it stands and runs
    in the reference.
    """
    if not isinstance(f, Program):
        from ._jit import derived

        return derived(f, forward, _inputs)
    try:
        return transformed(f, _derived.forward)
    except DiagnosticError:
        if f.definitions is None or not all(isinstance(type_, ir.ArrayType) for type_ in f.ir.inputs):
            raise
        pushed, definitions = _wire.forward_full(f.ir, f.definitions)
        whole: Any = Program(replace(pushed, signature=_derived.pushed_signature(f.signature)), definitions)
        return whole


def reverse(f: F) -> F:
    """``(x, y_bar) -> (y, x_bar)``; x is the tuple of inputs when there are several."""
    if not isinstance(f, Program):
        from ._jit import derived

        return derived(f, reverse, _inputs)
    return transformed(f, _derived.reverse)


def jvp(f: Program | Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``(y, y_dot)`` at a point along a direction: one primal and one tangent per input, as in JAX."""
    pushed = forward(f)
    if len(primals) == 1:
        return pushed(primals[0], tangents[0])
    return pushed(tuple(primals), tuple(tangents))


def vjp(f: Program | Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """``(y, pullback)``; the pullback maps a cotangent of y to a tuple with one cotangent per input, as in JAX."""
    if not isinstance(f, Program):
        from ._jit import pulled_back

        return pulled_back(f, primals)
    value = f(*primals)
    both = reverse(f)
    point = primals[0] if len(primals) == 1 else tuple(primals)

    def pullback(y_bar: Any) -> tuple[Any, ...]:
        x_bar = both(point, y_bar)[1]
        return (x_bar,) if len(primals) == 1 else x_bar

    return value, pullback


def _inputs(args: Sequence[Any]) -> Sequence[Any]:
    """The arguments of a function from those of its pushforward or reverse."""
    return args[0] if isinstance(args[0], tuple) else (args[0],)


def transformed(
    f: Any, how: Callable[[ir.Program], ir.Program], sparsity: Callable[[ir.Program], str] | None = None
) -> Any:
    """The derived program, with the recipe to derive it again at known sizes; for a function, its derived function."""
    if not isinstance(f, Program):
        from ._jit import derived

        return derived(f, lambda program: transformed(program, how, sparsity))
    base = f

    def derive(first: ir.Program) -> ir.Program:
        return how(_derived.as_call(first))

    return Program(derive(base.first()), recipe=Recipe(base, derive, sparsity), captured=base.captured)
