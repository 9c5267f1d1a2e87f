"""What the rules of the formatter share: the documents of the children, binding strength, lists and bodies.

In: a tree, the rules by class of node, and its comments. Out: one document. Every node's document is made
from those of its children, children first, so depth is no danger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import ast
from .comments import Comments, preorder
from .layout import HARD, LINE, SOFT, Doc, Group, Suffix, concat, join, nest

BINARY = {
    **dict.fromkeys(("or",), 2),
    **dict.fromkeys(("and",), 3),
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 5),
    **dict.fromkeys(("+", "-"), 6),
    **dict.fromkeys(("*", "/", "//", "%", "@"), 7),
    "^": 9,
}
UNARY = {"not": 4, "-": 8}
OPEN, UPDATE, SUM, SIGNED, POST, ATOM = 0, 1, 6, 8, 10, 11
"""Binding strengths as `grammar.lark` stacks the rules: a looser node in a tighter place gets parentheses."""


class Printer:
    """The documents of all nodes met so far, by identity."""

    def __init__(self, rules: Mapping[type, Rule], comments: Comments) -> None:
        self.rules = rules
        self.comments = comments
        self.docs: dict[int, Doc] = {}

    def document(self, tree: ast.Node) -> Doc:
        """The document of a tree: children before parents, by a list instead of recursion."""
        for node in reversed(preorder(tree)):
            self.docs[id(node)] = self.rules[type(node)](self, node)
        return self.docs[id(tree)]

    def bare(self, node: ast.Node) -> Doc:
        """The document of a child with its breaks open, to be part of the parent's line."""
        return self.docs[id(node)]

    def whole(self, node: ast.Node) -> Doc:
        """The document of a child that breaks on its own account."""
        return Group(self.docs[id(node)])

    def all(self, nodes: Sequence[ast.Node]) -> list[Doc]:
        """The documents of several children."""
        return [self.whole(node) for node in nodes]

    def within(self, node: ast.Expr, least: int) -> Doc:
        """A child in a place that takes nodes of strength `least` and more, else in parentheses."""
        return self.whole(node) if strength(node) >= least else parenthesised(self.bare(node))

    def before(self, node: ast.Node) -> list[Doc]:
        """The comments in front of an anchor, each with its line end."""
        return [part for comment in self.comments.before.get(id(node), ()) for part in (comment.text, HARD)]

    def after(self, node: ast.Node) -> list[Doc]:
        """The comment at the end of an anchor's line."""
        return [Suffix(f"  {comment.text}") for comment in self.comments.after.get(id(node), ())]


def strength(node: ast.Expr) -> int:
    """How tightly the outermost construct of an expression binds."""
    match node:
        case ast.Binary(operator=operator):
            return BINARY[operator]
        case ast.Unary(operator=operator):
            return UNARY[operator]
        case ast.Update():
            return UPDATE
        case ast.Block() | ast.Lambda() | ast.If() | ast.For() | ast.Loop() | ast.While() | ast.Integral():
            return OPEN
        case ast.Call() | ast.Index() | ast.Project() | ast.Prime():
            return POST
        case _:
            return ATOM


def parenthesised(doc: Doc) -> Doc:
    """The document in parentheses, on lines of its own when it does not fit."""
    return Group(concat("(", nest(SOFT, doc), SOFT, ")"))


def listed(opening: str, parts: Sequence[Doc], closing: str) -> Doc:
    """A bracketed list: on one line, or an item a line."""
    if not parts:
        return opening + closing
    return Group(concat(opening, nest(SOFT, join((",", LINE), parts)), SOFT, closing))


def body(p: Printer, node: ast.Expr) -> Doc:
    """What follows ``=``, ``=>`` or ``do``: on the same line when it fits, else further in on the next."""
    comments = p.before(node)
    return nest(HARD if comments else LINE, *comments, p.whole(node), *p.after(node))


def fields(p: Printer, items: Sequence[tuple[str, ast.Node]], sign: str) -> Doc:
    """The fields of a record or record type, each name and value joined by `sign`."""
    return listed("{", [concat(name, sign, p.whole(value)) for name, value in items], "}")


Rule = Callable[[Printer, Any], Doc]
