"""Mutable arrays that a function makes itself are values of its program; those from outside are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ref import addupdate

import pushforward as pf


def straight(x: Any) -> Any:
    place = jax.new_ref(jnp.zeros(2))
    place[0] = jnp.sin(x[0])
    place[1] = x[1] * place[0]
    addupdate(place, 1, x[2])
    return jax.freeze(place)


def in_a_call(x: Any) -> Any:
    return jax.jit(straight)(x) * x[0]


def counted(x: Any) -> Any:
    place = jax.new_ref(jnp.zeros(3))

    def body(i: Any, carry: Any) -> Any:
        place[i % 3] = place[i % 3] + x[i] * carry
        return jnp.sin(carry) + place[0]

    return jax.lax.fori_loop(0, 5, body, 1.0) * jax.freeze(place)


def scanned(x: Any) -> Any:
    place = jax.new_ref(x[0])

    def body(carry: Any, a: Any) -> Any:
        place[...] = place[...] * a
        return carry + place[...], carry

    return jax.lax.scan(body, jnp.zeros(()), x)[0] * place[...]


def remembered(x: Any) -> Any:
    """What JAX leaves of a custom rule once it has differentiated it with `optimize_remat`."""

    @jax.custom_vjp
    def half(v: Any) -> Any:
        return jnp.sin(v) / 2

    half.defvjp(lambda v: (half(v), jnp.cos(v)), lambda saved, bar: (bar * saved,), optimize_remat=True)
    return jax.grad(lambda v: jnp.sum(half(v) * v))(x)


@pytest.mark.parametrize("function", [straight, in_a_call, counted, scanned])
def test_values_and_cotangents_are_those_of_jax(function: Callable[[Any], Any]) -> None:
    with jax.enable_x64(True):
        x = jnp.linspace(0.3, 1.0, 5)
        value, pullback = jax.vjp(function, x)
        ours, our_pullback = jax.vjp(pf.jit(function), x)
        np.testing.assert_allclose(ours, value, rtol=1e-14)
        y_bar = jnp.cos(jnp.arange(value.size, dtype=float)).reshape(value.shape)
        np.testing.assert_allclose(our_pullback(y_bar)[0], pullback(y_bar)[0], rtol=1e-12)


def test_a_rule_that_jax_has_worked_out_is_read() -> None:
    with jax.enable_x64(True):
        x = jnp.linspace(0.3, 1.0, 5)
        np.testing.assert_allclose(pf.jit(remembered)(x), remembered(x), rtol=1e-14)


def test_a_reference_from_outside_is_refused() -> None:
    place = jax.new_ref(jnp.zeros(2))

    def writes(x: Any) -> Any:
        place[0] = x
        return place[...]

    with pytest.raises(pf.DiagnosticError, match="E204"):
        pf.trace(writes, np.float32(1.0))


def test_bounded_loops_of_equinox_write_their_buffers() -> None:
    import equinox.internal as eqxi

    def marched(x: Any) -> Any:
        def body(state: Any) -> Any:
            i, v, rows = state
            v = jnp.sin(v) * x[0]
            return i + 1, v, rows.at[i].set(v)

        start = (0, x[1], jnp.zeros(6))
        _, v, rows = eqxi.while_loop(
            lambda state: state[0] < 4, body, start, max_steps=6, kind="bounded", buffers=lambda state: state[2]
        )
        return v + jnp.sum(rows**2)

    with jax.enable_x64(True):
        x = jnp.array([0.9, 0.7])
        for found, wanted in zip(jax.value_and_grad(pf.jit(marched))(x), jax.value_and_grad(marched)(x), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-13)
