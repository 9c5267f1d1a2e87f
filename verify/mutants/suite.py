"""The fast suite: all checks with their oracles, and which of them look at a mutant, in what order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from .batch_checks import batch_checks
from .case_checks import case_checks
from .check import Check
from .hand_checks import hand_checks
from .inexact_checks import inexact_checks
from .mutant import Mutant
from .passes import find
from .plan_checks import plan_checks
from .program_case import prepare
from .program_checks import program_checks
from .program_texts import TEXTS
from .row_checks import elementwise_checks
from .series_checks import series_checks
from .step_programs import STEP_TEXTS
from .work_checks import work_checks


def suite() -> list[Check]:
    """Every check, its oracle evaluated before any fault is in."""
    programs = [prepare(text) for text in (*TEXTS, *STEP_TEXTS)]
    whole = [*program_checks(programs), *batch_checks(programs), *work_checks(programs), *hand_checks()]
    high = [*series_checks(programs), *plan_checks()]
    return [*elementwise_checks(), *inexact_checks(), *case_checks(), *_by_kind(whole), *high]


def _by_kind(checks: list[Check]) -> list[Check]:
    """Whole programs, one kind of check over all texts before the next kind."""
    kinds: dict[str, list[Check]] = {}
    for check in checks:
        kinds.setdefault(check.name.split(": ")[1], []).append(check)
    return [check for kind in kinds.values() for check in kind]


# Which kind of check is likely to notice a fault in a module; the others follow.
_LIKELY = {
    "ad.forward": "tangents",
    "ad.full": "full stage",
    "ad.vmap_": "lanes",
    "ad.vmap": "batches",
    "ad.checkpoint": "budgets",
    "ad.derive": "matrices",
    "lang.passes": "values",
}

# The kinds of checks that reach a package which nothing else uses, and which of these come first for some modules.
_ALONE = {"ad.taylor": ("series", "plans"), "ad.operators": ("plans",)}
_FIRST = {
    "ad.taylor.onehot": ", coordinates",
    "ad.taylor.sparse": ", coordinates",
    "ad.taylor.compose": ", directions",
    "ad.taylor.exceptions": "pow-",
}


def chosen(mutant: Mutant, checks: Sequence[Check]) -> list[Check]:
    """The checks that look at a mutant: those of its own row or package; else programs and small cases, the likely
    ones first."""
    own = [check for check in checks if mutant.subject in check.subjects]
    if own:
        return own
    for start, kinds in _ALONE.items():
        if mutant.subject.startswith(start):
            own = [check for kind in kinds for check in checks if check.name.endswith(f": {kind}")]
            first = next((text for module, text in _FIRST.items() if mutant.subject.startswith(module)), "")
            return sorted(own, key=lambda check: first not in check.name)
    high = tuple(f": {kind}" for kinds in _ALONE.values() for kind in kinds)
    checks = [check for check in checks if not check.name.endswith(high)]
    cases = [check for check in checks if check.area == "rows" and _is_case(check)]
    programs = [check for check in checks if check.area == "passes"]
    if mutant.area == "rows":
        family = _rows_beside(mutant.subject)
        cases.sort(key=lambda check: not check.subjects & family)
        return [*cases, *programs]
    likely = next((kind for start, kind in _LIKELY.items() if mutant.subject.startswith(start)), "cotangents")
    for part in (programs, cases):
        part.sort(key=lambda check: not check.name.endswith(f": {likely}"))
    return [check for pair in zip_longest(programs, cases) for check in pair if check is not None]


def _rows_beside(subject: str) -> frozenset[str]:
    """The rows in the family of a rule that is a function; none for a row."""
    family = subject.rpartition(".")[0]
    return frozenset(row.name for row in find(family, "ROWS")) if family else frozenset()


def _is_case(check: Check) -> bool:
    return not check.name.endswith(("partials", "edges", "second derivatives"))
