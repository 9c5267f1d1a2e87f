"""Kinds of token in people's words: what could have come next, and what came instead.

In: the kinds the parser would have taken, as `grammar.lark` spells them. Out: phrases for a message.
"""

from __future__ import annotations

from .tables import END

ITEM_WORDS = ("import", "def", "data", "test", "operator", "functional", "model")
OPEN_EXPRESSIONS = ("let", "if", "for", "fn", "loop", "scan", "integral", "observe", "score")
"""Words of the expressions that reach as far right as they can, and so need parentheses inside an operand."""

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
BRACKETS = {"(": ")", "[": "]", "{": "}"}

_SOFT_WORDS = ("limit", "data", "type", "at", "check", "cost", "dot", "fails", "within", "P", "M")
_OPERATORS = ("or", "and", "+", "-", "*", "/", "//", "%", "@", "^", *COMPARISONS)
_POSTFIX = ("(", "[", ".", "'", "with")
_OPERANDS = (
    "(",
    "[",
    "{",
    "LNAME",
    "UNAME",
    "INT",
    "NUMBER",
    "-",
    "not",
    "true",
    "false",
    "match",
    *_SOFT_WORDS,
)
_NAMED = {
    "LNAME": "a name",
    "UNAME": "a capitalised name",
    "INT": "a whole number",
    "NUMBER": "a number",
    "STRING": 'a text in `"`',
    END: "the end",
}
_MOST = 6


def is_operand_place(accept: frozenset[str]) -> bool:
    """Could an operand (the thing an operator works on) have come next?"""
    return accept >= {"(", "LNAME", "INT"}


def is_operator_place(accept: frozenset[str]) -> bool:
    """Could an operator have come next, that is, is an operand complete?"""
    return accept >= {"+", "*"} and not is_operand_place(accept)


def is_type_place(accept: frozenset[str]) -> bool:
    """Could a type have come next?"""
    return accept >= {"[", "(", "LNAME", "field"}


def is_item_place(accept: frozenset[str]) -> bool:
    """Could a new item have come next?"""
    return accept >= {"def", "test"}


def expected(accept: frozenset[str]) -> str:
    """The phrase for all that could have come next.

    >>> expected(frozenset({":", "="}))
    '`:` or `=`'
    """
    rest = set(accept)
    groups = []
    if is_item_place(accept):
        groups.append("a new item (`def`, `data`, `test` …)")
        rest -= {*ITEM_WORDS, END}
    if is_operand_place(accept):
        groups.append("an expression")
        rest -= {*_OPERANDS, *OPEN_EXPRESSIONS}
    elif is_operator_place(accept):
        groups.append("an operator")
        rest -= {*_OPERATORS, *_POSTFIX}
    elif is_type_place(accept):
        groups.append("a type")
        rest -= {*_OPERANDS, "field"}
    if "LNAME" in rest:
        groups.append("a name")
        rest -= {"LNAME", "UNAME", *_SOFT_WORDS}
    elif "UNAME" in rest:
        rest -= {"P", "M"}
    return join([*sorted(name(kind) for kind in rest), *groups])


def join(phrases: list[str]) -> str:
    """A list as people write it; a very long one is cut.

    >>> join(["a", "b", "c"])
    'a, b or c'
    """
    shown = phrases if len(phrases) <= _MOST else [*phrases[: _MOST - 1], "…"]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1] if shown else "nothing"


def name(kind: str) -> str:
    """One kind of token in words."""
    return _NAMED.get(kind, f"`{kind}`")


def found(kind: str, text: str) -> str:
    """The token that came, in words."""
    if kind == END:
        return "the end"
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}…`"
