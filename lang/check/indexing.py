"""Rules of `x[i]`, slices and `with`: counts of indices, static slices, and the proof that an index is in range."""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import fail, suggest
from ..sizes import Size, show, sub, variables
from ..surface import ast
from .core import Checker, rule
from .report import show_open
from .unify import ERROR


@rule(ast.Index)
def index(checker: Checker, node: ast.Index, hint: ty.Type | None) -> ty.Type:
    return select(checker, node, node.base, checker.infer(node.base), node.indices)


def select(
    checker: Checker,
    node: ast.Node,
    base: ast.Expr,
    type_: ty.Type,
    indices: tuple[ast.Expr | ast.Slice, ...],
) -> ty.Type:
    """The type of the selected part; an index drops its axis, a slice keeps it."""
    subject = checker.head(type_)
    if subject is ERROR:
        return ERROR
    if not isinstance(subject, ty.Array):
        raise fail(
            "E039",
            "only arrays are indexed",
            base.span,
            actual=show_open(checker.unifier, subject),
            hint="places of a tuple are written t.0, fields of a record r.name",
        )
    if len(indices) > len(subject.shape):
        raise fail(
            "E039",
            f"{len(indices)} indices for {_axes(len(subject.shape))}",
            node.span,
            actual=show_open(checker.unifier, subject),
            hint="one index for each axis; fewer leave the last axes whole",
        )
    kept: list[Size] = []
    for place, (item, size) in enumerate(zip(indices, subject.shape, strict=False)):
        size = checker.unifier.size(size)
        if isinstance(item, ast.Slice):
            kept.append(_slice(checker, item, size))
        else:
            _position(checker, item, size, place)
    return ty.array((*kept, *subject.shape[len(indices) :]), subject.element)


def _axes(count: int) -> str:
    return f"an array of {count} ax{'es' if count != 1 else 'is'}"


def _slice(checker: Checker, node: ast.Slice, size: Size) -> Size:
    """``low:high`` with static ends: ``0 <= low <= high <= size`` is proved, refuted, or a condition."""
    low: Size = 0 if node.low is None else checker.size_expression(node.low, "the start of a slice")
    high: Size = size if node.high is None else checker.size_expression(node.high, "the end of a slice")
    what = f"the slice {show(low)}:{show(high)} of an axis of size {show(checker.unifier.size(size))}"
    checker.need(low, 0, node.span, what)
    checker.need(sub(high, low), 0, node.span, what)
    if node.high is not None:
        checker.need(sub(size, high), 0, node.span, what)
    return sub(high, low)


def _position(checker: Checker, node: ast.Expr, size: Size, place: int) -> None:
    """One index: an i64, proved in range, refuted, or noted as unproved."""
    found = checker.infer(node, ty.I64)
    if isinstance(checker.head(found), ty.Array):
        raise fail(
            "E039",
            "an index is one integer",
            node.span,
            actual=show_open(checker.unifier, found),
            hint="`gather(x, indices)` selects several",
        )
    checker.demand(found, ty.I64, node, "an index")
    value = checker.polynomial(node)
    if value is None:
        checker.unproved.append(node.span)
        return
    below, above = value, sub(sub(size, 1), value)
    if isinstance(value, int) and value < 0:
        raise fail(
            "E040",
            f"the index {value} is negative: indices are counted from 0",
            node.span,
            hint="the last element of `x: [n]f64` is `x[n - 1]`",
        )
    if isinstance(above, int) and above < 0 and not variables(value) & checker.bounds.keys():
        raise fail(
            "E040",
            f"the index {show(value)} is out of range",
            node.span,
            expected=f"0 … {show(sub(size, 1))} for axis {place + 1}",
            actual=show(value),
            hint="indices are counted from 0" if above == -1 else None,
        )
    if not (checker.proves(below) and checker.proves(above)):
        checker.unproved.append(node.span)


@rule(ast.Update)
def update(checker: Checker, node: ast.Update, hint: ty.Type | None) -> ty.Type:
    """``base with [i] = v`` and ``base with .name = v``, chains of which are walked in a loop."""
    chain: list[ast.Update] = [node]
    while isinstance(chain[-1].base, ast.Update):
        chain.append(chain[-1].base)
    type_ = checker.infer(chain[-1].base, hint)
    for step in reversed(chain):
        if step.field is not None:
            part = _field(checker, step, step.field, type_)
        else:
            part = select(checker, step, step.base, type_, step.indices)
        checker.check(step.value, part, "the new value")
        checker.types[id(step)] = type_
    return type_


def _field(checker: Checker, node: ast.Update, field: str, type_: ty.Type) -> ty.Type:
    subject = checker.head(type_)
    if subject is ERROR:
        return ERROR
    fields = dict(subject.fields) if isinstance(subject, ty.Record) else {}
    if field not in fields:
        what = f"there is no field `{field}` to change" if fields else f"`with .{field}` needs a record"
        raise fail("E042", what, node.span, actual=show_open(checker.unifier, subject), hint=suggest(field, fields))
    return fields[field]
