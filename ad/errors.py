"""The error rows of the derivative passes: E116 to E119."""

from __future__ import annotations

from ..lang.errors_index import ErrorRow

DERIVATIVES = (
    ErrorRow(
        "E116",
        "a custom rule that is not linear",
        "user",
        "A jvp rule is linear in the tangents and a vjp rule in the cotangents, so that one can be turned into the "
        "other. This one is not: it multiplies two of them, or applies a function such as `sin` to one.",
        "def f(x: f64): f64 with jvp f_jvp = x * x\n"
        "def f_jvp(x: f64, x_dot: f64): f64 = 2.0 * x * x_dot ^ 2\n"
        "test \"reverse\" { fails \"E116\" grad(f)(1.0) }\n",
    ),
    ErrorRow(
        "E118",
        "the reference macro does not know this construct",
        "limit",
        "The literal reverse macro, which the production pass is checked against, covers elementwise primitives, maps, "
        "sums of maps, and folds with one scalar carry, for programs of moderate size. Use `ad.reverse` for the rest.",
        "reference_reverse of a program that contains a branch",
    ),
    ErrorRow(
        "E119",
        "a derivative of a function known only at run time",
        "limit",
        "Forward mode on programs with functions as values follows calls, but it cannot apply a derivative word to a "
        "function that only the run decides. Apply it to a definition or to a function written in place.",
        "def slope(f: f64 -> f64, x: f64): f64 = grad(f)(x)   -- under forward mode, with f unknown",
    ),
)
