"""Steps that are left to JAX on request: they run and differentiate, are reported, and never happen unasked."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf

SIZES = jnp.array([1, 2])
X = jnp.arange(6.0).reshape(3, 2) / 10


def grouped(x: Any) -> Any:
    """A product whose groups have computed sizes, which has no meaning here."""
    return jnp.sum(jnp.sin(jax.lax.ragged_dot(x, jnp.ones((2, 2, 2)), SIZES)) ** 2)


def test_it_is_refused_unless_asked_for() -> None:
    with pytest.raises(pf.DiagnosticError, match="E202"):
        pf.jit(grouped)(X)


def test_values_and_gradients_are_those_of_jax_and_the_steps_are_named() -> None:
    f = pf.jit(grouped, on_unsupported="jax")
    with pytest.warns(UserWarning, match="`grouped` leaves steps and their derivatives to JAX: `ragged_dot_gen"):
        np.testing.assert_allclose(f(X), grouped(X), rtol=1e-6)
    np.testing.assert_allclose(jax.grad(f)(X), jax.grad(grouped)(X), rtol=1e-5)
    np.testing.assert_allclose(jax.jit(jax.grad(f))(X), jax.grad(grouped)(X), rtol=1e-5)
    (step,) = f.left
    assert "test_left_to_jax.py" in step


def test_the_reference_says_that_it_cannot_run_them() -> None:
    f = pf.jit(grouped, on_unsupported="jax")
    with pytest.warns(UserWarning):
        program = f.program(X)
    with pytest.raises(pf.DiagnosticError, match="E113"):
        program.compile("reference")(np.asarray(X))


def test_a_step_without_a_derivative_in_jax_says_so() -> None:
    def reflected(x: Any) -> Any:
        return jnp.sum(jax.lax.linalg.householder_product(x, jnp.ones(2) / 3))

    f = pf.jit(reflected, on_unsupported="jax")
    with pytest.warns(UserWarning):
        np.testing.assert_allclose(f(X), reflected(X), rtol=1e-6)
    with pytest.raises(pf.DiagnosticError, match="E202.*no derivative in JAX either"):
        jax.grad(f)(X)
