"""The error index of the evaluators: codes E100 to E119."""

from __future__ import annotations

from ..lang.errors_index import ErrorRow

ROWS = (
    ErrorRow(
        "E100",
        "an index is out of range",
        "user",
        "Indices run from 0 to the length minus 1; negative ones are errors too. The checker could not prove\n"
        "this index in range, and while running it was not. Nothing is ever clamped silently.",
        "def f(x: [3]f64, i: i64): f64 = x[i]   -- with i = 3",
    ),
    ErrorRow(
        "E101",
        "an integer is divided by zero",
        "user",
        "`//` and `%` of integers have no value for the divisor 0. Compiled code gives 0 there; the reference stops.",
        "def f(n: i64): i64 = 10 // n   -- with n = 0",
    ),
    ErrorRow(
        "E102",
        "recursion is too deep",
        "user",
        "A function called itself more often than the limit allows, usually because a base case is missing.",
        "def f(x: f64): f64 = f(x + 1.0)",
    ),
    ErrorRow(
        "E103",
        "the program runs too many steps",
        "user",
        "The reference counts the steps it evaluates and stops at a limit, so that a runaway loop ends in a message.",
        "def f(x: f64): f64 = loop s = x for i < 1000000000 do s * 0.5",
    ),
    ErrorRow(
        "E104",
        "a reduction of no elements",
        "user",
        "`max`, `min`, `argmax` and `argmin` have no value for an empty array; `sum` gives 0 and `prod` gives 1.",
        "def f[n](x: [n]f64): f64 = max(x)   -- with n = 0",
    ),
    ErrorRow(
        "E105",
        "an argument does not fit the program",
        "user",
        "The number of arguments, their kinds of number and their shapes must be those of the program's inputs.",
        "def f(x: [3]f64): f64 = sum(x)   -- with an array of 4 elements",
    ),
    ErrorRow(
        "E106",
        "a size cannot be known or is impossible",
        "user",
        "Size variables follow from the shapes of the arguments. Two arguments may disagree, a size may come\n"
        "out negative, or no argument may mention it; then it has to be given by name.",
        "def f[n](x: [n]f64, y: [n]f64): f64 = x @ y   -- with 3 and 4 elements",
    ),
    ErrorRow(
        "E107",
        "one place is set twice",
        "user",
        "Setting several places of an array at once needs distinct indices: otherwise the order would matter.\n"
        "To add up values at repeated places use `scatter_add`.",
        "scatter of two values at the indices [1, 1]",
    ),
    ErrorRow(
        "E108",
        "exact arithmetic has no such operation",
        "limit",
        "Rational arithmetic has sums, products, quotients, whole powers and comparisons, but no exp, log or\n"
        "square root. Evaluate with many digits instead.",
        "def f(x: f64): f64 = exp(x)   -- over the rationals",
    ),
    ErrorRow(
        "E109",
        "a division by zero in exact arithmetic",
        "user",
        "Rational arithmetic has no infinities, so a quotient with divisor 0 has no value there.",
        "def f(x: f64): f64 = 1.0 / x   -- over the rationals, with x = 0",
    ),
    ErrorRow(
        "E110",
        "a number exact arithmetic cannot hold",
        "limit",
        "Rational arithmetic has neither infinities nor NaN.",
        "def f(x: f64): f64 = x + inf   -- over the rationals",
    ),
    ErrorRow(
        "E111",
        "a derivative operator cannot run here",
        "limit",
        "The program differentiates a function value while it runs; this evaluator was started without that.",
        "def f(g: f64 -> f64, x: f64): f64 = grad(g)(x)   -- evaluated without a differentiator",
    ),
    ErrorRow(
        "E113",
        "a step that was left to JAX",
        "limit",
        'Under `pf.jit(f, on_unsupported="jax")` steps without a meaning here are left to JAX. The reference evaluator '
        "does not run them; compiled code does.",
        'pf.jit(f, on_unsupported="jax").program(x).compile("reference")(x)',
    ),
)
