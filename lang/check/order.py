"""The order in which definitions are checked: what a definition uses comes before it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from ..surface import ast


def ordered(definitions: dict[str, ast.Def]) -> list[str]:
    """The definitions such that a used one comes before its users, where that is possible."""
    order: list[str] = []
    seen: set[str] = set()
    for root in definitions:
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(_uses(definitions[root])))]
        while stack:
            name, uses = stack[-1]
            following = next((use for use in uses if use in definitions and use not in seen), None)
            if following is not None:
                seen.add(following)
                stack.append((following, iter(_uses(definitions[following]))))
            else:
                stack.pop()
                order.append(name)
    return order


def _uses(node: ast.Def) -> set[str]:
    """The names in a definition's body and rules."""
    found = {rule.function for rule in node.rules}
    pending: list[Any] = [node.body]
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind is ast.Name:
            found.add(item.name)
        elif kind is tuple:
            pending.extend(item)
        elif kind in _CHILDREN or is_dataclass(item):
            pending.extend([getattr(item, name) for name in _children(kind)])
    return found


_CHILDREN: dict[type, tuple[str, ...]] = {}
_PLAIN = frozenset({"span", "operator", "text"})


def _children(type_: type) -> tuple[str, ...]:
    """The fields of a kind of node that can hold expressions."""
    if type_ not in _CHILDREN:
        _CHILDREN[type_] = tuple(f.name for f in fields(type_) if f.name not in _PLAIN)
    return _CHILDREN[type_]
