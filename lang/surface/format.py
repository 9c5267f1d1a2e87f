"""Surface tree to text: the one layout of a program.

In: a `Source`. Out: its text with lines of at most 100 characters, the fewest parentheses, one binding a line, an empty
line between items, and all its comments. Formatting twice changes nothing, and the tree stays the same. Every node's
document is made from those of its children, children first, so depth is no danger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..source import Source
from . import ast
from .comments import Comment, Comments, attach, preorder
from .layout import HARD, LINE, SOFT, Concat, Doc, Group, Suffix, concat, join, nest, render
from .lexer import tokenize
from .parser import parse

WIDTH = 100

_BINARY = {
    **dict.fromkeys(("or",), 2),
    **dict.fromkeys(("and",), 3),
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 5),
    **dict.fromkeys(("+", "-"), 6),
    **dict.fromkeys(("*", "/", "//", "%", "@"), 7),
    "^": 9,
}
_UNARY = {"not": 4, "-": 8}
_OPEN, _UPDATE, _SUM, _SIGNED, _POST, _ATOM = 0, 1, 6, 8, 10, 11
"""Binding strength, as `grammar.lark` stacks its rules: a looser node inside a tighter place needs parentheses."""


def format_source(source: Source) -> str:
    """The text laid out; raises `DiagnosticError` when it does not parse.

    >>> format_source(Source("<text>", "def f(x:f64):f64=((x))*2.0 -- twice"))
    'def f(x: f64): f64 = x * 2.0  -- twice\\n'
    """
    tree = parse(source)
    _, comments = tokenize(source.text)
    printer = _Printer(attach(tree, source.text, comments))
    text = render(printer.document(tree), WIDTH)
    return text + "\n" if text else ""


class _Printer:
    """The documents of all nodes met so far, by identity."""

    def __init__(self, comments: Comments) -> None:
        self.comments = comments
        self.docs: dict[int, Doc] = {}

    def document(self, tree: ast.Node) -> Doc:
        for node in reversed(preorder(tree)):
            self.docs[id(node)] = _RULES[type(node)](self, node)
        return self.docs[id(tree)]

    def bare(self, node: ast.Node) -> Doc:
        """The document of a child with its breaks open, to be part of the parent's line."""
        return self.docs[id(node)]

    def whole(self, node: ast.Node) -> Doc:
        """The document of a child that breaks on its own account."""
        return Group(self.docs[id(node)])

    def all(self, nodes: Sequence[ast.Node]) -> list[Doc]:
        return [self.whole(node) for node in nodes]

    def within(self, node: ast.Expr, least: int) -> Doc:
        """A child in a place that takes nodes of strength `least` and more, else in parentheses."""
        return self.whole(node) if _strength(node) >= least else _parenthesised(self.bare(node))

    def before(self, node: ast.Node) -> list[Doc]:
        """The comments in front of an anchor, each with its line end."""
        return [part for comment in self.comments.before.get(id(node), ()) for part in (comment.text, HARD)]

    def after(self, node: ast.Node) -> list[Doc]:
        """The comment at the end of an anchor's line."""
        return [Suffix(f"  {comment.text}") for comment in self.comments.after.get(id(node), ())]


def _strength(node: ast.Expr) -> int:
    match node:
        case ast.Binary(operator=operator):
            return _BINARY[operator]
        case ast.Unary(operator=operator):
            return _UNARY[operator]
        case ast.Update():
            return _UPDATE
        case ast.Block() | ast.Lambda() | ast.If() | ast.For() | ast.Loop() | ast.While() | ast.Integral():
            return _OPEN
        case ast.Call() | ast.Index() | ast.Project() | ast.Prime():
            return _POST
        case _:
            return _ATOM


def _parenthesised(doc: Doc) -> Doc:
    return Group(concat("(", nest(SOFT, doc), SOFT, ")"))


def _listed(opening: str, parts: Sequence[Doc], closing: str) -> Doc:
    """A bracketed list: on one line, or an item a line."""
    if not parts:
        return opening + closing
    return Group(concat(opening, nest(SOFT, join((",", LINE), parts)), SOFT, closing))


