"""Bit patterns and special functions in XLA: functions over JAX arrays of one shape, by the name of the primitive."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jax import Array, lax

BITS: Mapping[str, Callable[..., Array]] = {
    "bit_and": lax.bitwise_and,
    "bit_or": lax.bitwise_or,
    "bit_xor": lax.bitwise_xor,
    "bit_not": lax.bitwise_not,
    "shift_left": lax.shift_left,
    "shift_right_logical": lax.shift_right_logical,
    "shift_right_arithmetic": lax.shift_right_arithmetic,
    "population_count": lax.population_count,
    "clz": lax.clz,
    "mulhi": lambda x, y: lax.mulhi(x, y),  # looked up when used: older releases of JAX do not have it
    "truncdiv": lax.div,
    "rem": lax.rem,
    "nextafter": lax.nextafter,
}

SPECIAL: Mapping[str, Callable[..., Array]] = {
    "erf": lax.erf,
    "erfc": lax.erfc,
    "erf_inv": lax.erf_inv,
    "lgamma": lax.lgamma,
    "digamma": lax.digamma,
    "bessel_i0e": lax.bessel_i0e,
    "bessel_i1e": lax.bessel_i1e,
    "igamma": lax.igamma,
    "igammac": lax.igammac,
    "igamma_grad_a": lax.igamma_grad_a,
    "random_gamma_grad": lax.random_gamma_grad,
    "betainc": lax.betainc,
    "zeta": lax.zeta,
    "logistic": lax.logistic,
}
