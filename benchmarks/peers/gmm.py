"""Gaussian mixture log-likelihood with a Wishart prior, in JAX (ADBench's GMM objective).

alphas [k], means [k,d], icf [k,d(d+1)/2] (log-diagonal, then the strict lower triangle column by column),
x [n,d], gamma, m -> the log posterior, a scalar. All formulations whiten first and square afterwards;
expanding the square into a quadratic form needs fewer operations but cancels when means lie far from the
origin, so it is no peer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln, logsumexp


def factors(icf: Array, d: int) -> tuple[Array, Array]:
    """The lower-triangular factors [k,d,d] and the sums of their log-diagonals [k]."""
    columns = np.concatenate([np.full(d - 1 - j, j) for j in range(d)])
    rows = np.concatenate([np.arange(j + 1, d) for j in range(d)])
    diagonal = jax.vmap(jnp.diag)(jnp.exp(icf[:, :d]))
    return diagonal.at[:, rows, columns].set(icf[:, d:]), icf[:, :d].sum(axis=1)


def assemble(alphas: Array, icf: Array, squares: Array, n: int, d: int, gamma: Array, m: Array) -> Array:
    """The posterior from the squared norms [n,k] of the whitened, centred samples."""
    k = alphas.shape[0]
    sums = icf[:, :d].sum(axis=1)
    likelihood = logsumexp(alphas + sums - 0.5 * squares, axis=1).sum() - n * logsumexp(alphas)
    freedom = d + m + 1.0
    squared = (jnp.exp(icf[:, :d]) ** 2).sum() + (icf[:, d:] ** 2).sum()
    prior = 0.5 * gamma**2 * squared - m * sums.sum()
    multivariate = 0.25 * d * (d - 1) * math.log(math.pi) + gammaln(0.5 * (freedom - jnp.arange(d))).sum()
    constant = freedom * d * (jnp.log(gamma) - 0.5 * math.log(2.0)) - multivariate
    return -0.5 * n * d * math.log(2.0 * math.pi) + likelihood + prior - k * constant


def centred_einsum(alphas: Array, means: Array, icf: Array, x: Array, gamma: Array, m: Array) -> Array:
    """Centre every sample at every mean, then one batched product."""
    n, d = x.shape
    centred = x[:, None, :] - means[None, :, :]
    whitened = jnp.einsum("kij,nkj->nki", factors(icf, d)[0], centred)
    return assemble(alphas, icf, (whitened**2).sum(axis=2), n, d, gamma, m)


def one_matmul(alphas: Array, means: Array, icf: Array, x: Array, gamma: Array, m: Array) -> Array:
    """Whiten all samples by all factors in one matrix product, then subtract the whitened means."""
    n, d = x.shape
    matrix = factors(icf, d)[0]
    shifted = (x @ matrix.reshape(-1, d).T).reshape(n, -1, d) - jnp.einsum("kij,kj->ki", matrix, means)
    return assemble(alphas, icf, (shifted**2).sum(axis=2), n, d, gamma, m)


def per_component(alphas: Array, means: Array, icf: Array, x: Array, gamma: Array, m: Array) -> Array:
    """One component at a time under vmap."""
    n, d = x.shape

    def squares(mean: Array, matrix: Array) -> Array:
        return (((x - mean) @ matrix.T) ** 2).sum(axis=1)

    distances = jax.vmap(squares, out_axes=1)(means, factors(icf, d)[0])
    return assemble(alphas, icf, distances, n, d, gamma, m)


FORMULATIONS: dict[str, Callable[..., Array]] = {
    "jax centred einsum": centred_einsum,
    "jax one matmul": one_matmul,
    "jax vmap over components": per_component,
}
