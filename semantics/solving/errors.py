"""The error rows of differential equations solved by networks: E234 to E242."""

from __future__ import annotations

from ...lang.errors_index import ErrorRow

ROWS = (
    ErrorRow(
        "E234",
        "a package that is not installed",
        "user",
        "Training takes its optimiser from optax (the extra `opt`), and pictures are drawn by matplotlib (the extra\n"
        "`plot`). `pip install 'pushforward[opt,plot]'` installs both.",
        "pf.pinn(problem)   -- without optax",
    ),
    ErrorRow(
        "E235",
        "a problem that does not fit together",
        "user",
        "A problem has an operator with one field and a domain with one shape per variable of the operator. A source,\n"
        "an exact solution, a weight and boundary values are functions of the same variables. On the command line\n"
        "every size of a vector variable is given by name, and intervals belong to a box.",
        'pf.Problem(pf.operator("u_t - u_xx", variables="x t"), pf.Ball(3))',
    ),
    ErrorRow(
        "E236",
        "a network that cannot be trained",
        "user",
        "A network is a pair of a function `apply(parameters, *point)` and its parameters, or a callable whose float\n"
        "arrays JAX can see (an equinox module). It gives one number at a point.",
        "pf.pinn(problem, network=lambda x: x[0])",
    ),
    ErrorRow(
        "E237",
        "a setting of a training is out of range",
        "user",
        "Steps, points per step, width and steps between rows of the history are whole numbers of at least one, a\n"
        "network has at least two layers, a dtype is f32 or f64, and an optimiser one of optax.",
        "pf.pinn(problem, steps=0)",
    ),
    ErrorRow(
        "E238",
        "a training left the finite numbers",
        "user",
        "A loss or a parameter became inf or nan. Nothing after that step can be used; a checkpoint holds the last\n"
        "state that was finite. A smaller learning rate helps most often, then more probes, dtype='f64' where the\n"
        "numbers are large, and a source or weight without singular places.",
        "pf.pinn(problem, optimizer=optax.sgd(1e6))",
    ),
    ErrorRow(
        "E239",
        "a batch that does not divide over the devices",
        "user",
        "The points of a step are spread evenly over all devices that JAX sees.",
        "pf.pinn(problem, batch=7)   -- on two devices",
    ),
    ErrorRow(
        "E240",
        "a checkpoint of another training",
        "user",
        "A training is taken up from a checkpoint only where it would have gone on itself: the same problem, network,\n"
        "optimiser, settings, versions and number of devices. The message names what differs. `program` stands for\n"
        "the compiled steps, with the source, the exact solution, the network and the optimiser in them.",
        "pf solve sine_gordon.pf n=4 --seed 1 --checkpoint folder   -- made with --seed 0",
    ),
    ErrorRow(
        "E241",
        "a checkpoint that cannot be read",
        "user",
        "The file is damaged, or not written by this version.",
        "pf solve sine_gordon.pf n=4 --checkpoint folder   -- with a cut checkpoint.npz",
    ),
    ErrorRow(
        "E242",
        "a field with kinks under an operator of second order",
        "user",
        "Derivatives are taken where they exist, so the jumps that the slope of `abs`, `maximum` or `relu` makes are\n"
        "missing in second derivatives: those of a network of `relu` are zero, and training it on them means nothing.\n"
        "This is a warning (`pf.NotSmoothWarning`). Kinks are found in the program of the field, also in rules of its\n"
        "own; a choice written with `where` is only seen when it scales one value in two ways.",
        'pf.operator("laplacian(u)", variables="x[n]")(lambda x: jax.nn.relu(x).sum())(x)',
    ),
)
