"""The mutants themselves: there are enough of them, they come and go, and what must notice them does."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from pushforward.ad.reverse import reverse
from pushforward.lang.builder import body
from pushforward.lang.ir import F64
from pushforward.lang.primitives import get
from pushforward.lang.primitives.row import Smooth
from pushforward.semantics.reference import evaluate
from pushforward.verify.mutants.__main__ import all_mutants, report
from pushforward.verify.mutants.caches import clear
from pushforward.verify.mutants.check import Check
from pushforward.verify.mutants.equivalent import EQUIVALENT
from pushforward.verify.mutants.mutant import Mutant
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


def test_the_suite_is_content_without_a_fault() -> None:
    clear()
    for check in checks()[::7]:
        check.run()


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


def test_unnoticed_mutants_fail_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    some = mutants()[:50]
    noticed = [Verdict(k, "a check", "AssertionError", 0.0) for k in range(50)]
    assert report(some, noticed, 1.0, whole=False) == 0
    assert report(some, [*noticed[2:], *(Verdict(k, None, "nothing", 0.0) for k in (0, 1))], 1.0, whole=False) == 1
    assert "unnoticed: " in capsys.readouterr().out
