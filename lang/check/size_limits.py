"""Limits on sizes, so that no text can make them grow without bound."""

from __future__ import annotations

from ..diagnostics import fail
from ..sizes import Size
from ..source import Span

MOST_TERMS, MOST_DEGREE = 64, 16


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
