"""Limits of a text: how large it may be, how deep it may nest, which bytes it may hold.

In: a path, bytes or a `Source`. Out: the same one step on, or a diagnostic. Every limit exists so that a
hostile or damaged file ends in a message, never in a crash or a wait.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..diagnostics import Diagnostic, fail
from ..source import Source, Span
from . import ast

DEPTH = 400
"""How deep a tree may nest, so that passes may walk it by recursion."""

STACK = 16 * DEPTH
"""Open symbols of the parser: no rule has more than sixteen, so beyond this no tree is within `DEPTH`."""

LARGEST = 4 * 1024 * 1024
"""Bytes of the largest text."""


@contextmanager
def room_to_recurse() -> Iterator[None]:
    """While this lasts, a pass may walk a tree of full `DEPTH` by recursion, with up to fifty calls a level.

    >>> with room_to_recurse():
    ...     sys.getrecursionlimit() >= 50 * DEPTH
    True
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 50 * DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def load(path: Path) -> bytes:
    """The bytes of a file, at most one more than `LARGEST`; E018 when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise fail("E018", f"cannot read `{path}`: {reason}", hint="check the path") from error


def decode(name: str, data: bytes) -> Source:
    """A `Source` from the bytes of a file; E016 too large, E017 not UTF-8 (names the first wrong byte)."""
    if len(data) > LARGEST:
        raise _too_large(name)
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # A byte-order mark is skipped before the decoder counts.
        offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        line = data.count(b"\n", 0, offset) + 1
        message = f"`{name}` is not UTF-8: byte 0x{data[offset]:02x} at offset {offset}, line {line}"
        raise fail("E017", message, hint="save the file as UTF-8") from error


def check_text(source: Source) -> None:
    """E016 for a text over the limit, E017 for a NUL character in it."""
    text = source.text
    if len(text) > LARGEST or (len(text) * 4 > LARGEST and len(text.encode("utf-8", "surrogatepass")) > LARGEST):
        raise _too_large(source.name)
    place = text.find("\0")
    if place >= 0:
        span = Span(source, place, place + 1)
        raise fail("E017", f"a NUL character at offset {place}", span, hint="this does not look like a text file")


def too_deep(node: object, span: Span) -> Diagnostic:
    """E015 for what nests deeper than `DEPTH`; a long sum gets the advice that fits it."""
    hint = f"the limit is {DEPTH} levels; name parts of it with `let`"
    if isinstance(node, ast.Binary):
        hint = f"the limit is {DEPTH} terms in a row; use `sum(for i < n => …)` or name parts with `let`"
    return Diagnostic("E015", "this nests too deeply", span, hint=hint)


def _too_large(name: str) -> Exception:
    return fail(
        "E016",
        f"`{name}` is larger than {LARGEST // 2**20} MiB",
        hint="split it into files and `import` them",
    )
