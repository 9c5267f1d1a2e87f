"""The error rows of the derivative passes: E112, E115 to E119, E135 and E136."""

from __future__ import annotations

from ..lang.errors_index import ErrorRow

DERIVATIVES = (
    ErrorRow(
        "E112",
        "a derivative that is not known",
        "limit",
        "A few special functions have no derivative in closed form with respect to some of their operands, such as "
        "the incomplete beta function with respect to its parameters. Hold that operand constant, or state a rule.",
        "jax.grad(pf.jit(lambda a: jax.scipy.special.betainc(a, 2.0, 0.5)))(1.0)",
    ),
    ErrorRow(
        "E115",
        "reverse mode of a while loop without a bound",
        "limit",
        "Reverse mode keeps something for every round, and a loop whose number of rounds nobody knows would need "
        "memory without end. In the language every `while` has a `limit`; `jax.lax.while_loop` has none. Use a loop "
        "with a known number of rounds (`fori_loop`, `scan`), or forward mode.",
        "jax.grad(pf.jit(lambda x: jax.lax.while_loop(lambda y: y < 9.0, lambda y: y * y, x)))(2.0)",
    ),
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
    ErrorRow(
        "E135",
        "a sparsity pattern that is too large",
        "limit",
        'With `sparsity="auto"` a Jacobian is compressed by which elements depend on which. The sets of some step '
        "hold more than 2^24 elements together, or so many pairs of columns meet in a row: the Jacobian is too full, "
        "or too large, for that. Leave `sparsity` out, or take the Jacobian of a part that depends on less.",
        'pf.jacobian(pf.parse("def f(x: [5000]f64): [5000]f64 = for i < 5000 => sum(x) * x[i]")["f"], sparsity="auto")',
    ),
    ErrorRow(
        "E136",
        "no such kind of sparsity",
        "user",
        "The pattern of a Jacobian is found from the program (`sparsity=\"auto\"`) or not looked for (leave it out).",
        'pf.jacobian(f, sparsity="banded")',
    ),
)
