"""Negative log-likelihood of predator-prey counts under Lotka-Volterra dynamics, in JAX.

theta [4] = (alpha, beta, gamma, delta) of u' = (alpha - beta v) u, v' = (delta u - gamma) v; initial [2];
sigma [2]; counts [n,2] one year apart, the first at the initial state -> minus the sum of log-normal log
densities. Integration is the classical fourth-order Runge-Kutta method with ten steps per year.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

STEPS = 10
Pair = tuple[Array, Array]


def vector_field(theta: Array, z: Array) -> Array:
    """The right-hand side as one vector [2]."""
    return jnp.stack([(theta[0] - theta[1] * z[1]) * z[0], (theta[3] * z[0] - theta[2]) * z[1]])


def rk4_vector(theta: Array, z: Array, h: float | Array) -> Array:
    """One Runge-Kutta step on a state vector."""
    k1 = vector_field(theta, z)
    k2 = vector_field(theta, z + 0.5 * h * k1)
    k3 = vector_field(theta, z + 0.5 * h * k2)
    k4 = vector_field(theta, z + h * k3)
    return z + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def misfit(counts: Array, states: Array, sigma: Array) -> Array:
    """Negative sum of log-normal log densities of counts [n,2] about the states."""
    standard = (jnp.log(counts) - jnp.log(states)) / sigma
    return (0.5 * standard**2 + jnp.log(sigma) + jnp.log(counts) + 0.5 * math.log(2.0 * math.pi)).sum()


def nested_loops(theta: Array, initial: Array, sigma: Array, counts: Array) -> Array:
    """A scan over observations with an inner loop of steps, on a state vector."""

    def unit(z: Array, _: None) -> tuple[Array, Array]:
        z = jax.lax.fori_loop(0, STEPS, lambda _, state: rk4_vector(theta, state, 1.0 / STEPS), z)
        return z, z

    _, states = jax.lax.scan(unit, initial, None, length=counts.shape[0] - 1)
    return misfit(counts, jnp.concatenate([initial[None], states]), sigma)


def rk4_pair(theta: Array, z: Pair, h: float | Array) -> Pair:
    """One Runge-Kutta step on two scalars."""
    alpha, beta, gamma, delta = theta[0], theta[1], theta[2], theta[3]

    def field(u: Array, v: Array) -> Pair:
        return (alpha - beta * v) * u, (delta * u - gamma) * v

    u, v = z
    a1, b1 = field(u, v)
    a2, b2 = field(u + 0.5 * h * a1, v + 0.5 * h * b1)
    a3, b3 = field(u + 0.5 * h * a2, v + 0.5 * h * b2)
    a4, b4 = field(u + h * a3, v + h * b3)
    return u + h / 6.0 * (a1 + 2.0 * (a2 + a3) + a4), v + h / 6.0 * (b1 + 2.0 * (b2 + b3) + b4)


def flat_scan(theta: Array, initial: Array, sigma: Array, counts: Array) -> Array:
    """One scan over all steps on two scalars, observations picked out afterwards."""

    def step(z: Pair, _: None) -> tuple[Pair, Pair]:
        z = rk4_pair(theta, z, 1.0 / STEPS)
        return z, z

    _, path = jax.lax.scan(step, (initial[0], initial[1]), None, length=STEPS * (counts.shape[0] - 1))
    states = jnp.stack(path, axis=1)[STEPS - 1 :: STEPS]
    return misfit(counts, jnp.concatenate([initial[None], states]), sigma)


FORMULATIONS: dict[str, Callable[..., Array]] = {
    "jax nested loops": nested_loops,
    "jax flat scan": flat_scan,
}
