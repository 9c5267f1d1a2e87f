"""The error rows of differential operators: E215 to E217, E219, E220."""

from __future__ import annotations

from ..errors_index import ErrorRow

OPERATORS = (
    ErrorRow(
        "E215",
        "an operator over a variable that is not declared",
        "user",
        "The letters behind the underscore of a derivative are the variables of the operator, one per derivative: "
        "`u_xxt` is two by x and one by t. The second list of an operator declares them.",
        "operator heat(u)(x) = u_t - u_xx\n",
    ),
    ErrorRow(
        "E216",
        "a derivative of too high an order",
        "limit",
        "Derivatives have order 12 at most, over all variables together, and an operator that is written out 20,000 "
        "terms and factors: the number of mixed derivatives below one grows too fast for more. Give a derivative a "
        "field of its own.",
        "operator high(u)(x) = partial(u, x, 13)\n",
    ),
    ErrorRow(
        "E217",
        "a field with another number of variables",
        "user",
        "The fields of an operator are functions of its variables, all of them and in their order, so what it is "
        "applied to must be too. Inside the operator a field stands for its value at the point: write `u`, or "
        "`u(x, t)`.",
        "operator wave(u)(x, t) = u(x) - u_tt\n",
    ),
    ErrorRow(
        "E219",
        "subscripts and coordinates do not fit a variable",
        "user",
        "A subscript differentiates by a scalar variable. By a vector `x: [n]f64` derivatives are `grad(u)`, "
        "`laplacian(u)`, `hessian(u)` or `partial(u, x[i], k)`, and only a vector has coordinates `x[i]`.",
        "operator heat[n](u)(x: [n]f64, t) = u_t - u_xx\n",
    ),
    ErrorRow(
        "E220",
        "an operator that cannot be written out",
        "user",
        "An operator is an expression in derivatives of its fields. Words like `laplacian` expand sums, products, "
        "powers and functions of one number; derivatives of loops and of `let`, fields at other points and third "
        "derivatives over coordinates are not among these. The words ask for their variables where several fit.",
        "operator curved(u)(x, y) = laplacian(u)\n",
    ),
)
