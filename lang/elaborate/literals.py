"""Literals: numbers, tuples, records and arrays written out."""

from __future__ import annotations

from typing import Any

from ..diagnostics import InternalError
from ..ir import ArrayType, leaves
from ..surface import ast
from ..types import Array, Scalar, SizeType, Type
from .dispatch import expression, handles
from .scope import Scope, Value


def literal_dtype(type_: Type) -> str:
    """The dtype of a literal of a type."""
    if isinstance(type_, Scalar):
        return type_.dtype
    if isinstance(type_, SizeType):
        return "i64"
    raise InternalError(f"a literal of type {type_}")


def _number(dtype: str, text: str | int) -> float | int:
    return int(text) if dtype == "i64" else float(text)


@handles(ast.Integer)
def _integer(scope: Scope, node: ast.Integer) -> Value:
    dtype = literal_dtype(scope.context.type(node))
    return (scope.builder.constant(_number(dtype, node.value), dtype),)


@handles(ast.Decimal)
def _decimal(scope: Scope, node: ast.Decimal) -> Value:
    dtype = literal_dtype(scope.context.type(node))
    return (scope.builder.constant(float(node.text), dtype),)


@handles(ast.Bool)
def _bool(scope: Scope, node: ast.Bool) -> Value:
    return (scope.builder.constant(node.value, "bool"),)


@handles(ast.Tuple)
def _tuple(scope: Scope, node: ast.Tuple) -> Value:
    return tuple([slot for item in node.items for slot in expression(scope, item)])


@handles(ast.Record)
def _record(scope: Scope, node: ast.Record) -> Value:
    values = {name: expression(scope, value) for name, value in node.fields}
    type_ = scope.context.type(node)
    order = [name for name, _ in type_.fields]  # type: ignore[union-attr]
    return tuple(slot for name in order for slot in values[name])


@handles(ast.ArrayLiteral)
def _array(scope: Scope, node: ast.ArrayLiteral) -> Value:
    type_ = scope.context.type(node)
    literal = _literal(scope, node, type_)
    if literal is not None:
        return literal
    rows = [expression(scope, item) for item in node.items]
    builder = scope.builder
    result = []
    for parts in zip(*rows, strict=True):
        types = scope.arrays(parts, node.span)
        lifted = [
            builder.apply("reshape", slot, shape=(1, *item.shape)) for slot, item in zip(parts, types, strict=True)
        ]
        result.append(builder.apply("concat", *lifted, axis=0))
    return tuple(result)


def _literal(scope: Scope, node: ast.ArrayLiteral, type_: Type) -> Value | None:
    """An array of number literals is one constant."""
    if not (isinstance(type_, Array) and isinstance(type_.element, Scalar)):
        return None if node.items else _empty(scope, type_)
    numbers = _numbers(node)
    if numbers is None or not all(isinstance(size, int) for size in type_.shape):
        return None
    dtype = type_.element.dtype
    if dtype in ("i64", "bool") and any(isinstance(number, str) for number in numbers):
        return None
    import numpy as np

    data = np.array([number if dtype in ("i64", "bool") else float(number) for number in numbers])
    return (scope.builder.constant(data.reshape(type_.shape), dtype, type_.shape),)  # type: ignore[arg-type]


def _empty(scope: Scope, type_: Type) -> Value:
    return tuple(scope.builder.zeros(leaf) for leaf in leaves(type_) if isinstance(leaf, ArrayType))


def _numbers(node: ast.Expr) -> list[Any] | None:
    """All numbers of nested literals in order, or None when something else is among them."""
    match node:
        case ast.Integer(value=value) | ast.Bool(value=value):
            return [value]
        case ast.Decimal(text=text):
            return [text]
        case ast.Unary(operator="-", operand=ast.Integer(value=value)):
            return [-value]
        case ast.Unary(operator="-", operand=ast.Decimal(text=text)):
            return ["-" + text]
        case ast.ArrayLiteral(items=items):
            found: list[Any] = []
            for item in items:
                inner = _numbers(item)
                if inner is None:
                    return None
                found += inner
            return found
        case _:
            return None
