"""``for``, ``loop``, ``scan`` and ``while`` become `Each` and `Fold` over closed bodies."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import BOOL, I64, ArrayType, leaves
from ..surface import ast
from .dispatch import expression, handles
from .free import names_of
from .patterns import bind
from .scope import Body, Scope, Value, closed


@handles(ast.For)
def for_(scope: Scope, node: ast.For) -> Value:
    """``for i < n, j < m => e``: an `Each` per range, the first outermost, all results stacked."""
    return _ranges(scope, node.ranges, node.body, "stack")


def sum_of(scope: Scope, node: ast.For) -> Value | None:
    """``sum(for i < n => e)`` with a number `e`: an `Each` that adds up, so nothing is stored."""
    types = leaves(scope.context.type(node.body))
    if len(types) != 1 or not isinstance(types[0], ArrayType) or types[0].shape or types[0].dtype == "bool":
        return None
    return _ranges(scope, node.ranges, node.body, "sum")


def _ranges(scope: Scope, ranges: Sequence[ast.Range], body: ast.Expr, combine: str) -> Value:
    first, rest = ranges[0], ranges[1:]

    def write(inner: Scope, own: Value) -> Value:
        inner.env[first.name] = own
        value = _ranges(inner, rest, body, combine) if rest else expression(inner, body)
        inner.arrays(value, body.span)
        return value

    free = scope.context.free.under(body, (one.name for one in ranges))
    captures, (program,) = closed(scope, "for", free, [Body([I64], write)])
    size = scope.context.size(first.size)
    return scope.builder.each(size, captures, (), program, (combine,) * len(program.outputs))


@handles(ast.Loop)
def loop(scope: Scope, node: ast.Loop) -> Value:
    """``loop p = e for i < n do e``: a `Fold`; ``scan`` stacks the state after each step."""
    state = scope.context.type(node.initial)
    types = leaves(state)
    initial = expression(scope, node.initial)

    def write(inner: Scope, own: Value) -> Value:
        inner.env[node.range.name] = own[-1:]
        bind(inner, node.pattern, state, own[:-1])
        value = expression(inner, node.body)
        if node.stacked:
            inner.arrays(value, node.body.span)
        return value + value if node.stacked else value

    free = scope.context.free.under(node.body, (*names_of(node.pattern), node.range.name))
    captures, (program,) = closed(scope, "scan" if node.stacked else "loop", free, [Body([*types, I64], write)])
    combine = ("stack",) * (len(types) if node.stacked else 0)
    size = scope.context.size(node.range.size)
    results = scope.builder.fold(size, captures, (), initial, program, combine)
    return results[len(types) :] if node.stacked else results


@handles(ast.While)
def while_(scope: Scope, node: ast.While) -> Value:
    """``loop p = e while c limit k do e``: a `Fold` of at most k rounds with a condition over the same captures."""
    state = scope.context.type(node.initial)
    types = leaves(state)
    initial = expression(scope, node.initial)

    def step(inner: Scope, own: Value) -> Value:
        bind(inner, node.pattern, state, own[: len(types)])
        return expression(inner, node.body)

    def condition(inner: Scope, own: Value) -> Value:
        bind(inner, node.pattern, state, own)
        value = expression(inner, node.condition)
        assert inner.types_of(value) == (BOOL,)
        return value

    names = tuple(names_of(node.pattern))
    free = scope.context.free.under(node.body, names) | scope.context.free.under(node.condition, names)
    bodies = [Body([*types, I64], step), Body(types, condition)]
    captures, (program, test) = closed(scope, "while", free, bodies)
    return scope.builder.fold(scope.context.size(node.limit), captures, (), initial, program, condition=test)
