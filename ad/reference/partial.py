"""Partial evaluation: terms with continuations enter, first-order terms in let normal form leave.

The rules are those that Huot & Shaikhha 2022 (arXiv 2212.09801) list for recovering straight-line code: beta by
let, forward substitution, let normalisation, projections of tuples, ``0 * e``, ``0 + e`` and ``1 * e`` for zeros
and ones that the macro made, and the same on arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...lang.ir import Apply
from .terms import (
    App,
    End,
    Lam,
    Let,
    Literal,
    Map,
    One,
    Prim,
    Proj,
    Reduce,
    Shift,
    Term,
    Tuple,
    Var,
    Zero,
    apply,
    map_children,
    occurs,
    stacked,
    substitute,
    type_of,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Answers with the rewritten term, or None where it does not apply."""

    name: str
    rewrite: Callable[[Term], Term | None]


def _beta(term: Term) -> Term | None:
    if not (isinstance(term, App) and isinstance(term.function, Lam)):
        return None
    body = term.function.body
    for param, arg in reversed(list(zip(term.function.params, term.args, strict=True))):
        body = Let(param, arg, body)
    return body


def _forward(term: Term) -> Term | None:
    """``let x = y``, ``let x = 0`` and functions, each of which is used once."""
    if isinstance(term, Let) and isinstance(term.value, Var | Zero | One | Literal | Lam):
        return substitute(term.body, {term.var.name: term.value})
    return None


def _unused(term: Term) -> Term | None:
    if isinstance(term, Let) and not occurs(term.body, term.var.name):
        return term.body
    return None


def _let_of_let(term: Term) -> Term | None:
    if isinstance(term, Let) and isinstance(term.value, Let):
        inner = term.value
        return Let(inner.var, inner.value, Let(term.var, inner.body, term.body))
    return None


def _let_of_tuple(term: Term) -> Term | None:
    """A tuple is taken apart; its items get names of their own, derived from the tuple's."""
    if not (isinstance(term, Let) and isinstance(term.value, Tuple)):
        return None
    items = term.value.items
    parts = [Var(f"{term.var.name}.{k}", type_of(item)) for k, item in enumerate(items)]
    body = substitute(term.body, {term.var.name: Tuple(tuple(parts))})
    for part, item in reversed(list(zip(parts, items, strict=True))):
        body = Let(part, item, body)
    return body


def _projection(term: Term) -> Term | None:
    if isinstance(term, Proj) and isinstance(term.tuple, Tuple):
        return term.tuple.items[term.index]
    return None


def _float_let(term: Term) -> Term | None:
    """A let inside a projection or in the place of an operand moves out."""
    match term:
        case Proj(index, Let(var, value, body)):
            return Let(var, value, Proj(index, body))
        case Reduce(Let(var, value, body)):
            return Let(var, value, Reduce(body))
        case Prim(_, args) | App(_, args):
            for k, arg in enumerate(args):
                if isinstance(arg, Let):
                    rest = replace(term, args=(*args[:k], arg.body, *args[k + 1 :]))
                    return Let(arg.var, arg.value, rest)
    return None


def _ring(term: Term) -> Term | None:
    """``0 + e``, ``0 * e``, ``1 * e`` and linear primitives of 0; only the macro writes these zeros and ones."""
    if not isinstance(term, Prim):
        return None
    match term.op.primitive, term.args:
        case "add", (Zero(), other) | (other, Zero()):
            return other
        case "mul", (One(), other) | (other, One()):
            return other
        case "mul" | "neg" | "div", (Zero(), *_):
            return Zero(type_of(term))
        case "mul", (_, Zero()):
            return Zero(type_of(term))
    return None


def _products(term: Term) -> Term | None:
    """``z * (a / b) = (z * a) / b`` and ``z * -e = -(z * e)``, for the partials that the rows state."""
    match term:
        case Prim(Apply("mul"), (z, Prim(Apply("div") as quotient, (a, b)))):
            return Prim(quotient, (apply("mul", z, a), b))
        case Prim(Apply("mul"), (z, Prim(Apply("neg") as negative, (inner,)))):
            return Prim(negative, (apply("mul", z, inner),))
    return None


def _arrays(term: Term) -> Term | None:
    match term:
        case Map(size, _, Zero(type_)):
            return Zero(stacked(type_, size))
        case Map(_, params, Var() as result, arrays) if result in params[:-1]:
            return arrays[params.index(result)]
        case Reduce(Zero()) | Shift(_, Zero()) | End(_, Zero()):
            return Zero(type_of(term))
    return None


RULES: tuple[Rule, ...] = (
    Rule("beta by let", _beta),
    Rule("drop an unused let", _unused),
    Rule("forward substitution", _forward),
    Rule("let of let", _let_of_let),
    Rule("let of a tuple", _let_of_tuple),
    Rule("projection of a tuple", _projection),
    Rule("let floats out", _float_let),
    Rule("zeros and ones of the macro", _ring),
    Rule("products with quotients and negatives", _products),
    Rule("array operators on zeros, and the identity map", _arrays),
)


def normal_form(term: Term) -> Term:
    """The term with every rule applied, outermost first, until none applies."""
    while True:
        term = _at_head(term)
        inner = map_children(normal_form, term)
        if inner is term:
            return term
        term = inner


def _at_head(term: Term) -> Term:
    while True:
        rewritten = next((new for rule in RULES if (new := rule.rewrite(term)) is not None), None)
        if rewritten is None:
            return term
        term = rewritten
