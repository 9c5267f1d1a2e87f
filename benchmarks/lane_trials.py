"""Trials of estimated operators: a function, a law and a number of trials enter, what the estimates did leaves.

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

LAPLACIAN = pf.operator("laplacian(u)", variables="x[n]")
BIHARMONIC = pf.operator("biharmonic(u)", variables="x[n]")
SHIFTED = pf.operator("laplacian(u) - f", variables="x[n]", parameters="f")
Field = Callable[[Any], Any]


def trials(count: int, seed: int, one: Callable[[Any], Any], generator: str = "threefry2x32") -> Any:
    """What a function of a key gives for so many keys, by batches, as NumPy arrays with the trials in front."""
    batch = jax.jit(jax.vmap(one))
    keys = jax.random.split(jax.random.key(seed, impl=generator), count)
    parts = [jax.tree.map(np.asarray, batch(part)) for part in jnp.split(keys, max(1, count // 5000))]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


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
