"""Rows of random numbers: functions of a key, as pure as any other.

A key is a pair of 32-bit words. `threefry2x32` turns a key and a counter into two random words; everything else
(splitting keys, random bits, uniform numbers) is index arithmetic around it. Draws of the gamma distribution are a
primitive, because how many words one takes depends on what was drawn.
"""

from __future__ import annotations

from . import type_rules
from .row import Discrete, Primitive, Smooth

# exp(y) underflows for small shapes; there the limit of the quotient for x -> 0, from P(a, x) = x^a / gamma(a + 1).
_IN_LOGARITHM = "if exp(y) == 0 then (digamma(x2 + 1) - y) / x2 else random_gamma_grad(x2, exp(y)) / exp(y)"

ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="threefry2x32",
        type="(w, w, w, w) -> w",
        derivative=Discrete("random words have no tangent"),
        doc="Word number `word` (0 or 1) of the Threefry-2x32-20 cipher: the key x0 x1 applied to the counter x2 x3.",
        flops=100,
        jax="jax.extend.random.threefry_2x32",
        params=("word",),
    ),
    Primitive(
        name="random_gamma",
        type="(w, w, f) -> f",
        # A draw is the quantile of a number that the key decides, so it moves with the shape as quantiles do.
        derivative=Smooth(("0", "0", f"if log_space then ({_IN_LOGARITHM}) else random_gamma_grad(x2, y)")),
        doc="A draw of the gamma distribution with shape x2 by the key x0 x1, or its logarithm (`log_space`).",
        flops=400,
        jax="jax.random.gamma",
        params=("log_space",),
        type_rule=type_rules.random_gamma,
    ),
)
