"""The statistics of estimated operators: trials by the thousand enter, rows on variances, error bars and bias leave."""

from __future__ import annotations

import numpy as np

from ..harness import Bar, Context, Row, measured

AREA = "operators"


def rows(context: Context) -> list[Row]:
    """Variances by law, coverage of the 95 % error bars, and the bias of squares."""
    import jax

    with jax.enable_x64(True):
        return [*_variances(context), *_coverage(context), *_squares(context)]


def _variances(context: Context) -> list[Row]:
    from ..lane_trials import expected, found_variance, polynomial

    count = 20_000 if context.quick else 100_000
    field, x, hessian, fourth = polynomial(context.seed)
    found: list[Row] = []
    for name, wanted in expected(hessian, fourth, 3).items():
        _, value = found_variance(name, field, x, 3, count, context.seed)
        bar = Bar(f"operators/variance_{name}", "gate", AREA, f"variance of estimates, {name.replace('_', ' order, ')}",
                  "|variance/formula - 1|", "", "<=", 0.05)  # fmt: skip
        note = f"{value:.5g} over {count} trials of 3 lanes, {wanted:.5g} by the formula"
        found.append(measured(bar, abs(value / wanted - 1), samples=count, seed=context.seed, note=note))
    return found


def _coverage(context: Context) -> list[Row]:
    from ..lane_trials import coverage, diagonal, network

    generator = np.random.default_rng(context.seed)
    count = 5_000 if context.quick else 20_000
    fields = {
        "network": network(context.seed),
        "lognormal": diagonal(generator.lognormal(size=1000)),
        "sparse": diagonal((generator.random(1000) < 0.05) * generator.standard_normal(1000)),
    }
    found: list[Row] = []
    for name, (field, x) in fields.items():
        for lanes in (8, 16, 64):
            value = coverage(field, x, lanes, count, context.seed + lanes)
            bar = Bar(f"operators/coverage_{name}_{lanes}", "gate" if name == "network" else "aim", AREA,
                      f"95 % error bars of {lanes} lanes, {name}", "|coverage - 0.95|", "", "<=", 0.02)  # fmt: skip
            note = f"{100 * value:.2f} % of {count} intervals hold the exact value"
            found.append(measured(bar, abs(value - 0.95), samples=count, seed=context.seed, note=note))
    return found


def _squares(context: Context) -> list[Row]:
    from ..lane_trials import square_bias

    count = 20_000 if context.quick else 100_000
    naive, corrected, excess, error = square_bias(8, count, context.seed)
    bias = Bar("operators/squared_bias", "gate", AREA, "bias of the corrected square", "|bias|/standard error", "",
               "<=", 4.0)  # fmt: skip
    shown = Bar("operators/naive_square_bias", "gate", AREA, "bias of the naive square", "|bias/formula - 1|", "",
                "<=", 0.05)  # fmt: skip
    note = f"naive {naive:.5g} too large ({excess:.5g} by the formula), corrected {corrected:.3g} ± {error:.3g}"
    return [
        measured(bias, abs(corrected) / error, samples=count, seed=context.seed, note=note),
        measured(shown, abs(naive / excess - 1), samples=count, seed=context.seed, note=note),
    ]
