"""Rows with kinks: guards and values, read in order. The values at a kink are JAX's, so traced programs keep
them: ties of `maximum` split evenly, ``abs'(0) = 1``, ``relu'(0) = 0``, and `clip` is flat at its bounds."""

from __future__ import annotations

from .row import Discrete, Linear, Piecewise, Primitive, RuleContext

_WIDE = (-1e3, 1e3)


def _where_true(context: RuleContext, z: int) -> int:
    builder = context.builder
    return builder.apply("where", context.operands[0], z, builder.constant(0, context.type(z).dtype))


def _where_false(context: RuleContext, z: int) -> int:
    builder = context.builder
    return builder.apply("where", context.operands[0], builder.constant(0, context.type(z).dtype), z)


def _step(name: str, type_: str, doc: str, *, flops: int = 1, oracle: str | None = None) -> Primitive:
    """A function that is constant between jumps, where its derivative is 0."""
    return Primitive(
        name=name,
        type=type_,
        derivative=Discrete("constant between its jumps"),
        doc=doc,
        numpy=f"numpy.{name}",
        jax=f"jax.numpy.{name}",
        oracle=oracle or f"{name}(x0)",
        monotone="increasing",
        samples=(_WIDE,),
        flops=flops,
    )


def _extremum(name: str, oracle: str, wins: str, doc: str, convex: str) -> Primitive:
    """`maximum` or `minimum`; `wins` compares the operand that is taken with the other."""
    return Primitive(
        name=name,
        type="(n, n) -> n",
        derivative=Piecewise(
            (
                ((f"x0 {wins} x1", "1"), ("x0 == x1", "0.5"), ("true", "0")),
                ((f"x1 {wins} x0", "1"), ("x0 == x1", "0.5"), ("true", "0")),
            )
        ),
        doc=doc,
        numpy=f"numpy.{name}",
        jax=f"jax.numpy.{name}",
        oracle=oracle,
        kinks=("x0 == x1",),
        monotone="increasing in x0 and x1",
        convex=convex,
        samples=(_WIDE, _WIDE),
    )


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="abs",
        type="(n) -> n",
        derivative=Piecewise(((("x0 >= 0", "1"), ("true", "-1")),)),
        doc="The absolute value.",
        numpy="numpy.abs",
        jax="jax.numpy.abs",
        oracle="fabs(x0)",
        kinks=("x0 == 0",),
        convex="convex",
        samples=(_WIDE,),
    ),
    _step("sign", "(n) -> n", "-1, 0 or 1 as x0 is negative, zero or positive; NaN for NaN."),
    _step("floor", "(f) -> f", "The greatest whole number that is at most x0."),
    _step("ceil", "(f) -> f", "The least whole number that is at least x0."),
    _step("round", "(f) -> f", "The nearest whole number, the even one of two.", oracle="nint(x0)"),
    _step(
        "round_away",
        "(f) -> f",
        "The nearest whole number, of two the one farther from zero.",
        oracle="sign(x0) * floor(fabs(x0) + 0.5)",
    ),
    _extremum("minimum", "if x0 < x1 then x0 else x1", "<", "The lesser of two; NaN if one is NaN.", "concave"),
    _extremum("maximum", "if x0 > x1 then x0 else x1", ">", "The greater of two; NaN if one is NaN.", "convex"),
    Primitive(
        name="clip",
        type="(n, n, n) -> n",
        derivative=Piecewise(
            (
                (("x0 > x1 and x0 < x2", "1"), ("true", "0")),
                (("x0 < x1 and x1 < x2", "1"), ("true", "0")),
                (("x0 > x2", "1"), ("true", "0")),
            )
        ),
        doc="x0 kept between x1 and x2: the minimum of x2 and the maximum of x0 and x1.",
        flops=2,
        oracle="if x0 > x2 or x1 > x2 then x2 else if x0 < x1 then x1 else x0",
        jax="jax.numpy.clip",
        kinks=("x0 == x1", "x0 == x2"),
        monotone="increasing in x0, x1 and x2",
        samples=(_WIDE, (-500.0, 0.0), (0.0, 500.0)),
    ),
    Primitive(
        name="where",
        type="(b, a, a) -> a",
        # Linear in both arms at once: a selection, never a product with 0, so a NaN of the other arm stays there.
        derivative=Linear((None, _where_true, _where_false), jointly=True),
        doc="x1 where x0 holds, otherwise x2.",
        flops=0,
        numpy="numpy.where",
        jax="jax.numpy.where",
        oracle="if x0 then x1 else x2",
        samples=((0.0, 1.0), _WIDE, _WIDE),
    ),
    Primitive(
        name="relu",
        type="(n) -> n",
        derivative=Piecewise(((("x0 > 0", "1"), ("true", "0")),)),
        doc="x0 where it is positive, otherwise 0.",
        jax="jax.nn.relu",
        oracle="if x0 > 0 then x0 else 0",
        kinks=("x0 == 0",),
        monotone="increasing",
        convex="convex",
        samples=(_WIDE,),
    ),
    Primitive(
        name="stop_gradient",
        type="(a) -> a",
        derivative=Discrete("asked for by the program: its value counts as a constant"),
        doc="x0 itself, without a derivative.",
        flops=0,
        jax="jax.lax.stop_gradient",
        oracle="x0",
        samples=(_WIDE,),
    ),
)
