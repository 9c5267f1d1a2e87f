"""The error row of the derivative passes: E118."""

from __future__ import annotations

from ..lang.errors_index import ErrorRow

DERIVATIVES = (
    ErrorRow(
        "E118",
        "the reference macro does not know this construct",
        "limit",
        "The literal reverse macro, which the production pass is checked against, covers elementwise primitives, maps, "
        "sums of maps, and folds with one scalar carry, for programs of moderate size. Use `ad.reverse` for the rest.",
        "reference_reverse of a program that contains a branch",
    ),
)
