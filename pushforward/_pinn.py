"""Differential equations solved by networks: a problem enters, a trained `Solution` leaves.

This is the wiring: operators and programs become functions of JAX, which `semantics.solving` trains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from ._operator import Law, Operator
from ._pinn_progress import progress_bar
from ._program import Program
from .ad.operators.expression import variables_of
from .lang.diagnostics import fail
from .semantics.solving.domains import Ball, Box, Domain, Point, Shape
from .semantics.solving.networks import Network, perceptron, scalar, wrapped
from .semantics.solving.solution import Solution
from .semantics.solving.training import Schedule, Task, on_all_devices, train

Dtype = Literal["f32", "f64"]
Function = Callable[..., Any] | Program
TESTS = 2000  # unseen points on which errors are measured
CHUNK = 100  # of them at once


@dataclass(frozen=True, eq=False)
class Problem:
    """The equation ``operator(u) = source`` on a domain, with ``u = boundary + weight * network``.

    Args:
        operator: an operator with one field.
        domain: `Ball`, `Box`, or a function from a random key of JAX to a point (a tuple, one array per variable).
        source: a function of the variables; without it, ``operator(exact)`` where `exact` is given, else 0.
        exact: the solution, where it is known, to measure errors.
        weight: a function that is 0 where the solution is given; the default is that of the domain (0 on its edge).
        boundary: a function with the values of the solution there; the default is 0.
        parameters: the parameters of the operator by name.

    Functions are functions of JAX or programs. Raises E235 for what does not fit together, E218 for parameters.

    >>> import pushforward as pf
    >>> poisson = pf.operator("laplacian(u)", variables="x[n]")
    >>> pf.Problem(poisson, pf.Ball(10), source=lambda x: -20.0).shapes
    ((10,),)
    """

    operator: Operator
    domain: Domain
    source: Function | None = None
    exact: Function | None = None
    weight: Function | None = None
    boundary: Function | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fields = self.operator.expanded.fields
        if len(fields) != 1:
            hint = "write one equation for one unknown function"
            raise fail("E235", f"this operator has {len(fields)} fields", expected="one field", hint=hint)
        self.operator.check_parameters(self.parameters)
        for name in ("source", "exact", "weight", "boundary"):
            given = getattr(self, name)
            if given is not None and not callable(given):
                hint = "give a function of the variables: source=lambda x: 1.0"
                raise fail("E235", f"`{name}` is no function", actual=f"{given!r:.60}", hint=hint)
        if not callable(self.domain) and not isinstance(self.domain, Ball | Box):
            hint = "give pf.Ball(n), pf.Box(…), or a function from a key to a point"
            raise fail("E235", "this is no domain", actual=f"{self.domain!r:.60}", hint=hint)
        assert self.shapes is not None

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of each variable in this domain; E235 where it does not fit the operator."""
        if isinstance(self.domain, Ball | Box):
            found = self.domain.shapes
        else:
            point = jax.eval_shape(self._custom, jax.random.key(0))
            found = tuple(tuple(x.shape) for x in point)
        declared = variables_of(self.operator.expanded)
        lengths: dict[str, int] = {}
        fits = len(found) == len(declared)
        for (_, length), shape in zip(declared, found, strict=False):
            wanted = () if length is None else (lengths.setdefault(length, *shape[:1] or (0,)),)
            wanted = (length,) if isinstance(length, int) else wanted
            fits = fits and wanted == shape
        if not fits:
            expected = ", ".join(name if length is None else f"{name}[{length}]" for name, length in declared)
            hint = "a domain has one interval, length or array for each variable, in order"
            raise fail("E235", "domain and variables differ", expected=expected, actual=f"{found}", hint=hint)
        return found

    def point(self, key: Any, dtype: Any) -> Point:
        """A random point of the domain."""
        point = self.domain.point(key) if isinstance(self.domain, Ball | Box) else self._custom(key)
        return tuple(jnp.asarray(x, dtype) for x in point)

    def _custom(self, key: Any) -> Point:
        assert not isinstance(self.domain, Ball | Box)
        point = self.domain(key)
        return tuple(map(jnp.asarray, point)) if isinstance(point, tuple) else (jnp.asarray(point),)


