"""The error index: one row for every code a diagnostic can carry.

In: a code such as ``E007``. Out: its row, with an explanation and an input that triggers it; `pf explain`
prints it, and the tests run every example. Each part of the language keeps its own table; `FAMILIES` names
them. The tables load on use, so a module can import `ErrorRow` from here without a cycle.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal

Kind = Literal["user", "limit"]

FAMILIES = {
    ".surface.errors": "SYNTAX",  # E001-E029
    ".check.errors": "CHECK",  # E030-E099
    ".elaborate.errors": "ELABORATION",  # E120-E139
}
"""Module, relative to this package, to the name of its table: a tuple of `ErrorRow`."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One kind of trouble: `user` means the input is wrong, `limit` that this version cannot do it.

    `example` is a small program, or the command line, that gives the diagnostic.
    """

    code: str
    title: str
    kind: Kind
    explanation: str
    example: str


@cache
def rows() -> dict[str, ErrorRow]:
    """Every row by its code, in the order of the codes."""
    tables = [getattr(import_module(module, __package__), name) for module, name in FAMILIES.items()]
    return {
        row.code: row for row in sorted((row for table in tables for row in table), key=lambda row: row.code)
    }


def row(code: str) -> ErrorRow:
    """The row of a code; `KeyError` for a code that does not exist.

    >>> row("E007").title
    'comparisons do not chain'
    """
    return rows()[code]
