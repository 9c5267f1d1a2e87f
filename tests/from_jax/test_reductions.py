"""Reductions, running reductions and orders traced from JAX, which is the oracle of these tests only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pushforward.lang.diagnostics import DiagnosticError

from .agreement import agree, traced

RNG = np.random.default_rng(0)
X, CUBE = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4, 5))
TIES = np.array([[1.0, 2.0, 2.0, -1.0], [3.0, 3.0, 3.0, 3.0], [0.0, -0.0, 0.0, 5.0]])
STRANGE = np.array([[1.0, np.nan, 2.0, -1.0], [3.0, 3.0, np.nan, np.inf], [0.0, -0.0, 0.0, -np.inf]])
WHOLE = RNG.integers(-5, 6, (3, 4))
TRUTH = WHOLE > 0


@pytest.mark.parametrize("name", ["sum", "max", "min", "prod", "mean", "var"])
def test_reductions_of_floats(name: str) -> None:
    function = getattr(jnp, name)
    for axis in (0, 1, (0, 1), ()):
        agree(lambda x, axis=axis: function(x, axis=axis), X)
    agree(lambda x: function(x, axis=(0, 2)), CUBE)
    agree(lambda x: function(x, axis=1), TIES)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
@pytest.mark.parametrize("name", ["sum", "max", "min", "prod"])
def test_reductions_of_whole_numbers(name: str, dtype: str) -> None:
    agree(lambda x: getattr(jnp, name)(x, axis=1), WHOLE.astype(dtype), derivatives=False)


@pytest.mark.parametrize("name", ["all", "any", "max", "min"])
def test_reductions_of_truth_values(name: str) -> None:
    agree(lambda x: getattr(jnp, name)(x, axis=1), TRUTH, derivatives=False)


@pytest.mark.parametrize("name", ["reduce_and", "reduce_or", "reduce_xor"])
def test_reductions_of_bits(name: str) -> None:
    function = getattr(lax, name)
    for x in (WHOLE, WHOLE.astype("uint8"), TRUTH):
        agree(lambda x: function(x, (1,)), x, derivatives=False)
        agree(lambda x: function(x, (0, 1)), x, derivatives=False)
    agree(lambda x: function(x, (1,)), np.zeros((2, 0), "int32"), derivatives=False)


def test_reductions_of_nothing() -> None:
    agree(lambda x: lax.reduce_max(x, (1,)), np.zeros((2, 0)), derivatives=False)
    agree(lambda x: lax.reduce_min(x, (1,)), np.zeros((2, 0), "int32"), derivatives=False)
    agree(lambda x: jnp.sum(x, 1), np.zeros((2, 0)))


GENERAL: dict[str, tuple[Callable[[Any, Any], Any], Any, np.ndarray]] = {
    "add": (lax.add, 3.0, X),
    "mul": (lax.mul, 2.0, X),
    "max": (lax.max, 0.5, X),
    "min the other way round": (lambda a, b: lax.min(b, a), 0.5, X),
    "and": (lax.bitwise_and, True, TRUTH),
    "or of bits": (lax.bitwise_or, np.int64(8), WHOLE),
    "neutral": (lambda a, b: a * b, 1.0, X),
}


@pytest.mark.parametrize("name", GENERAL)
def test_reductions_by_a_function(name: str) -> None:
    function, start, x = GENERAL[name]
    agree(lambda x: lax.reduce(x, start, function, (0,)), x, derivatives=name in ("add", "mul", "neutral"))


def test_reductions_by_other_functions_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="E202"):
        traced(lambda x: lax.reduce(x, 0.0, lambda a, b: a + 2 * b, (0,)), X)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_of_extrema(name: str) -> None:
    for x in (X, TIES, STRANGE, WHOLE, TRUTH):
        agree(lambda x: getattr(jnp, name)(x, axis=1), x, derivatives=False)
        agree(lambda x: getattr(lax, name)(x, 0, np.int32), x, derivatives=False)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"])
def test_running_reductions(name: str, reverse: bool) -> None:
    for axis in (0, 1):
        agree(lambda x, axis=axis: getattr(lax, name)(x, axis, reverse), X)
    if name != "cumlogsumexp":
        agree(lambda x: getattr(lax, name)(x, 1, reverse), WHOLE, derivatives=False)


def test_running_logsumexp_at_the_ends() -> None:
    far = np.array([-np.inf, -np.inf, 1.0, 2.0, -np.inf])
    agree(lambda x: lax.cumlogsumexp(x, 0), far, derivatives=False, compiled=True)
    agree(lambda x: lax.cumlogsumexp(x, 0), np.array([1000.0, -1000.0, 999.0, 1000.0, 3.0]), compiled=True)
    agree(lambda x: lax.cumlogsumexp(x, 0), np.array([10.0]))


def test_sorting() -> None:
    for x in (X, TIES):
        agree(jnp.sort, x)
        agree(lambda x: jnp.sort(x, axis=0, descending=True), x)
    for x in (STRANGE, WHOLE, TRUTH):
        agree(jnp.sort, x, derivatives=False)
    for x in (TIES, STRANGE, WHOLE):
        agree(jnp.argsort, x, derivatives=False)
        agree(lambda x: jnp.argsort(x, axis=0, descending=True), x, derivatives=False)


@pytest.mark.parametrize("keys", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1])
def test_sorting_by_several_keys(keys: int, axis: int) -> None:
    arguments = (TIES, (WHOLE > 1) * 1.0, X)
    agree(lambda *x: list(lax.sort(x, dimension=axis, num_keys=keys)), *arguments)


def test_sorting_whole_numbers_along() -> None:
    agree(lambda x, y: list(lax.sort((x, y), dimension=1, num_keys=1)), TIES, WHOLE.astype("int32"))
    agree(lambda x, y: jnp.lexsort((x, y)), TIES, WHOLE, derivatives=False)
    agree(lambda x: jnp.percentile(x, 30.0), X)


@pytest.mark.parametrize("axis", [0, 1])
def test_greatest_elements(axis: int) -> None:
    for x in (X, TIES):
        agree(lambda x: list(lax.top_k(x, 2, axis=axis)), x)
    for x in (STRANGE, WHOLE):
        agree(lambda x: list(lax.top_k(x, 3, axis=axis)), x, derivatives=False)
    agree(lambda x: list(lax.top_k(x, 3)), X.astype("float32"), rtol=1e-6)
    agree(lambda x: list(lax.approx_max_k(x, 2, reduction_dimension=axis)), X)
    agree(lambda x: list(lax.approx_min_k(x, 2, reduction_dimension=axis)), X)


def test_compiled_programs_agree() -> None:
    def function(x: Any) -> Any:
        values, places = lax.top_k(jnp.sort(x, axis=0), 3)
        return jnp.cumsum(values, 0) * jnp.max(x) + places + jax.nn.logsumexp(x)

    agree(function, X, compiled=True)
