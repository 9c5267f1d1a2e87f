"""Definitions that generated programs call: variants, and functions that take functions up to order 3."""

from __future__ import annotations

from collections.abc import Iterable

_ENTRIES: dict[str, tuple[tuple[str, ...], str]] = {
    "Option": ((), "data Option[a: type] = Nothing | Just(a)"),
    "Either": ((), "data Either[a: type, b: type] = First(a) | Second(b)"),
    "List": ((), "data List[a: type] = Empty | Item(a, List[a])"),
    "Tree": ((), "data Tree[a: type] = Leaf(a) | Node(Tree[a], Tree[a])"),
    "value_or": (
        ("Option",),
        "def value_or[a: type](o: Option[a], default: a): a = match o { Nothing => default; Just(x) => x }",
    ),
    "list_total": (
        ("List",),
        "def list_total(l: List[f64]): f64 = match l { Empty => 0.25; Item(x, rest) => x + 0.5 * list_total(rest) }",
    ),
    "list_over": (
        ("List",),
        "def list_over[a: type, b: type](f: a -> b, l: List[a]): List[b] ="
        " match l { Empty => Empty; Item(x, rest) => Item(f(x), list_over(f, rest)) }",
    ),
    "tree_total": (
        ("Tree",),
        "def tree_total(t: Tree[f64]): f64 = match t {"
        " Leaf(x) => x; Node(l, r) => sin(tree_total(l)) + 0.5 * tree_total(r) }",
    ),
    "tree_over": (
        ("Tree",),
        "def tree_over[a: type, b: type](f: a -> b, t: Tree[a]): Tree[b] ="
        " match t { Leaf(x) => Leaf(f(x)); Node(l, r) => Node(tree_over(f, l), tree_over(f, r)) }",
    ),
    "twice": ((), "def twice[a: type](f: a -> a, x: a): a = f(f(x))"),
    "after": ((), "def after[a: type, b: type, c: type](f: a -> b, g: b -> c): a -> c = fn (x: a) => g(f(x))"),
    "over": ((), "def over[n, a: type, b: type](f: a -> b, x: [n]a): [n]b = for i < n => f(x[i])"),
    "gathered": (
        (),
        "def gathered[n, a: type, s: type](f: (s, a) -> s, start: s, x: [n]a): s ="
        " loop state = start for i < n do f(state, x[i])",
    ),
    "feed": ((), "def feed(g: (f64 -> f64) -> f64, a: f64): f64 = g(fn (t: f64) => a * sin(t))"),
    "offer": (
        (),
        "def offer(h: ((f64 -> f64) -> f64) -> f64, a: f64): f64 = h(fn (g: f64 -> f64) => g(a) + 0.5 * g(0.25))",
    ),
    "slope": ((), "def slope(f: f64 -> f64, x: f64): f64 = f'(x)"),
    "steepest": ((), "def steepest[n](f: [n]f64 -> f64, x: [n]f64): [n]f64 = x - 0.25 * grad(f)(x)"),
}  # fmt: skip

FUNCTIONS_OF_FUNCTIONS = frozenset(
    {"list_over", "tree_over", "twice", "after", "over", "gathered", "feed", "offer", "slope", "steepest"}
    | {"map", "map2", "foldl", "scanl"}
)


def text_of(names: Iterable[str]) -> str:
    """The definitions of these names and of what they need, in a fixed order.

    >>> text_of(["value_or"]).splitlines()[0]
    'data Option[a: type] = Nothing | Just(a)'
    """
    wanted = {need for name in names for need in (name, *_ENTRIES[name][0])}
    return "\n".join(text for name, (_, text) in _ENTRIES.items() if name in wanted)
