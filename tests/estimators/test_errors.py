"""What cannot be estimated: every refusal has its code, a hint, and comes before anything is traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.ad.operators.audit import degree

from .cases import LAPLACIAN, MODULE, POINT

FIELD = MODULE["quartic"]
SCALED = pf.operator("k * laplacian(u)", variables="x[n]", parameters="k")
BAD: dict[str, Any] = {"law": {"law": "uniform"}, "probes": {"probes": 2.5}}


def on(text: str, variables: str = "x[n]") -> pf.Operator:
    return pf.operator(text, variables=variables)


def never(*point: Any) -> Any:
    raise AssertionError("traced before it was refused")


REFUSALS: list[tuple[str, str, Callable[[], Any]]] = [
    ("E217", "1 fields, not 2", lambda: LAPLACIAN.estimate(0, (never, never), POINT)),
    ("E217", "another shape", lambda: LAPLACIAN.estimate(0, never, 1.0)),
    ("E217", "jax.vmap", lambda: LAPLACIAN.estimate(0, never, np.ones((3, 9)))),
    ("E217", "2 variables", lambda: LAPLACIAN.estimate(0, never, (POINT, 0.5))),
    ("E217", "another shape", lambda: on("laplacian(u, x)", "x[n] y[n]").estimate(0, never, (POINT, np.ones(3)))),
    ("E218", "no value", lambda: SCALED.estimate(0, never, POINT)),
    ("E218", "kk", lambda: SCALED.estimate(0, never, POINT, kk=1.0)),
    ("E221", "17 of 9", lambda: LAPLACIAN.estimate(0, never, POINT, probes=17)),
    ("E221", "17 of 9", lambda: LAPLACIAN.squared(0, never, POINT, probes=17)),
    ("E221", "0 lanes", lambda: LAPLACIAN.estimate(0, never, POINT, probes=0)),
    ("E221", "nothing to sample", lambda: on("grad(u) @ grad(u)").estimate(0, never, POINT)),
    ("E221", "mixed", lambda: on("biharmonic(u)").estimate(0, never, POINT, probes=4)),
    ("E226", "error bar from 1 lane", lambda: LAPLACIAN.estimate(0, never, POINT, probes=1)),
    ("E226", "square from 1 lane", lambda: LAPLACIAN.squared(0, never, POINT, probes=1)),
    ("E226", "at least 3", lambda: on("laplacian(u)^2").estimate(0, never, POINT, probes=2)),
    ("E226", "product", lambda: on("laplacian(u)^2").estimate(0, never, POINT, 1, confidence=None)),
    ("E227", "laplacian(u)", lambda: on("sin(laplacian(u))").estimate(0, never, POINT, 4)),
    ("E227", "exactly", lambda: on("u / laplacian(u)").estimate(0, never, POINT, 4)),
    ("E227", "laplacian(u)", lambda: on("laplacian(u)^3").estimate(0, never, POINT, 4)),
    ("E227", "laplacian(u)", lambda: on("if laplacian(u) > 0.0 then 1.0 else u").estimate(0, never, POINT, 4)),
    ("E227", "square", lambda: on("laplacian(u)^2").squared(0, never, POINT, 4)),
    (
        "E227",
        "different lengths",
        lambda: on("laplacian(u, x) * laplacian(u, y)", "x[n] y[m]").estimate(0, never, (POINT, POINT[:5]), 4),
    ),
    ("E228", "key comes first", lambda: LAPLACIAN.estimate(-1, FIELD, POINT, 4)),
    ("E228", "no random key", lambda: LAPLACIAN.estimate(FIELD, FIELD, POINT, 4)),
    ("E228", "one key per point", lambda: LAPLACIAN.estimate(jax.random.split(jax.random.key(0)), FIELD, POINT, 4)),
    ("E229", "uniform", lambda: LAPLACIAN.estimate(0, never, POINT, **BAD["law"])),
    ("E229", "whole number", lambda: LAPLACIAN.estimate(0, never, POINT, **BAD["probes"])),
    ("E229", "confidence", lambda: LAPLACIAN.estimate(0, never, POINT, 4, confidence=95.0)),
    ("E229", "tolerance", lambda: LAPLACIAN.estimate_to(0, FIELD, POINT, tolerance=0.0)),
    ("E229", "outside", lambda: jax.jit(lambda key: LAPLACIAN.pilot(key, never, jnp.ones(9)).law)(jax.random.key(0))),
    ("E230", "±", lambda: LAPLACIAN.estimate_to(0, FIELD, POINT, tolerance=1e-9, law="gaussian", most=32)),
]


@pytest.mark.parametrize(("code", "words", "call"), REFUSALS)
def test_refusals(code: str, words: str, call: Callable[[], Any]) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        call()
    (found,) = caught.value.diagnostics
    assert found.code == code and words in str(found) and found.hint


def test_one_lane_gives_a_value_without_an_error_bar() -> None:
    found = LAPLACIAN.estimate(0, FIELD, POINT, probes=1, confidence=None)
    assert found.error is None and found.value > 0


DEGREES = [
    ("laplacian(u)", 1),
    ("u * laplacian(u) - 3.0 * laplacian(u_t) / t", 1),
    ("laplacian(u) - grad(u) @ grad(u)", 1),
    ("laplacian(u^2)", 1),
    ("laplacian(u)^2 + u_t", 2),
    ("-(laplacian(u) * laplacian(u_t))", 2),
    ("let a = laplacian(u) in let b = u_t in if b > 0.0 then a * b else a", 1),
    ("let a = laplacian(u) in a * a", 2),
    ("let a = laplacian(u) in let a = 2.0 in exp(a)", 0),
    ("sum(for i < n => x[i] * laplacian(u))", 1),
    ("sum(for i < n => x[i] * laplacian(u)^2)", 2),
    ("[laplacian(u), u] @ [u, laplacian(u)]", 2),
    ("laplacian(u)^3", 3),
    ("exp(laplacian(u))", None),
    ("1.0 / laplacian(u)", None),
    ("2.0 ^ laplacian(u)", None),
    ("abs(laplacian(u))", None),
    ("laplacian(u)^(-1)", None),
    ("if laplacian(u) > 0.0 then u else u_t", None),
    ("let (a, b) = (laplacian(u), u) in a", None),
    ("(fn (y: f64) => y * y)(laplacian(u))", None),
    ("laplacian(sin(u))", 1),
]


@pytest.mark.parametrize(("text", "expected"), DEGREES)
def test_degrees_in_estimates(text: str, expected: int | None) -> None:
    operator = on(text, "x[n] t")
    assert degree(operator.expanded) == expected
    assert bool(operator.classification.biased) == (expected not in (0, 1))


def test_a_sampled_gradient_is_refused_by_the_checker() -> None:
    """In `laplacian(u) - |grad u|^2` the gradient is read exactly; a plan that samples it has no certificate."""
    operator = on("laplacian(u) - grad(u) @ grad(u)")
    plan = operator.plan({"n": 9}, samples=4)
    assert pf.recheck(plan.certificate(), operator)
    data = plan.to_json()
    (reading,) = [reading for reading in data["plan"]["readings"] if "gradient" in reading["atom"]]
    (lanes,) = [k for k, jet in enumerate(data["plan"]["jets"]) if jet["levels"][0]["lanes"][1] == "sampled"]
    reading["entries"][0][0][0] = lanes
    verdict = pf.recheck(pf.Plan.from_json(data).certificate(), operator)
    assert not verdict and "only a sum over lanes is kept" in str(verdict)
