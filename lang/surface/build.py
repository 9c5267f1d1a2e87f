"""Children to nodes: one small function per rule of `grammar.lark`, called when the parser completes the
rule.

In: the children of a rule (nodes, texts of kept tokens, None for an absent optional part) and the span it
covers. Out: a node of `ast`, or a tuple for rules without a node. The table at the end is keyed by the names the
grammar uses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..diagnostics import fail
from ..source import Span
from . import ast

MOST_DIGITS = 400

Children = list[Any]
Make = Callable[[Children, Span], Any]


def _present(children: Children) -> tuple[Any, ...]:
    """The children of a list that may be empty: lark's tables put one None in place of the first item."""
    return tuple(child for child in children if child is not None)


def _whole(text: str, span: Span) -> int:
    """A whole number; E013 when its digits would take long to read."""
    if len(text) > MOST_DIGITS:
        raise fail(
            "E013",
            f"this number has {len(text)} digits",
            span,
            hint=f"the limit is {MOST_DIGITS}; write `1e…`",
        )
    return int(text)


def _tuple(children: Children, span: Span) -> tuple[Any, ...]:
    return _present(children)


# --- items --------------------------------------------------------------------------------------------------


def _start(children: Children, span: Span) -> ast.Tree:
    return ast.Tree(tuple(children), span=span)


def _import(children: Children, span: Span) -> ast.Import:
    path, *alias = children
    return ast.Import(path[1:-1], alias[0] if alias else None, span=span)


def _def(children: Children, span: Span) -> ast.Def:
    name, generics, parameters, result, rules, body = children
    return ast.Def(name, generics or (), parameters, result, rules or (), body, span=span)


def _operator(children: Children, span: Span) -> ast.Def:
    name, generics, fields, parameters, body = children
    return ast.Def(name, generics or (), parameters, None, (), body, "operator", fields, span=span)


def _typed_item(keyword: str) -> Make:
    def make(children: Children, span: Span) -> ast.Def:
        name, generics, parameters, result, body = children
        return ast.Def(name, generics or (), parameters, result, (), body, keyword, span=span)

    return make


def _data(children: Children, span: Span) -> ast.Data:
    name, generics, *constructors = children
    return ast.Data(name, generics or (), tuple(constructors), span=span)


def _test(children: Children, span: Span) -> ast.Test:
    return ast.Test(children[0][1:-1], tuple(children[1:]), span=span)


def _fails(children: Children, span: Span) -> ast.Fails:
    return ast.Fails(children[0][1:-1], children[1], span=span)


def _check(children: Children, span: Span) -> ast.Check:
    value, expected, tolerance = children
    return ast.Check(value, expected, tolerance, span=span)


# --- expressions --------------------------------------------------------------------------------------------


def _block(children: Children, span: Span) -> ast.Block:
    return ast.Block(tuple(children[:-1]), children[-1], span=span)


def _for(children: Children, span: Span) -> ast.For:
    return ast.For(tuple(children[:-1]), children[-1], span=span)


def _loop(stacked: bool) -> Make:
    def make(children: Children, span: Span) -> ast.Loop:
        pattern, initial, range_, body = children
        return ast.Loop(pattern, initial, range_, body, stacked, span=span)

    return make


def _binary(children: Children, span: Span) -> ast.Binary:
    left, operator, right = children
    return ast.Binary(operator, left, right, span=span)


def _update_index(children: Children, span: Span) -> ast.Update:
    return ast.Update(children[0], tuple(children[1:-1]), None, children[-1], span=span)


def _update_field(children: Children, span: Span) -> ast.Update:
    base, field, value = children
    return ast.Update(base, (), field, value, span=span)


def _call(children: Children, span: Span) -> ast.Call:
    return ast.Call(children[0], _present(children[1:]), span=span)


def _index(children: Children, span: Span) -> ast.Index:
    return ast.Index(children[0], tuple(children[1:]), span=span)


def _match(children: Children, span: Span) -> ast.Match:
    return ast.Match(children[0], tuple(children[1:]), span=span)


