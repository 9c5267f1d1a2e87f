"""Rows of arithmetic: ``+ - * /``, powers and whole division. Rules in the language over x0, x1, y and z."""

from __future__ import annotations

from .row import Discrete, Linear, Primitive, Smooth

_WIDE = (-1e3, 1e3)
_BOTH = (_WIDE, _WIDE)

ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="add",
        type="(n, n) -> n",
        derivative=Linear(("z", "z"), jointly=True),
        doc="The sum; integers wrap.",
        numpy="numpy.add",
        jax="jax.numpy.add",
        oracle="x0 + x1",
        monotone="increasing in x0 and x1",
        convex="affine",
        samples=_BOTH,
    ),
    Primitive(
        name="sub",
        type="(n, n) -> n",
        derivative=Linear(("z", "-z"), jointly=True),
        doc="The difference; integers wrap.",
        numpy="numpy.subtract",
        jax="jax.numpy.subtract",
        oracle="x0 - x1",
        monotone="increasing in x0, decreasing in x1",
        convex="affine",
        samples=_BOTH,
    ),
    Primitive(
        name="mul",
        type="(n, n) -> n",
        derivative=Linear(("z * x1", "z * x0")),
        doc="The product; integers wrap.",
        numpy="numpy.multiply",
        jax="jax.numpy.multiply",
        oracle="x0 * x1",
        samples=_BOTH,
    ),
    Primitive(
        name="div",
        type="(f, f) -> f",
        derivative=Smooth(("1 / x1", "-y / x1")),
        doc="The quotient of floats; division by zero follows IEEE.",
        numpy="numpy.divide",
        jax="jax.numpy.divide",
        oracle="x0 / x1",
        domain="x1 != 0",
        samples=_BOTH,
    ),
    Primitive(
        name="neg",
        type="(n) -> n",
        derivative=Linear(("-z",)),
        doc="The number with its sign changed.",
        numpy="numpy.negative",
        jax="jax.numpy.negative",
        oracle="-x0",
        monotone="decreasing",
        convex="affine",
        samples=(_WIDE,),
    ),
    Primitive(
        name="floordiv",
        type="(n, n) -> n",
        derivative=Discrete("constant between its jumps"),
        doc="The quotient rounded down; dividing an integer by zero is an error.",
        numpy="numpy.floor_divide",
        jax="jax.numpy.floor_divide",
        oracle="floor(x0 / x1)",
        domain="x1 != 0",
        samples=_BOTH,
    ),
    Primitive(
        name="mod",
        type="(n, n) -> n",
        derivative=Smooth(("1", "-floordiv(x0, x1)")),
        doc="The remainder of `floordiv`, with the sign of the divisor.",
        numpy="numpy.mod",
        jax="jax.numpy.mod",
        oracle="x0 - x1 * floor(x0 / x1)",
        domain="x1 != 0",
        kinks=("x0 // x1 jumps",),
        samples=_BOTH,
    ),
    Primitive(
        name="rem",
        type="(n, n) -> n",
        derivative=Smooth(("1", "-(sign(x0 / x1) * floor(abs(x0 / x1)))")),
        doc="The remainder of division rounded towards zero, with the sign of x0; x0 itself for the integer 0.",
        jax="jax.lax.rem",
        oracle="x0 - x1 * sign(x0 / x1) * floor(fabs(x0 / x1))",
        domain="x1 != 0",
        kinks=("x0 / x1 is whole",),
        samples=_BOTH,
    ),
    Primitive(
        name="pow",
        type="(f, f) -> f",
        # Both guards stand on operands, never on results: a guarded result would still carry the infinity or NaN of
        # the arm not taken into second derivatives. 0^0 is 1 with derivatives 0.
        derivative=Smooth(
            (
                "x1 * pow(if x0 == 0 and x1 == 0 then 1 else x0, x1 - 1)",
                "y * log(if x0 == 0 then 1 else x0)",
            )
        ),
        doc="x0 to the power x1 for floats; 0^0 is 1, a negative base needs a whole exponent.",
        numpy="numpy.power",
        jax="jax.numpy.power",
        oracle="x0 ^ x1",
        domain="x0 > 0 or (x0 == 0 and x1 >= 0) or floor(x1) == x1",
        samples=((1e-3, 1e3), (-20.0, 20.0)),
    ),
    Primitive(
        name="integer_pow",
        type="(n) -> n",
        derivative=Smooth(
            (
                "if exponent == 0 then 0 else if exponent == 1 then 1 else "
                "if exponent == 2 then 2 * x0 else exponent * integer_pow(x0, exponent - 1)",
            )
        ),
        doc="x0 to a fixed whole power; negative powers for floats only, power 0 gives 1.",
        jax="jax.lax.integer_pow",
        oracle="x0 ^ exponent",
        domain="exponent >= 0 or x0 != 0",
        samples=((-20.0, 20.0),),
        params=("exponent",),
    ),
)
