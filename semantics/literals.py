"""Reads the literals of the command line: text enters, plain Python values leave.

``1.2``, ``-3``, ``true``, ``inf``, ``[1, 2, 3]``, ``(1, 2)`` and ``{mu = 0, tau = [1, 2]}`` are all there is. Nothing
is evaluated; depth and length are bounded, so hostile text ends in a diagnostic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..lang.diagnostics import DiagnosticError, fail
from ..lang.source import Source, Span

MAX_DEPTH = 64
MAX_CHARACTERS = 1 << 22

Value = bool | int | float | list["Value"] | tuple["Value", ...] | dict[str, "Value"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?))"
    r"|(?P<word>[+-]?[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>[\[\](){},=:]))"
)
_WORDS: dict[str, bool | float] = {
    "true": True,
    "false": False,
    "inf": float("inf"),
    "+inf": float("inf"),
    "-inf": float("-inf"),
    "nan": float("nan"),
    "pi": 3.141592653589793,
}
_CLOSING = {"[": "]", "(": ")", "{": "}"}


def parse_literal(text: str, name: str = "value") -> Value:
    """The value of a literal; raises a diagnostic that points into the text when it is not one.

    >>> parse_literal("{mu = 0, rows = [[1, 2], [3, 4]]}")
    {'mu': 0, 'rows': [[1, 2], [3, 4]]}
    """
    reader = _Reader(Source(f"<{name}>", text))
    if len(text) > MAX_CHARACTERS:
        raise reader.error(
            f"the literal has more than {MAX_CHARACTERS} characters", "put the data in a file: @data.json"
        )
    value = reader.value(0)
    if reader.peek().kind != "end":
        raise reader.error(f"unexpected `{reader.peek().text}` after the value")
    return value


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.position = 0

    def peek(self) -> _Token:
        text = self.source.text
        match = _TOKEN.match(text, self.position)
        if match is None:
            rest = text[self.position :].lstrip()
            kind = "bad" if rest else "end"
            return _Token(kind, rest[:1] or "end of text", len(text) - len(rest))
        kind = match.lastgroup or "bad"
        return _Token(kind, match[kind], match.start(kind))

    def next(self) -> _Token:
        token = self.peek()
        self.position = token.start + len(token.text)
        return token

    def error(self, message: str, hint: str | None = None) -> DiagnosticError:
        token = self.peek()
        end = token.start + (len(token.text) if token.kind != "end" else 0)
        usual = "write 1.2, true, [1, 2, 3], (1, 2), {mu = 0} or @file.json"
        return fail("E160", message, Span(self.source, token.start, end), hint=hint or usual)

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self.error(f"the literal nests deeper than {MAX_DEPTH} levels", "put the data in a file")
        token = self.peek()
        if token.kind == "number":
            self.next()
            return _number(token.text)
        if token.kind == "word" and token.text in _WORDS:
            self.next()
            return _WORDS[token.text]
        if token.text == "{":
            return self.record(depth)
        if token.text in _CLOSING:
            return self.items(depth)
        raise self.error(f"expected a value, found {_shown(token)}")

    def items(self, depth: int) -> Value:
        opening = self.next().text
        closing, found = _CLOSING[opening], []
        trailing = False
        while self.peek().text != closing:
            found.append(self.value(depth + 1))
            trailing = self.separator(closing)
        self.next()
        if opening == "[":
            return found
        return found[0] if len(found) == 1 and not trailing else tuple(found)

    def record(self, depth: int) -> dict[str, Value]:
        self.next()
        fields: dict[str, Value] = {}
        while self.peek().text != "}":
            token = self.peek()
            if token.kind != "word" or token.text[0] in "+-":
                raise self.error(f"expected a field name, found {_shown(token)}")
            if token.text in fields:
                raise self.error(f"the field `{token.text}` stands twice")
            self.next()
            if self.peek().text not in ("=", ":"):
                raise self.error(f"expected `=` after the field name, found {_shown(self.peek())}")
            self.next()
            fields[token.text] = self.value(depth + 1)
            self.separator("}")
        self.next()
        return fields

    def separator(self, closing: str) -> bool:
        token = self.peek()
        if token.text == ",":
            self.next()
            return True
        if token.text != closing:
            raise self.error(f"expected `,` or `{closing}`, found {_shown(token)}")
        return False


def _shown(token: _Token) -> str:
    return "the end of the text" if token.kind == "end" else f"`{token.text}`"


def _number(text: str) -> int | float:
    digits = text.lstrip("+-")
    return int(text) if digits.isdigit() and len(digits) < 20 else float(text)
