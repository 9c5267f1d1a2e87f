"""Rows of special functions of one operand: error functions, the gamma family, Bessel functions, logistic, softplus."""

from __future__ import annotations

from .row import Primitive, Smooth

ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="erf",
        type="(f) -> f",
        derivative=Smooth(("2 / sqrt(acos(-1)) * exp(-x0^2)",), ("1.1283791670955126 * exp(-x0^2)",)),
        doc="The error function.",
        numpy="scipy.special.erf",
        jax="jax.lax.erf",
        oracle="erf(x0)",
        monotone="increasing",
        samples=((-5.0, 5.0),),
    ),
    Primitive(
        name="erfc",
        type="(f) -> f",
        derivative=Smooth(("-2 / sqrt(acos(-1)) * exp(-x0^2)",), ("-1.1283791670955126 * exp(-x0^2)",)),
        doc="1 - erf(x0), accurate for large x0.",
        numpy="scipy.special.erfc",
        jax="jax.lax.erfc",
        oracle="erfc(x0)",
        monotone="decreasing",
        samples=((-5.0, 20.0),),
    ),
    Primitive(
        name="erf_inv",
        type="(f) -> f",
        derivative=Smooth(("sqrt(acos(-1)) / 2 * exp(y^2)",), ("0.886226925452758 * exp(y^2)",)),
        doc="The inverse of the error function.",
        numpy="scipy.special.erfinv",
        jax="jax.lax.erf_inv",
        oracle="erfinv(x0)",
        domain="x0 > -1 and x0 < 1",
        monotone="increasing",
        samples=((-1.0, 1.0),),
    ),
    Primitive(
        name="bessel_i0e",
        type="(f) -> f",
        # DLMF 10.29.3; the kink of exp(-|x0|) at 0 takes the mean of both slopes.
        derivative=Smooth(("bessel_i1e(x0) - sign(x0) * y",)),
        doc="The modified Bessel function of order 0, times exp(-|x0|).",
        jax="jax.lax.bessel_i0e",
        oracle="besseli(0, x0) * exp(-fabs(x0))",
        kinks=("x0 == 0",),
        samples=((-2.0, 2.0),),
    ),
    Primitive(
        name="bessel_i1e",
        type="(f) -> f",
        # DLMF 10.29.2, with the limit 1/2 at 0; the guard stands on the operand for the sake of second derivatives.
        derivative=Smooth(
            ("if x0 == 0 then 0.5 else bessel_i0e(x0) - y * (sign(x0) + 1 / (if x0 == 0 then 1 else x0))",),
            (
                "if abs(x0) < 1e-16 then 0.5 else "
                "bessel_i0e(x0) - y * (sign(x0) + 1 / (if abs(x0) < 1e-16 then 1 else x0))",
            ),
        ),
        doc="The modified Bessel function of order 1, times exp(-|x0|).",
        jax="jax.lax.bessel_i1e",
        oracle="besseli(1, x0) * exp(-fabs(x0))",
        # Farther out the terms of the partial cancel, as they do in JAX: about as many digits go as x0 has bits.
        samples=((-0.5, 0.5),),
    ),
    Primitive(
        name="lgamma",
        type="(f) -> f",
        derivative=Smooth(("digamma(x0)",)),
        doc="The logarithm of the absolute value of the gamma function.",
        numpy="scipy.special.gammaln",
        jax="jax.lax.lgamma",
        oracle="ln(fabs(gamma(x0)))",
        domain="x0 > 0 or floor(x0) != x0",
        samples=((1e-2, 1e2),),
    ),
    Primitive(
        name="digamma",
        type="(f) -> f",
        derivative=Smooth(("polygamma(x0, 1)",)),
        doc="The logarithmic derivative of the gamma function.",
        numpy="scipy.special.digamma",
        jax="jax.lax.digamma",
        oracle="digamma(x0)",
        domain="x0 > 0 or floor(x0) != x0",
        samples=((1e-2, 1e2),),
    ),
    Primitive(
        name="polygamma",
        type="(f) -> f",
        derivative=Smooth(("polygamma(x0, order + 1)",)),
        doc="Derivative number `order` (1 or more) of the digamma function, for x0 > 0.",
        oracle="psi(order, x0)",
        domain="x0 > 0",
        samples=((1e-2, 1e2),),
        params=("order",),
    ),
    Primitive(
        name="logistic",
        type="(f) -> f",
        # 1 - y is the logistic function of -x, which keeps its digits where y is nearly 1.
        derivative=Smooth(("y * (1 - y)",), ("y * logistic(-x0)",)),
        doc="1 / (1 + exp(-x0)).",
        flops=3,
        numpy="scipy.special.expit",
        jax="jax.lax.logistic",
        oracle="1 / (1 + exp(-x0))",
        monotone="increasing",
        samples=((-600.0, 40.0),),
    ),
    Primitive(
        name="softplus",
        type="(f) -> f",
        derivative=Smooth(("1 - exp(-y)",), ("logistic(x0)",)),
        doc="log(1 + exp(x0)), without overflow.",
        flops=3,
        jax="jax.nn.softplus",
        oracle="log1p(exp(x0))",
        monotone="increasing",
        convex="convex",
        samples=((-600.0, 100.0),),
    ),
)
