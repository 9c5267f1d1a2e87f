"""Random sentences of `grammar.lark`: a source of randomness enters, the tokens of a text leave."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from random import Random

Productions = dict[str, tuple[tuple[tuple[str, bool], ...], ...]]  # symbols, with whether they are terminals

# What stands for the terminals that are patterns. Few names, so that many of them are bound.
_WORDS: dict[str, tuple[str, ...]] = {
    "LNAME": (
        *("x", "y", "f", "g", "n", "i", "a", "_", "x" * 300),
        *("sum", "exp", "grad", "f64", "i64", "real", "size", "map"),
    ),
    "UNAME": ("Some", "None", "Leaf", "Tree", "List", "Option", "A"),
    "NUMBER": ("1.0", "0.5", "2e3", "1e400", "3.25e-12", "0.1e-400"),
    "INT": ("0", "1", "2", "3", "7", "18446744073709551616", "9" * 40),
    "STRING": ('"a"', '""', '"E012"', '"x.pf"', '"../x.pf"'),
    "COMMENT": ("-- note\n",),
    "BLANK": (" ",),
}
_SMALL = ("x", "y", "f", "n", "i", "1", "2", "0.5", "f64")
DEPTH = 12


@cache
def _grammar() -> tuple[Productions, dict[str, tuple[str, ...]], dict[str, int]]:
    """Productions by name, spellings of terminals, least depths."""
    from lark import Lark

    root = __package__.split(".verify")[0] if __package__ else "pushforward"
    text = (files(f"{root}.lang.surface") / "grammar.lark").read_text("utf-8")
    lark = Lark(text, parser="lalr", lexer="basic", start=["start", "expr"], maybe_placeholders=True)
    productions: dict[str, list[tuple[tuple[str, bool], ...]]] = {}
    for rule in lark.rules:
        symbols = tuple((symbol.name, symbol.is_term) for symbol in rule.expansion)
        productions.setdefault(str(rule.origin.name), []).append(symbols)
    spellings = {
        terminal.name: _WORDS[terminal.name] if terminal.pattern.type == "re" else (str(terminal.pattern.value),)
        for terminal in lark.terminals
    }
    fixed = {name: tuple(rules) for name, rules in productions.items()}
    return fixed, spellings, _depths(fixed)


def _depths(productions: Productions) -> dict[str, int]:
    """The least depth of a tree below every name: a least fixpoint."""
    depth = dict.fromkeys(productions, 10**6)
    while True:
        found = {name: min(1 + _needs(rule, depth) for rule in rules) for name, rules in productions.items()}
        if found == depth:
            return depth
        depth = found


def _needs(rule: Sequence[tuple[str, bool]], depth: dict[str, int]) -> int:
    return max((depth[name] for name, terminal in rule if not terminal), default=0)


def sentence(random: Random, start: str = "start", size: int = 120) -> list[str]:
    """The tokens of a random sentence; after about `size` of them the shortest ways out are taken."""
    productions, spellings, depth = _grammar()
    tokens: list[str] = []
    waiting: list[tuple[str, bool, int]] = [(start, False, 0)]
    while waiting:
        name, terminal, level = waiting.pop()
        if terminal:
            words = spellings[name]
            tokens.append(words[int(random.random() * len(words))])
            continue
        rules = productions[name]
        if level > DEPTH or len(tokens) > size:
            least = min(_needs(rule, depth) for rule in rules)
            rules = tuple(rule for rule in rules if _needs(rule, depth) == least)
        rule = rules[int(random.random() * len(rules))]
        step = level + (len(rule) > 1)
        waiting.extend((symbol, is_terminal, step) for symbol, is_terminal in reversed(rule))
    return tokens


@cache
def all_words() -> tuple[str, ...]:
    """Every spelling of every terminal."""
    _, spellings, _ = _grammar()
    return tuple(sorted({word for words in spellings.values() for word in words} | set(_SMALL)))
