"""Rules of `for`, `loop`, `scan`, `while` and of words that belong to later versions."""

from __future__ import annotations

from dataclasses import replace

from .. import types as ty
from ..diagnostics import DiagnosticError, fail
from ..sizes import Size
from ..surface import ast
from .core import Checker, rule
from .patterns import bind_pattern, distinct
from .report import mismatch
from .unify import Mismatch


def bind_range(checker: Checker, range_: ast.Range) -> Size:
    """Check a bound, bind its index, and return the size."""
    size = checker.size_expression(range_.size, f"the bound of `{range_.name}`")
    checker.need(size, 0, range_.size.span, f"the bound of `{range_.name}`")
    checker.bind_index(range_.name, size)
    return size


@rule(ast.For)
def for_(checker: Checker, node: ast.For, hint: ty.Type | None) -> ty.Type:
    wanted = checker.head(hint) if hint is not None else None
    count = len(node.ranges)
    inner = None
    if isinstance(wanted, ty.Array) and len(wanted.shape) >= count:
        inner = ty.array(wanted.shape[count:], wanted.element)
    with checker.inside():
        shape = tuple([bind_range(checker, range_) for range_ in node.ranges])
        element = checker.infer(node.body, inner)
    return ty.array(shape, element)


@rule(ast.Loop)
def loop(checker: Checker, node: ast.Loop, hint: ty.Type | None) -> ty.Type:
    state = checker.infer(node.initial, None if node.stacked else hint)
    with checker.inside():
        size = bind_range(checker, node.range)
        distinct(node.pattern)
        bind_pattern(checker, node.pattern, state)
        _step(checker, node.body, state)
    return ty.array((size,), state) if node.stacked else state


@rule(ast.While)
def while_(checker: Checker, node: ast.While, hint: ty.Type | None) -> ty.Type:
    state = checker.infer(node.initial, hint)
    limit = checker.size_expression(node.limit, "the limit of this loop")
    checker.need(limit, 0, node.limit.span, "the limit of this loop")
    with checker.inside():
        distinct(node.pattern)
        bind_pattern(checker, node.pattern, state)
        checker.check(node.condition, ty.BOOL, "the condition of `while`")
        _step(checker, node.body, state)
    return state


def _step(checker: Checker, body: ast.Expr, state: ty.Type) -> None:
    """The body must give a state of the initial state's type."""
    after = checker.infer(body, state)
    try:
        checker.unifier.unify(state, after, body.span)
    except Mismatch as reason:
        what = "the state after a step"
        found = mismatch(checker.unifier, checker.generics, state, after, body.span, what, reason.reason)
        message = "a step changes the type or the shape of the loop's state"
        raise DiagnosticError(replace(found, code="E060", message=message)) from None


@rule(ast.Integral)
def integral(checker: Checker, node: ast.Integral, hint: ty.Type | None) -> ty.Type:
    raise fail(
        "E053", "`integral` is not in this version", node.span, hint="approximate it by a sum: sum(for i < n => …)"
    )
