"""The layout of items, claims and whole texts, with the comments between them."""

from __future__ import annotations

from collections.abc import Sequence

from . import ast
from .comments import Comment
from .layout import HARD, LINE, Concat, Doc, concat, join, nest
from .printer import POST, SUM, Printer, Rule, body, listed


def _tree(p: Printer, node: ast.Tree) -> Doc:
    parts: list[Doc] = []
    for index, item in enumerate(node.items):
        if index:
            imports = isinstance(item, ast.Import) and isinstance(node.items[index - 1], ast.Import)
            parts += [HARD] if imports else [HARD, HARD]
        parts += [*_standing(p.comments.before.get(id(item), ())), p.whole(item), *p.after(item)]
    if p.comments.end:
        parts += [HARD, HARD] if node.items else []
        parts += _standing(p.comments.end)[:-1]
    return Concat(tuple(parts))


def _standing(comments: Sequence[Comment]) -> list[Doc]:
    """Comments between items keep one empty line where there were some."""
    parts: list[Doc] = []
    for index, comment in enumerate(comments):
        last = index == len(comments) - 1
        parts += [comment.text, HARD if not comment.gap or last else Concat((HARD, HARD))]
    if comments and comments[-1].gap:
        parts[-1] = Concat((HARD, HARD))
    return parts


def _import(p: Printer, node: ast.Import) -> Doc:
    return f'import "{node.path}"' + (f" as {node.alias}" if node.alias else "")


def _def(p: Printer, node: ast.Def) -> Doc:
    head: list[Doc] = [f"{node.keyword} {node.name}", _generics(node.generics)]
    if node.keyword == "operator":
        head.append(listed("(", p.all(node.fields), ")"))
    head.append(listed("(", p.all(node.parameters), ")"))
    if node.result is not None:
        head += [": ", p.whole(node.result)]
    if node.rules:
        head.append(" with " + ", ".join(f"{rule.kind} {rule.function}" for rule in node.rules))
    return concat(*head, " =", body(p, node.body))


def _generics(generics: Sequence[ast.Generic]) -> str:
    names = ", ".join(f"{generic.name}: type" if generic.is_type else generic.name for generic in generics)
    return f"[{names}]" if names else ""


def _data(p: Printer, node: ast.Data) -> Doc:
    parts: list[Doc] = []
    for index, constructor in enumerate(node.constructors):
        comments = p.before(constructor)
        parts += [HARD if comments else LINE, *comments, "| " if index else "", p.whole(constructor)]
        parts += p.after(constructor)
    return concat(f"data {node.name}{_generics(node.generics)} =", nest(*parts))


def _constructor(p: Printer, node: ast.Constructor) -> Doc:
    return concat(node.name, listed("(", p.all(node.items), ")")) if node.items else node.name


def _test(p: Printer, node: ast.Test) -> Doc:
    lines = [concat(*p.before(claim), p.whole(claim), *p.after(claim)) for claim in node.claims]
    lines += [comment.text for comment in p.comments.inside.get(id(node), ())]
    if not lines:
        return f'test "{node.name}" {{}}'
    return concat(f'test "{node.name}" {{', nest(HARD, join((HARD,), lines)), HARD, "}")


def _check(p: Printer, node: ast.Check) -> Doc:
    parts: list[Doc] = ["check ", nest(p.whole(node.value))]
    if node.expected is not None:
        parts.append(nest(LINE, "~= ", p.whole(node.expected)))
    if node.tolerance is not None:
        parts.append(nest(LINE, "within ", p.whole(node.tolerance)))
    return concat(*parts)


def _dot(p: Printer, node: ast.Dot) -> Doc:
    return concat("dot ", p.within(node.function, POST), " at ", p.within(node.point, SUM))


def _cost(p: Printer, node: ast.Cost) -> Doc:
    point = (" at ", p.within(node.point, SUM)) if node.point is not None else ()
    return concat("cost ", p.within(node.function, POST), *point, " <= ", p.within(node.bound, SUM))


def _parameter(p: Printer, node: ast.Parameter) -> Doc:
    return concat(f"{node.name}: ", p.whole(node.annotation)) if node.annotation is not None else node.name


ITEMS: dict[type, Rule] = {
    ast.Tree: _tree,
    ast.Import: _import,
    ast.Def: _def,
    ast.Data: _data,
    ast.Constructor: _constructor,
    ast.Test: _test,
    ast.Check: _check,
    ast.Dot: _dot,
    ast.Cost: _cost,
    ast.Fails: lambda p, node: concat(f'fails "{node.code}" ', p.whole(node.value)),
    ast.Generic: lambda p, node: "",
    ast.Rule: lambda p, node: "",
    ast.Parameter: _parameter,
}
