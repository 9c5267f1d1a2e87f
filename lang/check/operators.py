"""Rules of the operators."""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import fail
from ..surface import ast
from .builtins import OPERATORS
from .core import Checker, rule
from .expressions import facts_of
from .report import show_open
from .unify import ERROR
from .words import apply_table, lift

PLAIN = frozenset({"+", "-", "*", "/"})
COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})


@rule(ast.Unary)
def unary(checker: Checker, node: ast.Unary, hint: ty.Type | None) -> ty.Type:
    operand = checker.infer(node.operand, hint)
    row = "negate" if node.operator == "-" else node.operator
    return lift(checker, OPERATORS[row], [operand], [node.operand], node, f"`{node.operator}`")


@rule(ast.Binary)
def binary(checker: Checker, node: ast.Binary, hint: ty.Type | None) -> ty.Type:
    operator = node.operator
    if operator == "^":
        return power(checker, node, hint)
    wanted = _element_hint(checker, hint) if operator not in COMPARISONS else None
    left = checker.infer(node.left, wanted)
    if operator == "and" or operator == "or":
        with checker.inside(facts_of(checker, node.left, operator == "and")):
            right = checker.infer(node.right, wanted)
    else:
        right = checker.infer(node.right, _element_hint(checker, left))
    if left is right and (left is ty.F64 or left is ty.F32) and operator in PLAIN:
        return left
    if operator == "@":
        return matmul(checker, node, left, right)
    nodes = [node.left, node.right]
    return lift(checker, OPERATORS[operator], [left, right], nodes, node, f"`{operator}`")


def _element_hint(checker: Checker, type_: ty.Type | None) -> ty.Type | None:
    """What a literal beside a value of this type should be; None when that is not a known number."""
    if type_ is None:
        return None
    head = checker.head(type_)
    element = checker.head(head.element) if type(head) is ty.Array else head
    return element if type(element) is ty.Scalar and element.dtype != "bool" else None


def power(checker: Checker, node: ast.Binary, hint: ty.Type | None) -> ty.Type:
    """An integer literal exponent keeps the base's type; otherwise both sides are floats."""
    base = checker.infer(node.left, _element_hint(checker, hint))
    exponent = node.right
    negative = isinstance(exponent, ast.Unary) and exponent.operator == "-"
    literal = exponent.operand if isinstance(exponent, ast.Unary) and negative else exponent
    if not isinstance(literal, ast.Integer):
        found = checker.infer(exponent, _element_hint(checker, base))
        return lift(checker, OPERATORS["^"], [base, found], [node.left, exponent], node, "`^`")
    if literal.value >= 2**31:
        raise fail("E063", "this exponent is too large", literal.span, hint="write it as a float")
    checker.types[id(literal)] = checker.types[id(exponent)] = ty.I64
    row = "f -> f" if negative else "t -> t"
    what = "`^` with a negative exponent" if negative else "`^`"
    return lift(checker, row, [base], [node.left], node, what)


def matmul(checker: Checker, node: ast.Binary, left: ty.Type, right: ty.Type) -> ty.Type:
    """``[n, k] @ [k, m]`` and its forms with vectors."""
    heads = [checker.head(left), checker.head(right)]
    if ERROR in heads:
        return ERROR
    for head, operand in zip(heads, (node.left, node.right), strict=True):
        if not isinstance(head, ty.Array) or len(head.shape) > 2:
            raise fail(
                "E033",
                "`@` multiplies matrices and vectors",
                operand.span,
                expected="[n, k]f64 or [k]f64",
                actual=show_open(checker.unifier, head),
                hint="`*` multiplies by a scalar" if not isinstance(head, ty.Array) else None,
            )
    return apply_table(checker, "@", heads, [node.left, node.right], node)
