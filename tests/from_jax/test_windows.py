"""Sliding windows traced from JAX, which is the oracle of these tests only."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pushforward.ad.reverse import reverse
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.semantics.reference import evaluate

from .agreement import agree, traced

RNG = np.random.default_rng(0)
X, WHOLE = RNG.normal(size=(5, 6)), RNG.integers(-5, 6, (5, 6))
TIES = RNG.integers(0, 3, (5, 6)).astype(float)
Window = tuple[tuple[int, int], tuple[int, int], Any, tuple[int, int] | None, tuple[int, int] | None]
PLAIN: list[Window] = [
    ((2, 2), (1, 1), "SAME", None, None),
    ((2, 3), (2, 1), "VALID", None, None),
    ((3, 3), (2, 2), ((1, 1), (0, 2)), None, None),
]
DILATED: list[Window] = [
    ((2, 2), (1, 1), ((0, 1), (1, 1)), (2, 1), None),
    ((2, 2), (2, 1), ((0, 1), (1, 1)), (1, 1), (2, 3)),
]


def reduced(start: Any, join: Any, window: Window) -> Any:
    size, strides, padding, base, dilation = window
    return lambda x: lax.reduce_window(
        x, start, join, size, strides, padding, base_dilation=base, window_dilation=dilation
    )


@pytest.mark.parametrize("window", [*PLAIN, *DILATED], ids=str)
def test_sums(window: Window) -> None:
    agree(reduced(0.0, lax.add, window), X)
    agree(reduced(0, lax.add, window), WHOLE, derivatives=False)


@pytest.mark.parametrize("window", [*PLAIN, *DILATED], ids=str)
def test_extrema(window: Window) -> None:
    # JAX has no cotangent of an extremum under dilated windows.
    derivatives = window is not DILATED[1]
    agree(reduced(-np.inf, lax.max, window), X, derivatives=derivatives)
    agree(reduced(np.inf, lax.min, window), X, derivatives=derivatives)


@pytest.mark.parametrize("window", PLAIN, ids=str)
@pytest.mark.parametrize(("start", "join"), [(-np.inf, lax.max), (np.inf, lax.min)])
def test_the_first_of_equal_elements_takes_the_cotangent(window: Window, start: float, join: Any) -> None:
    function = reduced(start, join, window)
    with jax.enable_x64(True):
        y, pull = jax.vjp(function, jnp.asarray(TIES))
        z = RNG.normal(size=y.shape)
        (wanted,) = pull(jnp.asarray(z))
    found = evaluate(reverse(traced(function, TIES)), [TIES, z])[-1]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("window", [*PLAIN, *DILATED], ids=str)
def test_other_functions_of_two(window: Window) -> None:
    agree(reduced(1.0, lax.mul, window), X, derivatives=False)
    agree(reduced(2.0, lax.mul, window), X, derivatives=False)
    agree(reduced(True, lax.bitwise_and, window), WHOLE > -2, derivatives=False)
    agree(reduced(False, lax.max, window), WHOLE > 2, derivatives=False)


def test_products_have_derivatives() -> None:
    function = reduced(1.0, lax.mul, PLAIN[1])

    def written_out(x: Any) -> Any:
        parts = [x[i : i + 3 : 2, j : j + 4] for i in range(2) for j in range(3)]
        return jnp.prod(jnp.stack(parts), axis=0)

    z = RNG.normal(size=(2, 4))
    pairs = [evaluate(reverse(traced(one, X)), [X, z]) for one in (function, written_out)]
    for left, right in zip(*pairs, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


def test_a_start_counts_once() -> None:
    agree(reduced(2.0, lax.add, PLAIN[0]), X, derivatives=False)
    agree(reduced(0.5, lax.max, PLAIN[0]), X, derivatives=False)


def test_other_functions_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="E202"):
        traced(reduced(1.0, lambda a, b: a - b, PLAIN[0]), X)


def test_pooling_compiled() -> None:
    image = RNG.normal(size=(2, 5, 5, 3))

    def pooled(x: Any) -> Any:
        window, strides = (1, 2, 2, 1), (1, 2, 2, 1)
        total = lax.reduce_window(x, 0.0, lax.add, window, strides, "SAME")
        count = lax.reduce_window(jnp.ones_like(x), 0.0, lax.add, window, strides, "SAME")
        return total / count + lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "SAME")

    agree(pooled, image, compiled=True)


def test_derivatives_that_jax_took_can_be_traced() -> None:
    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (2, 2), "VALID")

    agree(jax.grad(lambda x: (pooled(x) ** 2).sum()), X)
    agree(lambda x, v: jax.jvp(pooled, (x,), (v,))[1], X, X[::-1].copy())
