"""Surface tree to text: the one layout of a program.

In: a `Source`. Out: its text with lines of at most 100 characters, the fewest parentheses, one binding a
line, an empty line between items, and all its comments. Formatting twice changes nothing, and the tree stays
the same.
"""

from __future__ import annotations

from ..source import Source
from . import ast
from .comments import Comments, attach
from .layout import Group, render
from .lexer import tokenize
from .parser import parse
from .print_expressions import EXPRESSIONS
from .print_items import ITEMS
from .print_types import TYPES
from .printer import Printer

WIDTH = 100
_UNBOUNDED = 10**9
SETTLING = 8  # layouts after which comments must have found their places
_RULES = ITEMS | EXPRESSIONS | TYPES


def format_source(source: Source) -> str:
    """The text laid out; raises `DiagnosticError` when it does not parse.

    >>> format_source(Source("<text>", "def f(x:f64):f64=((x))*2.0 -- twice"))
    'def f(x: f64): f64 = x * 2.0  -- twice\\n'
    """
    text, comments = _laid_out(source)
    for _ in range(SETTLING if comments else 0):
        # A comment that moved out of an expression may move once more from its new place.
        again, _ = _laid_out(Source(source.name, text))
        if again == text:
            break
        text = again
    return text


def _laid_out(source: Source) -> tuple[str, bool]:
    """The text laid out once, and whether it has comments."""
    tree = parse(source)
    _, comments = tokenize(source.text)
    printer = Printer(_RULES, attach(tree, source.text, comments))
    text = render(printer.document(tree), WIDTH)
    return (text + "\n" if text else ""), bool(comments)


def format_node(node: ast.Node) -> str:
    """One expression, type or pattern on one line where its form allows, for messages and listings."""
    return render(Group(Printer(_RULES, Comments()).document(node)), _UNBOUNDED)
