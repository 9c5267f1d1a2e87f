"""Limits on sizes and types, so that no text can make them grow without bound."""

from __future__ import annotations

from ..diagnostics import fail
from ..sizes import Size
from ..source import Span
from ..types import Array, Record, Tuple, Type

MOST_TERMS, MOST_DEGREE = 64, 16
MOST_PARTS = 2000


def limited(size: Size, span: Span) -> Size:
    """The size itself; E063 when it does not fit into 64 bits or has too many terms or too high a degree."""
    if isinstance(size, int):
        if abs(size) >= 2**63:
            raise fail(
                "E063",
                "this size does not fit into 64 bits",
                span,
                hint="sizes count elements in memory: use a smaller one",
            )
    elif len(size.terms) > MOST_TERMS or max(sum(p for _, p in monomial) for monomial, _ in size.terms) > MOST_DEGREE:
        advice = "name a part of it as a size of its own"
        raise fail("E063", "this size has too many terms or factors", span, hint=advice)
    return size


def limited_type(type_: Type, span: Span) -> Type:
    """The type itself; E065 when it has too many parts, as doubling a tuple again and again makes it."""
    waiting, parts = [type_], 0
    while waiting:
        parts += 1
        if parts > MOST_PARTS:
            raise fail("E065", f"this value has more than {MOST_PARTS} parts", span, hint="use an array instead")
        match waiting.pop():
            case Tuple(items):
                waiting.extend(items)
            case Record(fields):
                waiting.extend(inner for _, inner in fields)
            case Array(_, element):
                waiting.append(element)
            case _:
                pass
    return type_
