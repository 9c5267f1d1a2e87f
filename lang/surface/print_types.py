"""The layout of types and patterns."""

from __future__ import annotations

from . import ast
from .layout import Doc, concat, join
from .printer import SUM, Printer, Rule, fields, listed


def _type_atom(p: Printer, node: ast.TypeExpr) -> Doc:
    return concat("(", p.bare(node), ")") if isinstance(node, ast.TypeFunction) else p.bare(node)


def _type_array(p: Printer, node: ast.TypeArray) -> Doc:
    sizes = join((", ",), [p.within(size, SUM) for size in node.sizes])
    return concat("[", sizes, "]", _type_atom(p, node.element))


TYPES: dict[type, Rule] = {
    ast.PatternName: lambda p, node: node.name,
    ast.PatternTuple: lambda p, node: listed("(", p.all(node.items), ")"),
    ast.PatternRecord: lambda p, node: "{" + ", ".join(node.names) + "}",
    ast.PatternConstructor: lambda p, node: concat(
        node.name, listed("(", p.all(node.items), ")") if node.items else ""
    ),
    ast.PatternNumber: lambda p, node: str(node.value),
    ast.TypeName: lambda p, node: concat(node.name, listed("[", p.all(node.arguments), "]") if node.arguments else ""),
    ast.TypeArray: _type_array,
    ast.TypeTuple: lambda p, node: listed("(", p.all(node.items), ")"),
    ast.TypeRecord: lambda p, node: fields(p, node.fields, ": "),
    ast.TypeFunction: lambda p, node: concat(_type_atom(p, node.parameter), " -> ", p.bare(node.result)),
    ast.TypeMeasure: lambda p, node: concat(f"{node.kind} ", _type_atom(p, node.carrier)),
    ast.TypeField: lambda p, node: concat("field", listed("(", p.all(node.bounds), ")")),
}
