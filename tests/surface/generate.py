"""Random surface trees of every construct, for the properties of parser and formatter."""

from __future__ import annotations

from hypothesis import strategies as st

from pushforward.lang.source import Source, Span
from pushforward.lang.surface import ast

NOWHERE = Span(Source("<generated>", ""), 0, 0)

lower = st.sampled_from(["x", "y_1", "alpha", "data", "limit", "at", "check", "cost", "dot", "within", "type", "_"])
upper = st.sampled_from(["A", "P", "M", "Node"])
word = st.one_of(lower, upper)
BINARY = ("or", "and", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "//", "%", "@", "^")


def several(items: st.SearchStrategy, least: int = 1, most: int = 3) -> st.SearchStrategy:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


def node(kind: type, *parts: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(lambda *fields: kind(*fields, span=NOWHERE), *parts)


def _not_single(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(st.just(()), several(items, 2))


atoms = st.one_of(
    node(ast.Name, word),
    node(ast.Integer, st.integers(0, 10**6)),
    node(ast.Decimal, st.sampled_from(["0.5", "1e-3", "2.0E+4", "10.0"])),
    node(ast.Bool, st.booleans()),
)
patterns = st.recursive(
    st.one_of(node(ast.PatternName, word), node(ast.PatternRecord, several(word))),
    lambda inner: node(ast.PatternTuple, several(inner, 2)),
    max_leaves=4,
)
cases = st.recursive(
    st.one_of(node(ast.PatternName, lower), node(ast.PatternNumber, st.integers(-9, 9))),
    lambda inner: st.one_of(
        node(ast.PatternTuple, several(inner, 2)), node(ast.PatternConstructor, upper, several(inner, 0))
    ),
    max_leaves=4,
)
types = st.recursive(
    node(ast.TypeName, st.sampled_from(["f64", "a", "Tree", "size"])),
    lambda inner: st.one_of(
        node(ast.TypeName, st.sampled_from(["Tree", "t"]), several(inner)),
        node(ast.TypeArray, several(atoms), inner),
        node(ast.TypeTuple, _not_single(inner)),
        node(ast.TypeRecord, several(st.tuples(word, inner))),
        node(ast.TypeFunction, inner, inner),
        node(ast.TypeMeasure, st.sampled_from("PM"), inner),
        node(ast.TypeField, several(atoms)),
    ),
    max_leaves=5,
)
parameters = several(node(ast.Parameter, word, st.none() | types), 0)


def _compound(inner: st.SearchStrategy) -> st.SearchStrategy:
    places = st.one_of(inner, node(ast.Slice, st.none() | inner, st.none() | inner))
    ranges = node(ast.Range, word, inner)
    binds = st.one_of(
        node(ast.Let, patterns, st.none() | types, inner),
        node(ast.Draw, patterns, inner),
        node(ast.Observe, inner, inner),
        node(ast.Score, inner),
    )
    return st.one_of(
        node(ast.Binary, st.sampled_from(BINARY), inner, inner),
        node(ast.Unary, st.sampled_from(("-", "not")), inner),
        node(ast.Tuple, _not_single(inner)),
        node(ast.Record, several(st.tuples(word, inner))),
        node(ast.ArrayLiteral, several(inner, 0)),
        node(ast.Call, inner, several(node(ast.Argument, st.none() | word, inner), 0)),
        node(ast.Index, inner, several(places)),
        node(ast.Project, inner, st.one_of(word, st.integers(0, 3))),
        node(ast.Prime, inner),
        node(ast.Update, inner, several(places), st.none(), inner),
        node(ast.Update, inner, st.just(()), word, inner),
        node(ast.Block, several(binds), inner),
        node(ast.Lambda, parameters, inner),
        node(ast.If, inner, inner, inner),
        node(ast.For, several(ranges), inner),
        node(ast.Loop, patterns, inner, ranges, inner, st.booleans()),
        node(ast.While, patterns, inner, inner, inner, inner),
        node(ast.Integral, word, inner, inner),
        node(ast.Match, inner, several(node(ast.Arm, cases, inner))),
    )


expressions = st.recursive(atoms, _compound, max_leaves=12)
generics = several(node(ast.Generic, word, st.booleans()), 0)
claims = st.one_of(
    node(ast.Check, expressions, st.none(), st.none()),
    node(ast.Check, expressions, expressions, st.none() | expressions),
    node(ast.Dot, expressions, expressions),
    node(ast.Cost, expressions, st.none() | expressions, expressions),
    node(ast.Fails, st.just("E030"), expressions),
)
definitions = st.one_of(
    node(
        ast.Def,
        lower,
        generics,
        parameters,
        st.none() | types,
        several(node(ast.Rule, st.sampled_from(("vjp", "jvp")), lower), 0),
        expressions,
    ),
    node(
        ast.Def, lower, generics, parameters, st.none() | types, st.just(()), expressions,
        st.sampled_from(("functional", "model")),
    ),
    node(
        ast.Def, lower, generics, parameters, st.none(), st.just(()), expressions, st.just("operator"),
        parameters,
    ),
)  # fmt: skip
items = st.one_of(
    node(ast.Import, st.sampled_from(["a.pf", "lib/é b.pf"]), st.none() | lower),
    definitions,
    node(ast.Data, st.just("Tree"), generics, several(node(ast.Constructor, upper, several(types, 0)))),
    node(ast.Test, st.sampled_from(["t", "a -- b"]), several(claims, 0)),
)
trees = node(ast.Tree, several(items, 0, 4))
