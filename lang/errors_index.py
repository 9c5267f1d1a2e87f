"""What a row of the error index holds: one row for every code a diagnostic can carry.

Each package keeps the rows of its own codes in a table (a tuple of `ErrorRow`) beside the code that raises them;
`pushforward.errors` joins the tables, `pf explain` prints a row, and the tests run the examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["user", "limit"]


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
