"""The planner: costs against known ones, and readings against an independent checker."""

from __future__ import annotations

import pytest

import pushforward as pf
from pushforward.ad.operators import algebra, scalar
from pushforward.ad.operators.cost import cost
from pushforward.ad.operators.jets import Scheme
from pushforward.ad.operators.plan import Plan

KDV_2D = "u_ty + u_xxxy + 3*(u_xy*u_x + u_y*u_xx) - u_xx + 2*u_yy"
KP = "partial(u_t + 6*u*u_x + u_xxx, x) + 3*u_yy"
KDV_AND_GRADIENT = " + ".join(
    pattern.format("u_t + u*u_x + u_xxx") for pattern in ("{}", "partial({}, x)", "partial({}, t)")
)

# vectors and products of each way: clean single jet, polarised jets, staircase, nested first-order passes
SINGLE = {
    "xy": ((1, 1), (6, 21), (5, 12), (4, 9), (4, 9)),
    "xxy": ((2, 1), (8, 36), (10, 30), (6, 18), (8, 27)),
    "xxxy": ((3, 1), (12, 78), (17, 60), (8, 30), (16, 81)),
    "xxyy": ((2, 2), (15, 120), (17, 60), (9, 36), (16, 81)),
    "xxxyy": ((3, 2), (18, 171), (26, 105), (12, 60), (32, 243)),
    "xyz": ((1, 1, 1), (18, 171), (13, 40), (8, 27), (8, 27)),
    "xyzw": ((1, 1, 1, 1), None, (33, 120), (16, 81), (16, 81)),
}
SLOTS = {
    (1, 1): (5, (2, 3)),
    (2, 1): (7, (2, 3)),
    (3, 1): (11, (2, 5)),
    (2, 2): (14, (3, 4)),
    (4, 1): (13, (2, 5)),
    (3, 2): (17, (3, 4)),
    (1, 1, 1): (17, (4, 6, 7)),
}


@pytest.mark.parametrize("name", SINGLE)
def test_costs_of_one_derivative(name: str) -> None:
    index, *expected = SINGLE[name]
    assert index is not None
    active = [(letter, -1) for letter in "xyzw"[: len(index)]]
    for way, wanted in zip(("clean", "polarised", "staircase", "nested"), expected, strict=True):
        jets = scalar.SCALAR[way]("u", [index], active)
        if wanted is None:
            assert isinstance(jets, str)
            continue
        assert not isinstance(jets, str)
        found = cost(Scheme(way, tuple((letter, None) for letter, _ in active), jets, ()))
        assert (found.vectors, found.products) == wanted
        assert algebra.solve(algebra.functionals(jets, active), index) is not None


@pytest.mark.parametrize("index", SLOTS)
def test_least_clean_orders(index: tuple[int, ...]) -> None:
    assert scalar.clean_slots(index) == SLOTS[index]


@pytest.mark.parametrize(
    ("text", "variables", "sizes", "expected"),
    [
        (KDV_2D, "x y t", {}, (11, 39)),
        (KP, "x y t", {}, (9, 26)),
        (KDV_AND_GRADIENT, "x t", {}, (10, 38)),
        ("u_xyz", "x y z", {}, (8, 27)),
        ("biharmonic(u, x, y)", "x y", {}, (13, 54)),
        ("biharmonic(u)", "x[2]", {}, (13, 54)),
        ("biharmonic(u)", "x[n]", {"n": 5}, (49, 324)),
        ("biharmonic(u)", "x[n]", {"n": 50}, (2704, 23409)),
        ("laplacian(u)", "x[n]", {"n": 50}, (52, 153)),
        ("u_xxx + u*u_x", "x", {}, (4, 10)),
    ],
)
def test_cheapest_plans(text: str, variables: str, sizes: dict[str, int], expected: tuple[int, int]) -> None:
    operator = pf.operator(text, variables=variables)
    plan = operator.plan(sizes)
    assert (plan.vectors, plan.products) == expected
    assert pf.recheck(plan.certificate(), operator)


@pytest.mark.parametrize(
    ("text", "variables", "parameters"),
    [
        (KDV_2D, "x y t", ""),
        (KDV_AND_GRADIENT, "x t", ""),
        ("biharmonic(u)", "x[2]", ""),
        ("biharmonic(u) + u_t", "x[n] t", ""),
        ("laplacian(u_t) + grad(u) @ grad(u) + sum(for i < n => partial(u, x[i], 4))", "x[n] t", ""),
        ("div(C @ grad(u)) + sum(for i < n => partial(u_t, x[i], 3) * partial(u, x[i]))", "x[n] t", "C[n, n]"),
        ("hessian(u)[0, 0] + u", "x[n]", ""),
        ("hessian(u)[0, 0] + partial(u, x[1], 3)", "x[2]", ""),
        ("u_x*v_y - laplacian(v, x, y)", "x y", ""),
    ],
)
def test_every_candidate_is_right(text: str, variables: str, parameters: str) -> None:
    operator = pf.operator(text, variables=variables, parameters=parameters, fields="u v" if "v_" in text else "u")
    plan = operator.plan()
    schemes = [candidate.scheme for candidate in plan.candidates if candidate.scheme is not None]
    assert schemes
    for scheme in schemes:
        verdict = pf.recheck(Plan(operator.record, scheme).certificate(), operator)
        assert verdict, f"{scheme.kind}: {verdict}"


def test_every_rejected_candidate_says_why() -> None:
    plan = pf.operator("u_t - laplacian(u)", variables="x[n] t").plan()
    reasons = {candidate.name: candidate.why_not for candidate in plan.candidates}
    assert [name for name, reason in reasons.items() if not reason] == [plan.kind]
    assert "vectors, not" in reasons["staircase + lanes, not collapsed"]
    for reason in filter(None, reasons.values()):
        assert reason in plan.text()


def test_a_plan_survives_json_and_is_compared_by_content() -> None:
    operator = pf.operator(KDV_2D, variables="x y t")
    plan = operator.plan()
    again = pf.Plan.from_json(plan.to_json())
    assert again == plan and hash(again) == hash(plan)
    assert pf.Plan.from_json(plan.certificate()) == plan
    assert plan != pf.operator("u_t", variables="x y t").plan()
    assert pf.operator(KDV_2D, variables="x y t") == operator


def test_the_audit_names_products_of_estimates() -> None:
    text = "u_t + laplacian(u)^2 + laplacian(u)*laplacian(u_t) + 2.0 * biharmonic(u) + grad(u) @ grad(u)"
    found = pf.operator(text, variables="x[n] t").classification
    pairs = {(str(one), str(other)) for one, other in found.biased}
    assert pairs == {("laplacian(u)", "laplacian(u)"), ("laplacian(u)", "laplacian(u_t)")}
    assert list(map(str, found.linear)) == ["laplacian^2(u)"]
    assert list(map(str, found.first)) == ["u_t", "grad(u)"]
    assert "grad(u)" in map(str, found.nonlinear)
