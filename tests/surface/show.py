"""A surface tree as text with every parenthesis written out, for golden files."""

from __future__ import annotations

from pushforward.lang.surface import ast


def show(node: object) -> str:
    """``a - b * 2`` gives ``(Binary - a (Binary * b 2))``: the class, then its fields in order."""
    match node:
        case None:
            return "_"
        case bool():
            return str(node).lower()
        case ast.Name(name) | ast.PatternName(name):
            return name
        case ast.Integer(value) | ast.PatternNumber(value):
            return str(value)
        case ast.Decimal(text):
            return text
        case tuple():
            return "[" + " ".join(show(item) for item in node) + "]"
        case ast.Node():
            names = [name for name in node.__dataclass_fields__ if name != "span"]
            return "(" + " ".join([type(node).__name__, *(show(getattr(node, name)) for name in names)]) + ")"
        case _:
            return str(node)
