"""Faulty versions of a rule: the text of an expression enters, (operator, text) pairs leave, made from its tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ...lang.primitives.rules import parse_rule
from ...lang.surface import ast

Edit = tuple[str, ast.Expr]

_TIES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_COMMUTATIVE = frozenset({"maximum", "minimum", "add", "mul"})
_ORDERED = frozenset({"-", "/", "//", "%", "^", "<", "<=", ">", ">="})


def rule_edits(text: str) -> list[tuple[str, str]]:
    """Every faulty version of a rule once, the whole rule and then its parts from the outside in.

    >>> rule_edits("x0 - y")[:3]
    [('negate', '-((x0 - y))'), ('zero', '0'), ('change a constant', '(2 * (x0 - y))')]
    """
    tree = parse_rule(text)
    seen = {show(tree)}
    found: list[tuple[str, str]] = []
    for operator, changed in [*_whole(tree), *_parts(tree)]:
        shown = show(changed)
        if shown not in seen:
            seen.add(shown)
            found.append((operator, shown))
    return found


def _whole(tree: ast.Expr) -> Iterator[Edit]:
    if _is_condition(tree):
        yield "negate", ast.Unary("not", tree, span=tree.span)
        return
    if tree == ast.Integer(0, span=tree.span):
        return
    yield "negate", ast.Unary("-", tree, span=tree.span)
    yield "zero", ast.Integer(0, span=tree.span)
    yield "change a constant", ast.Binary("*", ast.Integer(2, span=tree.span), tree, span=tree.span)


def _is_condition(tree: ast.Expr) -> bool:
    return isinstance(tree, ast.Bool) or (
        isinstance(tree, ast.Binary) and tree.operator in (*_TIES, "and", "or")
    )


def _parts(node: ast.Expr) -> Iterator[Edit]:
    yield from _here(node)
    for child, put in _children(node):
        for operator, changed in _parts(child):
            yield operator, put(changed)


def _here(node: ast.Expr) -> Iterator[Edit]:
    """Faults of one node."""
    match node:
        case ast.Integer(value=value):
            yield "off by one", replace(node, value=value + 1)
            yield "off by one", replace(node, value=value - 1)
        case ast.Decimal(text=text):
            yield "change a constant", replace(node, text=repr(1.5 * float(text)))
        case ast.Unary(operand=operand):
            yield "negate", operand
        case ast.If(then=then, otherwise=otherwise):
            yield "swap branch", replace(node, then=otherwise, otherwise=then)
            yield "drop a branch", then
            yield "drop a branch", otherwise
        case ast.Call(ast.Name(name), arguments) if len(arguments) > 1 and name not in _COMMUTATIVE:
            yield "swap operands", replace(node, arguments=(arguments[1], arguments[0], *arguments[2:]))
        case ast.Binary(operator=operator, left=left, right=right):
            yield "drop a term", left
            yield "drop a term", right
            if operator in _ORDERED:
                yield "swap operands", replace(node, left=right, right=left)
            if operator in _TIES:
                yield "wrong tie", replace(node, operator=_TIES[operator])
            if operator in ("+", "-"):
                yield "negate", replace(node, operator="-" if operator == "+" else "+")


def _children(node: ast.Expr) -> Iterator[tuple[ast.Expr, Callable[[ast.Expr], ast.Expr]]]:
    match node:
        case ast.Unary(operand=operand):
            yield operand, lambda new: replace(node, operand=new)
        case ast.Binary(left=left, right=right):
            yield left, lambda new: replace(node, left=new)
            yield right, lambda new: replace(node, right=new)
        case ast.If(condition=condition, then=then, otherwise=otherwise):
            yield condition, lambda new: replace(node, condition=new)
            yield then, lambda new: replace(node, then=new)
            yield otherwise, lambda new: replace(node, otherwise=new)
        case ast.Call(arguments=arguments):
            for k, argument in enumerate(arguments):
                yield argument.value, _put_argument(node, arguments, k)


def _put_argument(
    node: ast.Call, arguments: tuple[ast.Argument, ...], k: int
) -> Callable[[ast.Expr], ast.Expr]:
    def put(new: ast.Expr) -> ast.Expr:
        return replace(node, arguments=(*arguments[:k], replace(arguments[k], value=new), *arguments[k + 1 :]))

    return put


def show(node: ast.Expr) -> str:
    """The text of a rule's tree, with every operation in parentheses."""
    match node:
        case ast.Integer(value=value):
            return str(value) if value >= 0 else f"(-{-value})"
        case ast.Decimal(text=text):
            return text
        case ast.Bool(value=flag):
            return str(flag).lower()
        case ast.Name(name=name):
            return name
        case ast.Unary(operator="-", operand=operand):
            return f"-({show(operand)})"
        case ast.Unary(operand=operand):
            return f"not ({show(operand)})"
        case ast.Binary(operator=operator, left=left, right=right):
            return f"({show(left)} {operator} {show(right)})"
        case ast.If(condition=condition, then=then, otherwise=otherwise):
            return f"(if {show(condition)} then {show(then)} else {show(otherwise)})"
        case ast.Call(function=function, arguments=arguments):
            return f"{show(function)}({', '.join(show(argument.value) for argument in arguments)})"
        case _:
            raise TypeError(f"rules hold no {type(node).__name__}")
