"""What the variance of an estimate is, in closed form: derivatives and a number of lanes enter, a variance leaves.

H is the symmetric Hessian at the point, n its length. Sampled coordinates see the spread of its diagonal, Rademacher
vectors what is off the diagonal, so neither law is better for all functions.
"""

from __future__ import annotations

import numpy as np


def sampled(diagonal: np.ndarray, count: int, replacement: bool = False) -> float:
    """Of n times the mean of `count` of n diagonal derivatives.

    >>> sampled(np.array([2.0, -2.0, 0.0, 0.0]), 2)
    10.666666666666666
    """
    n = len(diagonal)
    left = 1.0 if replacement else (n - count) / (n - 1)
    return float(n**2 * np.var(diagonal) / count * left)


def rademacher(hessian: np.ndarray, count: int) -> float:
    """Of the mean of v @ H @ v for independent signs v.

    >>> rademacher(np.diag([2.0, -2.0]), 1), rademacher(np.array([[0.0, 1.0], [1.0, 0.0]]), 1)
    (0.0, 4.0)
    """
    off = hessian - np.diag(np.diag(hessian))
    return float(2 * (off**2).sum() / count)


def gaussian(hessian: np.ndarray, count: int) -> float:
    """Of the mean of v @ H @ v for standard normal v.

    >>> gaussian(np.diag([2.0, -2.0]), 1)
    16.0
    """
    return float(2 * (hessian**2).sum() / count)


def sphere(hessian: np.ndarray, count: int) -> float:
    """Of n times the mean of v @ H @ v for v uniform on the unit sphere.

    >>> sphere(np.eye(3), 1), sphere(np.diag([2.0, -2.0]), 1)
    (0.0, 8.0)
    """
    n = len(hessian)
    return 2 * n / (n + 2) * _spread(hessian) / count


def frame(hessian: np.ndarray, count: int) -> float:
    """Of n times the mean of v @ H @ v over `count` orthonormal v, the frame uniform: vectors without replacement.

    >>> frame(np.diag([2.0, -2.0, 1.0]), 3)
    0.0
    """
    n = len(hessian)
    return 2 * n * (n - count) / (count * (n - 1) * (n + 2)) * _spread(hessian)


def gaussian_fourth(fourth: np.ndarray, count: int) -> float:
    """Of a third of the mean of D4u[v, v, v, v] for standard normal v; `fourth` is the symmetric array D4u.

    >>> gaussian_fourth(np.ones((1, 1, 1, 1)), 1)  # v^4 / 3: the variance of v^4 is 105 - 9
    10.666666666666666
    """
    traced = np.einsum("ijkk->ij", fourth)
    return float((24 * (fourth**2).sum() + 72 * (traced**2).sum()) / (9 * count))


def _spread(hessian: np.ndarray) -> float:
    """The squared norm of H without its part along the identity."""
    return float((hessian**2).sum() - np.trace(hessian) ** 2 / len(hessian))
