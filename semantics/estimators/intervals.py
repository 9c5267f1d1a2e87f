"""Means of lanes with their error: the values of an operator on random lanes enter, a value with its error bar leaves.

`squared` and `quadratic` take off what the variance of a mean adds to its square. Both are identities in the sampled
values, so they hold for gradients by parameters as well.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from math import sqrt
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """An unbiased estimate.

    `error` is half the width of the confidence interval around `value`, `samples` holds one value per lane, whose mean
    is `value`. Both are None where only the mean was asked for.
    """

    value: Any
    error: Any = None
    samples: Any = None


def register(jax: Any) -> None:
    """Make `Estimate` a container of JAX; more than once does nothing."""
    _register(jax.tree_util.register_dataclass)


@lru_cache
def _register(as_dataclass: Any) -> None:
    as_dataclass(Estimate, [item.name for item in fields(Estimate)], [])


@lru_cache
def student(confidence: float, lanes: int) -> float:
    """The quantile of Student's t that bounds a mean of so many lanes on both sides.

    >>> round(student(0.95, 8), 3)
    2.365
    """
    from scipy.stats import t

    return float(t.ppf(0.5 + confidence / 2, lanes - 1))


def remaining(count: int, length: int | None) -> float:
    """What is left of the variance of a mean of `count` of `length` coordinates; 1 where vectors are independent."""
    return 1.0 if length is None else 1.0 - count / length


def with_error(samples: Any, value: Any, confidence: float, left: float) -> Estimate:
    """The estimate of at least two lanes, by the interval of Student's t; `left` as `remaining` gives it."""
    count = samples.shape[0]
    width = student(confidence, count) * sqrt(left / count)
    return Estimate(value, width * samples.std(0, ddof=1), samples)


def squared(samples: Any, left: float) -> Any:
    """The unbiased square of what at least two lanes estimate.

    >>> import numpy as np
    >>> print(squared(np.array([1.0, 3.0]), 1.0))
    3.0
    """
    return samples.mean() ** 2 - left * samples.var(ddof=1) / samples.shape[0]


def quadratic(at_mean: Any, mean: Any, count: int, left: float) -> Any:
    """The unbiased value of a quadratic function of means: from its value there, and the mean of its values on lanes.

    With f(a) = c + l(a) + q(a, a), the mean of f over lanes minus f at the mean is the mean of q over deviations, which
    is (B - 1)/B times what q has of their covariance.
    """
    return at_mean - left * (mean - at_mean) / (count - 1)


def pseudo_values(at_mean: Any, samples: Any, at_others: Any, left: float, left_without: float) -> Any:
    """Values of single lanes whose mean is `quadratic`: those of the jackknife, for at least three lanes.

    `samples` are the function on each lane, `at_others` at the mean of all other lanes; `left_without` is `remaining`
    with one lane less. Source: Arvesen 1969 (jackknifing U-statistics).
    """
    count = samples.shape[0]
    whole = quadratic(at_mean, samples.mean(), count, left)
    others = (count * samples.mean() - samples) / (count - 1)
    return count * whole - (count - 1) * quadratic(at_others, others, count - 1, left_without)
