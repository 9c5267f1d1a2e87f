"""Certificates: what is right is accepted, what is changed or was wrong from the start is refused with the reason."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction
from math import factorial
from typing import Any

import pytest

import pushforward as pf
from pushforward._operator import Law
from pushforward.ad.operators.jets import Jet, Level, Reading, Scheme, Seed, Term, digest

KDV_2D = pf.operator("u_ty + u_xxxy + 3*(u_xy*u_x + u_y*u_xx) - u_xx + 2*u_yy", variables="x y t")
HEAT = pf.operator("u_t - laplacian(u) + grad(u) @ grad(u)", variables="x[n] t")


def test_the_published_13_jet_is_refuted() -> None:
    """One 13-jet with tangents x, y, t at orders 3, 4, 7 (Shi et al. 2024, equation 21): four readings are wrong."""
    tangents = {"x": 3, "y": 4, "t": 7}
    seeds = tuple(Seed(name, (order,), scale=Fraction(1, factorial(order))) for name, order in tangents.items())
    jet = Jet("u", (Level(tuple((k,) for k in range(14)), seeds),))
    published = {
        "u_yt": (11, 330),
        "u_xxxy": (13, 200200),
        "u_xy": (7, 35),
        "u_x": (3, 1),
        "u_y": (4, 1),
        "u_xx": (6, 1),
        "u_yy": (8, 35),
    }
    readings = tuple(
        Reading(atom, ((Term(0, ((order,),), Fraction(factorial(order), divisor)),),))
        for atom in KDV_2D.expanded.atoms
        for order, divisor in [published[str(atom)]]
    )
    scheme = Scheme("13-jet", (("x", None), ("y", None), ("t", None)), (jet,), readings)
    verdict = pf.recheck(pf.Plan(KDV_2D.record, scheme).certificate(), KDV_2D)
    assert not verdict
    wrong = {reason.split("`")[1]: reason for reason in verdict.reasons}
    assert wrong.keys() == {"u_yt", "u_xxxy", "u_xy", "u_xx"}
    assert "on x^2 it gives 20, not 2" in wrong["u_xx"]
    assert "on t it gives 1/35, not 0" in wrong["u_xy"]
    assert "on x y^2 it gives 35, not 0" in wrong["u_yt"]
    assert "on x^2 t it gives 12/70, not 0".replace("12/70", "6/35") in wrong["u_xxxy"]


Change = Callable[[dict[str, Any]], None]


def _factor(plan: dict[str, Any]) -> None:
    plan["readings"][0]["entries"][0][0][2] = "3"


def _slot(plan: dict[str, Any]) -> None:
    plan["readings"][0]["entries"][0][0][1] = [[0]]


def _seed(plan: dict[str, Any]) -> None:
    plan["jets"][1]["levels"][0]["seeds"][0][3] = "2"


def _truncated(plan: dict[str, Any]) -> None:
    plan["jets"][1]["levels"][0]["indices"].pop()


def _dropped(plan: dict[str, Any]) -> None:
    plan["readings"].pop()


def _swapped(plan: dict[str, Any]) -> None:
    first, second = plan["readings"][:2]
    first["entries"], second["entries"] = second["entries"], first["entries"]


def _length(plan: dict[str, Any]) -> None:
    plan["readings"][0]["entries"][0][0][3] = [0, 1]


def _summed_value(plan: dict[str, Any]) -> None:
    plan["readings"][0]["entries"][0].append([1, [[0]], "1", [1]])


def _other_variable(plan: dict[str, Any]) -> None:
    plan["jets"][0]["levels"][0]["seeds"][0][0] = "s"


def _no_number(plan: dict[str, Any]) -> None:
    plan["readings"][0]["entries"][0][0][2] = "1/0"


@pytest.mark.parametrize(
    "change",
    [_factor, _slot, _seed, _truncated, _dropped, _swapped, _length, _summed_value, _other_variable, _no_number],
)
def test_changed_plans_are_refused_even_with_a_fresh_digest(change: Change) -> None:
    good = HEAT.plan().certificate()
    assert pf.recheck(good, HEAT)
    bad = copy.deepcopy(good)
    change(bad["plan"])
    assert not pf.recheck(bad, HEAT)
    bad["plan_digest"] = digest(bad["plan"])
    verdict = pf.recheck(bad, HEAT)
    assert not verdict and verdict.reasons


def test_a_certificate_is_bound_to_its_operator() -> None:
    other = pf.operator("u_t - 2*laplacian(u) + grad(u) @ grad(u)", variables="x[n] t")
    certificate = HEAT.plan().certificate()
    verdict = pf.recheck(certificate, other)
    assert not verdict and "another operator" in verdict.reasons[0]
    certificate["operator"]["body"] = ""
    assert "has been changed" in pf.recheck(certificate).reasons[0]


@pytest.mark.parametrize("entry", ["status", "degree", "schema"])
def test_what_a_certificate_states_is_worked_out_again(entry: str) -> None:
    certificate = HEAT.plan().certificate()
    certificate[entry] = {"status": "unbiased"}.get(entry, 7)
    assert not pf.recheck(certificate, HEAT)
    del certificate[entry]
    assert "malformed" in pf.recheck(certificate, HEAT).reasons[0]


@pytest.mark.parametrize("law", ["sampled", "rademacher", "gaussian", "sphere"])
@pytest.mark.parametrize("sizes", [{}, {"n": 9}])
@pytest.mark.parametrize("text", ["u_t - laplacian(u_t)", "div(C @ grad(u))", "biharmonic(u)", "{power}"])
def test_moments_of_random_lanes(law: Law, sizes: dict[str, int], text: str) -> None:
    text = text.replace("{power}", "sum(for i < n => partial(u, x[i], 4))")
    operator = pf.operator(text, variables="x[n] t", parameters="C[n, n]")
    possible = {"biharmonic(u)": ("gaussian", "sphere")}.get(text, ("sampled",) if "sum" in text else (law,))
    if law not in possible:
        with pytest.raises(pf.DiagnosticError, match="E221"):
            operator.plan(sizes, samples=4, law=law)
        return
    plan = operator.plan(sizes, samples=4, law=law)
    assert not plan.exact
    verdict = pf.recheck(plan.certificate(), operator)
    assert verdict and "unbiased" in verdict.claim


def test_rademacher_lanes_do_not_estimate_the_bilaplacian() -> None:
    """Their fourth moments miss the pure derivatives, which a checker of moments sees."""
    operator = pf.operator("biharmonic(u)", variables="x[n]")
    certificate = operator.plan(samples=4, law="gaussian").certificate()
    certificate["plan"]["jets"][0]["levels"][0]["lanes"][1] = "rademacher"
    certificate["plan_digest"] = digest(certificate["plan"])
    verdict = pf.recheck(certificate, operator)
    assert not verdict and "on x[0]^4 it gives 8, not 24" in verdict.reasons[0]


def test_factors_of_a_dimension_too_many_are_refused() -> None:
    """The factor d that Shi et al. 2024 print in equations 85 and 88."""
    operator = pf.operator("laplacian(u)", variables="x[n]")
    certificate = operator.plan(samples=4, law="rademacher").certificate()
    certificate["plan"]["readings"][0]["entries"][0][0][3] = [0, 1]
    certificate["plan_digest"] = digest(certificate["plan"])
    assert not pf.recheck(certificate, operator)


def _huge_factor(plan: dict[str, Any]) -> None:
    plan["readings"][0]["entries"][0][0][2] = "1e999999999"


def _huge_length(plan: dict[str, Any]) -> None:
    plan["variables"][0][1] = 10**12
    plan["jets"][0]["levels"][0]["seeds"].append(["x", [1], "unit", "1", 10**11])


def _deep_jet(plan: dict[str, Any]) -> None:
    level = {"indices": [[k] for k in range(60)], "seeds": [], "lanes": None, "collapsed": False}
    plan["jets"].append({"field": "u", "levels": [level] * 6})
    plan["readings"][0]["entries"][0][0][:2] = [len(plan["jets"]) - 1, [[59]] * 6]


@pytest.mark.parametrize("change", [_huge_factor, _huge_length, _deep_jet])
def test_certificates_that_would_eat_the_machine_are_refused(change: Change) -> None:
    certificate = HEAT.plan({"n": 3}).certificate()
    change(certificate["plan"])
    certificate["plan_digest"] = digest(certificate["plan"])
    verdict = pf.recheck(certificate, HEAT)
    assert not verdict and verdict.reasons


def test_a_plan_from_a_file_has_no_factor_that_is_written_out() -> None:
    certificate = HEAT.plan({"n": 3}).certificate()
    _huge_factor(certificate["plan"])
    with pytest.raises(pf.DiagnosticError, match="E222"):
        pf.Plan.from_json(certificate)


def test_the_checker_does_not_import_what_it_checks() -> None:
    from pathlib import Path

    import pushforward.verify.check.plans as checker

    for path in Path(checker.__file__).parent.glob("*.py"):
        imports = [line for line in path.read_text(encoding="utf-8").splitlines() if "import" in line.split()]
        assert not [line for line in imports if ".." in line or "pushforward" in line], path.name
