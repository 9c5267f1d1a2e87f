"""Special functions that NumPy lacks and SciPy lacks or rounds badly: arrays enter, arrays of the same dtype leave.

What a short series gives is summed in extended precision, where the machine has it, and rounded once. The incomplete
gamma function P(a, x) is the series DLMF 8.7.1 left of x = a and one minus the continued fraction DLMF 8.9.2 right of
it. Its derivative with respect to a comes from differentiating both term by term (Moore 1982, Algorithm AS 187); on
either side the two terms of the result have one sign, so that nothing cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np

Array = np.ndarray
_SMALL = 1e-20  # parts of a sum that no longer count
_ULP = 2.1 * float(np.finfo(np.longdouble).eps)
_ROUNDS = 20_000
_NEAR = 30  # beyond, SciPy has expansions that need fewer terms


def computed_in(wide: type[np.floating]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function of floats that is computed in a wider dtype and rounded to the dtype of its last operand."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*x: Any, **params: Any) -> Any:
            result = function(*(np.asarray(value, wide) for value in x), **params)
            return np.asarray(result).astype(np.asarray(x[-1]).dtype)[()]

        return run

    return decorate


in_double = computed_in(np.float64)
in_extended = computed_in(np.longdouble)


def _scipy(name: str, *x: Array) -> Array:
    import scipy.special

    return getattr(scipy.special, name)(*(value.astype(np.float64) for value in x)).astype(x[0].dtype)


# --- Bessel functions ---------------------------------------------------------------------------------------


def _bessel(order: int, name: str) -> Callable[[Any], Any]:
    """``exp(-|x|) I_order(x)`` by the power series DLMF 10.25.2 where that is short."""

    @in_extended
    def function(x: Array) -> Array:
        near = np.abs(x) <= _NEAR
        half = np.where(near, x, 1) / 2
        term = total = half**order
        for k in range(1, 4 * _NEAR):
            term = term * half**2 / (k * (k + order))
            total = total + term
        return np.where(near, total * np.exp(-np.abs(2 * half)), _scipy(name, x))

    return function


# --- incomplete gamma functions -----------------------------------------------------------------------------


@in_extended
def igamma(a: Array, x: Array) -> Array:
    """P(a, x)."""
    a, x = np.broadcast_arrays(a, x)
    left, right = _sides(a, x)
    near = np.maximum(a, x) <= _NEAR
    power = _power(a, x)
    series, fraction = _series(*_kept(left & near, a, x))[0], _fraction(*_kept(right & near, a, x))[0]
    own = np.where(left, power * series / a, 1 - power * fraction)
    return np.where((left | right) & near, own, _scipy("gammainc", a, x))


@in_extended
def igammac(a: Array, x: Array) -> Array:
    """1 - P(a, x)."""
    a, x = np.broadcast_arrays(a, x)
    _, right = _sides(a, x)
    right &= np.maximum(a, x) <= _NEAR
    fraction, _ = _fraction(*_kept(right, a, x))
    return np.where(right, _power(a, x) * fraction, _scipy("gammaincc", a, x))


@in_extended
def igamma_grad_a(a: Array, x: Array) -> Array:
    """dP(a, x)/da: 0 at x = 0 and at infinity, NaN outside a > 0 and x >= 0."""
    a, x = np.broadcast_arrays(a, x)
    power = _power(a, x)
    slope = np.where(power == 0, 0.0, power * _relative_slope(a, x))
    return _on_domain(a, x, np.where(np.isposinf(x), 0.0, slope))


@in_extended
def random_gamma_grad(a: Array, x: Array) -> Array:
    """``-dP/da / (dP/dx)``, by which a draw x of the gamma distribution moves with its shape a; 0 at x = 0."""
    a, x = np.broadcast_arrays(a, x)
    return _on_domain(a, x, -x * _relative_slope(a, x))


def _on_domain(a: Array, x: Array, value: Array) -> Array:
    inside = (a > 0) & (x >= 0)
    return np.where(inside, np.where(x == 0, 0.0, value), np.nan)


def _power(a: Array, x: Array) -> Array:
    """``x^a exp(-x) / gamma(a)``."""
    return np.exp(a * np.log(x) - x - _scipy("gammaln", a))


def _sides(a: Array, x: Array) -> tuple[Array, Array]:
    """Where the series and where the continued fraction converges fast."""
    inside = (a > 0) & (x > 0) & np.isfinite(x) & np.isfinite(a)
    right = inside & (x > 1) & (x > a)
    return inside & ~right, right


def _kept(mask: Array, a: Array, x: Array) -> tuple[Array, Array]:
    """The places that a mask keeps, and harmless ones instead of the others."""
    return np.where(mask, a, 1), np.where(mask, x, 1)


def _relative_slope(a: Array, x: Array) -> Array:
    """dP/da divided by ``x^a exp(-x) / gamma(a)``."""
    left, right = _sides(a, x)
    series, series_slope = _series(*_kept(left, a, x))
    from_series = (series * (np.log(x) - _scipy("digamma", a + 1)) + series_slope) / a
    fraction, fraction_slope = _fraction(*_kept(right, a, x))
    from_fraction = -(fraction * (np.log(x) - _scipy("digamma", a)) + fraction_slope)
    return np.where(left, from_series, np.where(right, from_fraction, np.nan))


def _series(a: Array, x: Array) -> tuple[Array, Array]:
    """S = sum of x^n / ((a + 1) … (a + n)) and dS/da."""
    term, slope = np.ones_like(x), np.zeros_like(x)
    total, total_slope = term, slope
    for n in range(1, _ROUNDS):
        term = term * x / (a + n)
        slope = slope * x / (a + n) - term / (a + n)
        total, total_slope = total + term, total_slope + slope
        if np.all((term <= _SMALL * total) & (np.abs(slope) <= _SMALL * np.abs(total_slope))):
            break
    return total, total_slope


def _fraction(a: Array, x: Array) -> tuple[Array, Array]:
    """F = 1 / (b0 + a1 / (b1 + a2 / …)) with b_n = x + 1 - a + 2 n and a_n = -n (n - a), and dF/da.

    The modified Lentz method with derivatives beside the values. An element rests once it has converged: further
    factors are 1 but for rounding, which would add up.
    """
    b, moving = x + 1 - a, np.ones(x.shape, bool)
    whole, whole_slope = b, -np.ones_like(x)
    c, c_slope = b, whole_slope
    d, d_slope = np.zeros_like(x), np.zeros_like(x)
    for n in range(1, _ROUNDS):
        b, step = b + 2, -n * (n - a)
        d_slope = -(-1 + n * d + step * d_slope) / (b + step * d) ** 2
        d = 1 / (b + step * d)
        c, c_slope = b + step / c, -1 + n / c - step * c_slope / c**2
        factor, factor_slope = c * d, c_slope * d + c * d_slope
        whole_slope = np.where(moving, whole_slope * factor + whole * factor_slope, whole_slope)
        whole = np.where(moving, whole * factor, whole)
        moving &= (np.abs(factor - 1) > _ULP) | (np.abs(whole * factor_slope) > _ULP * np.abs(whole_slope))
        if not np.any(moving):
            break
    return 1 / whole, -whole_slope / whole**2


SPECIAL: Mapping[str, Callable[..., Any]] = {
    "bessel_i0e": _bessel(0, "i0e"),
    "bessel_i1e": _bessel(1, "i1e"),
    "igamma": igamma,
    "igammac": igammac,
    "igamma_grad_a": igamma_grad_a,
    "random_gamma_grad": random_gamma_grad,
}
