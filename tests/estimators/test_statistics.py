"""Statistics: variances by their formulas, error bars that hold, squares without bias. Seeds are fixed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from benchmarks.lane_trials import expected, found_variance, polynomial
from pushforward._request import Request, request
from pushforward.semantics.estimators import draw, intervals, variance

from .cases import LAPLACIAN, MODULE, exact

SHIFTED = pf.operator("laplacian(u) - f", variables="x[n]", parameters="f")
SQUARE = pf.operator("(laplacian(u) - f)^2", variables="x[n]", parameters="f")
X = np.array([0.3, -1.2, 0.8, 2.0, -0.1, 1.1])


def on_lanes(found: Request, lanes: Iterable[Any]) -> list[np.ndarray]:
    """The samples that chosen lanes give."""
    program = found.program(("one",))
    return [program(np.asarray(one), *found.point)[0] for one in lanes]


def asked(operator: pf.Operator, name: str, x: np.ndarray, lanes: int, law: str = "sampled", **given: Any) -> Request:
    return request(operator, MODULE[name], x, lanes, law, given)


@pytest.mark.parametrize("name", ["sampled", "rademacher", "gaussian", "sphere", "fourth_gaussian"])
def test_variances_are_those_of_the_formulas(name: str) -> None:
    with jax.enable_x64(True):
        field, x, hessian, fourth = polynomial(0)
        mean, value = found_variance(name, field, x, 3, 20_000, 1, "rbg")  # compiles sooner
    wanted = expected(hessian, fourth, 3)[name]
    truth = np.einsum("iijj", fourth) if name.startswith("fourth") else np.trace(hessian)
    assert value == pytest.approx(wanted, rel=0.08)
    assert abs(mean - truth) < 5 * np.sqrt(wanted / 20_000)


def test_variance_of_frames() -> None:
    generator = np.random.default_rng(0)
    hessian = generator.standard_normal((6, 6))
    hessian += hessian.T
    frames = np.linalg.qr(generator.standard_normal((40_000, 6, 3)))[0]
    means = 6 * np.einsum("tik,ij,tjk->t", frames, hessian, frames) / 3
    assert means.var() == pytest.approx(variance.frame(hessian, 3), rel=0.05)


def test_sampling_a_saddle_by_all_kinds_of_subsets() -> None:
    """x1^2 - x2^2 over 1000 coordinates and 16 lanes: what matters is which of the two are drawn."""
    n, lanes = 1000, 16
    rest = list(range(2, 2 + lanes))
    kinds = [rest, [0, *rest[1:]], [1, *rest[1:]], [0, 1, *rest[2:]]]
    means = [samples.mean() for samples in on_lanes(asked(LAPLACIAN, "saddle", np.ones(n), lanes), kinds)]
    both = lanes * (lanes - 1) / (n * (n - 1))
    chances = np.array([1 - 2 * lanes / n + both, lanes / n - both, lanes / n - both, both])
    assert chances @ means == pytest.approx(0.0, abs=1e-12)
    wanted = n**2 * (8 / n) * (n - lanes) / (lanes * (n - 1))
    assert chances @ np.square(means) == pytest.approx(wanted, rel=1e-12) and wanted == pytest.approx(492.49, abs=0.01)
    assert variance.sampled(np.array([2.0, -2.0, *[0.0] * (n - 2)]), lanes) == pytest.approx(wanted, rel=1e-12)
    signs = LAPLACIAN.estimate(0, MODULE["saddle"], np.ones(n), 4, "rademacher")
    assert signs.value == signs.error == 0.0
    mixed = LAPLACIAN.estimate(0, MODULE["product"], np.ones(n), lanes)
    assert mixed.value == mixed.error == 0.0


@pytest.mark.parametrize("lanes", [2, 3, 5])
def test_squares_are_unbiased_over_all_subsets(lanes: int) -> None:
    """The mean over every subset is the square exactly; the naive square is off by the variance exactly."""
    f, n = 20.0, len(X)
    true = exact(SHIFTED, MODULE["quartic"], X, f=f) ** 2
    subsets = list(combinations(range(n), lanes))
    samples = on_lanes(asked(SHIFTED, "quartic", X, lanes, f=f), subsets)
    left = intervals.remaining(lanes, n)
    assert np.mean([intervals.squared(one, left) for one in samples]) == pytest.approx(true, rel=1e-12)
    hessian = np.diag(12 * X**2 + 4 * (X @ X)) + 8 * np.outer(X, X)
    excess = variance.sampled(np.diag(hessian), lanes)
    assert np.mean([one.mean() ** 2 for one in samples]) == pytest.approx(true + excess, rel=1e-10)


@pytest.mark.parametrize("lanes", [3, 4])
def test_products_are_unbiased_over_all_subsets(lanes: int) -> None:
    """The U-statistic of an operator with a square in it, and the pseudo-values whose mean it is."""
    f, n = 20.0, len(X)
    true = exact(SQUARE, MODULE["quartic"], X, f=f)
    program = asked(SQUARE, "quartic", X, lanes, f=f).program(("mean", "one", "others"))
    left, without = intervals.remaining(lanes, n), intervals.remaining(lanes - 1, n)
    values, pseudo = [], []
    for subset in combinations(range(n), lanes):
        at_mean, one, others = program(np.asarray(subset), X)
        values.append(intervals.quadratic(at_mean, one.mean(), lanes, left))
        pseudo.append(intervals.pseudo_values(at_mean, one, others, left, without).mean())
    assert np.mean(values) == pytest.approx(true, rel=1e-11)
    assert pseudo == pytest.approx(values, rel=1e-9)


def test_error_bars_hold_as_often_as_they_say() -> None:
    generator = np.random.default_rng(3)
    first, last = generator.standard_normal((60, 12)) / 4, generator.standard_normal(12)

    def field(x: Any) -> Any:
        return jnp.tanh(x @ first) @ last

    with jax.enable_x64(True):
        x = jnp.asarray(generator.standard_normal(60) / 8)
        truth = float(LAPLACIAN(field)(x))
        keys = jax.random.split(jax.random.key(0, impl="rbg"), 4000)
        found = jax.jit(jax.vmap(lambda key: LAPLACIAN.estimate(key, field, x, 8)))(keys)
    value, error, samples = map(np.asarray, (found.value, found.error, found.samples))
    assert 0.93 < np.mean(np.abs(value - truth) <= error) < 0.97
    assert samples.mean(1) == pytest.approx(value)


def test_subsets_are_uniform_and_never_repeat() -> None:
    keys = jax.random.split(jax.random.key(1, impl="rbg"), 12_000)
    drawn = np.sort(np.asarray(jax.jit(jax.vmap(lambda key: draw.subset(key, 3, 6)))(keys)), axis=1)
    assert (np.diff(drawn, axis=1) > 0).all()
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 20 and ((counts - 600) ** 2 / 600).sum() < 43.8  # chi square of 19, one in a thousand
    large = np.asarray(draw.subset(jax.random.key(2), 64, 1_000_000))
    assert len(set(large.tolist())) == 64 and large.min() >= 0 and 800_000 < large.max() < 1_000_000


def test_a_pilot_finds_the_law_without_variance() -> None:
    for name, law in (("product", "sampled"), ("saddle", "rademacher")):
        found = LAPLACIAN.pilot(0, MODULE[name], np.ones(20))
        assert found.law == law and found.variances[law] == 0.0 and law in str(found)
        chosen = LAPLACIAN.estimate(0, MODULE[name], np.ones(20), 4, "auto")
        assert chosen.value == 0.0 and chosen.error == 0.0
    fourth = pf.operator("biharmonic(u)", variables="x[n]").pilot(0, MODULE["quartic"], X)
    assert fourth.law in ("gaussian", "sphere") and set(fourth.why_not) == {"sampled", "rademacher"}


def test_estimates_to_a_tolerance() -> None:
    x = np.linspace(0.0, 1.0, 500)
    truth = exact(LAPLACIAN, MODULE["quartic"], x)
    rough = LAPLACIAN.estimate(0, MODULE["quartic"], x, 16)
    found = LAPLACIAN.estimate_to(0, MODULE["quartic"], x, tolerance=rough.error / 3)
    assert found.error <= rough.error / 3 and 64 <= len(found.samples) < 500
    assert abs(found.value - truth) < 3 * found.error
    whole = LAPLACIAN.estimate_to(0, MODULE["quartic"], x, tolerance=1e-9)
    assert whole.error == 0.0 and whole.value == pytest.approx(truth, rel=1e-12)
