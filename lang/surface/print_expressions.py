"""The layout of expressions, bindings and match arms."""

from __future__ import annotations

from . import ast
from .layout import HARD, LINE, Doc, concat, join, nest
from .printer import (
    ATOM,
    BINARY,
    POST,
    SIGNED,
    SUM,
    UNARY,
    UPDATE,
    Printer,
    Rule,
    body,
    fields,
    listed,
    parenthesised,
    strength,
)


def _branch(p: Printer, word: str, node: ast.Expr) -> Doc:
    if isinstance(node, ast.Block):
        return concat(word, nest(HARD, p.bare(node)))
    return concat(word, " ", nest(p.whole(node)))


def _binary(p: Printer, node: ast.Binary) -> Doc:
    own = BINARY[node.operator]
    if node.operator == "^":
        return concat(p.within(node.left, POST), "^", p.within(node.right, SIGNED))
    comparison = own == BINARY["=="]
    chain = isinstance(node.left, ast.Binary) and strength(node.left) == own and not comparison
    left = p.bare(node.left) if chain else p.within(node.left, own + comparison)
    return concat(left, nest(LINE, f"{node.operator} ", p.within(node.right, own + 1)))


def _unary(p: Printer, node: ast.Unary) -> Doc:
    if node.operator == "not":
        return concat("not ", p.within(node.operand, UNARY["not"]))
    # Two signs in a row could be read as the start of a comment.
    doubled = isinstance(node.operand, ast.Unary) and node.operand.operator == "-"
    return concat("-", p.within(node.operand, ATOM if doubled else SIGNED))


def _update(p: Printer, node: ast.Update) -> Doc:
    base = p.bare(node.base) if isinstance(node.base, ast.Update) else p.within(node.base, UPDATE)
    target = f".{node.field}" if node.field is not None else listed("[", p.all(node.indices), "]")
    return concat(base, nest(LINE, "with ", target, " = ", p.within(node.value, UPDATE + 1)))


def _call(p: Printer, node: ast.Call) -> Doc:
    function = p.within(node.function, POST)
    only = node.arguments[0] if len(node.arguments) == 1 else None
    if only is not None and only.name is None and isinstance(only.value, ast.For | ast.Lambda | ast.Match):
        return concat(function, "(", p.whole(only), ")")
    return concat(function, listed("(", p.all(node.arguments), ")"))


def _argument(p: Printer, node: ast.Argument) -> Doc:
    return concat(f"{node.name} = ", p.whole(node.value)) if node.name is not None else p.whole(node.value)


def _slice(p: Printer, node: ast.Slice) -> Doc:
    low = p.whole(node.low) if node.low is not None else ""
    return concat(low, ":", p.whole(node.high) if node.high is not None else "")


def _project(p: Printer, node: ast.Project) -> Doc:
    number = isinstance(node.base, ast.Integer | ast.Decimal)
    return concat(parenthesised(p.bare(node.base)) if number else p.within(node.base, POST), f".{node.field}")


def _block(p: Printer, node: ast.Block) -> Doc:
    parts: list[Doc] = []
    for bind in node.binds:
        parts += [*p.before(bind), p.whole(bind), *p.after(bind), HARD]
    if isinstance(node.body, ast.Block):
        return concat(*parts, "in", HARD, p.bare(node.body))
    return concat(*parts, *p.before(node.body), "in ", nest(p.whole(node.body)), *p.after(node.body))


def _let(p: Printer, node: ast.Let) -> Doc:
    annotation = (": ", p.whole(node.annotation)) if node.annotation is not None else ()
    return concat("let ", p.whole(node.pattern), *annotation, " =", body(p, node.value))


def _observe(p: Printer, node: ast.Observe) -> Doc:
    return concat("observe ", p.whole(node.value), " ~", nest(LINE, p.whole(node.distribution)))


def _if(p: Printer, node: ast.If) -> Doc:
    parts = [concat("if ", nest(p.whole(node.condition))), LINE, _branch(p, "then", node.then), LINE]
    if isinstance(node.otherwise, ast.If):
        return concat(*parts, "else ", p.bare(node.otherwise))
    return concat(*parts, _branch(p, "else", node.otherwise))


def _for(p: Printer, node: ast.For) -> Doc:
    return concat("for ", join((", ",), p.all(node.ranges)), " =>", body(p, node.body))


def _loop(p: Printer, node: ast.Loop) -> Doc:
    word = "scan" if node.stacked else "loop"
    head = concat(f"{word} ", p.whole(node.pattern), " = ", p.whole(node.initial))
    return concat(head, " for ", p.whole(node.range), " do", body(p, node.body))


def _while(p: Printer, node: ast.While) -> Doc:
    head = concat("loop ", p.whole(node.pattern), " = ", p.whole(node.initial), " while ", p.whole(node.condition))
    return concat(head, " limit ", p.within(node.limit, SUM), " do", body(p, node.body))


def _integral(p: Printer, node: ast.Integral) -> Doc:
    return concat(f"integral {node.name} in ", p.within(node.domain, SUM), " =>", body(p, node.body))


def _match(p: Printer, node: ast.Match) -> Doc:
    arms: list[Doc] = []
    for index, arm in enumerate(node.arms):
        end = ";" if index < len(node.arms) - 1 else ""
        comments = p.before(arm)
        arms += [HARD if comments else LINE, *comments, p.whole(arm), end, *p.after(arm)]
    return concat("match ", p.whole(node.subject), " {", nest(*arms), LINE, "}")


EXPRESSIONS: dict[type, Rule] = {
    ast.Name: lambda p, node: node.name,
    ast.Integer: lambda p, node: str(node.value),
    ast.Decimal: lambda p, node: node.text,
    ast.Bool: lambda p, node: "true" if node.value else "false",
    ast.Tuple: lambda p, node: listed("(", p.all(node.items), ")"),
    ast.Record: lambda p, node: fields(p, node.fields, " = "),
    ast.ArrayLiteral: lambda p, node: listed("[", p.all(node.items), "]"),
    ast.Argument: _argument,
    ast.Call: _call,
    ast.Slice: _slice,
    ast.Index: lambda p, node: concat(p.within(node.base, POST), listed("[", p.all(node.indices), "]")),
    ast.Project: _project,
    ast.Prime: lambda p, node: concat(p.within(node.base, POST), "'"),
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.Update: _update,
    ast.Block: _block,
    ast.Let: _let,
    ast.Draw: lambda p, node: concat("let ", p.whole(node.pattern), " ~", nest(LINE, p.whole(node.value))),
    ast.Observe: _observe,
    ast.Score: lambda p, node: concat("score ", nest(p.whole(node.value))),
    ast.Lambda: lambda p, node: concat("fn ", listed("(", p.all(node.parameters), ")"), " =>", body(p, node.body)),
    ast.If: _if,
    ast.Range: lambda p, node: concat(f"{node.name} < ", p.within(node.size, SUM)),
    ast.For: _for,
    ast.Loop: _loop,
    ast.While: _while,
    ast.Integral: _integral,
    ast.Arm: lambda p, node: concat(p.whole(node.pattern), " =>", body(p, node.body)),
    ast.Match: _match,
}
