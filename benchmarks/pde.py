"""Elliptic problems in the unit ball with closed solutions and sources: a name and a dimension enter, a problem leaves.

The solutions couple neighbours: ``u = (1 - |x|^2) S(x)`` with ``S`` a sum over pairs or triples of coordinates and
normal coefficients (Shi, Hu, Lin & Kawaguchi 2024, arXiv 2412.00088, appendix I.1). The Laplacian of ``u`` is
``(1 - |x|^2) ΔS - 4 x·∇S - 2 n S``; that of triples has the factors of the chain rule, which the published code lacks.
In many dimensions coordinates are small and ``S`` is nearly constant; a scaled problem has ``S(sqrt(n) x)`` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

import pushforward as pf

Sums = Callable[[Any, Any], tuple[Any, Any, Any]]  # (c, x) -> S, x·∇S, ΔS


def pairs(c: Any, x: Any) -> tuple[Any, Any, Any]:
    """``sin(a)`` with ``a = x + cos y + y cos x`` for neighbours x, y."""
    x, y = x[:-1], x[1:]
    a = x + jnp.cos(y) + y * jnp.cos(x)
    a_x, a_y = 1 - y * jnp.sin(x), jnp.cos(x) - jnp.sin(y)
    second = jnp.cos(a) * (-y * jnp.cos(x) - jnp.cos(y)) - jnp.sin(a) * (a_x**2 + a_y**2)
    return jnp.sum(c * jnp.sin(a)), jnp.sum(c * jnp.cos(a) * (x * a_x + y * a_y)), jnp.sum(c * second)


def triples(c: Any, x: Any) -> tuple[Any, Any, Any]:
    """``exp(x y z)`` for neighbours x, y, z."""
    x, y, z = x[:-2], x[1:-1], x[2:]
    e = c * jnp.exp(x * y * z)
    return jnp.sum(e), jnp.sum(3 * x * y * z * e), jnp.sum(e * ((y * z) ** 2 + (x * z) ** 2 + (x * y) ** 2))


@dataclass(frozen=True)
class Equation:
    """``laplacian(u) + f(u) = source``, as text and as a function of JAX."""

    text: str
    nonlinear: Callable[[Any], Any]


EQUATIONS = {
    "poisson": Equation("laplacian(u)", lambda u: 0.0 * u),
    "allen_cahn": Equation("laplacian(u) + u - u^3", lambda u: u - u**3),
    "sine_gordon": Equation("laplacian(u) + sin(u)", jnp.sin),
}
BODIES: dict[str, tuple[Sums, int]] = {"pairs": (pairs, 1), "triples": (triples, 2)}


def coefficients(body: str, n: int, instance: int) -> np.ndarray:
    """The coefficients of an instance: normal numbers of this seed."""
    return np.random.default_rng(instance).normal(size=n - BODIES[body][1]).astype(np.float32)


def solution(body: str, c: Any, scaled: bool = False) -> Callable[[Any], tuple[Any, Any]]:
    """A function from x [n] to the exact solution and its Laplacian."""
    sums, _ = BODIES[body]

    def at(x: Any) -> tuple[Any, Any]:
        n = x.shape[0]
        value, slope, curvature = sums(c, jnp.sqrt(float(n)) * x if scaled else x)
        curvature = curvature * n if scaled else curvature  # x·∇ of S(sqrt(n) x) is that of S at sqrt(n) x
        weight = 1 - x @ x
        return weight * value, weight * curvature - 4 * slope - 2 * n * value

    return at


def problem(equation: str, body: str, n: int, instance: int, scaled: bool = False) -> pf.Problem:
    """The problem of an equation in the unit ball of n dimensions."""
    at = solution(body, jnp.asarray(coefficients(body, n, instance)), scaled)
    chosen = EQUATIONS[equation]

    def source(x: Any) -> Any:
        u, laplacian = at(x)
        return laplacian + chosen.nonlinear(u)

    operator = pf.operator(chosen.text, variables="x[n]")
    return pf.Problem(operator, pf.Ball(n), source=source, exact=lambda x: at(x)[0])
