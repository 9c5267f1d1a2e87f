"""Rows of the gamma family in two and three operands: incomplete gamma and beta functions, the zeta function.

P(a, x) is the regularised lower incomplete gamma function and p(x) = x^(a - 1) exp(-x) / gamma(a) its derivative in x
(DLMF 8.8.13). Its derivative in a has no closed form and is a primitive itself; the oracle writes it with the
generalised hypergeometric series that integrating log(t) t^(a - 1) exp(-t) term by term gives.
"""

from __future__ import annotations

from .row import Primitive, Smooth

_DENSITY = "exp(-x1 + (x0 - 1) * log(x1) - lgamma(x0))"
_LOWER = "(1 - gammainc(x0, x1) / gamma(x0))"
_IN_SHAPE = (
    f"({_LOWER} * (ln(x1) - digamma(x0)) - x1 ^ x0 / (x0 * x0 * gamma(x0)) * hyp2f2(x0, x0, x0 + 1, x0 + 1, -x1))"
)
_GAMMA_SAMPLES = ((0.5, 3.0), (0.1, 3.0))
_POSITIVE = "x0 > 0 and x1 > 0"


def _of_gamma(name: str, doc: str, partials: tuple[str | None, ...], oracle: str) -> Primitive:
    """A function of the shape a = x0 and the place x = x1."""
    return Primitive(
        name=name,
        type="(f, f) -> f",
        derivative=Smooth(partials),
        doc=doc,
        flops=10,
        jax=f"jax.lax.{name}",
        oracle=oracle,
        domain=_POSITIVE,
        samples=_GAMMA_SAMPLES,
    )


ROWS: tuple[Primitive, ...] = (
    _of_gamma(
        "igamma",
        "The regularised lower incomplete gamma function P(x0, x1).",
        ("igamma_grad_a(x0, x1)", _DENSITY),
        _LOWER,
    ),
    _of_gamma(
        "igammac",
        "The regularised upper incomplete gamma function, 1 - P(x0, x1) without cancellation.",
        ("-igamma_grad_a(x0, x1)", f"-{_DENSITY}"),
        "gammainc(x0, x1) / gamma(x0)",
    ),
    _of_gamma(
        "igamma_grad_a",
        "The derivative of P(x0, x1) with respect to x0.",
        (None, f"{_DENSITY} * (log(x1) - digamma(x0))"),
        _IN_SHAPE,
    ),
    _of_gamma(
        "random_gamma_grad",
        "How the quantile x1 of the gamma distribution moves with its shape x0: -dP/dx0 / p(x1).",
        (None, None),
        f"-{_IN_SHAPE} * gamma(x0) * exp(x1) * x1 ^ (1 - x0)",
    ),
    Primitive(
        name="betainc",
        type="(f, f, f) -> f",
        derivative=Smooth(
            (
                None,
                None,
                "exp((x1 - 1) * log1p(-x2) + (x0 - 1) * log(x2) - (lgamma(x0) + lgamma(x1) - lgamma(x0 + x1)))",
            )
        ),
        doc="The regularised incomplete beta function of the shapes x0 and x1, up to x2.",
        flops=10,
        numpy="scipy.special.betainc",
        jax="jax.lax.betainc",
        oracle="betainc(x0, x1, 0, x2, true)",
        domain="x0 > 0 and x1 > 0 and x2 > 0 and x2 < 1",
        samples=((0.5, 3.0), (0.5, 3.0), (0.1, 0.9)),
    ),
    Primitive(
        name="zeta",
        type="(f, f) -> f",
        derivative=Smooth((None, "-x0 * zeta(x0 + 1, x1)")),  # DLMF 25.11.17
        doc="The Hurwitz zeta function, the sum of 1 / (x1 + k)^x0 over k = 0, 1, …, for x0 > 1.",
        flops=10,
        numpy="scipy.special.zeta",
        jax="jax.lax.zeta",
        oracle="zeta(x0, x1)",
        domain="x0 > 1 and x1 > 0",
        samples=((1.5, 10.0), (0.1, 10.0)),
    ),
)
