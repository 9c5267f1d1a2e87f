"""Rows of elementary functions: exponentials, logarithms, circular and hyperbolic functions, roots.

`partials` are the differential equations a function satisfies (algebraic in x and y wherever one is known);
`stable` is the form for floating point where the equation cancels or overflows. ``log(2)`` and ``acos(-1)``
keep the equations exact in every arithmetic; the stable forms use the rounded number.
"""

from __future__ import annotations

from .row import Primitive, Smooth

_REAL = (-30.0, 30.0)


def _row(
    name: str,
    doc: str,
    partial: str,
    stable: str | None = None,
    *,
    samples: tuple[float, float] = _REAL,
    numpy: str | None = None,
    jax: str | None = None,
    oracle: str | None = None,
    domain: str = "true",
    monotone: str | None = None,
    convex: str | None = None,
    flops: int = 1,
) -> Primitive:
    """A smooth function of one float; names in NumPy and JAX default to its own."""
    return Primitive(
        name=name,
        type="(f) -> f",
        derivative=Smooth((partial,), None if stable is None else (stable,)),
        doc=doc,
        numpy=numpy or f"numpy.{name}",
        jax=jax or f"jax.numpy.{name}",
        oracle=oracle or f"{name}(x0)",
        domain=domain,
        monotone=monotone,
        convex=convex,
        samples=(samples,),
        flops=flops,
    )


_EXPONENTIAL = (
    _row("exp", "e to the power x0.", "y", samples=(-600.0, 600.0), monotone="increasing", convex="convex"),
    _row("expm1", "exp(x0) - 1, accurate near 0.", "y + 1", "exp(x0)", monotone="increasing", convex="convex"),
    _row(
        "exp2",
        "2 to the power x0.",
        "y * log(2)",
        "y * 0.6931471805599453",
        samples=(-900.0, 900.0),
        oracle="2 ^ x0",
        monotone="increasing",
        convex="convex",
    ),
    _row(
        "log",
        "The natural logarithm.",
        "1 / x0",
        samples=(1e-3, 1e3),
        oracle="ln(x0)",
        domain="x0 > 0",
        monotone="increasing",
        convex="concave",
    ),
    _row(
        "log1p",
        "log(1 + x0), accurate near 0.",
        "1 / (1 + x0)",
        samples=(-0.999, 1e3),
        domain="x0 > -1",
        monotone="increasing",
        convex="concave",
    ),
    _row(
        "log2",
        "The logarithm to base 2.",
        "1 / (x0 * log(2))",
        "1.4426950408889634 / x0",
        samples=(1e-3, 1e3),
        oracle="ln(x0) / ln(2)",
        domain="x0 > 0",
        monotone="increasing",
        convex="concave",
    ),
)

_CIRCULAR = (
    _row("sin", "The sine.", "cos(x0)"),
    _row("cos", "The cosine.", "-sin(x0)"),
    _row("tan", "The tangent.", "1 + y^2", domain="cos(x0) != 0"),
    _row(
        "asin",
        "The inverse sine, in [-pi/2, pi/2].",
        "1 / sqrt(1 - x0^2)",
        "1 / sqrt((1 - x0) * (1 + x0))",
        samples=(-1.0, 1.0),
        numpy="numpy.arcsin",
        jax="jax.numpy.arcsin",
        domain="x0 >= -1 and x0 <= 1",
        monotone="increasing",
    ),
    _row(
        "acos",
        "The inverse cosine, in [0, pi].",
        "-1 / sqrt(1 - x0^2)",
        "-1 / sqrt((1 - x0) * (1 + x0))",
        samples=(-1.0, 1.0),
        numpy="numpy.arccos",
        jax="jax.numpy.arccos",
        domain="x0 >= -1 and x0 <= 1",
        monotone="decreasing",
    ),
    _row(
        "atan",
        "The inverse tangent, in (-pi/2, pi/2).",
        "1 / (1 + x0^2)",
        numpy="numpy.arctan",
        jax="jax.numpy.arctan",
        monotone="increasing",
    ),
    Primitive(
        name="atan2",
        type="(f, f) -> f",
        # The scaled form neither overflows nor underflows where the quotient is representable.
        derivative=Smooth(
            ("x1 / (x0^2 + x1^2)", "-x0 / (x0^2 + x1^2)"),
            (
                "x1 / maximum(abs(x0), abs(x1)) / ((x0 / maximum(abs(x0), abs(x1)))^2 + "
                "(x1 / maximum(abs(x0), abs(x1)))^2) / maximum(abs(x0), abs(x1))",
                "-x0 / maximum(abs(x0), abs(x1)) / ((x0 / maximum(abs(x0), abs(x1)))^2 + "
                "(x1 / maximum(abs(x0), abs(x1)))^2) / maximum(abs(x0), abs(x1))",
            ),
        ),
        doc="The angle of the point (x1, x0), in [-pi, pi]; its derivative at (0, 0) is NaN.",
        numpy="numpy.arctan2",
        jax="jax.numpy.arctan2",
        oracle="atan2(x0, x1)",
        domain="x0 != 0 or x1 > 0",
        samples=(_REAL, _REAL),
    ),
)

