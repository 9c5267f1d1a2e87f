"""Scalar functions from the `oracle` of a row: an expression over x0, x1, … and a table of functions enter, a
function of Python numbers leaves.

The expression is walked, never executed as code. With mpmath's functions it is the independent oracle of the
tests and the many-digit evaluator; with none but comparisons and rounding it is exact rational arithmetic.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from ..lang.diagnostics import InternalError
from ..lang.primitives.rules import parse_rule
from ..lang.surface import ast

Number = Any
Environment = Mapping[str, Number]
Functions = Callable[[str], Callable[..., Number]]

_OPERATORS: Mapping[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def scalar_function(text: str, params: Environment, functions: Functions) -> Callable[..., Number]:
    """The function of ``x0, x1, …`` that an oracle expression states.

    `functions` gives a function by name (``"power"`` stands for ``^``) or raises.

    >>> scalar_function("if x0 > 0 then x0 else 0", {}, lambda name: abs)(-3)
    0
    """
    tree = parse_rule(text)

    def function(*operands: Number) -> Number:
        environment = {f"x{number}": operand for number, operand in enumerate(operands)}
        return evaluate_tree(tree, {**params, **environment}, functions)

    return function


def evaluate_tree(node: ast.Expr, environment: Environment, functions: Functions) -> Number:
    """The value of an expression over named numbers."""

    def value(inner: ast.Expr) -> Number:
        return evaluate_tree(inner, environment, functions)

    match node:
        case ast.Integer(value=number) | ast.Bool(value=number):
            return number
        case ast.Decimal(text=text):
            return functions("decimal")(text)
        case ast.Name(name=name):
            return environment[name]
        case ast.Unary(operator="-", operand=inner):
            return -value(inner)
        case ast.Unary(operand=inner):
            return not value(inner)
        case ast.Binary(operator="and", left=left, right=right):
            return bool(value(left)) and bool(value(right))
        case ast.Binary(operator="or", left=left, right=right):
            return bool(value(left)) or bool(value(right))
        case ast.Binary(operator="^", left=left, right=right):
            return functions("power")(value(left), value(right))
        case ast.Binary(operator=symbol, left=left, right=right):
            return _OPERATORS[symbol](value(left), value(right))
        case ast.If(condition=condition, then=then, otherwise=otherwise):
            return value(then) if value(condition) else value(otherwise)
        case ast.Call(function=ast.Name(name=name), arguments=arguments):
            return functions(name)(*[value(argument.value) for argument in arguments])
        case _:
            raise InternalError(f"oracles cannot use {type(node).__name__}")