def pinn(
    problem: Problem,
    *,
    network: Any = None,
    width: int = 128,
    depth: int = 4,
    steps: int = 10_000,
    batch: int = 100,
    probes: int | None = None,
    law: Law = "sampled",
    optimizer: Any = None,
    seed: int = 0,
    dtype: Dtype = "f32",
    every: int | None = None,
    checkpoint: str | Path | None = None,
    progress: bool | None = None,
) -> Solution:
    """Train a network on the squared residual of a problem.

    Args:
        network: a pair ``(apply, parameters)`` with ``apply(parameters, *point)``, or a callable pytree (an equinox
            module); by default a network of `depth` layers of `width` with tanh.
        batch: random points per step, spread over all devices.
        probes: random lanes per point for sums over coordinates, of the law `law`; the squared residual is then an
            unbiased estimate. None takes the exact plan.
        optimizer: of optax; by default Adam with a learning rate that falls from 1e-3 to 0.
        every: steps between rows of the history, and checkpoints; by default a twentieth of all.
        checkpoint: a folder; a training that was killed goes on from there and ends in the same numbers.
        progress: show a bar on standard error; by default where that is a terminal.

    Raises E234 to E241, and those of estimates. A field with kinks is warned of (E242).

    >>> import pushforward as pf
    >>> poisson = pf.operator("u_xx", variables="x")
    >>> problem = pf.Problem(poisson, pf.Box([(-1, 1)]), exact=lambda x: 1 - x**2)
    >>> solution = pf.pinn(problem, width=8, depth=2, steps=200, batch=10)
    >>> solution.error < 1e-2
    True
    """
    every = every if every is not None else max(1, steps // 20)
    _check_range(steps=steps, batch=batch, width=width, every=every, depth=depth - 1)
    if dtype not in ("f32", "f64"):
        raise fail("E237", f"there is no training in {dtype}", expected="f32 or f64", hint='write dtype="f64"')
    with jax.enable_x64(dtype == "f64"):
        first, rest = jax.random.split(jax.random.key(seed))
        made = perceptron(first, problem.shapes, width, depth) if network is None else wrapped(network)
        wide = jnp.float64 if dtype == "f64" else jnp.float32
        parameters = jax.tree_util.tree_map(lambda leaf: leaf.astype(wide), made.parameters)
        made = Network(made.apply, on_all_devices(parameters))
        parts = _Parts(problem, made, dtype, probes, law)
        measure, trivial = parts.measures(rest)
        task = Task(parts.loss, parts.draw, made.parameters, optimizer or _adam(steps), measure)
        words = {"steps": steps, "batch": batch, "every": every, "seed": seed, "dtype": dtype, "probes": probes}
        words |= {"law": law, "operator": " ".join(problem.operator.text.split()), "jax": jax.__version__}
        words |= {"devices": f"{len(jax.devices())} {jax.devices()[0].platform}", "domain": repr(parts.shown_domain)}
        schedule = Schedule(steps, batch, every, seed, None if checkpoint is None else Path(checkpoint), words)
        with progress_bar(steps, progress) as watch:
            trained = train(task, schedule, watch)
    error = trained.history[-1][2]
    return Solution(
        trained.parameters, error, trivial, trained.history, trained.seconds, words,
        parts.trial, parts.exact, problem.domain, problem.shapes,
    )  # fmt: skip


def _check_range(**settings: int) -> None:
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            least, shown = (2, value + 1) if name == "depth" else (1, value)
            hint = f"give a whole number: {name}=100" if name != "depth" else "give two layers or more: depth=4"
            raise fail("E237", f"`{name}` is {shown}", expected=f"{least} or more", hint=hint)


def _adam(steps: int) -> Any:
    try:
        import optax
    except ImportError:
        raise fail("E234", "training needs optax", hint="pip install 'pushforward[opt]'") from None
    return optax.adam(optax.linear_schedule(1e-3, 0.0, steps))


class _Parts:
    """A problem as functions of JAX in one precision."""

    def __init__(self, problem: Problem, network: Network, dtype: Dtype, probes: int | None, law: Law) -> None:
        self.problem, self.apply, self.first, self.probes, self.law = problem, network.apply, network.parameters, probes, law
        self.dtype = jnp.float64 if dtype == "f64" else jnp.float32
        self.parameters = {name: jnp.asarray(value, self.dtype) for name, value in problem.parameters.items()}
        self.exact = _function(problem.exact, "the exact solution", dtype)
        self.boundary = _function(problem.boundary, "the boundary", dtype)
        weight = problem.weight or getattr(problem.domain, "weight", None)
        self.weight = _function(weight, "the weight", dtype)
        self.source = _function(problem.source, "the source", dtype)
        if self.source is None and self.exact is not None:
            self.source = problem.operator(self.exact, **self.parameters)

    @property
    def shown_domain(self) -> Any:
        domain = self.problem.domain
        return domain if isinstance(domain, Ball | Box) else getattr(domain, "__qualname__", "function")

    def trial(self, parameters: Any, *point: Any) -> Any:
        """The field: the network, made to fit the boundary."""
        value = scalar(self.apply(parameters, *point), "the network")
        value = value if self.weight is None else self.weight(*point) * value
        return value if self.boundary is None else self.boundary(*point) + value

    def draw(self, key: Any) -> Point:
        """A random point."""
        return self.problem.point(key, self.dtype)

    def loss(self, parameters: Any, key: Any, point: Point) -> Any:
        """The squared residual at a point, or an unbiased estimate of it."""

        def u(*point: Any) -> Any:
            return self.trial(parameters, *point)

        wanted = 0.0 if self.source is None else self.source(*point)
        operator = self.problem.operator
        if self.probes is None:
            return (operator(u, **self.parameters)(*point) - wanted) ** 2
        raise NotImplementedError(key)

    def measures(self, key: Any) -> tuple[Callable[[Any], float | None], float | None]:
        """The relative L2 error of parameters on unseen points, and that of the best multiple of the weight."""
        exact = self.exact
        if exact is None:
            return (lambda parameters: None), None
        keys = jax.random.split(key, TESTS)

        @jax.jit
        def sums(parameters: Any, multiple: Any) -> Any:
            def one(key: Any) -> Any:
                point = self.draw(key)
                u, ours = exact(*point), self.trial(parameters, *point)
                w = jnp.asarray(1.0 if self.weight is None else self.weight(*point), self.dtype)
                rest = u if self.boundary is None else u - self.boundary(*point)
                return jnp.stack([u * u, (u - ours) ** 2, rest * w, w * w, (rest - multiple * w) ** 2])

            return jax.lax.map(one, keys, batch_size=CHUNK).sum(0)

        def error(parameters: Any) -> float:
            whole, wrong = map(float, sums(parameters, 0.0)[:2])
            return (wrong / whole) ** 0.5

        whole, _, shared, square, _ = map(float, sums(self.first, 0.0))
        if not 0.0 < whole < float("inf"):
            hint = "an exact solution is finite, and not 0 everywhere"
            raise fail("E235", "no error can be measured against this exact solution", actual=f"{whole}", hint=hint)
        return error, (float(sums(self.first, shared / square)[4]) / whole) ** 0.5


def _function(given: Function | None, what: str, dtype: Dtype) -> Callable[..., Any] | None:
    """A function of JAX in this precision that gives one number."""
    if given is None:
        return None
    function = given.astype(dtype).to_jax() if isinstance(given, Program) else given
    return lambda *point: scalar(function(*point), what)