def _body(p: _Printer, node: ast.Expr) -> Doc:
    """What follows ``=``, ``=>`` or ``do``: on the same line when it fits, else further in on the next."""
    comments = p.before(node)
    return nest(HARD if comments else LINE, *comments, p.whole(node), *p.after(node))


def _branch(p: _Printer, word: str, node: ast.Expr) -> Doc:
    if isinstance(node, ast.Block):
        return concat(word, nest(HARD, p.bare(node)))
    return concat(word, " ", nest(p.whole(node)))


# --- items ----------------------------------------------------------------------------------------------------------


def _tree(p: _Printer, node: ast.Tree) -> Doc:
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


def _import(p: _Printer, node: ast.Import) -> Doc:
    return f'import "{node.path}"' + (f" as {node.alias}" if node.alias else "")


def _def(p: _Printer, node: ast.Def) -> Doc:
    head: list[Doc] = [f"{node.keyword} {node.name}", _generics(node.generics)]
    if node.keyword == "operator":
        head.append(_listed("(", p.all(node.fields), ")"))
    head.append(_listed("(", p.all(node.parameters), ")"))
    if node.result is not None:
        head += [": ", p.whole(node.result)]
    if node.rules:
        head.append(" with " + ", ".join(f"{rule.kind} {rule.function}" for rule in node.rules))
    return concat(*head, " =", _body(p, node.body))


def _generics(generics: Sequence[ast.Generic]) -> str:
    names = ", ".join(f"{generic.name}: type" if generic.is_type else generic.name for generic in generics)
    return f"[{names}]" if names else ""


def _data(p: _Printer, node: ast.Data) -> Doc:
    parts: list[Doc] = []
    for index, constructor in enumerate(node.constructors):
        comments = p.before(constructor)
        parts += [HARD if comments else LINE, *comments, "| " if index else "", p.whole(constructor)]
        parts += p.after(constructor)
    return concat(f"data {node.name}{_generics(node.generics)} =", nest(*parts))


def _constructor(p: _Printer, node: ast.Constructor) -> Doc:
    return concat(node.name, _listed("(", p.all(node.items), ")")) if node.items else node.name


def _test(p: _Printer, node: ast.Test) -> Doc:
    lines = [concat(*p.before(claim), p.whole(claim), *p.after(claim)) for claim in node.claims]
    lines += [comment.text for comment in p.comments.inside.get(id(node), ())]
    if not lines:
        return f'test "{node.name}" {{}}'
    return concat(f'test "{node.name}" {{', nest(HARD, join((HARD,), lines)), HARD, "}")


def _check(p: _Printer, node: ast.Check) -> Doc:
    parts: list[Doc] = ["check ", nest(p.whole(node.value))]
    if node.expected is not None:
        parts.append(nest(LINE, "~= ", p.whole(node.expected)))
    if node.tolerance is not None:
        parts.append(nest(LINE, "within ", p.whole(node.tolerance)))
    return concat(*parts)


def _dot(p: _Printer, node: ast.Dot) -> Doc:
    return concat("dot ", p.within(node.function, _POST), " at ", p.within(node.point, _SUM))


def _cost(p: _Printer, node: ast.Cost) -> Doc:
    point = (" at ", p.within(node.point, _SUM)) if node.point is not None else ()
    return concat("cost ", p.within(node.function, _POST), *point, " <= ", p.within(node.bound, _SUM))


# --- expressions ----------------------------------------------------------------------------------------------------


def _binary(p: _Printer, node: ast.Binary) -> Doc:
    strength = _BINARY[node.operator]
    if node.operator == "^":
        return concat(p.within(node.left, _POST), "^", p.within(node.right, _SIGNED))
    comparison = strength == _BINARY["=="]
    chain = isinstance(node.left, ast.Binary) and _strength(node.left) == strength and not comparison
    left = p.bare(node.left) if chain else p.within(node.left, strength + comparison)
    return concat(left, nest(LINE, f"{node.operator} ", p.within(node.right, strength + 1)))


