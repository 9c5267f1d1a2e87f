"""Every row of the checker's error table: its example gives exactly its code."""

from __future__ import annotations

import pytest

from pushforward.lang.check.errors import CHECK
from pushforward.lang.errors_index import ErrorRow

from .helpers import check


@pytest.mark.parametrize("row", CHECK, ids=lambda row: row.code)
def test_example_gives_its_code(row: ErrorRow) -> None:
    assert [found.code for found in check(row.example).diagnostics] == [row.code]


def test_codes_are_unique_and_in_range() -> None:
    codes = [row.code for row in CHECK]
    assert codes == sorted(set(codes))
    assert all("E030" <= code <= "E099" for code in codes)
