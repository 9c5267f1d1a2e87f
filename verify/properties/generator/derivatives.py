"""Moves that take derivatives inside the program, nested in each other and in loops."""

from __future__ import annotations

from ....lang.types import F64, Array, Type, array
from .writer import Scope, Variable, Writer, moves

_V2 = array((2,), F64)


def _within(writer: Writer, parameters: tuple[Type, ...], result: Type, scope: Scope, depth: int) -> str:
    """A function to differentiate, in which derivatives may nest as deep as is left."""
    writer.order -= 1
    text = writer.function(parameters, result, scope, max(depth, 1))
    writer.order += 1
    return text


def slope(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A derivative of a function of a number."""
    if writer.order <= 0:
        return writer.leaf(type_, scope)
    function = _within(writer, (F64,), F64, scope, depth)
    point = writer.number(scope, depth)
    how = writer.pick(6)
    if how == 0:
        return f"grad({function})({point})"
    if how == 1:
        return f"jvp({function}, {point}, {writer.number(scope, 0)}).1"
    if how == 2:
        return f"vjp({function}, {point}, {writer.number(scope, 0)}).1"
    if how == 3:
        return f"{writer.need('slope')}({function}, {point})"
    if how == 4:
        pair = writer.fresh("p")
        return f"(let {pair} = value_and_grad({function})({point}) in {pair}.0 * {pair}.1)"
    return second(writer, scope, depth, function, point)


def second(writer: Writer, scope: Scope, depth: int, function: str, point: str) -> str:
    """Second derivatives: by the words for them, and by nesting."""
    how = writer.pick(4)
    if how == 0:
        return f"grad(grad({function}))({point})"
    if how == 1:
        return f"laplacian({function})({point})"
    inner, outer = writer.fresh("t"), writer.fresh("t")
    body = writer.number((*scope, Variable(outer, F64), Variable(inner, F64)), max(depth, 1))
    nested = f"grad(fn ({inner}: f64) => {body} * {outer} * sin({inner}))({outer} + 0.5)"
    if how == 2:
        return f"grad(fn ({outer}: f64) => {outer} * {nested})({point})"
    return f"sin'({point}) * {nested_at(nested, outer, point)}"


def nested_at(nested: str, outer: str, point: str) -> str:
    """The inner derivative at a point of the outer variable, which stays a constant to it."""
    return f"(let {outer} = {point} in {nested})"


def _several(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """Derivatives of a function of two parameters, or of a vector."""
    if writer.order <= 0:
        return writer.leaf(type_, scope)
    x, y = writer.number(scope, depth), writer.expression(_V2, scope, depth)
    how = writer.pick(4)
    if how == 0:
        function = _within(writer, (F64, _V2), F64, scope, depth)
        pair = writer.fresh("p")
        return f"(let {pair} = grad({function})({x}, {y}) in {pair}.0 + sum({pair}.1))"
    if how == 1:
        function = _within(writer, (_V2,), F64, scope, depth)
        return f"laplacian({function})({y})"
    if how == 2:
        function = _within(writer, (_V2,), _V2, scope, depth)
        return f"sum(jvp({function}, {y}, [{x}, 0.5]).1)"
    function = _within(writer, (_V2,), F64, scope, depth)
    return f"sum(hessian({function})({y}))"


def _gradient(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    if writer.order <= 0:
        return writer.leaf(type_, scope)
    point = writer.expression(type_, scope, depth)
    if writer.pick(3) == 0:
        function = _within(writer, (type_,), type_, scope, depth)
        return f"vjp({function}, {point}, {writer.leaf(type_, scope)}).1"
    return f"grad({_within(writer, (type_,), F64, scope, depth)})({point})"


def _square(writer: Writer, type_: Type, scope: Scope, depth: int) -> str:
    """A Jacobian, or a Hessian where the matrix is square."""
    assert isinstance(type_, Array)
    rows, columns = (array((size,), F64) for size in type_.shape)
    if writer.order <= 0:
        return writer.leaf(type_, scope)
    point = writer.expression(columns, scope, depth)
    if rows == columns and writer.pick(2):
        return f"hessian({_within(writer, (columns,), F64, scope, depth)})({point})"
    return f"jacobian({_within(writer, (columns,), rows, scope, depth)})({point})"


moves("f64", slope, _several)
moves("vector", _gradient)
moves("matrix", _square)
