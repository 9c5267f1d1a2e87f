"""Text to surface tree: a shift-reduce parser over the tables of `grammar.lark`.

In: a `Source`, or the text of one expression. Out: the nodes of `ast`, made as each rule completes, so there
is no tree in between and no recursion; time is linear in the text. Several syntax errors are reported at
once: after one, the parser goes on at the next item that starts a line. The method is LALR(1) (DeRemer 1969;
Aho, Sethi, Ullman 1986, 4.7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic, DiagnosticError, InternalError
from ..source import Source, Span
from . import ast, limits
from .build import MAKE
from .lexer import Token, tokenize
from .syntax_errors import ITEM_WORDS, explain
from .tables import END, Rule, Tables, load_tables

MOST_ERRORS = 10


def read(path: str | Path) -> Source:
    """The text of a file; E016 when it is too large, E017 when not UTF-8, E018 when it cannot be read."""
    return limits.decode(str(path), limits.load(Path(path)))


def parse(source: Source) -> ast.Tree:
    """The tree of a whole text; raises `DiagnosticError` with up to ten syntax errors (E001-E029).

    >>> [item.name for item in parse(Source("<text>", "def twice(x: f64): f64 = 2.0 * x")).items]
    ['twice']
    """
    limits.check_text(source)
    tokens, _ = tokenize(source.text)
    found: list[Diagnostic] = []
    first: int | None = 0
    while isinstance(outcome := _run(source, tokens, first, "start"), _Stop):
        found.append(_diagnose(source, tokens, first, outcome, "start"))
        first = _next_item(source, tokens, first, outcome.place)
        if first is None or len(found) == MOST_ERRORS:
            break
    if found or isinstance(outcome, _Stop):
        raise DiagnosticError(found)
    return outcome


def parse_expression(text: str, name: str = "<expression>") -> ast.Expr:
    """The tree of one expression; raises `DiagnosticError` with one syntax error.

    >>> parse_expression("a - b").operator
    '-'
    """
    source = Source(name, text)
    limits.check_text(source)
    tokens, _ = tokenize(text)
    outcome = _run(source, tokens, 0, "expr")
    if isinstance(outcome, _Stop):
        raise DiagnosticError(_diagnose(source, tokens, 0, outcome, "expr"))
    return outcome


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where parsing could not go on: the place of the token, and a finding when that is not to blame."""

    place: int
    finding: Diagnostic | None = None


@dataclass(slots=True)
class _Stack:
    """The open symbols: state, value, first and last character and nesting depth of each, in step."""

    states: list[int]
    values: list[Any] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)


def _run(source: Source, tokens: list[Token], first: int, entry: str) -> Any:
    """Parse tokens from `first` on; the value of the entry rule, or a `_Stop`."""
    tables = load_tables()
    actions, rules = tables.actions, tables.rules
    final = tables.final[entry]
    stack = _Stack([tables.entry[entry]])
    states, values, starts, ends, depths = stack.states, stack.values, stack.starts, stack.ends, stack.depths
    for place in range(first, len(tokens)):
        kind, text, start, end = tokens[place]
        while True:
            action = actions[states[-1]].get(kind)
            if action is None:
                return values[-1] if kind == END and states[-1] == final else _Stop(place)
            if action >= 0:
                break
            rule = rules[~action]
            if rule.length == 1 and not rule.make:
                states[-1] = tables.gotos[states[-2]][rule.target]
                continue
            depth = _reduce(tables, stack, rule, source)
            if depth > limits.DEPTH:
                return _Stop(place, limits.too_deep(stack.values[-1], Span(source, starts[-1], ends[-1])))
        if len(states) > limits.STACK:
            return _Stop(place, limits.too_deep(None, Span(source, start, end)))
        states.append(action)
        values.append(text)
        starts.append(start)
        ends.append(end)
        depths.append(0)
    raise InternalError("the tokens of a text end with $END")


def _reduce(tables: Tables, stack: _Stack, rule: Rule, source: Source) -> int:
    """Replace the symbols of a completed rule by its value; returns how deeply that is nested."""
    cut = len(stack.values) - rule.length
    parts = stack.values[cut:]
    children: list[Any] = []
    for pick in rule.template:
        if pick is None:
            children.append(None)
        elif pick >= 0:
            children.append(parts[pick])
        elif children:
            children += parts[~pick]
        else:
            children = parts[~pick]  # such a list has one owner: it grows in place, which keeps long lists linear
    if rule.length:
        start, end = stack.starts[cut], stack.ends[-1]
        depth = max(stack.depths[cut:])
    else:
        start = end = stack.ends[-1] if stack.ends else 0
        depth = 0
    if rule.make == "_":
        value: Any = children
    else:
        depth += 1
        value = MAKE[rule.make](children, Span(source, start, end)) if rule.make else children[0]
    del stack.states[cut + 1 :], stack.values[cut:], stack.starts[cut:], stack.ends[cut:], stack.depths[cut:]
    stack.states.append(tables.gotos[stack.states[-1]][rule.target])
    stack.values.append(value)
    stack.starts.append(start)
    stack.ends.append(end)
    stack.depths.append(depth)
    return depth


# --- after an error -----------------------------------------------------------------------------------------


def _diagnose(source: Source, tokens: list[Token], first: int, stop: _Stop, entry: str) -> Diagnostic:
    if stop.finding is not None:
        return stop.finding
    item = _item_start(source, tokens, first, stop.place) if entry == "start" else first
    states = _states_before(tokens, item, stop.place, entry) or _states_before(tokens, first, stop.place, entry)
    return explain(source, tokens[item : stop.place + 1], _acceptable(states), whole=entry == "start")


def _states_before(tokens: list[Token], first: int, place: int, entry: str) -> list[int]:
    """The stack as it was before the offending token made the parser complete rules on false hope.

    Empty when the tokens from `first` on do not begin an item.
    """
    states = [load_tables().entry[entry]]
    fits = all(_advance(states, kind) for kind, *_ in tokens[first:place])
    return states if fits else []


def _advance(states: list[int], kind: str) -> bool:
    """Move a stack of bare states over one token; False when the token does not fit."""
    tables = load_tables()
    while True:
        action = tables.actions[states[-1]].get(kind)
        if action is None:
            return kind == END and states[-1] in tables.final.values()
        if action >= 0:
            states.append(action)
            return True
        rule = tables.rules[~action]
        if rule.length:
            del states[-rule.length :]
        states.append(tables.gotos[states[-1]][rule.target])


def _acceptable(states: list[int]) -> frozenset[str]:
    """The kinds of token that could have come next."""
    return frozenset(kind for kind in load_tables().actions[states[-1]] if _advance(list(states), kind))


def _starts_line(source: Source, token: Token) -> bool:
    return token[0] in ITEM_WORDS and (token[2] == 0 or source.text[token[2] - 1] == "\n")


def _item_start(source: Source, tokens: list[Token], first: int, place: int) -> int:
    """The last token before `place` where an item starts a line and everything before it was complete."""
    for index in range(place - 1, first, -1):
        if _starts_line(source, tokens[index]):
            return index
    return first


def _next_item(source: Source, tokens: list[Token], first: int, place: int) -> int | None:
    """Where to go on after an error at `place`: the next item that starts a line, if any."""
    for index in range(max(place, first + 1), len(tokens)):
        if _starts_line(source, tokens[index]):
            return index
    return None
