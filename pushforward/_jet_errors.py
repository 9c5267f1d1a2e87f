"""The error rows of `pf.jet` and `pf jet`: E210 to E213, E246 to E248."""

from __future__ import annotations

from .lang.errors_index import ErrorRow

TAYLOR = (
    ErrorRow(
        "E210",
        "series that do not fit together",
        "user",
        "Taylor mode takes one series per input, and all series have the same number of coefficients. None stands for\n"
        "an input that does not move; one input at least has to.",
        "pf.jet(lambda x, y: x * y, (1.0, 2.0), ((1.0, 0.0), (1.0,)))",
    ),
    ErrorRow(
        "E211",
        "a coefficient that does not fit its value",
        "user",
        "A Taylor coefficient of an input has the structure, the shapes and the dtypes of the floats of that input.",
        "pf.jet(lambda x: x * x, (1.0,), ((np.ones(2),),))",
    ),
    ErrorRow(
        "E212",
        "no such scaling",
        "user",
        '"taylor" means coefficients, the k-th derivative divided by k!; "derivative" means derivatives of the curve.',
        'pf.jet(lambda x: x * x, (1.0,), ((1.0,),), scaling="factorial")',
    ),
    ErrorRow(
        "E213",
        "an input that does not move",
        "user",
        "A series, or a direction on the command line, belongs to an input that is an integer or that is not there.\n"
        "Only floats move along a curve.",
        "pf jet f.pf x=0 --direction z=1",
    ),
    ErrorRow(
        "E246",
        "an argument of another kind",
        "user",
        "`pf.jet` takes a tuple with one value per input and one with a series per input; a series is a tuple of\n"
        "coefficients, or None. `pf.operator` takes texts.",
        "pf.jet(lambda x: x * x, 1.0, (1.0,))",
    ),
    ErrorRow(
        "E247",
        "a Taylor series of too high an order",
        "limit",
        "A series has 64 coefficients at most: the work for it, and the program, grow with the square of their number.",
        "pf.jet(lambda x: x * x, (1.0,), ((1.0,) * 65,))",
    ),
    ErrorRow(
        "E248",
        "a coefficient that is not finite",
        "user",
        "A coefficient of a curve is inf or nan. The message names the coefficient and the input.",
        'pf.jet(lambda x: x * x, (1.0,), ((float("nan"),),))',
    ),
)
