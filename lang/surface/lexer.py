"""Characters to tokens: one regular expression, worked out from the terminals of the grammar.

Tokens are plain tuples ``(kind, text, start, end)``. The kind of a word or sign with a meaning of its own is
its spelling (``let``, ``+``); names and numbers carry the name of their terminal (``LNAME``); what fits
nowhere is ``BAD``. Comments are set aside for the formatter. Time is linear in the length of the text.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice

from ..diagnostics import fail
from .tables import END, load_tables

Token = tuple[str, str, int, int]

BAD = "BAD"
MOST_PIECES = 2_000_000
"""Tokens, comments and blanks of one text: a bound on memory."""

_NAMES = ("LNAME", "UNAME")
_IGNORED = ("BLANK", "COMMENT")


@cache
def words() -> frozenset[str]:
    """Every word that has a meaning of its own somewhere."""
    return frozenset(
        spelling for spelling in load_tables().terminals if spelling[0].isalpha() and spelling not in _regexes()
    )


@cache
def _regexes() -> dict[str, str]:
    return {name: regex for name, regex in load_tables().terminals.items() if regex}


@cache
def _pattern() -> re.Pattern[str]:
    """Blanks and comments first, then names, numbers and strings, then the signs, the longest first."""
    regexes = _regexes()
    signs = sorted(
        (s for s in load_tables().terminals if s not in regexes and not s[0].isalpha()), key=len, reverse=True
    )
    order = [
        *_IGNORED,
        *_NAMES,
        *sorted(regexes.keys() - {*_IGNORED, *_NAMES}, reverse=True),
    ]  # NUMBER before INT
    groups = [f"(?P<{name}>{regexes[name]})" for name in order]
    groups.append("(?P<SIGN>" + "|".join(map(re.escape, signs)) + ")")
    return re.compile("|".join([*groups, f"(?P<{BAD}>.)"]), re.DOTALL)


def tokenize(text: str) -> tuple[list[Token], list[Token]]:
    """The tokens of a text, closed by one of kind ``$END``, and its comments; E016 when there are too many.

    >>> [kind for kind, *_ in tokenize("let x = 2.0 -- two")[0]]
    ['let', 'LNAME', '=', 'NUMBER', '$END']
    """
    tokens: list[Token] = []
    comments: list[Token] = []
    special = words()
    add = tokens.append
    reached = 0
    for match in islice(_pattern().finditer(text), MOST_PIECES):
        reached = match.end()
        kind = match.lastgroup
        if kind == "BLANK":
            continue
        word = match.group()
        start, end = match.span()
        if kind == "SIGN" or word in special:
            add((word, word, start, end))
        elif kind == "COMMENT":
            comments.append((kind, word.rstrip(), start, end))
        elif kind is not None:
            add((kind, word, start, end))
    if reached < len(text):
        hint = "split it into files and `import` them"
        raise fail("E016", f"the text has more than {MOST_PIECES} words, signs and blanks", hint=hint)
    add((END, "", len(text), len(text)))
    return tokens, comments