def _unary(p: _Printer, node: ast.Unary) -> Doc:
    if node.operator == "not":
        return concat("not ", p.within(node.operand, _UNARY["not"]))
    # Two signs in a row could be read as the start of a comment.
    doubled = isinstance(node.operand, ast.Unary) and node.operand.operator == "-"
    return concat("-", p.within(node.operand, _ATOM if doubled else _SIGNED))


def _update(p: _Printer, node: ast.Update) -> Doc:
    base = p.bare(node.base) if isinstance(node.base, ast.Update) else p.within(node.base, _UPDATE)
    target = f".{node.field}" if node.field is not None else _listed("[", p.all(node.indices), "]")
    return concat(base, nest(LINE, "with ", target, " = ", p.within(node.value, _UPDATE + 1)))


def _call(p: _Printer, node: ast.Call) -> Doc:
    function = p.within(node.function, _POST)
    only = node.arguments[0] if len(node.arguments) == 1 else None
    if only is not None and only.name is None and isinstance(only.value, ast.For | ast.Lambda | ast.Match):
        return concat(function, "(", p.whole(only), ")")
    return concat(function, _listed("(", p.all(node.arguments), ")"))


def _argument(p: _Printer, node: ast.Argument) -> Doc:
    return concat(f"{node.name} = ", p.whole(node.value)) if node.name is not None else p.whole(node.value)


def _slice(p: _Printer, node: ast.Slice) -> Doc:
    low = p.whole(node.low) if node.low is not None else ""
    return concat(low, ":", p.whole(node.high) if node.high is not None else "")


def _project(p: _Printer, node: ast.Project) -> Doc:
    number = isinstance(node.base, ast.Integer | ast.Decimal)
    return concat(_parenthesised(p.bare(node.base)) if number else p.within(node.base, _POST), f".{node.field}")


def _block(p: _Printer, node: ast.Block) -> Doc:
    parts: list[Doc] = []
    for bind in node.binds:
        parts += [*p.before(bind), p.whole(bind), *p.after(bind), HARD]
    if isinstance(node.body, ast.Block):
        return concat(*parts, "in", HARD, p.bare(node.body))
    return concat(*parts, *p.before(node.body), "in ", nest(p.whole(node.body)), *p.after(node.body))


def _let(p: _Printer, node: ast.Let) -> Doc:
    annotation = (": ", p.whole(node.annotation)) if node.annotation is not None else ()
    return concat("let ", p.whole(node.pattern), *annotation, " =", _body(p, node.value))


def _observe(p: _Printer, node: ast.Observe) -> Doc:
    return concat("observe ", p.whole(node.value), " ~", nest(LINE, p.whole(node.distribution)))


def _if(p: _Printer, node: ast.If) -> Doc:
    parts = [concat("if ", nest(p.whole(node.condition))), LINE, _branch(p, "then", node.then), LINE]
    if isinstance(node.otherwise, ast.If):
        return concat(*parts, "else ", p.bare(node.otherwise))
    return concat(*parts, _branch(p, "else", node.otherwise))


def _for(p: _Printer, node: ast.For) -> Doc:
    return concat("for ", join((", ",), p.all(node.ranges)), " =>", _body(p, node.body))


def _loop(p: _Printer, node: ast.Loop) -> Doc:
    word = "scan" if node.stacked else "loop"
    head = concat(f"{word} ", p.whole(node.pattern), " = ", p.whole(node.initial))
    return concat(head, " for ", p.whole(node.range), " do", _body(p, node.body))


def _while(p: _Printer, node: ast.While) -> Doc:
    head = concat("loop ", p.whole(node.pattern), " = ", p.whole(node.initial), " while ", p.whole(node.condition))
    return concat(head, " limit ", p.within(node.limit, _SUM), " do", _body(p, node.body))


def _integral(p: _Printer, node: ast.Integral) -> Doc:
    return concat(f"integral {node.name} in ", p.within(node.domain, _SUM), " =>", _body(p, node.body))


