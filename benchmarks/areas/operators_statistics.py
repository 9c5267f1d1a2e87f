"""The statistics of estimated operators: trials by the thousand enter, rows on variances, error bars and bias leave.

Every value comes from `op.estimate` and `op.squared` themselves, with a key of its own per trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pushforward as pf
from pushforward.semantics.estimators import variance

from ..harness import Bar, Context, Row, measured

AREA = "operators"
LAPLACIAN = pf.operator("laplacian(u)", variables="x[n]")
BIHARMONIC = pf.operator("biharmonic(u)", variables="x[n]")
SHIFTED = pf.operator("laplacian(u) - f", variables="x[n]", parameters="f")
Field = Callable[[Any], Any]


def rows(context: Context) -> list[Row]:
    """Variances by law, coverage of the 95 % error bars, and the bias of squares."""
    with jax.enable_x64(True):
        return [*_variances(context), *_coverage(context), *_squares(context)]


def trials(count: int, seed: int, one: Callable[[Any], Any], generator: str = "threefry2x32") -> Any:
    """What a function of a key gives for so many keys, by batches, as NumPy arrays with the trials in front."""
    batch = jax.jit(jax.vmap(one))
    keys = jax.random.split(jax.random.key(seed, impl=generator), count)
    parts = [jax.tree.map(np.asarray, batch(part)) for part in jnp.split(keys, max(1, count // 5000))]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


# --- variances -------------------------------------------------------------------------------------------------------


def polynomial(seed: int, n: int = 5) -> tuple[Field, Any, np.ndarray, np.ndarray]:
    """A function of order four, a point, and its second and fourth derivatives there."""
    generator = np.random.default_rng(seed)
    square, quartic = generator.standard_normal((n, n)), generator.standard_normal((3, n))
    x = generator.standard_normal(n)

    def field(x: Any) -> Any:
        return x @ square @ x / 2 + jnp.sum((quartic @ x) ** 4) / 24

    hessian = (square + square.T) / 2 + np.einsum("k,ki,kj->ij", (quartic @ x) ** 2 / 2, quartic, quartic)
    fourth = np.einsum("ki,kj,kl,km->ijlm", quartic, quartic, quartic, quartic)
    return field, jnp.asarray(x), hessian, fourth


def expected(hessian: np.ndarray, fourth: np.ndarray, count: int) -> Mapping[str, float]:
    """The variance of each estimate by its formula."""
    return {
        "sampled": variance.sampled(np.diag(hessian), count),
        "rademacher": variance.rademacher(hessian, count),
        "gaussian": variance.gaussian(hessian, count),
        "sphere": variance.sphere(hessian, count),
        "fourth_gaussian": variance.gaussian_fourth(fourth, count),
    }


def found_variance(
    name: str, field: Field, x: Any, lanes: int, count: int, seed: int, generator: str = "threefry2x32"
) -> tuple[float, float]:
    """Mean and variance of an estimate over trials."""
    operator = BIHARMONIC if name.startswith("fourth") else LAPLACIAN
    law: Any = name.removeprefix("fourth_")

    def one(key: Any) -> Any:
        return operator.estimate(key, field, x, lanes, law, confidence=None).value

    values = trials(count, seed, one, generator)
    return float(values.mean()), float(values.var(ddof=1))


def _variances(context: Context) -> list[Row]:
    count = 20_000 if context.quick else 100_000
    field, x, hessian, fourth = polynomial(context.seed)
    found: list[Row] = []
    for name, wanted in expected(hessian, fourth, 3).items():
        _, value = found_variance(name, field, x, 3, count, context.seed)
        bar = Bar(f"operators/variance_{name}", "gate", AREA, f"variance of estimates, {name.replace('_', ' order, ')}",
                  "|variance/formula - 1|", "", "<=", 0.05)  # fmt: skip
        note = f"{value:.5g} over {count} trials of 3 lanes, {wanted:.5g} by the formula"
        found.append(measured(bar, abs(value / wanted - 1), samples=count, seed=context.seed, note=note))
    return found


# --- error bars ------------------------------------------------------------------------------------------------------


def network(seed: int, n: int = 200, width: int = 32) -> tuple[Field, Any]:
    """A tanh network and a point."""
    generator = np.random.default_rng(seed)
    first, second = generator.standard_normal((n, width)) / np.sqrt(width), generator.standard_normal((width, width))
    last = generator.standard_normal(width)

    def field(x: Any) -> Any:
        return jnp.tanh(jnp.tanh(x @ first) @ (second / np.sqrt(width))) @ last

    return field, jnp.asarray(generator.standard_normal(n) / np.sqrt(n))


def diagonal(weights: np.ndarray) -> tuple[Field, Any]:
    """A function whose Hessian has these weights on its diagonal, and a point."""
    return lambda x: jnp.sum(weights * x**2) / 2, jnp.zeros(len(weights))


def coverage(field: Field, x: Any, lanes: int, count: int, seed: int) -> float:
    """How many of the error bars hold the exact value."""
    exact = float(LAPLACIAN(field)(x))

    def one(key: Any) -> Any:
        found = LAPLACIAN.estimate(key, field, x, lanes)
        return jnp.abs(found.value - exact) <= found.error

    return float(trials(count, seed, one).mean())


def _coverage(context: Context) -> list[Row]:
    generator = np.random.default_rng(context.seed)
    count = 5_000 if context.quick else 20_000
    fields = {
        "network": network(context.seed),
        "lognormal": diagonal(generator.lognormal(size=1000)),
        "sparse": diagonal((generator.random(1000) < 0.05) * generator.standard_normal(1000)),
    }
    found: list[Row] = []
    for name, (field, x) in fields.items():
        for lanes in (8, 16, 64):
            value = coverage(field, x, lanes, count, context.seed + lanes)
            bar = Bar(f"operators/coverage_{name}_{lanes}", "gate" if name == "network" else "aim", AREA,
                      f"95 % error bars of {lanes} lanes, {name}", "|coverage - 0.95|", "", "<=", 0.02)  # fmt: skip
            note = f"{100 * value:.2f} % of {count} intervals hold the exact value"
            found.append(measured(bar, abs(value - 0.95), samples=count, seed=context.seed, note=note))
    return found


# --- squares ---------------------------------------------------------------------------------------------------------


def square_bias(lanes: int, count: int, seed: int) -> tuple[float, float, float, float]:
    """The naive and the corrected excess over the true squared residual, the naive one by its formula, and the
    standard error of the corrected mean, for 50 diagonal derivatives."""
    generator = np.random.default_rng(seed)
    weights = 1.0 + generator.standard_normal(50)
    field, x = diagonal(weights)
    true = (weights.sum() - 20.0) ** 2

    def one(key: Any) -> Any:
        mean = SHIFTED.estimate(key, field, x, lanes, confidence=None, f=20.0).value
        return mean**2, SHIFTED.squared(key, field, x, lanes, f=20.0)

    naive, corrected = trials(count, seed, one)
    excess = variance.sampled(weights, lanes)
    return naive.mean() - true, corrected.mean() - true, excess, corrected.std() / np.sqrt(count)


def _squares(context: Context) -> list[Row]:
    count = 20_000 if context.quick else 100_000
    naive, corrected, excess, error = square_bias(8, count, context.seed)
    bias = Bar("operators/squared_bias", "gate", AREA, "bias of the corrected square", "|bias|/standard error", "",
               "<=", 4.0)  # fmt: skip
    shown = Bar("operators/naive_square_bias", "gate", AREA, "bias of the naive square", "|bias/formula - 1|", "",
                "<=", 0.05)  # fmt: skip
    note = f"naive {naive:.5g} too large ({excess:.5g} by the formula), corrected {corrected:.3g} ± {error:.3g}"
    return [
        measured(bias, abs(corrected) / error, samples=count, seed=context.seed, note=note),
        measured(shown, abs(naive / excess - 1), samples=count, seed=context.seed, note=note),
    ]
