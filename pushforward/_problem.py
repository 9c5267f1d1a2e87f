"""Problems: a differential equation, its domain and what is known of its solution enter, checked, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from ._operator import Operator
from ._program import Program
from .ad.operators.expression import variables_of
from .lang.diagnostics import fail
from .semantics.solving.domains import Ball, Box, Domain, Point, Shape

Function = Callable[..., Any] | Program


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
            own = lengths.setdefault(length, (*shape, 0)[0]) if isinstance(length, str) else length
            fits = fits and shape == (() if own is None else (own,))
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
