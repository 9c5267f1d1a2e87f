"""Prices of European calls with five sensitivities, in JAX, all sensitivities by differentiation.

spot, strike, time, rate, volatility, each [n] -> (price, delta, gamma, vega, theta, rho), each [n]. Options do not
depend on one another, so derivatives of a sum over options are those of every option.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import ndtr

Greeks = tuple[Array, Array, Array, Array, Array, Array]


def call(spot: Array, strike: Array, time: Array, rate: Array, volatility: Array) -> Array:
    """Prices by the formula of Black and Scholes."""
    spread = volatility * jnp.sqrt(time)
    d = (jnp.log(spot / strike) + (rate + 0.5 * volatility**2) * time) / spread
    return spot * ndtr(d) - strike * jnp.exp(-rate * time) * ndtr(d - spread)


def vmap_of_grad(spot: Array, strike: Array, time: Array, rate: Array, volatility: Array) -> Greeks:
    """One option under grad, and grad of grad, mapped over all."""

    def one(s: Array, k: Array, t: Array, r: Array, v: Array) -> Greeks:
        value, (delta, later, rho, vega) = jax.value_and_grad(call, argnums=(0, 2, 3, 4))(s, k, t, r, v)
        return value, delta, jax.grad(jax.grad(call))(s, k, t, r, v), vega, -later, rho

    return jax.vmap(one)(spot, strike, time, rate, volatility)


def forward_over_reverse(spot: Array, strike: Array, time: Array, rate: Array, volatility: Array) -> Greeks:
    """One reverse pass over whole arrays, and the tangent of delta as gamma."""

    def first(s: Array) -> tuple[Array, tuple[Array, ...]]:
        value, pull = jax.vjp(lambda a, t, r, v: call(a, strike, t, r, v), s, time, rate, volatility)
        return value, pull(jnp.ones_like(value))

    (value, (delta, later, rho, vega)), (_, (gamma, *_)) = jax.jvp(first, (spot,), (jnp.ones_like(spot),))
    return value, delta, gamma, vega, -later, rho


def forward_only(spot: Array, strike: Array, time: Array, rate: Array, volatility: Array) -> Greeks:
    """A tangent for every sensitivity, over whole arrays."""
    one = jnp.ones_like(spot)

    def along_spot(s: Array) -> tuple[Array, Array]:
        return jax.jvp(lambda a: call(a, strike, time, rate, volatility), (s,), (one,))

    (value, delta), (_, gamma) = jax.jvp(along_spot, (spot,), (one,))
    _, later = jax.jvp(lambda t: call(spot, strike, t, rate, volatility), (time,), (one,))
    _, rho = jax.jvp(lambda r: call(spot, strike, time, r, volatility), (rate,), (one,))
    _, vega = jax.jvp(lambda v: call(spot, strike, time, rate, v), (volatility,), (one,))
    return value, delta, gamma, vega, -later, rho


FORMULATIONS: dict[str, Callable[..., Greeks]] = {
    "jax vmap of grad": vmap_of_grad,
    "jax forward over reverse": forward_over_reverse,
    "jax forward only": forward_only,
}
