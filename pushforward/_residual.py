"""A problem as functions of JAX in one precision: what training needs of it, the squared residual first of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp

from ._estimate import squared
from ._operator import Law
from ._problem import Function, Problem
from ._program import Program
from ._request import request
from .lang.diagnostics import fail
from .semantics.solving.domains import Ball, Box, Point
from .semantics.solving.networks import Network, scalar

Dtype = Literal["f32", "f64"]
TESTS = 2000  # unseen points on which errors are measured
CHUNK = 100  # of them at once


class Parts:
    """A problem as functions of JAX in one precision."""

    def __init__(self, problem: Problem, network: Network, dtype: Dtype, probes: int | None, law: Law) -> None:
        self.problem, self.network, self.probes, self.law = problem, network, probes, law
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
        value = scalar(self.network.apply(parameters, *point), "the network")
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
        return squared(request(operator, u, point, self.probes, self.law, self.parameters), key, wanted)

    def measures(self, key: Any) -> tuple[Callable[[Any], float | None], float | None]:
        """The relative L2 error of parameters on unseen points, and that of the best multiple of the weight."""
        exact = self.exact
        if exact is None:
            return (lambda parameters: None), None
        keys = jax.random.split(key, TESTS)
        first = self.network.parameters

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

        whole, _, shared, square, _ = map(float, sums(first, 0.0))
        if not 0.0 < whole < float("inf"):
            hint = "an exact solution is finite, and not 0 everywhere"
            raise fail("E235", "no error can be measured against this exact solution", actual=f"{whole}", hint=hint)
        return error, (float(sums(first, shared / square)[4]) / whole) ** 0.5


def _function(given: Function | None, what: str, dtype: Dtype) -> Callable[..., Any] | None:
    """A function of JAX in this precision that gives one number."""
    if given is None:
        return None
    function = given.astype(dtype).to_jax() if isinstance(given, Program) else given
    return lambda *point: scalar(function(*point), what)
