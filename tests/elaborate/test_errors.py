"""The error rows of elaboration: the example of every row gives its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.elaborate.errors import ELABORATION
from pushforward.lang.errors_index import ErrorRow
from pushforward.lang.module import load_module
from pushforward.lang.specialise import specialise


def codes(path: Path) -> list[str]:
    """What loading a file and compiling its `main`, with all sizes zero, finds."""
    try:
        module = load_module(path)
        program = module.program("main")
        specialise(program, module.definitions, dict.fromkeys(program.sizes, 0))
    except DiagnosticError as error:
        return [found.code for found in error.diagnostics]
    return []


@pytest.mark.parametrize("row", ELABORATION, ids=lambda row: row.code)
def test_example_gives_its_code(row: ErrorRow, tmp_path: Path) -> None:
    for k in range(1, 203):
        (tmp_path / f"a{k}.pf").write_text(f'import "a{k + 1}.pf" as a')
    (tmp_path / "a.pf").write_text("def f(x: f64): f64 = x" if row.example.startswith("pf ") else row.example)
    assert row.code in codes(tmp_path / "a.pf")


def test_codes_are_in_order_and_in_range() -> None:
    found = [row.code for row in ELABORATION]
    assert found == sorted(set(found)) and found[0] >= "E120" and found[-1] <= "E139"
