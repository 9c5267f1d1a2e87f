"""Arguments for the callables of jax.nn, jax.numpy.linalg, jax.scipy.special and the log densities of jax.scipy.stats.

Each row makes ``(function, *arguments)`` from the callable and draws; what is static stands inside the function.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .entry import Make

NN: dict[str, Make] = {
    "dot_product_attention": lambda f, r: (
        partial(f, is_causal=True),
        *(r.normal(1, 3, 2, 4), r.normal(1, 3, 2, 4), r.normal(1, 3, 2, 4)),
    ),
    "glu": lambda f, r: (f, r.normal(2, 4)),
    "log_softmax": lambda f, r: (partial(f, axis=0), r.normal(3, 2)),
    "logmeanexp": lambda f, r: (partial(f, axis=1), r.normal(2, 4)),
    "logsumexp": lambda f, r: (lambda x, b: f(x, axis=1, b=b), r.normal(2, 4), r.positive(2, 4)),
    "scaled_dot_general": lambda f, r: (
        lambda x, y: f(x, y, (((2,), (2,)), ((0,), (0,)))),
        *(r.normal(2, 3, 4), r.normal(2, 2, 4)),
    ),
    "softmax": lambda f, r: (f, r.normal(2, 3)),
    "standardize": lambda f, r: (f, r.normal(2, 4)),
}

LINALG: dict[str, Make] = {
    "cholesky": lambda f, r: (f, r.definite(3, 3)),
    "cond": lambda f, r: (f, r.matrix(3, 3)),
    "cross": lambda f, r: (f, r.normal(2, 3), r.normal(2, 3)),
    "det": lambda f, r: (f, r.matrix(2, 3, 3)),
    "diagonal": lambda f, r: (partial(f, offset=1), r.normal(3, 4)),
    "eig": lambda f, r: (f, r.matrix(3, 3)),
    "eigh": lambda f, r: (lambda x: abs_second(f(x)), r.symmetric(3, 3)),
    "eigvals": lambda f, r: (f, r.matrix(3, 3)),
    "eigvalsh": lambda f, r: (f, r.symmetric(3, 3)),
    "inv": lambda f, r: (f, r.matrix(2, 3, 3)),
    "lstsq": lambda f, r: (lambda a, b: f(a, b)[0], r.normal(4, 2), r.normal(4)),
    "matmul": lambda f, r: (f, r.normal(2, 3, 4), r.normal(4, 2)),
    "matrix_norm": lambda f, r: (f, r.normal(3, 2)),
    "matrix_power": lambda f, r: (lambda x: f(x, 3), r.matrix(3, 3)),
    "matrix_rank": lambda f, r: (f, r.matrix(3, 3)),
    "matrix_transpose": lambda f, r: (f, r.normal(2, 3, 4)),
    "multi_dot": lambda f, r: (lambda x, y, z: f((x, y, z)), r.normal(2, 4), r.normal(4, 3), r.normal(3, 2)),
    "norm": lambda f, r: (partial(f, ord=3, axis=1), r.normal(2, 4)),
    "outer": lambda f, r: (f, r.normal(3), r.normal(2)),
    "pinv": lambda f, r: (f, r.normal(4, 2)),
    "qr": lambda f, r: (f, r.normal(4, 2)),
    "slogdet": lambda f, r: (f, r.matrix(2, 3, 3)),
    "solve": lambda f, r: (f, r.matrix(3, 3), r.normal(3, 2)),
    "svd": lambda f, r: (lambda x: abs_ends(f(x, full_matrices=False)), r.normal(4, 2)),
    "svdvals": lambda f, r: (f, r.normal(4, 2)),
    "tensordot": lambda f, r: (partial(f, axes=1), r.normal(2, 3), r.normal(3, 2)),
    "tensorinv": lambda f, r: (partial(f, ind=1), r.matrix(4, 4).reshape(4, 2, 2)),
    "tensorsolve": lambda f, r: (f, r.matrix(4, 4).reshape(2, 2, 4), r.normal(2, 2)),
    "trace": lambda f, r: (partial(f, offset=1), r.normal(3, 4)),
    "vecdot": lambda f, r: (f, r.normal(2, 3), r.normal(2, 3)),
    "vector_norm": lambda f, r: (partial(f, axis=1), r.normal(2, 4)),
}


def abs_second(parts: Any) -> tuple[Any, ...]:
    """Eigenvalues with the sizes of the entries of eigenvectors, whose signs are free."""
    values, vectors = parts
    return values, abs(vectors)


def abs_ends(parts: Any) -> tuple[Any, ...]:
    """Singular values with the sizes of the entries of singular vectors, whose signs are free."""
    left, values, right = parts
    return abs(left), values, abs(right)


SPECIAL: dict[str, Make] = {
    "betainc": lambda f, r: (partial(f, np.array([0.7, 1.6, 2.4]), np.array([1.3, 0.6, 2.1])), r.unit(3)),
    "bessel_jn": lambda f, r: (lambda x: f(x, v=2), r.positive(3)),
    "betaln": lambda f, r: (f, r.positive(4), r.positive(4)),
    "comb": lambda f, r: (f, 4 + r.unit(4), r.positive(4)),
    "exp1": lambda f, r: (f, r.positive(4)),
    "expi": lambda f, r: (f, r.positive(4)),
    "expn": lambda f, r: (lambda x: f(2, x), r.positive(4)),
    "factorial": lambda f, r: (f, r.positive(4)),
    "hyp1f1": lambda f, r: (f, r.positive(3), r.beyond_one(3), r.unit(3)),
    "hyp2f1": lambda f, r: (f, r.positive(3), r.unit(3), r.beyond_one(3), 0.5 * r.unit(3)),
    "kl_div": lambda f, r: (f, r.positive(4), r.positive(4)),
    "log_softmax": lambda f, r: (partial(f, axis=1), r.normal(2, 3)),
    "logsumexp": lambda f, r: (partial(f, axis=0), r.normal(4, 2)),
    "multigammaln": lambda f, r: (lambda x: f(x, 3), 1 + r.beyond_one(4)),
    "poch": lambda f, r: (f, r.positive(4), r.positive(4)),
    "polygamma": lambda f, r: (lambda x: f(2, x), r.positive(4)),
    "rel_entr": lambda f, r: (f, r.positive(4), r.positive(4)),
    "softmax": lambda f, r: (partial(f, axis=0), r.normal(3, 2)),
    "sph_harm_y": lambda f, r: (
        lambda x, y: f(np.array([2, 3, 3]), np.array([1, 0, 2]), x, y, n_max=3),
        *(r.positive(3), r.positive(3)),
    ),
    "xlog1py": lambda f, r: (f, r.positive(4), r.positive(4)),
    "xlogy": lambda f, r: (f, r.positive(4), r.positive(4)),
    "zeta": lambda f, r: (f, r.beyond_one(4), r.positive(4)),
}

COUNTS = np.array([0, 1, 3, 2])
POINTS = np.array([1, 2, 4, 3])

STATS: dict[str, Make] = {
    "bernoulli.logpmf": lambda f, r: (partial(f, np.array([0, 1, 1])), r.unit(3)),
    "beta.logpdf": lambda f, r: (f, r.unit(4), r.positive(4), r.positive(4)),
    "betabinom.logpmf": lambda f, r: (partial(f, COUNTS, 5), r.positive(4), r.positive(4)),
    "binom.logpmf": lambda f, r: (lambda p: f(COUNTS, 5, p), r.unit(4)),
    "cauchy.logpdf": lambda f, r: (f, r.normal(4), r.normal(), r.positive()),
    "chi2.logpdf": lambda f, r: (f, r.positive(4), r.positive(4)),
    "dirichlet.logpdf": lambda f, r: (lambda a: f(np.array([0.2, 0.5, 0.3]), a), r.positive(3)),
    "expon.logpdf": lambda f, r: (lambda x, s: f(x, 0.0, s), r.positive(4), r.positive()),
    "gamma.logpdf": lambda f, r: (lambda x, a, s: f(x, a, 0.0, s), r.positive(4), r.positive(4), r.positive()),
    "gennorm.logpdf": lambda f, r: (f, r.normal(4), r.beyond_one(4)),
    "geom.logpmf": lambda f, r: (partial(f, POINTS), r.unit(4)),
    "gumbel_l.logpdf": lambda f, r: (lambda x, m: f(x, m, 1.3), r.normal(4), r.normal()),  # JAX raises
    "gumbel_r.logpdf": lambda f, r: (lambda x, m: f(x, m, 1.3), r.normal(4), r.normal()),  # by the scale
    "laplace.logpdf": lambda f, r: (f, r.normal(4), r.normal(), r.positive()),
    "logistic.logpdf": lambda f, r: (f, r.normal(4), r.normal(), r.positive()),
    "multinomial.logpmf": lambda f, r: (lambda p: f(COUNTS, 6, p), r.simplex(4)),
    "multivariate_normal.logpdf": lambda f, r: (f, r.normal(2, 3), r.normal(3), r.definite(3, 3)),
    "nbinom.logpmf": lambda f, r: (partial(f, COUNTS), r.positive(4), r.unit(4)),
    "norm.logpdf": lambda f, r: (f, r.normal(4), r.normal(), r.positive()),
    "pareto.logpdf": lambda f, r: (f, r.beyond_one(4), r.positive(4)),
    "poisson.logpmf": lambda f, r: (partial(f, COUNTS), r.positive(4)),
    "t.logpdf": lambda f, r: (f, r.normal(4), r.positive(4), r.normal(), r.positive()),
    "truncnorm.logpdf": lambda f, r: (
        lambda x, a, b, m, s: f(x, a, b, m, s),
        *(0.5 * r.normal(4), np.float64(-3.0), np.float64(2.9), 0.1 * r.normal(), r.beyond_one()),
    ),
    "uniform.logpdf": lambda f, r: (lambda x, s: f(x, 0.0, s), r.unit(4), r.beyond_one()),
    "vonmises.logpdf": lambda f, r: (f, r.normal(4), r.positive(4)),
    "wrapcauchy.logpdf": lambda f, r: (f, r.positive(4), r.unit(4)),
}
