"""The table of handlers: one small function per kind of surface node, registered by the module that holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..surface import ast
from .scope import Scope, Value

Handler = Callable[[Scope, Any], Value]
HANDLERS: dict[type, Handler] = {}


def handles(node: type) -> Callable[[Handler], Handler]:
    """Register the handler of one kind of node."""

    def register(handler: Handler) -> Handler:
        HANDLERS[node] = handler
        return handler

    return register


def expression(scope: Scope, node: ast.Expr) -> Value:
    """The slots of an expression's value, appended to the scope's builder; its steps carry the span of the node."""
    outer = scope.builder.origin
    scope.builder.origin = node.span
    value = HANDLERS[type(node)](scope, node)
    scope.builder.origin = outer
    return value


def one(scope: Scope, node: ast.Expr) -> int:
    """The slot of an expression whose value takes one."""
    (slot,) = expression(scope, node)
    return slot
