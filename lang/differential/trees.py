"""Small helpers over surface trees: to walk them, to map their parts, and to write new ones.

New nodes take the span of the node that they come from, so that diagnostics point into the text of the operator. A
derivative that is zero is None, which sums and products drop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar, get_args

from ..source import Span
from ..surface import ast

EXPRESSIONS: tuple[type, ...] = get_args(ast.Expr)
TYPES: tuple[type, ...] = get_args(ast.TypeExpr)
N = TypeVar("N", bound=ast.Node)


def walk(node: ast.Node) -> Iterator[ast.Node]:
    """A node and all nodes below it."""
    waiting: list[Any] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, tuple):
            waiting.extend(item)
        elif isinstance(item, ast.Node):
            yield item
            waiting.extend(getattr(item, part.name) for part in fields(item) if part.name != "span")


def names(node: ast.Expr) -> frozenset[str]:
    """Every name that an expression mentions, bound inside it or not."""
    return frozenset(item.name for item in walk(node) if isinstance(item, ast.Name))


def mapped(node: N, change: Callable[[ast.Expr], ast.Expr]) -> N:
    """The node with `change` applied to the expressions directly inside it; types stay as they are."""
    parts = {part.name: _mapped(getattr(node, part.name), change) for part in fields(node) if part.name != "span"}
    return replace(node, **parts)


def _mapped(value: Any, change: Callable[[ast.Expr], ast.Expr]) -> Any:
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    if isinstance(value, EXPRESSIONS):
        return change(value)
    if isinstance(value, ast.Node) and not isinstance(value, TYPES):
        return mapped(value, change)
    return value


def called(word: str, *arguments: ast.Expr, span: Span) -> ast.Call:
    """``word(arguments)``."""
    return apply(ast.Name(word, span=span), *arguments, span=span)


def apply(function: ast.Expr, *arguments: ast.Expr, span: Span) -> ast.Call:
    """``function(arguments)``."""
    return ast.Call(function, tuple(ast.Argument(None, item, span=span) for item in arguments), span=span)


def function_of(variable: ast.Parameter, body: ast.Expr) -> ast.Lambda:
    """``fn (variable) => body``."""
    return ast.Lambda((variable,), body, span=body.span)


def binary(operator: str, left: ast.Expr, right: ast.Expr) -> ast.Binary:
    """``left operator right``."""
    return ast.Binary(operator, left, right, span=left.span)


def plus(left: ast.Expr | None, right: ast.Expr | None) -> ast.Expr | None:
    """A sum in which None is zero."""
    if left is None or right is None:
        return right if left is None else left
    return binary("+", left, right)


def times(left: ast.Expr | None, right: ast.Expr | None, operator: str = "*") -> ast.Expr | None:
    """A product in which None is zero."""
    return None if left is None or right is None else binary(operator, left, right)


def negated(node: ast.Expr | None) -> ast.Expr | None:
    """``-node``."""
    return None if node is None else ast.Unary("-", node, span=node.span)
