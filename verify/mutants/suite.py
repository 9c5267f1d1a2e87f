"""The fast suite: all checks with their oracles, and which of them look at a mutant, in what order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from .case_checks import case_checks
from .check import Check
from .mutant import Mutant
from .program_checks import program_checks
from .row_checks import elementwise_checks


def suite() -> list[Check]:
    """Every check, its oracle evaluated before any fault is in."""
    return [*elementwise_checks(), *case_checks(), *_by_kind(list(program_checks()))]


def _by_kind(checks: list[Check]) -> list[Check]:
    """Whole programs, one kind of check over all texts before the next kind."""
    kinds: dict[str, list[Check]] = {}
    for check in checks:
        kinds.setdefault(check.name.split(": ")[1], []).append(check)
    return [check for kind in kinds.values() for check in kind]


def chosen(mutant: Mutant, checks: Sequence[Check]) -> list[Check]:
    """The checks that look at a mutant: those of its own row, or rows that are functions first, then programs."""
    if mutant.area == "xla":
        return [check for check in checks if check.area == "xla"]
    own = [check for check in checks if mutant.subject in check.subjects]
    if own:
        return own
    rows = [check for check in checks if check.area == "rows" and ":" in check.name and _is_case(check)]
    programs = [check for check in checks if check.area == "passes"]
    if mutant.area == "rows":
        return rows + programs
    mixed = [check for pair in zip_longest(programs, rows) for check in pair if check is not None]
    return mixed


def _is_case(check: Check) -> bool:
    return "value, tangent, cotangent" in check.name or "both modes" in check.name
