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
    agree(lambda x: [function(x, axis=axis) for axis in (0, 1, (0, 1), ())], X)
    agree(lambda x, y: [function(x, axis=(0, 2)), function(y, axis=1)], CUBE, TIES)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "bool"])
def test_reductions_of_whole_numbers_and_truth_values(dtype: str) -> None:
    functions = (jnp.sum, jnp.max, jnp.min, jnp.prod, jnp.all, jnp.any)
    agree(lambda x: [function(x, axis=1) for function in functions], WHOLE.astype(dtype), derivatives=False)


@pytest.mark.parametrize("name", ["reduce_and", "reduce_or", "reduce_xor"])
def test_reductions_of_bits(name: str) -> None:
    function = getattr(lax, name)
    for x in (WHOLE, WHOLE.astype("uint8"), TRUTH):
        agree(lambda x: [function(x, (1,)), function(x, (0, 1))], x, derivatives=False)
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


def test_places_of_extrema() -> None:
    def places(x: Any) -> list[Any]:
        return [jnp.argmax(x, axis=1), jnp.argmin(x, axis=1), lax.argmax(x, 0, np.int32), jnp.argmin(x)]

    for x in (X, TIES, STRANGE, WHOLE, TRUTH):
        agree(places, x, derivatives=False)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"])
def test_running_reductions(name: str) -> None:
    def function(x: Any) -> list[Any]:
        return [getattr(lax, name)(x, axis, reverse) for axis in (0, 1) for reverse in (False, True)]

    agree(function, X)
    if name != "cumlogsumexp":
        agree(function, WHOLE, derivatives=False)


def test_running_logsumexp_at_the_ends() -> None:
    far = np.array([-np.inf, -np.inf, 1.0, 2.0, -np.inf])
    agree(lambda x: lax.cumlogsumexp(x, 0), far, derivatives=False, compiled=True)
    agree(lambda x: lax.cumlogsumexp(x, 0), np.array([1000.0, -1000.0, 999.0, 1000.0, 3.0]), compiled=True)
    agree(lambda x: lax.cumlogsumexp(x, 0), np.array([10.0]))


def test_sorting() -> None:
    def both(x: Any) -> list[Any]:
        return [jnp.sort(x), jnp.sort(x, axis=0, descending=True), jnp.argsort(x), jnp.argsort(x, 0, descending=True)]

    for x in (X, TIES):
        agree(both, x)
    for x in (STRANGE, WHOLE, TRUTH):
        agree(both, x, derivatives=False)


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
    def found(x: Any) -> list[Any]:
        return [*lax.top_k(x, 2, axis=axis), *lax.approx_max_k(x, 2, reduction_dimension=axis)]

    for x in (X, TIES, X.astype("float32")):
        agree(found, x)
    for x in (STRANGE, WHOLE):
        agree(lambda x: list(lax.top_k(x, 3, axis=axis)), x, derivatives=False)
    agree(lambda x: list(lax.approx_min_k(x, 2, reduction_dimension=axis)), X)


def test_compiled_programs_agree() -> None:
    def function(x: Any) -> Any:
        values, places = lax.top_k(jnp.sort(x, axis=0), 3)
        return jnp.cumsum(values, 0) * jnp.max(x) + places + jax.nn.logsumexp(x)

    agree(function, X, compiled=True)
