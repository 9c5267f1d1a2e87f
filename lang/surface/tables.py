"""The parse tables: what `grammar.lark` says, worked out once and kept as text.

In: the grammar. Out: `tables.json`, the LALR(1) action and goto rows with, for every rule, how its node is
made. Working the tables out takes most of a second, reading them a few milliseconds, so they are committed
beside the grammar; a test generates them again and compares. After a change of the grammar: ``python -m
pushforward.lang.surface.tables``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent

STARTS = ("start", "expr")
END = "$END"

Template = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One reduction: pop `length` symbols, make a value, go on with `target`.

    `template` picks the children by place: ``i`` keeps symbol i, ``~i`` splices the list at i, None stands
    for an absent optional part. `make` names the function that builds the node; ``""`` passes the only child
    on and ``"_"`` collects the children in a list for the parent to splice.
    """

    target: str
    length: int
    template: Template
    make: str


@dataclass(frozen=True, slots=True)
class Tables:
    """`actions[state][terminal]` is a state to shift to, or ``~rule``; `gotos[state][target]` is a state."""

    terminals: dict[str, str]
    rules: tuple[Rule, ...]
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]
    entry: dict[str, int]
    final: dict[str, int]


@cache
def load_tables() -> Tables:
    """Read the committed tables."""
    data = json.loads((_FOLDER / "tables.json").read_text("utf-8"))
    return Tables(
        data["terminals"],
        tuple(Rule(target, length, tuple(template), make) for target, length, template, make in data["rules"]),
        tuple(data["action_rows"][row] for row in data["action_of_state"]),
        tuple(data["goto_rows"][row] for row in data["goto_of_state"]),
        data["entry"],
        data["final"],
    )


def generate(strict: bool = False) -> dict[str, Any]:
    """Work the tables out from the grammar, as the JSON-ready record that `load_tables` reads.

    `strict` refuses any conflict between rules or between terminals; it needs the optional package
    `interegular`.
    """
    from lark import Lark

    grammar = (_FOLDER / "grammar.lark").read_text("utf-8")
    lark = Lark(grammar, parser="lalr", lexer="basic", start=list(STARTS), maybe_placeholders=True, strict=strict)
    parse_table: Any = lark.parser.parser._parse_table  # lark offers no public view of its tables
    terminals = {terminal.name: terminal.pattern for terminal in lark.terminals}
    spelling = {name: pattern.value if pattern.type == "str" else name for name, pattern in terminals.items()}
    rules = sorted({_rule(rule): None for rule in lark.rules}, key=repr)
    number = {rule: index for index, rule in enumerate(rules)}
    order = _walk(parse_table)
    actions = [
        _action_row(parse_table.states[state], order, lambda rule: ~number[_rule(rule)], spelling) for state in order
    ]
    gotos = [_goto_row(parse_table.states[state], order, spelling) for state in order]
    action_rows, action_of_state = _share(actions)
    goto_rows, goto_of_state = _share(gotos)
    return {
        "terminals": {name: p.to_regexp() for name, p in sorted(terminals.items()) if p.type == "re"}
        | {p.value: "" for p in sorted(terminals.values(), key=lambda p: p.value) if p.type == "str"},
        "rules": [[rule.target, rule.length, list(rule.template), rule.make] for rule in rules],
        "entry": {start: order[parse_table.start_states[start]] for start in STARTS},
        "final": {start: order[parse_table.end_states[start]] for start in STARTS},
        "action_of_state": action_of_state,
        "goto_of_state": goto_of_state,
        "action_rows": action_rows,
        "goto_rows": goto_rows,
    }


def render(data: dict[str, Any]) -> str:
    """The record as JSON text with one table row per line, so that differences can be read."""
    parts = []
    for key, value in data.items():
        if isinstance(value, list) and value and not isinstance(value[0], int):
            rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in value)
            parts.append(f"{json.dumps(key)}:[\n{rows}\n]")
        else:
            parts.append(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rule(rule: Any) -> Rule:
    """Lark's rule with its tree-shaping options turned into a template."""
    template: list[int | None] = []
    absent = rule.options.empty_indices or [False] * (len(rule.expansion) + 1)
    # `absent` reads: True for each missing optional child, False for each symbol that is there.
    place = 0
    for missing in absent:
        if missing:
            template.append(None)
        elif place < len(rule.expansion):
            symbol = rule.expansion[place]
            if not symbol.is_term:
                template.append(~place if symbol.name.startswith("_") else place)
            elif not symbol.filter_out:
                template.append(place)
            place += 1
    target = str(rule.origin.name)
    single = rule.options.expand1 and not rule.alias and len(template) == 1
    make = "" if single else "_" if target.startswith("_") else str(rule.alias or target)
    return Rule(target, len(rule.expansion), tuple(template), make)


def _walk(parse_table: Any) -> dict[int, int]:
    """Number the states in the order of a walk by sorted symbols: equal grammars give equal tables."""
    order: dict[int, int] = {}
    queue = [parse_table.start_states[start] for start in STARTS]
    for state in queue:
        if state in order:
            continue
        order[state] = len(order)
        row = parse_table.states[state]
        queue += [row[symbol][1] for symbol in sorted(row) if isinstance(row[symbol][1], int)]
    return order


def _action_row(row: Any, order: dict[int, int], number: Any, spelling: dict[str, str]) -> dict[str, int]:
    entries = {}
    for symbol, (_, argument) in sorted(row.items()):
        if symbol in spelling or symbol == END:
            entries[spelling.get(symbol, END)] = order[argument] if isinstance(argument, int) else number(argument)
    return entries


def _goto_row(row: Any, order: dict[int, int], spelling: dict[str, str]) -> dict[str, int]:
    return {
        symbol: order[argument]
        for symbol, (_, argument) in sorted(row.items())
        if symbol not in spelling and symbol != END
    }


def _share(rows: list[dict[str, int]]) -> tuple[list[dict[str, int]], list[int]]:
    """Equal rows are stored once."""
    found: dict[tuple[tuple[str, int], ...], int] = {}
    place = [found.setdefault(tuple(row.items()), len(found)) for row in rows]
    return [dict(row) for row in found], place


if __name__ == "__main__":
    (_FOLDER / "tables.json").write_text(render(generate()), "utf-8")