def _argument(children: Children, span: Span) -> ast.Argument:
    return ast.Argument(None, children[0], span=span)


def _sequence(node: Callable[..., Any]) -> Make:
    """A node whose only field is the tuple of its children."""
    return lambda children, span: node(_present(children), span=span)


def _plain(node: Callable[..., Any]) -> Make:
    """A node whose fields are its children, in order."""
    return lambda children, span: node(*children, span=span)


def _headed(node: Callable[..., Any]) -> Make:
    """A node with a first child and a tuple of the others."""
    return lambda children, span: node(children[0], _present(children[1:]), span=span)


def _lambda(children: Children, span: Span) -> ast.Lambda:
    return ast.Lambda(children[0], children[1], span=span)


def _type_array(children: Children, span: Span) -> ast.TypeArray:
    return ast.TypeArray(tuple(children[:-1]), children[-1], span=span)


MAKE: dict[str, Make] = {
    "start": _start,
    "import_": _import,
    "def_": _def,
    "operator": _operator,
    "functional": _typed_item("functional"),
    "model": _typed_item("model"),
    "data": _data,
    "test": _test,
    "rules": _tuple,
    "rule": _plain(ast.Rule),
    "constructor": _headed(ast.Constructor),
    "generics": _tuple,
    "generic_size": lambda children, span: ast.Generic(children[0], False, span=span),
    "generic_type": lambda children, span: ast.Generic(children[0], True, span=span),
    "params": _tuple,
    "param": _plain(ast.Parameter),
    "check": _check,
    "dot": _plain(ast.Dot),
    "cost": _plain(ast.Cost),
    "fails": _fails,
    "type_function": _plain(ast.TypeFunction),
    "type_array": _type_array,
    "type_tuple": _sequence(ast.TypeTuple),
    "type_record": _sequence(ast.TypeRecord),
    "type_field": _tuple,
    "type_measure": _plain(ast.TypeMeasure),
    "type_region": _sequence(ast.TypeField),
    "type_name": _headed(ast.TypeName),
    "block": _block,
    "lambda_": _lambda,
    "if_": _plain(ast.If),
    "for_": _for,
    "loop": _loop(stacked=False),
    "scan": _loop(stacked=True),
    "while_": _plain(ast.While),
    "integral": _plain(ast.Integral),
    "range": _plain(ast.Range),
    "let": _plain(ast.Let),
    "draw": _plain(ast.Draw),
    "observe": _plain(ast.Observe),
    "score": _plain(ast.Score),
    "update_index": _update_index,
    "update_field": _update_field,
    "binary": _binary,
    "unary": _plain(ast.Unary),
    "call": _call,
    "index": _index,
    "project_name": _plain(ast.Project),
    "project_place": lambda children, span: ast.Project(children[0], _whole(children[1], span), span=span),
    "prime": _plain(ast.Prime),
    "argument": _argument,
    "named_argument": _plain(ast.Argument),
    "slice": _plain(ast.Slice),
    "name": _plain(ast.Name),
    "integer": lambda children, span: ast.Integer(_whole(children[0], span), span=span),
    "decimal": _plain(ast.Decimal),
    "true": lambda children, span: ast.Bool(True, span=span),
    "false": lambda children, span: ast.Bool(False, span=span),
    "tuple": _sequence(ast.Tuple),
    "record": _sequence(ast.Record),
    "record_field": _tuple,
    "array": _sequence(ast.ArrayLiteral),
    "match_": _match,
    "arm": _plain(ast.Arm),
    "pattern_name": _plain(ast.PatternName),
    "pattern_tuple": _sequence(ast.PatternTuple),
    "pattern_record": _sequence(ast.PatternRecord),
    "pattern_constructor": _headed(ast.PatternConstructor),
    "pattern_number": lambda children, span: ast.PatternNumber(_whole(children[0], span), span=span),
    "pattern_negative": lambda children, span: ast.PatternNumber(-_whole(children[0], span), span=span),
}
