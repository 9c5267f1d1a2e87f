"""What binds names: lambdas, chains of `let`; and `if`, whose arms are closed bodies too."""

from __future__ import annotations

from ..diagnostics import InternalError
from ..ir import Close, leaves
from ..surface import ast
from ..types import Fun
from .dispatch import expression, handles, one
from .patterns import bind
from .scope import Body, Scope, Value, closed, split


@handles(ast.Lambda)
def _lambda(scope: Scope, node: ast.Lambda) -> Value:
    type_ = scope.context.type(node)
    assert isinstance(type_, Fun)
    inputs = [leaf for item in type_.parameters for leaf in leaves(item)]
    names = [parameter.name for parameter in node.parameters]

    def write(inner: Scope, own: Value) -> Value:
        inner.env.update(zip(names, split(own, type_.parameters), strict=True))
        return expression(inner, node.body)

    free = scope.context.free.under(node.body, names)
    captures, (program,) = closed(scope, "fn", free, [Body(inputs, write)])
    return scope.builder.emit(Close(program), captures, leaves(type_))


@handles(ast.Block)
def _block(scope: Scope, node: ast.Block) -> Value:
    """A chain of binds, in a loop: long chains cost no depth."""
    before = dict(scope.env)
    inner: ast.Expr = node
    while isinstance(inner, ast.Block):
        for one_bind in inner.binds:
            if not isinstance(one_bind, ast.Let):
                raise InternalError(f"{type(one_bind).__name__} at {one_bind.span}")
            value = expression(scope, one_bind.value)
            bind(scope, one_bind.pattern, scope.context.type(one_bind.value), value)
        inner = inner.body
    value = expression(scope, inner)
    scope.env = before
    return value


@handles(ast.If)
def _if(scope: Scope, node: ast.If) -> Value:
    selector = one(scope, node.condition)
    arms = [
        Body((), lambda inner, _: expression(inner, node.otherwise)),
        Body((), lambda inner, _: expression(inner, node.then)),
    ]
    free = scope.context.free
    captures, programs = closed(scope, "if", free.of(node.then) | free.of(node.otherwise), arms)
    return scope.builder.branch(selector, captures, programs)
