"""Tokens of the text form of programs, and a cursor that reads one line of them.

A text enters, its non-blank lines leave as `Line`s: number, indentation, tokens. Everything that goes wrong is
E117 at the token where it went wrong.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ..diagnostics import DiagnosticError, fail
from ..sizes import Size, add, mul, variable
from ..source import Source, Span

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<slot>%\d+)|(?P<hex>0x[0-9a-f]+)'
    r"|(?P<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?)|(?P<name>[A-Za-z_?][\w.?]*)|(?P<mark>->|[\[\](){},:;=*+@'-]))"
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # string, slot, hex, number, name, mark; "end" behind the last one
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    indent: int
    tokens: tuple[Token, ...]


def lines_of(source: Source) -> list[Line]:
    """The lines of a text that are not blank."""
    lines: list[Line] = []
    start = 0
    for number, text in enumerate(source.text.split("\n"), 1):
        if text.strip():
            lines.append(Line(number, len(text) - len(text.lstrip(" ")), _tokens(source, text.rstrip(), start)))
        start += len(text) + 1
    return lines


_FORM = "compare with the text that `pf show` prints"


def _tokens(source: Source, text: str, start: int) -> tuple[Token, ...]:
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            span = Span(source, start + at, start + at + 1)
            raise fail("E117", f"unexpected character `{text[at:].lstrip()[:1]}`", span, hint=_FORM)
        kind = str(found.lastgroup)
        tokens.append(Token(kind, found[kind], start + found.start(kind), start + found.end()))
        at = found.end()
    return (*tokens, Token("end", "end of line", start + at, start + at + 1))


class Cursor:
    """Reads the tokens of one line from left to right."""

    def __init__(self, source: Source, line: Line) -> None:
        self.source = source
        self.line = line
        self.at = 0

    @property
    def next(self) -> Token:
        return self.line.tokens[self.at]

    def error(self, message: str, token: Token | None = None) -> DiagnosticError:
        """An E117 at a token (the next one by default), to be raised by the caller."""
        token = token or self.next
        span = Span(self.source, token.start, token.end)
        return fail("E117", f"line {self.line.number}: {message}", span, hint=_FORM)

    def take(self) -> Token:
        token = self.next
        self.at = min(self.at + 1, len(self.line.tokens) - 1)
        return token

    def sees(self, *texts: str) -> bool:
        return self.next.kind in ("mark", "name") and self.next.text in texts

    def accept(self, text: str) -> bool:
        """Step over a mark or word if it comes next."""
        seen = self.sees(text)
        if seen:
            self.take()
        return seen

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.error(f"expected `{text}`, found `{self.next.text}`")

    def end(self) -> None:
        if self.next.kind != "end":
            raise self.error(f"expected the end of the line, found `{self.next.text}`")

    def is_name(self) -> bool:
        return self.next.kind in ("name", "string")

    def name(self) -> str:
        """A plain or quoted name."""
        return self.string() if self.next.kind == "string" else self._word()

    def _word(self) -> str:
        if self.next.kind != "name":
            raise self.error(f"expected a name, found `{self.next.text}`")
        return self.take().text

    def string(self) -> str:
        if self.next.kind != "string":
            raise self.error(f"expected a quoted text, found `{self.next.text}`")
        token = self.take()
        try:
            return str(json.loads(token.text))
        except ValueError:
            raise self.error("this quoted text has an unknown escape", token) from None

    def integer(self) -> int:
        if self.next.kind != "number" or not self.next.text.isdigit() or len(self.next.text) > 40:
            raise self.error(f"expected a whole number, found `{self.next.text}`")
        return int(self.take().text)

    def slot(self) -> int:
        if self.next.kind != "slot" or len(self.next.text) > 12:
            raise self.error(f"expected a slot such as %0, found `{self.next.text}`")
        return int(self.take().text[1:])

    def slots(self) -> tuple[int, ...]:
        """As many slots as follow one another."""
        found: list[int] = []
        while self.next.kind == "slot":
            found.append(self.slot())
        return tuple(found)

    def size(self) -> Size:
        """A polynomial such as ``2 * n * m - n + 1``."""
        total: Size = 0
        sign = -1 if self.accept("-") else 1
        while True:
            total = add(total, mul(sign, self._product()))
            if not self.sees("+", "-"):
                return total
            sign = -1 if self.take().text == "-" else 1

    def _product(self) -> Size:
        found = self._factor()
        while self.accept("*"):
            found = mul(found, self._factor())
        return found

    def _factor(self) -> Size:
        return variable(self._word()) if self.next.kind == "name" else self.integer()
