"""The error rows of plans, certificates and operators in Python: E218, E221 to E230, E249."""

from __future__ import annotations

from ...lang.errors_index import ErrorRow

PLANS = (
    ErrorRow(
        "E218",
        "parameters of an operator",
        "user",
        "Parameters are given by name where an operator is applied, each one that is declared and no other, in the "
        "shape of the declaration.",
        'pf.operator("u_t - k*u_xx", variables="x t", parameters="k")(u, kappa=0.1)',
    ),
    ErrorRow(
        "E221",
        "an estimate that is not possible",
        "user",
        "Random lanes estimate sums of derivatives of order two and more over the coordinates of a vector. Sampled "
        "coordinates see pure derivatives only; dense lanes need moments that equal the coefficients, which Rademacher "
        "lanes lack at order four. No more coordinates can be drawn than there are.",
        'pf.operator("biharmonic(u)", variables="x[n]").plan(samples=8, law="rademacher")',
    ),
    ErrorRow(
        "E222",
        "data that is no certificate or plan",
        "user",
        "The file is no JSON, or not of a kind that this version can check. `pf plan FILE OPERATOR --certificate "
        "OUT.json` writes a certificate.",
        "pf verify model.pf",
    ),
    ErrorRow(
        "E223",
        "a certificate that is refused",
        "user",
        "The checker has worked out what the certificate claims and found something else, or the certificate speaks of "
        "another operator than the one that is given. Each reason names the derivative and the monomials on which its "
        "reading is wrong.",
        "pf verify changed.json",
    ),
    ErrorRow(
        "E224",
        "sizes that an operator does not have",
        "user",
        "A plan takes the lengths of vector variables by the names of their sizes, whole numbers of at least one.",
        'pf.operator("laplacian(u)", variables="x[n]").plan({"d": 3})',
    ),
    ErrorRow(
        "E225",
        "a declaration of an operator that is no list of names",
        "user",
        "Variables, fields and parameters are names apart by blanks; a shape stands in brackets behind a name. A name "
        "starts with a letter and has no underscore, which belongs to derivatives.",
        'pf.operator("u_t", variables="x, t")',
    ),
    ErrorRow(
        "E226",
        "too few lanes",
        "user",
        "The spread of the lanes says how far off an estimate is, and one lane has none. An error bar takes two lanes "
        "(three where estimates are multiplied), an unbiased square or product two. `confidence=None` gives the value "
        "alone.",
        'pf.operator("laplacian(u)", variables="x[n]").estimate(key, u, x, probes=1)',
    ),
    ErrorRow(
        "E227",
        "an estimate that would be biased",
        "user",
        "The mean of random lanes has the right mean itself, and so has what is affine in it. Products of two are "
        "corrected. The sine of an estimate, a quotient by one, a branch on one, a product of three are biased by "
        "an amount that no number of lanes takes away. Take these derivatives exactly.",
        'pf.operator("exp(laplacian(u))", variables="x[n]").estimate(key, u, x)',
    ),
    ErrorRow(
        "E228",
        "no random key",
        "user",
        "The key comes first: a key of JAX (`jax.random.key(0)`), a whole number from zero, or a generator of NumPy. "
        "A batch of keys goes with a batch of points under `jax.vmap`.",
        "op.estimate(u, x)",
    ),
    ErrorRow(
        "E229",
        "a setting that estimates do not have",
        "user",
        "`law` is one of the laws that lanes can have, `probes` a Python integer, `confidence` between 0 and 1 or "
        "None, and a tolerance positive.",
        'op.estimate(key, u, x, law="uniform")',
    ),
    ErrorRow(
        "E230",
        "an estimate that is not as exact as asked for",
        "user",
        "The error bar is still wider than the tolerance with the most lanes that are allowed. The error falls with "
        "the square root of the number of lanes.",
        'pf.operator("laplacian(u)", variables="x[n]").estimate_to(key, u, x, tolerance=1e-9, law="gaussian")',
    ),
    ErrorRow(
        "E249",
        "what stands for no field",
        "user",
        "An operator applies to programs and to functions of JAX that give one float at each point. Several results, "
        "arrays and whole numbers are no fields; take the operator of each component.",
        'pf.operator("u_x", variables="x")(lambda x: (x, x))',
    ),
)