_HYPERBOLIC = (
    _row("sinh", "The hyperbolic sine.", "cosh(x0)", monotone="increasing"),
    _row("cosh", "The hyperbolic cosine.", "sinh(x0)", convex="convex"),
    _row(
        "tanh",
        "The hyperbolic tangent.",
        "1 - y^2",
        # 1 / cosh^2 without overflow, so that second derivatives of large arguments are 0 and not NaN.
        "4 * exp(-2 * abs(x0)) / (1 + exp(-2 * abs(x0)))^2",
        monotone="increasing",
    ),
    _row(
        "asinh",
        "The inverse hyperbolic sine.",
        "1 / sqrt(x0^2 + 1)",
        # The square overflows long before the derivative underflows.
        # Guards stand on operands, so that neither arm hands an infinity to a second derivative.
        "if abs(x0) > 1e9 then 1 / abs(if abs(x0) > 1e9 then x0 else 1) "
        "else 1 / sqrt((if abs(x0) > 1e9 then 1 else x0)^2 + 1)",
        samples=(-1e3, 1e3),
        numpy="numpy.arcsinh",
        jax="jax.numpy.arcsinh",
        monotone="increasing",
    ),
    _row(
        "acosh",
        "The inverse hyperbolic cosine, at least 0.",
        "1 / sqrt(x0^2 - 1)",
        "1 / (sqrt(x0 - 1) * sqrt(x0 + 1))",
        samples=(1.0, 1e3),
        numpy="numpy.arccosh",
        jax="jax.numpy.arccosh",
        domain="x0 >= 1",
        monotone="increasing",
        convex="concave",
    ),
    _row(
        "atanh",
        "The inverse hyperbolic tangent.",
        "1 / (1 - x0^2)",
        "1 / ((1 - x0) * (1 + x0))",
        samples=(-1.0, 1.0),
        numpy="numpy.arctanh",
        jax="jax.numpy.arctanh",
        domain="x0 > -1 and x0 < 1",
        monotone="increasing",
    ),
)

_ROOTS = (
    _row(
        "sqrt",
        "The square root; its derivative at 0 is infinite.",
        "0.5 / y",
        samples=(0.0, 1e3),
        domain="x0 >= 0",
        monotone="increasing",
        convex="concave",
    ),
    _row(
        "cbrt",
        "The real cube root; its derivative at 0 is infinite.",
        "1 / (3 * y^2)",
        # The square would double the error of y; at 0 the quotient has no value.
        "if x0 == 0 then 1 / abs(y) else y / x0 / 3",
        samples=(-1e3, 1e3),
        oracle="sign(x0) * cbrt(fabs(x0))",
        monotone="increasing",
    ),
    Primitive(
        name="rsqrt",
        type="(f) -> f",
        derivative=Smooth(("-0.5 * y / x0",)),
        doc="1 / sqrt(x0).",
        flops=2,
        jax="jax.lax.rsqrt",
        oracle="1 / sqrt(x0)",
        domain="x0 > 0",
        monotone="decreasing",
        convex="convex",
        samples=((1e-3, 1e3),),
    ),
)

ROWS: tuple[Primitive, ...] = (*_EXPONENTIAL, *_CIRCULAR, *_HYPERBOLIC, *_ROOTS)
