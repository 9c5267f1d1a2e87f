"""Operators: arithmetic, comparisons, powers, and the lazy words `and` and `or`."""

from __future__ import annotations

from ..surface import ast
from . import words
from .dispatch import expression, handles, one
from .scope import Body, Scope, Value, closed

ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod"}
COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


@handles(ast.Unary)
def _unary(scope: Scope, node: ast.Unary) -> Value:
    if node.operator == "not":
        return (scope.builder.apply("logical_not", one(scope, node.operand)),)
    slot = one(scope, node.operand)
    known = scope.builder.scalar(slot)
    if known is not None:
        dtype = scope.builder.array_type(slot).dtype
        if dtype == "i64":
            known = (int(known) + 2**63) % 2**64 - 2**63
        return (scope.builder.constant(-known, dtype),)
    return (scope.builder.apply("neg", slot),)


@handles(ast.Binary)
def _binary(scope: Scope, node: ast.Binary) -> Value:
    operator = node.operator
    if operator in ("and", "or"):
        return _logical(scope, node)
    if operator == "^":
        return _power(scope, node)
    left, right = one(scope, node.left), one(scope, node.right)
    if operator == "@":
        return (words.matmul(scope, left, right),)
    return (scope.builder.apply(ARITHMETIC.get(operator) or COMPARISONS[operator], left, right),)


def _power(scope: Scope, node: ast.Binary) -> Value:
    exponent = node.right
    sign = 1
    if isinstance(exponent, ast.Unary) and exponent.operator == "-":
        exponent, sign = exponent.operand, -1
    base = one(scope, node.left)
    if isinstance(exponent, ast.Integer):
        return (scope.builder.apply("integer_pow", base, exponent=sign * exponent.value),)
    return (scope.builder.apply("pow", base, one(scope, node.right)),)


def _logical(scope: Scope, node: ast.Binary) -> Value:
    """`and`, `or`: the right side is a lazy arm unless evaluating it can neither fail nor take long."""
    left = one(scope, node.left)
    if is_total(node.right):
        return (scope.builder.apply(f"logical_{node.operator}", left, one(scope, node.right)),)
    decided = node.operator == "or"

    def known(inner: Scope, _: Value) -> Value:
        return (inner.builder.constant(decided, "bool"),)

    def ask(inner: Scope, _: Value) -> Value:
        return expression(inner, node.right)

    arms = [Body((), ask), Body((), known)] if decided else [Body((), known), Body((), ask)]
    captures, programs = closed(scope, node.operator, scope.context.free.of(node.right), arms)
    return scope.builder.branch(left, captures, programs)


def is_total(node: ast.Expr) -> bool:
    """Whether an expression surely has a value: names, literals, and arithmetic without integer division."""
    match node:
        case ast.Name() | ast.Integer() | ast.Decimal() | ast.Bool():
            return True
        case ast.Unary(operand=operand):
            return is_total(operand)
        case ast.Binary(operator=operator, left=left, right=right):
            return operator not in ("//", "%", "@") and is_total(left) and is_total(right)
        case _:
            return False
