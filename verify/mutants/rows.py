"""Mutants of rows: each rule of the primitive table, as text or as a function, with one fault."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ...lang.primitives import table
from ...lang.primitives.row import (
    Defined,
    Derivative,
    Implicit,
    Linear,
    Piecewise,
    Primitive,
    RuleContext,
    Selects,
    Smooth,
)
from .mutant import Mutant, Undo
from .rule_edits import rule_edits

Change = tuple[str, str, Derivative]  # operator, what changed, the derivative with the fault


def row_mutants() -> Iterator[Mutant]:
    """Every mutant of every row."""
    for row in table().values():
        for operator, change, derivative in _changes(row):
            yield Mutant("rows", operator, row.name, change, partial(install, row, derivative))


def install(row: Primitive, derivative: Derivative) -> Undo:
    """Rows are frozen and shared; a fault is put into the one object that every pass reads."""
    before = row.derivative
    object.__setattr__(row, "derivative", derivative)
    return lambda: object.__setattr__(row, "derivative", before)


def _changes(row: Primitive) -> Iterator[Change]:
    match row.derivative:
        case Smooth() as rule:
            yield from _of_smooth(rule)
        case Piecewise() as rule:
            yield from _of_piecewise(rule)
        case Linear() as rule:
            yield from _of_linear(rule)
        case Selects(gather):
            for operator, function in _wrapped(gather):
                yield operator, "the tangent", Selects(function)
        case Implicit() as rule:
            for operator, function in _wrapped(rule.tangent):
                yield operator, "the tangent", replace(rule, tangent=function)
            for k, transpose in enumerate(rule.transposes):
                for operator, function in _wrapped(transpose) if transpose is not None else ():
                    yield operator, f"transpose {k}", replace(rule, transposes=_put(rule.transposes, k, function))
        case Defined(definition):
            for operator, function in _wrapped(definition):
                yield operator, "the definition", Defined(function)


def _put(items: tuple[Any, ...], k: int, new: Any) -> tuple[Any, ...]:
    return (*items[:k], new, *items[k + 1 :])


def _of_smooth(rule: Smooth) -> Iterator[Change]:
    for k, text in enumerate(rule.partials):
        for operator, changed in rule_edits(text) if text is not None else ():
            yield operator, f"d/dx{k} = {changed}", replace(rule, partials=_put(rule.partials, k, changed))
    for k, text in enumerate(rule.stable or ()):
        for operator, changed in rule_edits(text) if text is not None else ():
            yield operator, f"stable d/dx{k} = {changed}", replace(rule, stable=_put(rule.stable or (), k, changed))


def _of_piecewise(rule: Piecewise) -> Iterator[Change]:
    for k, pairs in enumerate(rule.partials):
        for place, pair in enumerate(pairs):
            for side, what in enumerate(("guard", "value")):
                for operator, changed in rule_edits(pair[side]) if pair[side] != "true" else ():
                    new = _put(pairs, place, _put(pair, side, changed))
                    yield operator, f"d/dx{k} {what} {place} = {changed}", Piecewise(_put(rule.partials, k, new))
            if place + 1 < len(pairs):
                dropped = (*pairs[:place], *pairs[place + 1 :])
                yield "drop a branch", f"d/dx{k} without piece {place}", Piecewise(_put(rule.partials, k, dropped))


def _of_linear(rule: Linear) -> Iterator[Change]:
    if not isinstance(rule.transposes, tuple):
        for operator, function in _wrapped(rule.transposes):
            yield operator, "the transpose", replace(rule, transposes=function)
        return
    for k, transpose in enumerate(rule.transposes):
        if isinstance(transpose, str):
            for operator, text in rule_edits(transpose):
                yield operator, f"transpose {k} = {text}", replace(rule, transposes=_put(rule.transposes, k, text))
        elif transpose is not None:
            for operator, function in _wrapped(transpose):
                yield operator, f"transpose {k}", replace(rule, transposes=_put(rule.transposes, k, function))


# --- rules that are functions ----------------------------------------------------------------------------------------


def _negated(context: RuleContext, slot: int) -> int:
    return context.builder.apply("neg", slot)


def _doubled(context: RuleContext, slot: int) -> int:
    return context.builder.apply("add", slot, slot)


def _zeroed(context: RuleContext, slot: int) -> int:
    return context.builder.zeros(context.type(slot))


def _reversed(context: RuleContext, slot: int) -> int:
    rank = context.type(slot).rank
    return context.builder.apply("reverse", slot, axes=tuple(range(rank)))


_AFTER: dict[str, Callable[[RuleContext, int], int]] = {
    "negate": _negated,
    "change a constant": _doubled,
    "zero": _zeroed,
    "wrong index": _reversed,
}


def _wrapped(rule: Callable[..., int | None]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The rule followed by a fault, which a rule that makes nothing passes by."""
    for operator, after in _AFTER.items():
        yield operator, _followed(rule, after)


def _followed(rule: Callable[..., int | None], after: Callable[[RuleContext, int], int]) -> Callable[..., Any]:
    @functools.wraps(rule)
    def faulty(context: RuleContext, *rest: Any) -> int | None:
        slot = rule(context, *rest)
        if slot is None or not context.type(slot).is_float:
            return slot
        return after(context, slot)

    return faulty
