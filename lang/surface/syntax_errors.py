"""What a syntax error means: the first rule of a table that recognises the mistake words the diagnostic.

In: the tokens of one item up to the one that does not fit, and the kinds that would have fitted. Out: a
`Diagnostic` of the family E001-E014, E019, E020, with one hint. The rules run from the most particular to the
most general.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..diagnostics import Diagnostic, Label, suggest
from ..source import Source, Span
from .foreign import FOREIGN_ITEMS, FOREIGN_SIGNS, FOREIGN_WORDS
from .lexer import BAD, Token, words
from .tables import END
from .wording import (
    BRACKETS,
    COMPARISONS,
    ITEM_WORDS,
    OPEN_EXPRESSIONS,
    expected,
    found,
    is_item_place,
    is_operand_place,
    is_operator_place,
)

__all__ = ["ITEM_WORDS", "explain"]

_NAMES = ("LNAME", "UNAME")
_NUMBERS = ("INT", "NUMBER")


@dataclass(frozen=True, slots=True)
class _Place:
    """An error: the tokens up to and with the one that does not fit, and what would have."""

    source: Source
    tokens: list[Token]
    accept: frozenset[str]
    whole: bool

    @property
    def kind(self) -> str:
        return self.tokens[-1][0]

    @property
    def text(self) -> str:
        return self.tokens[-1][1]

    @property
    def span(self) -> Span:
        return self._span(self.tokens[-1])

    @property
    def previous(self) -> Token | None:
        return self.tokens[-2] if len(self.tokens) > 1 else None

    @property
    def before(self) -> str:
        """The kind of the token before the offending one, ``""`` at the start."""
        return self.tokens[-2][0] if len(self.tokens) > 1 else ""

    @property
    def tail(self) -> str:
        """The rest of the text from the offending token on, as far as a sign may reach."""
        start = self.tokens[-1][2]
        return self.source.text[start : start + 3]

    @property
    def begins_line(self) -> bool:
        start = self.tokens[-1][2]
        return start == 0 or self.source.text[start - 1] == "\n"

    def adjacent(self) -> str:
        """The token before the offending one when nothing stands between them, else ``""``."""
        previous = self.previous
        return previous[1] if previous is not None and previous[3] == self.tokens[-1][2] else ""

    def opener(self) -> Token | None:
        """The innermost bracket that is open at the error."""
        stack: list[Token] = []
        for token in self.tokens[:-1]:
            if token[0] in BRACKETS:
                stack.append(token)
            elif token[0] in BRACKETS.values() and stack:
                stack.pop()
        return stack[-1] if stack else None

    def label(self, token: Token, text: str) -> tuple[Label, ...]:
        return (Label(self._span(token), text),)

    def _span(self, token: Token) -> Span:
        return Span(self.source, token[2], token[3])

    def says(
        self,
        code: str,
        message: str,
        hint: str | None,
        labels: tuple[Label, ...] = (),
        span: Span | None = None,
    ) -> Diagnostic:
        return Diagnostic(code, message, span or self.span, labels, hint=hint)


def explain(source: Source, tokens: list[Token], accept: frozenset[str], *, whole: bool) -> Diagnostic:
    """The diagnostic for the last of `tokens`, which came where only the kinds in `accept` fit."""
    place = _Place(source, tokens, accept, whole)
    return next(finding for rule in _RULES if (finding := rule(place)) is not None)


# --- the rules ----------------------------------------------------------------------------------------------


def _unclosed_text(place: _Place) -> Diagnostic | None:
    if place.kind == BAD and place.text == '"':
        return place.says("E005", 'this text has no closing `"`', 'a text ends on the line it begins: add `"`')
    return None


def _foreign_comment(place: _Place) -> Diagnostic | None:
    hint = "a comment starts with `--` and a blank"
    joined = place.adjacent() + place.text
    if place.kind == BAD and place.text == "#":
        return place.says("E011", "`#` does not start a comment", hint)
    if joined == "/*" or place.tail.startswith("/*") or (place.kind == "//" and not is_operator_place(place.accept)):
        return place.says("E011", f"`{'//' if place.kind == '//' else '/*'}` does not start a comment", hint)
    if place.begins_line and place.tail.startswith("--"):
        return place.says("E011", "this is two minus signs, not a comment", "put a blank after `--`")
    return None


def _foreign_sign(place: _Place) -> Diagnostic | None:
    start = place.tokens[-1][2] - len(place.adjacent())
    text = place.source.text
    for sign in (text[start : start + 3], text[start : start + 2], place.tail, place.tail[:2], place.text):
        known = sign in FOREIGN_SIGNS and (len(sign) > 1 or place.kind == BAD or sign == "|")
        if known and not (sign == "<-" and place.kind != "<"):
            return place.says("E009", f"`{sign}` is not an operator here", FOREIGN_SIGNS[sign])
    if place.kind in ("->", "=") and "=>" in place.accept:
        return place.says("E009", f"`{place.kind}` where `=>` belongs", "use `=>`")
    if place.kind == "=>" and "=" in place.accept:
        return place.says("E009", "`=>` where `=` belongs", "use `=`")
    return None


def _unknown_character(place: _Place) -> Diagnostic | None:
    if place.kind != BAD:
        return None
    hint = "names are made of the letters a-z, A-Z, digits and `_`" if place.text.isalpha() else "remove it"
    shown = place.text if place.text.isprintable() else f"U+{ord(place.text):04X}"
    return place.says("E006", f"the character `{shown}` has no meaning here", hint)


def _equals_sign(place: _Place) -> Diagnostic | None:
    if place.kind == "=" and "==" in place.accept:
        return place.says("E008", "`=` does not compare", "use `==` to compare, or `let x = … in …` to name a value")
    return None


def _chained_comparison(place: _Place) -> Diagnostic | None:
    if place.kind in COMPARISONS and "and" in place.accept and "==" not in place.accept:
        return place.says("E007", "comparisons do not chain", "write `a < b and b < c`")
    return None


def _number(place: _Place) -> Diagnostic | None:
    previous = place.previous
    starts = place.kind == "." and place.tail[1:2].isdigit() and is_operand_place(place.accept)
    if starts:
        return place.says("E013", "a number starts with a digit", f"write `0{place.tail[:2]}`")
    if previous is None:
        return None
    before = place.tokens[-3][0] if len(place.tokens) > 2 else ""
    if previous[0] == "." and before in _NUMBERS and place.tokens[-3][3] == previous[2]:
        return place.says("E013", "a decimal point needs digits after it", f"write `{place.tokens[-3][1]}.0`")
    if previous[0] in _NUMBERS and place.adjacent() and place.kind in (*_NAMES, *_NUMBERS):
        return place.says(
            "E013", f"`{previous[1]}{place.text}` is no number", "put an operator or a blank between them"
        )
    return None


def _foreign_word(place: _Place) -> Diagnostic | None:
    for token in (place.tokens[-1], place.previous):
        if token is not None and token[0] in _NAMES and token[1] in FOREIGN_WORDS:
            span = Span(place.source, token[2], token[3])
            return place.says("E010", f"`{token[1]}` is no word of this language", FOREIGN_WORDS[token[1]], (), span)
    if place.kind == "in" and place.accept == {"<"}:
        return place.says("E010", "`for` takes a bound, not a list", "write `for i < n => …` for 0 to n - 1")
    if place.kind == "if" and is_operator_place(place.accept):
        return place.says("E010", "`if` comes before both values", "write `if c then a else b`")
    if place.kind == "for" and is_operator_place(place.accept) and "for" not in place.accept:
        return place.says("E010", "`for` comes before the body", "write `for i < n => …`")
    return None


def _operand_word(place: _Place) -> Diagnostic | None:
    if place.kind in OPEN_EXPRESSIONS and is_operand_place(place.accept):
        hint = "write `(if c then a else b)`" if place.kind == "if" else "put parentheses around the whole of it"
        return place.says("E020", f"`{place.kind}` cannot stand inside an operand", hint)
    return None


def _reserved_word(place: _Place) -> Diagnostic | None:
    if "LNAME" in place.accept and place.kind in words() - place.accept:
        if place.kind in ITEM_WORDS and place.begins_line:
            return None
        if is_operand_place(place.accept) and place.kind not in ("field", *ITEM_WORDS):
            return None
        return place.says(
            "E019", f"`{place.kind}` is a word of the language, not a name", f"rename it: `{place.kind}_`"
        )
    return None


def _bracket(place: _Place) -> Diagnostic | None:
    opener = place.opener()
    if place.kind in BRACKETS.values():
        if opener is None:
            return place.says("E003", f"`{place.kind}` closes nothing", "remove it, or add the bracket it closes")
        if BRACKETS[opener[0]] != place.kind:
            label = place.label(opener, "opened here")
            closer = BRACKETS[opener[0]]
            return place.says(
                "E003", f"`{place.kind}` does not close `{opener[0]}`", f"close it with `{closer}`", label
            )
    stops = place.kind in (END, "in", "then", "else", "do") or (place.begins_line and place.kind in ITEM_WORDS)
    if opener is not None and stops and "in" not in place.accept:
        span = Span(place.source, opener[2], opener[3])
        label = place.label(place.tokens[-1], f"still open before {found(place.kind, place.text)}")
        hint = f"add `{BRACKETS[opener[0]]}`"
        return place.says("E002", f"`{opener[0]}` is never closed", hint, label, span)
    return None


def _missing_in(place: _Place) -> Diagnostic | None:
    if "in" not in place.accept or "let" not in place.accept:
        return None
    lets = [token for token in place.tokens if token[0] == "let"]
    label = place.label(lets[-1], "this `let` needs an `in`") if lets else ()
    hint = "put `in` before the result, or `let` before another binding"
    return place.says("E004", f"`in` is missing before {found(place.kind, place.text)}", hint, label)


def _item(place: _Place) -> Diagnostic | None:
    if not place.whole or not is_item_place(place.accept):
        return None
    if len(place.tokens) > 1 and not (place.begins_line and place.text[:1].isalpha()):
        return None
    known = FOREIGN_ITEMS.get(place.text)
    hint = f"did you mean `{known}`?" if known else suggest(place.text, ITEM_WORDS)
    message = f"{found(place.kind, place.text)} does not start an item"
    return place.says("E012", message, hint or "a text is made of `def`, `data`, `test` and `import`")


def _unfinished(place: _Place) -> Diagnostic | None:
    if place.kind != END:
        return None
    hint = "every `if … then …` has an `else`" if "else" in place.accept else "finish the last expression"
    return place.says("E014", f"the text ends too early: expected {expected(place.accept)}", hint)


_HINTS: tuple[tuple[Callable[[_Place], bool], str], ...] = (
    (lambda p: p.kind == ":" and "=>" in p.accept, "use `=>`"),
    (lambda p: p.kind == ":" and p.accept == {"="}, "the fields of a record are written `{name = value}`"),
    (lambda p: p.kind == "->" and ":" in p.accept, "the type of the result follows `:`"),
    (lambda p: p.kind == "{" and "=" in p.accept, "the body follows `=`"),
    (lambda p: p.kind in ")]}" and p.before == ",", "leave the last comma out"),
    (lambda p: p.kind == "," and ";" in p.accept, "arms are separated by `;`"),
    (
        lambda p: p.accept == {"type"},
        "a size needs no annotation: write `[n]`; a type is written `[a: type]`",
    ),
    (lambda p: p.kind == "UNAME" and "LNAME" in p.accept, "this name starts with a small letter"),
    (lambda p: p.kind == "LNAME" and "UNAME" in p.accept, "this name starts with a capital letter"),
    (lambda p: p.kind in _NAMES and p.accept == {")", ",", ":"}, "types follow their names: `x: f64`"),
    (lambda p: p.kind == "'" and is_operand_place(p.accept), 'a text stands between two `"`'),
    (lambda p: "else" in p.accept, "every `if … then …` has an `else`"),
    (lambda p: is_operand_place(p.accept), "an expression starts with a number, a name or an opening bracket"),
    (lambda p: "+" in p.accept, "put an operator before it; a call is written `f(x)`"),
    (lambda p: True, "put what is expected before it, or take it out"),
)
"""Particular advice for the general message, the first that fits."""


def _unexpected(place: _Place) -> Diagnostic:
    hint = next(hint for fits, hint in _HINTS if fits(place))
    if len(place.tokens) == 3 and place.tokens[0][0] == "def" and place.kind in ("=", ":"):
        hint = f"a definition has parameters, if only `()`: `def {place.tokens[1][1]}() = …`"
    message = f"{found(place.kind, place.text)} does not fit here: expected {expected(place.accept)}"
    return place.says("E001", message, hint)


_RULES: tuple[Callable[[_Place], Diagnostic | None], ...] = (
    _unclosed_text,
    _foreign_comment,
    _foreign_sign,
    _unknown_character,
    _equals_sign,
    _chained_comparison,
    _number,
    _foreign_word,
    _bracket,
    _missing_in,
    _item,
    _reserved_word,
    _operand_word,
    _unfinished,
    _unexpected,
)
