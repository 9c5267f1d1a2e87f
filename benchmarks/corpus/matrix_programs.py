"""The programs of the composition matrix: 25 functions ``f(w, x) -> scalar`` of JAX with their arguments.

Together they use elementwise functions, contractions, reductions, loops, branches, indexing, linear algebra,
convolution, custom rules and randomness; all are smooth at their arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class MatrixProgram:
    """A function of weights and data, and where it is looked at."""

    function: Callable[[Any, Any], Any]
    w: np.ndarray
    x: np.ndarray


def _at(function: Callable[[Any, Any], Any], w: tuple[int, ...], x: tuple[int, ...]) -> MatrixProgram:
    rng = np.random.default_rng(sum(map(ord, function.__name__)))
    return MatrixProgram(function, 0.5 * rng.normal(size=w), rng.normal(size=x))


def elementwise(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.sin(w * x) + jnp.exp(-(x**2)) * jnp.tanh(w))


def dense_layer(w: Any, x: Any) -> Any:
    return jnp.sum(jax.nn.gelu(w @ x) ** 2)


def two_layers(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.tanh(w.T @ jnp.tanh(w @ x)))


def log_sum_exp(w: Any, x: Any) -> Any:
    return jax.nn.logsumexp(w @ x)


def cross_entropy(w: Any, x: Any) -> Any:
    return -jax.nn.log_softmax(w @ x)[1]


def layer_norm(w: Any, x: Any) -> Any:
    y = w * x
    return jnp.sum(jnp.sin((y - y.mean()) * jax.lax.rsqrt(y.var() + 0.1)))


def attention(w: Any, x: Any) -> Any:
    weights = jax.nn.softmax((x @ w) @ x.T, axis=-1)
    return jnp.sum((weights @ x) ** 2)


def recurrent(w: Any, x: Any) -> Any:
    def step(h: Any, row: Any) -> tuple[Any, Any]:
        h = jnp.tanh(w @ h + row)
        return h, jnp.sum(h)

    # The start depends on x, since newer versions of JAX want carries under `shard_map` to vary like what is added.
    h, sums = jax.lax.scan(step, 0.0 * x[0], x)
    return jnp.sum(h) + jnp.sum(sums**2)


def reversed_scan(w: Any, x: Any) -> Any:
    return jnp.sum(jax.lax.scan(lambda c, row: (jnp.sin(c * w + row), c * row), w + 0.0 * x[0], x, reverse=True)[1])


def runge_kutta(w: Any, x: Any) -> Any:
    def rate(y: Any) -> Any:
        return jnp.array([w[0] * y[1], -w[1] * jnp.sin(y[0])])

    def step(_: Any, y: Any) -> Any:
        k1 = rate(y)
        k2 = rate(y + 0.05 * k1)
        return y + 0.1 * k2

    return jnp.sum(jax.lax.fori_loop(0, 5, step, x) ** 2)


def branching(w: Any, x: Any) -> Any:
    v = w + 0.0 * x  # inside shard_map JAX differentiates only arms whose operands vary over the same devices
    return jax.lax.cond(x[0] > -9.0, lambda: jnp.sum(jnp.sin(v * x)), lambda: jnp.sum(v))


def switching(w: Any, x: Any) -> Any:
    v = w + 0.0 * x  # as in `branching`
    arms = [lambda: jnp.sum(v), lambda: jnp.sum(v * x**2), lambda: jnp.sum(jnp.cos(v))]
    return jax.lax.switch(1, arms) + jax.lax.switch((x[0] < 99.0).astype(int) * 2, arms)


def gathering(w: Any, x: Any) -> Any:
    return jnp.sum(w[jnp.array([0, 2, 0, 1])] ** 2 * x[:4])


def scattering(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.zeros(5, w.dtype).at[jnp.array([1, 3, 1])].add(w * x) ** 3)


def updating(w: Any, x: Any) -> Any:
    return jnp.sum(x.at[1].set(w[0] * w[1]).at[2:].multiply(w[2]) ** 2)


def sorting(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.sort(w * x) * jnp.arange(1.0, w.shape[0] + 1))


def cumulative(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.cumsum(w * x) ** 2) + jnp.cumprod(1.0 + 0.1 * w)[-1]


def convolution(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.tanh(jax.lax.conv(x[None, None], w[None, None], (1, 1), "SAME")))


def pooling(w: Any, x: Any) -> Any:
    y = jax.lax.reduce_window(w * x, -jnp.inf, jax.lax.max, (2, 2), (2, 2), "VALID")
    return jnp.sum(y**2)


def gaussian_process(w: Any, x: Any) -> Any:
    kernel = jnp.exp(-((x[:, None] - x[None, :]) ** 2)) + (0.1 + w[0] ** 2) * jnp.eye(x.shape[0], dtype=x.dtype)
    factor = jnp.linalg.cholesky(kernel)
    return jnp.sum(jax.scipy.linalg.solve_triangular(factor, w, lower=True) ** 2) + jnp.sum(jnp.log(jnp.diag(factor)))


def solving(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.linalg.solve(w @ w.T + jnp.eye(w.shape[0], dtype=w.dtype), x))


def custom_forward(w: Any, x: Any) -> Any:
    @jax.custom_jvp
    def scaled(u: Any) -> Any:
        return jnp.sin(u)

    scaled.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), 2.0 * jnp.cos(primals[0]) * tangents[0]))
    return jnp.sum(scaled(w * x))


def relu_network(w: Any, x: Any) -> Any:
    return jnp.sum(jax.nn.softplus(w @ jax.nn.relu(x)) + jax.nn.silu(w.T @ x))


def special_functions(w: Any, x: Any) -> Any:
    return jnp.sum(jax.scipy.special.erf(w) + jax.scipy.special.gammaln(1.5 + x**2) * w)


def reparameterised(w: Any, x: Any) -> Any:
    noise = jax.random.normal(jax.random.key(3), x.shape, x.dtype)
    return jnp.mean((x - w * noise) ** 2)


PROGRAMS: Mapping[str, MatrixProgram] = {
    program.function.__name__: program
    for program in (
        _at(elementwise, (4,), (4,)),
        _at(dense_layer, (3, 3), (3,)),
        _at(two_layers, (3, 3), (3,)),
        _at(log_sum_exp, (3, 3), (3,)),
        _at(cross_entropy, (3, 3), (3,)),
        _at(layer_norm, (4,), (4,)),
        _at(attention, (3, 3), (4, 3)),
        _at(recurrent, (3, 3), (4, 3)),
        _at(reversed_scan, (3,), (4, 3)),
        _at(runge_kutta, (2,), (2,)),
        _at(branching, (3,), (3,)),
        _at(switching, (3,), (3,)),
        _at(gathering, (3,), (4,)),
        _at(scattering, (3,), (3,)),
        _at(updating, (3,), (4,)),
        _at(sorting, (4,), (4,)),
        _at(cumulative, (4,), (4,)),
        _at(convolution, (3, 3), (5, 5)),
        _at(pooling, (4, 4), (4, 4)),
        _at(gaussian_process, (4,), (4,)),
        _at(solving, (3, 3), (3,)),
        _at(custom_forward, (3,), (3,)),
        _at(relu_network, (3, 3), (3,)),
        _at(special_functions, (3,), (3,)),
        _at(reparameterised, (3,), (3,)),
    )
}
