"""The error row of the text form of programs: E117."""

from __future__ import annotations

from ..errors_index import ErrorRow

TEXT = (
    ErrorRow(
        "E117",
        "this is not the text of a program",
        "user",
        "`pf show` prints programs in unary form: a header, one step per line, bodies indented by two more blanks, "
        "and a `return` at the end of each body. Text to be read back must keep that form: slots are numbered in "
        "order, and every result states its type.",
        "program f(%0: f64):\n  %1: f64 = mul %0\n  return %2 extra",
    ),
)
