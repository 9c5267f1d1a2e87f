"""The generated programs have the sizes they are timed at."""

from __future__ import annotations

import pytest

from benchmarks.generate import BLOCK_LINES, chain, definitions


@pytest.mark.parametrize("lines", [1, 100, 1000, 4000])
def test_definitions_have_about_the_lines_asked_for(lines: int) -> None:
    text = definitions(lines)
    assert max(1, lines - BLOCK_LINES) <= text.count("\n") <= max(lines, BLOCK_LINES)
    assert text == definitions(lines)


@pytest.mark.parametrize("steps", [1, 4, 60])
def test_chain_is_finite_and_has_the_steps_asked_for(steps: int) -> None:
    text = chain(steps)
    assert text.count("  let ") == steps
    assert text.rstrip().endswith(f"in t{steps + 1}")