def _match(p: _Printer, node: ast.Match) -> Doc:
    arms: list[Doc] = []
    for index, arm in enumerate(node.arms):
        end = ";" if index < len(node.arms) - 1 else ""
        comments = p.before(arm)
        arms += [HARD if comments else LINE, *comments, p.whole(arm), end, *p.after(arm)]
    return concat("match ", p.whole(node.subject), " {", nest(*arms), LINE, "}")


# --- types and patterns ---------------------------------------------------------------------------------------------


def _type_atom(p: _Printer, node: ast.TypeExpr) -> Doc:
    return concat("(", p.bare(node), ")") if isinstance(node, ast.TypeFunction) else p.bare(node)


def _type_array(p: _Printer, node: ast.TypeArray) -> Doc:
    sizes = join((", ",), [p.within(size, _SUM) for size in node.sizes])
    return concat("[", sizes, "]", _type_atom(p, node.element))


def _parameter(p: _Printer, node: ast.Parameter) -> Doc:
    return concat(f"{node.name}: ", p.whole(node.annotation)) if node.annotation is not None else node.name


def _fields(p: _Printer, fields: Sequence[tuple[str, ast.Node]], sign: str) -> Doc:
    return _listed("{", [concat(name, sign, p.whole(value)) for name, value in fields], "}")


_RULES: dict[type, Callable[[_Printer, Any], Doc]] = {
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
    ast.Name: lambda p, node: node.name,
    ast.Integer: lambda p, node: str(node.value),
    ast.Decimal: lambda p, node: node.text,
    ast.Bool: lambda p, node: "true" if node.value else "false",
    ast.Tuple: lambda p, node: _listed("(", p.all(node.items), ")"),
    ast.Record: lambda p, node: _fields(p, node.fields, " = "),
    ast.ArrayLiteral: lambda p, node: _listed("[", p.all(node.items), "]"),
    ast.Argument: _argument,
    ast.Call: _call,
    ast.Slice: _slice,
    ast.Index: lambda p, node: concat(p.within(node.base, _POST), _listed("[", p.all(node.indices), "]")),
    ast.Project: _project,
    ast.Prime: lambda p, node: concat(p.within(node.base, _POST), "'"),
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.Update: _update,
    ast.Block: _block,
    ast.Let: _let,
    ast.Draw: lambda p, node: concat("let ", p.whole(node.pattern), " ~", nest(LINE, p.whole(node.value))),
    ast.Observe: _observe,
    ast.Score: lambda p, node: concat("score ", nest(p.whole(node.value))),
    ast.Lambda: lambda p, node: concat("fn ", _listed("(", p.all(node.parameters), ")"), " =>", _body(p, node.body)),
    ast.If: _if,
    ast.Range: lambda p, node: concat(f"{node.name} < ", p.within(node.size, _SUM)),
    ast.For: _for,
    ast.Loop: _loop,
    ast.While: _while,
    ast.Integral: _integral,
    ast.Arm: lambda p, node: concat(p.whole(node.pattern), " =>", _body(p, node.body)),
    ast.Match: _match,
    ast.PatternName: lambda p, node: node.name,
    ast.PatternTuple: lambda p, node: _listed("(", p.all(node.items), ")"),
    ast.PatternRecord: lambda p, node: "{" + ", ".join(node.names) + "}",
    ast.PatternConstructor: lambda p, node: concat(node.name, _listed("(", p.all(node.items), ")") if node.items else ""),
    ast.PatternNumber: lambda p, node: str(node.value),
    ast.TypeName: lambda p, node: concat(node.name, _listed("[", p.all(node.arguments), "]") if node.arguments else ""),
    ast.TypeArray: _type_array,
    ast.TypeTuple: lambda p, node: _listed("(", p.all(node.items), ")"),
    ast.TypeRecord: lambda p, node: _fields(p, node.fields, ": "),
    ast.TypeFunction: lambda p, node: concat(_type_atom(p, node.parameter), " -> ", p.bare(node.result)),
    ast.TypeMeasure: lambda p, node: concat(f"{node.kind} ", _type_atom(p, node.carrier)),
    ast.TypeField: lambda p, node: concat("field", _listed("(", p.all(node.bounds), ")")),
}
