"""Texts with choices to lines: a small pretty printer.

In: a `Doc`, text with places where a line may break. Out: lines of at most a given width where that can be
done. A group is set on one line when it fits, else its own breaks become line ends. After Wadler, "A prettier
printer" (2003), with comments that wait for the end of their line. Nothing here recurses, so deep documents
are fine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concat:
    parts: tuple[Doc, ...]


@dataclass(frozen=True, slots=True)
class Nest:
    """Line ends inside are followed by `by` more blanks."""

    by: int
    part: Doc


@dataclass(frozen=True, slots=True)
class Line:
    """A place to break; on one line it reads `flat`, and None breaks always."""

    flat: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """On one line when it fits."""

    part: Doc


@dataclass(frozen=True, slots=True)
class Suffix:
    """A comment: it waits for the next line end and keeps the groups around it from standing on one line."""

    text: str


Doc = str | Concat | Nest | Line | Group | Suffix

LINE, SOFT, HARD = Line(" "), Line(""), Line(None)


def concat(*parts: Doc) -> Doc:
    """One after the other."""
    return parts[0] if len(parts) == 1 else Concat(parts)


def nest(*parts: Doc) -> Doc:
    """One after the other, two blanks further in."""
    return Nest(2, concat(*parts))


def join(separator: Iterable[Doc], parts: Iterable[Doc]) -> Doc:
    """The parts with the separator between them."""
    between = tuple(separator)
    result: list[Doc] = []
    for index, part in enumerate(parts):
        result += [*between, part] if index else [part]
    return Concat(tuple(result))


def render(doc: Doc, width: int) -> str:
    """The text of a document; no line ends in blanks.

    >>> render(Group(concat("f(", nest(SOFT, "x,", LINE, "y"), SOFT, ")")), 6)
    'f(\\n  x,\\n  y\\n)'
    """
    pieces: list[str] = []
    comments: list[str] = []
    column = 0
    stack: list[tuple[int, bool, Doc]] = [(0, False, doc)]
    while stack:
        indent, flat, item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            column += len(item)
        elif isinstance(item, Concat):
            stack.extend((indent, flat, part) for part in reversed(item.parts))
        elif isinstance(item, Nest):
            stack.append((indent + item.by, flat, item.part))
        elif isinstance(item, Group):
            fits = flat or _fits(item.part, width - column, stack)
            stack.append((indent, fits, item.part))
        elif isinstance(item, Suffix):
            comments.append(item.text)
        elif flat and item.flat is not None:
            pieces.append(item.flat)
            column += len(item.flat)
        else:
            pieces += [*comments, "\n", " " * indent]
            comments.clear()
            column = indent
    text = "".join([*pieces, *comments])
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _fits(doc: Doc, room: int, rest: list[tuple[int, bool, Doc]]) -> bool:
    """Does the document, with what follows it up to the next line end, stand on one line?"""
    below = len(rest)
    stack: list[tuple[bool, Doc]] = [(True, doc)]
    while room >= 0:
        if stack:
            flat, item = stack.pop()
        elif below:
            below -= 1
            _, flat, item = rest[below]
        else:
            return True
        if isinstance(item, str):
            room -= len(item)
        elif isinstance(item, Concat):
            stack.extend((flat, part) for part in reversed(item.parts))
        elif isinstance(item, Nest | Group):
            stack.append((flat, item.part))
        elif isinstance(item, Suffix):
            if flat:
                return False
        elif not flat:
            return True
        elif item.flat is None:
            return False
        else:
            room -= len(item.flat)
    return False
