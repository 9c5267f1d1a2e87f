"""Where comments belong: each is tied to a node that the formatter sets on a line of its own.

In: a tree and the comments of its text. Out: for each such node (an anchor: items, claims, bindings, bodies,
match arms, constructors) the comments before it and the one at the end of its line. A comment inside an
expression moves in front of the anchor around it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from . import ast
from .lexer import Token

_CLOSERS = re.compile(r"[ \t)\]};]*")
_BLANKS = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; `gap` says that an empty line follows it."""

    text: str
    gap: bool


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments by ``id`` of their anchor; `inside` a test after its claims, `end` after all items."""

    before: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    after: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    inside: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    end: list[Comment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Anchor:
    node: ast.Node
    start: int
    end: int
    parent: _Anchor | None


def preorder(tree: ast.Node) -> list[ast.Node]:
    """All nodes, each before its children, in the order of the text; no recursion."""
    order: list[ast.Node] = []
    stack: list[Any] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            stack.extend(reversed(item))
        elif isinstance(item, ast.Node):
            order.append(item)
            stack.extend(getattr(item, name) for name in reversed(item.__dataclass_fields__) if name != "span")
    return order


def attach(tree: ast.Tree, text: str, comments: list[Token]) -> Comments:
    """Tie every comment of `text` to an anchor of `tree`."""
    result = Comments()
    if not comments:
        return result
    anchors = _anchors(preorder(tree))
    starts = [anchor.start for anchor in anchors]
    by_end = list(reversed(anchors))
    by_end.sort(key=lambda anchor: anchor.end)  # of those that end together the outermost comes last
    ends = [anchor.end for anchor in by_end]
    for _, words, start, end in comments:
        comment = Comment(words, _gap(text, end))
        last = bisect_right(ends, start) - 1
        if last >= 0 and _reaches(_CLOSERS, text, ends[last]) == start:
            result.after[id(by_end[last].node)].append(comment)
            continue
        place = bisect_right(starts, start)
        around = _around(anchors[place - 1] if place else None, start)
        following = anchors[place] if place < len(anchors) else None
        if following is not None and (around is None or following.start < around.end):
            result.before[id(following.node)].append(comment)
        elif around is None:
            result.end.append(comment)
        elif isinstance(around.node, ast.Test):
            result.inside[id(around.node)].append(comment)
        else:
            result.before[id(around.node)].append(comment)
    return result


def _around(anchor: _Anchor | None, offset: int) -> _Anchor | None:
    """The innermost anchor that holds `offset`, from the last one that starts before it."""
    while anchor is not None and anchor.end <= offset:
        anchor = anchor.parent
    return anchor


def _gap(text: str, end: int) -> bool:
    return text.count("\n", end, _reaches(_BLANKS, text, end)) > 1


def _reaches(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def _anchors(order: list[ast.Node]) -> list[_Anchor]:
    """The anchors by start, outer ones first."""
    chosen = {id(node) for node in order if isinstance(node, _ALWAYS)}
    for node in order:
        if isinstance(node, ast.Def | ast.Block) and not isinstance(node.body, ast.Block):
            chosen.add(id(node.body))
    result: list[_Anchor] = []
    parent: _Anchor | None = None
    for node in order:
        if id(node) in chosen:
            parent = _Anchor(node, node.span.start, node.span.end, _around(parent, node.span.start))
            result.append(parent)
    return result


_ALWAYS = (
    ast.Import | ast.Def | ast.Data | ast.Test | ast.Constructor
    | ast.Check | ast.Dot | ast.Cost | ast.Fails
    | ast.Let | ast.Draw | ast.Observe | ast.Score | ast.Arm
)  # fmt: skip
