"""The mutants themselves: there are enough of them, they come and go, and what must notice them does."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pushforward.ad.reverse import reverse
from pushforward.lang.builder import body
from pushforward.lang.ir import F64
from pushforward.lang.primitives import get
from pushforward.lang.primitives.row import Smooth
from pushforward.semantics.reference import evaluate
from pushforward.verify.mutants import __main__ as entry
from pushforward.verify.mutants.__main__ import all_mutants
from pushforward.verify.mutants.caches import clear
from pushforward.verify.mutants.check import Check
from pushforward.verify.mutants.equivalent import EQUIVALENT
from pushforward.verify.mutants.mutant import Mutant
from pushforward.verify.mutants.passes import families
from pushforward.verify.mutants.report import END, NOT_RECORDED, START, WANTED, report, write_section
from pushforward.verify.mutants.rule_edits import rule_edits
from pushforward.verify.mutants.runner import Verdict, judge
from pushforward.verify.mutants.suite import chosen, suite

# A fault per kind that a suite reading one table in every mode would miss, and some that need arrays or loops.
MUST_BE_NOTICED = (
    "sin: negate: d/dx0 = -(cos(x0))",
    "div: drop a term: d/dx1 = -(y)",
    "maximum: wrong tie: d/dx0 guard 0 = (x0 >= x1)",
    "ad.cotangents.Ledger.add: drop accumulation",
    "ad.cotangents.Ledger.take: zero",
    "ad.structured.fold._backward_fold: swapped scan direction",
    "ad.structured.loops.LoopBody.residuals: stale checkpoint",
    "ad.structured.branch._backward_branch: swap branch",
    "ad.rules.match_shape: drop accumulation",
    "lang.specialise.derive.derive: perturbation confusion",
    "lang.primitives.reductions._exclusive_cumprod: unshifted prefix",
    "lang.primitives.reductions._cumsum: swapped scan direction",
    "ad.cotangents.scatter: scatter without accumulation",
    "ad.checkpoint.strip_mined: off by one: `",
)


@cache
def mutants() -> tuple[Mutant, ...]:
    return tuple(all_mutants())


@cache
def checks() -> tuple[Check, ...]:
    return tuple(suite())


def test_there_are_many_mutants_of_many_kinds() -> None:
    kinds = Counter(mutant.operator for mutant in mutants())
    assert sum(kinds.values()) >= 1000
    assert {"negate", "drop a term", "swap operands", "off by one"} <= set(kinds)
    assert {"drop accumulation", "zero", "swap branch"} <= set(kinds)
    assert {"stale checkpoint", "perturbation confusion", "unshifted prefix", "wrong tie", "0 * inf"} <= set(kinds)
    assert len({mutant.name for mutant in mutants()}) == len(mutants())


def test_excuses_name_mutants_and_say_why() -> None:
    names = {mutant.name for mutant in mutants()}
    assert set(EQUIVALENT) <= names
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())


@pytest.mark.parametrize("part", range(8))
def test_the_suite_is_content_without_a_fault(part: int) -> None:
    """What the mutants led to is looked at in every run of the tests."""
    clear()
    with np.errstate(all="ignore"):
        for check in checks()[part::8]:
            check.run()


def test_every_row_with_a_rule_has_a_check_of_its_own() -> None:
    rows = {mutant.subject for mutant in mutants() if mutant.area == "rows" and "." not in mutant.subject}
    assert rows <= {subject for check in checks() for subject in check.subjects}


def test_every_family_of_rows_is_mutated() -> None:
    assert {"lang.primitives.reductions", "lang.primitives.linalg", "lang.primitives.indexing"} <= set(families())
    functions = {mutant.subject for mutant in mutants()}
    assert {"lang.primitives.reductions._running_winner", "ad.sweep.Sweep._backward_apply"} <= functions


@pytest.mark.parametrize("start", MUST_BE_NOTICED)
def test_known_faults_are_noticed(start: str) -> None:
    found = [mutant for mutant in mutants() if mutant.name.startswith(start)]
    assert found
    for mutant in found[:3]:
        killer, how = judge(mutant, chosen(mutant, checks()))
        assert killer is not None, mutant.name
        assert how


def test_a_fault_takes_effect_at_once_and_leaves_nothing_behind() -> None:
    program = body("sine", [F64], lambda b, x: [b.apply("sin", x[0])])
    bar = float(evaluate(reverse(program), [0.5, 1.0])[1])
    (mutant,) = [m for m in mutants() if m.name == "sin: zero: d/dx0 = 0"]
    with mutant.installed():
        clear()
        assert float(evaluate(reverse(program), [0.5, 1.0])[1]) == 0.0
    clear()
    assert float(evaluate(reverse(program), [0.5, 1.0])[1]) == bar == np.cos(0.5)


def test_a_check_that_fails_without_a_fault_would_be_seen() -> None:
    """A mutant that changes nothing is not noticed."""
    idle = Mutant("rows", "nothing", "sin", "nothing", lambda: lambda: None)
    assert judge(idle, chosen(idle, checks())) == (None, "nothing")


def test_the_wrong_power_rule_of_the_prototype_is_noticed() -> None:
    row = get("integer_pow")
    assert isinstance(row.derivative, Smooth)
    before = row.derivative

    def install() -> object:
        object.__setattr__(row, "derivative", Smooth(("(exponent - 1) * integer_pow(x0, exponent - 1)",)))
        return lambda: object.__setattr__(row, "derivative", before)

    wrong = Mutant("rows", "off by one", "integer_pow", "the factor", install)  # type: ignore[arg-type]
    assert judge(wrong, chosen(wrong, checks()))[0] is not None


def test_rule_edits_are_rules_again_and_differ() -> None:
    text = "if x0 > 1 then -x0 / y else 0.5 * x1 - 2"
    found = rule_edits(text)
    assert len({changed for _, changed in found}) == len(found) > 20
    assert {"swap branch", "wrong tie", "negate", "off by one", "drop a term"} <= {operator for operator, _ in found}


def _noticed(count: int, *missed: int) -> list[Verdict]:
    return [Verdict(k, None if k in missed else "a check", "", 0.0) for k in range(count)]


def test_a_run_fails_under_its_score_and_says_what_went_unnoticed() -> None:
    some = [mutant for mutant in mutants() if mutant.name not in EQUIVALENT][:50]
    assert report(some, _noticed(50), 1.0, 2, whole=False).code == 0
    assert report(some, _noticed(50, 7), 1.0, 2, whole=False).code == 0
    missed = report(some, _noticed(50, 0, 1), 1.0, 2, whole=False)
    assert missed.code == 1 and missed.score == 0.96
    assert f"unnoticed: {some[0].name}" in str(missed)


def test_excuses_do_not_count_and_fail_the_run_when_nobody_needs_them() -> None:
    excused = [mutant for mutant in mutants() if mutant.name in EQUIVALENT]
    found = report(excused, _noticed(len(excused), *range(len(excused))), 1.0, 2, whole=True)
    assert (found.code, found.score, found.stale) == (0, 1.0, ())
    stale = report(excused, _noticed(len(excused), *range(1, len(excused))), 1.0, 2, whole=True)
    assert stale.code == 1 and stale.stale == (excused[0].name,)
    assert report(excused, _noticed(len(excused)), 1.0, 2, whole=False).code == 0


def test_the_exit_code_of_a_run_is_that_of_its_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "all_mutants", lambda: list(mutants()))
    monkeypatch.setattr(entry, "suite", list)
    assert entry.main(["--only", "expm1: zero", "--workers", "1"]) == 1
    assert "unnoticed: expm1: zero" in capsys.readouterr().out
    monkeypatch.setattr(entry, "suite", lambda: [check for check in checks() if "expm1" in check.subjects])
    assert entry.main(["--only", "expm1: zero", "--workers", "1"]) == 0


def test_a_run_does_not_start_when_a_check_fails_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise AssertionError

    monkeypatch.setattr(entry, "all_mutants", lambda: list(mutants()))
    monkeypatch.setattr(entry, "suite", lambda: [Check("rows", "broken", frozenset({"expm1"}), fail)])
    assert entry.main(["--only", "expm1: zero", "--workers", "1"]) == 2
    assert "a check fails without any fault: broken" in capsys.readouterr().out


def test_a_page_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nold\n{END}\nbehind\n")
    some = [next(m for m in mutants() if m.name in EQUIVALENT), *(m for m in mutants() if m.name not in EQUIVALENT)][:9]
    write_section(page, report(some, _noticed(9, 0), 61.0, 2, whole=False))
    text = page.read_text()
    assert text.startswith(f"before\n{START}\nThere are 9 mutants.") and text.endswith(f"{END}\nbehind\n")
    assert "old" not in text and f"`{some[0].name}`: {EQUIVALENT[some[0].name]}" in text


def test_the_page_of_figures_lists_every_excuse_and_any_score_is_enough() -> None:
    page = Path(__file__).parents[2] / "docs" / "trust.md"
    section = page.read_text("utf-8").split(START)[1].split(END)[0]
    listed = re.findall(r"^- (?:`` (.*) ``|`(.*)`): .*$", section, re.MULTILINE)
    assert {one or other for one, other in listed} == set(EQUIVALENT)
    assert all(f": {reason}\n" in section for reason in EQUIVALENT.values())
    if NOT_RECORDED in section:
        return
    found = re.findall(r"([\d,]+) (?:mutants|were noticed)", section)
    total, noticed = (int(number.replace(",", "")) for number in found)
    assert noticed / (total - len(EQUIVALENT)) >= WANTED
    cells = re.findall(r"^\| .+? \| (\d+) \| (\d+) \| (\d+) \|", section, re.MULTILINE)
    rows = [[int(cell) for cell in row] for row in cells]
    assert [sum(column) for column in zip(*rows, strict=True)] == [total, noticed, len(EQUIVALENT)]
    assert " | - |" not in section
