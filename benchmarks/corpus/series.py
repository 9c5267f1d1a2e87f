"""What JAX says of the Taylor series of an entry along a curve, by forward mode nested four times.

An entry enters; the normalised coefficients of its float results leave, with tolerances, and what
`jax.experimental.jet` makes of the same curve. The curve is ``x + t v1 + t^2 v2 + …`` with random v. A second opinion
comes from the first derivative alone: it is interpolated along the curve, and counts where the nested derivatives are
not finite or not there. Where both are there and differ, a rule or `stop_gradient` says that a function has other
derivatives than its own, and nesting decides what that means for higher ones.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import factorial
from typing import Any

import jax
import mpmath
import numpy as np
from numpy.polynomial.chebyshev import cheb2poly, chebvander
from numpy.typing import NDArray

from . import ORDERS
from .entry import Entry, equations
from .oracle import CANNOT, PERTURBATION, RELATIVE, Leaves, Unfit, direction, is_float, narrowest

ORDER = 4
"""The order of the curves: the highest of `ORDERS`."""
CHEAP = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Everything is compiled once and run a few times."""
RADII, NODES = (0.02, 0.01), 12
WITHIN = {8: 1e-5, 4: 0.1}
"""How far two radii may differ, relative, for the interpolated derivatives to count, by the bytes of the floats."""

TO_POWERS = np.stack([np.resize(np.append(cheb2poly(row), np.zeros(NODES)), NODES) for row in np.eye(NODES)], axis=1)
"""From coefficients of Chebyshev polynomials to those of powers."""

Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class Measured:
    """Coefficients 1 to 4, each of all float leaves of the result; their source; what the peer gives by order."""

    orders: tuple[Leaves, ...]
    source: str
    peer: tuple[str, ...]


@dataclass(frozen=True)
class Curve:
    """The float leaves of the arguments, their coefficients, and the function of these leaves alone."""

    function: Callable[[Sequence[Any]], list[Any]]
    start: Arrays
    series: tuple[Arrays, ...]

    def at(self, start: Sequence[Any], series: Sequence[Sequence[Any]], t: Any) -> list[Any]:
        """The float results where the curve is at t."""
        moved = list(start)
        for power, own in enumerate(series, 1):
            moved = [x + c * (t**power).astype(x.dtype) for x, c in zip(moved, own, strict=True)]
        return self.function(moved)


def coefficients(entry: Entry) -> list[list[NDArray[Any] | None]]:
    """Random coefficients 1 to 4 for every leaf of the arguments; None for leaves that are no floats."""
    rng = np.random.default_rng(zlib.crc32(entry.id.encode()) + 3)
    leaves = jax.tree.leaves(entry.arguments)
    return [[direction(x, rng) if is_float(x) else None for x in leaves] for _ in range(ORDER)]


def curve(entry: Entry) -> Curve:
    """An entry along its curve."""
    leaves, tree = jax.tree.flatten(entry.arguments)
    on = [is_float(x) for x in leaves]

    def function(floats: Sequence[Any]) -> list[Any]:
        given = iter(floats)
        filled = [next(given) if flag else x for flag, x in zip(on, leaves, strict=True)]
        return [y for y in jax.tree.leaves(entry.function(*tree.unflatten(filled))) if is_float(y)]

    series = tuple([c for c in own if c is not None] for own in coefficients(entry))
    return Curve(function, [np.asarray(x) for x, flag in zip(leaves, on, strict=True) if flag], series)


def nested(along: Curve, order: int) -> Callable[[Sequence[Any], Any], list[Arrays]]:
    """``(start, t) -> derivatives 0 to order``, compiled: forward mode of forward mode of …"""

    def run(start: Sequence[Any], t: Any) -> tuple[Any, ...]:
        h = partial(_value, along, start)
        for _ in range(order):
            h = partial(_raised, h)
        return h(t)

    zero = np.zeros(())
    compiled = jax.jit(run).lower(along.start, zero).compile(compiler_options=CHEAP)
    return lambda start, t: [[np.asarray(y) for y in own] for own in compiled(start, np.asarray(t))]


def _value(along: Curve, start: Sequence[Any], t: Any) -> tuple[Any, ...]:
    return (along.at(start, along.series, t),)


def _raised(h: Callable[[Any], tuple[Any, ...]], t: Any) -> tuple[Any, ...]:
    """What h gives, and the derivative of the last of it."""
    values, slopes = jax.jvp(h, (t,), (1.0,))
    return (*values, slopes[-1])


def interpolated(slopes: Callable[[float], Arrays], radius: float) -> list[Arrays]:
    """Coefficients 1 to 4 from the first derivative at Chebyshev points within a radius."""
    points = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    rows = [slopes(radius * float(point)) for point in points]
    fitted = chebvander(points, NODES - 1)
    found: list[Arrays] = [[] for _ in range(ORDER)]
    for leaf in zip(*rows, strict=True):
        table = np.stack([np.asarray(y, np.result_type(y, np.float64)).ravel() for y in leaf])
        power = TO_POWERS @ np.linalg.solve(fitted, table)
        for k in range(ORDER):
            found[k].append((power[k] / radius**k / (k + 1)).reshape(leaf[0].shape))
    return found


def second_opinion(slopes: Callable[[float], Arrays], relative: float, width: int) -> tuple[Leaves, ...] | None:
    """The interpolated coefficients with tolerances; None where they do not settle, as near a kink."""
    wide, close = (interpolated(slopes, radius) for radius in RADII)
    orders = []
    for own, other in zip(wide, close, strict=True):
        bounds = []
        for a, b in zip(own, other, strict=True):
            size = np.maximum(1.0, np.abs(a).max(initial=0.0))
            apart = np.abs(a - b).max(initial=0.0)
            if not apart <= WITHIN.get(width, 0.0) * size:
                return None
            bounds.append(np.full(a.shape, 10 * apart + max(relative, 1e-9) * size))
        orders.append(Leaves(tuple(own), tuple(bounds)))
    return tuple(orders)


def by_nesting(found: list[Arrays], other: list[Arrays], relative: float) -> tuple[Leaves, ...] | None:
    """Derivatives as coefficients with tolerances, from those at perturbed arguments; None when not finite."""
    orders = []
    for k in range(1, len(found)):
        arrays = [np.asarray(y / factorial(k), y.dtype) for y in found[k]]
        bounds = []
        for y, z in zip(arrays, other[k], strict=True):
            if not np.isfinite(y).all():
                return None
            change = np.abs(y - z / factorial(k)).max(initial=0.0)
            bounds.append(np.full(y.shape, 10 * relative * max(1.0, np.abs(y).max(initial=0.0)) + 10 * change))
        orders.append(Leaves(tuple(arrays), tuple(bounds)))
    return tuple(orders)


def precision(entry: Entry) -> int:
    """Bytes of the narrowest number; one that is rounded on purpose counts as 4."""
    rounded = any(e.primitive.name == "reduce_precision" for e in equations(_jaxpr(entry)))
    return min(narrowest(entry), 4 if rounded else 8)


def _jaxpr(entry: Entry) -> Any:
    return jax.make_jaxpr(entry.function)(*entry.arguments)


def bessel(curve: Sequence[NDArray[Any]]) -> tuple[Leaves, ...]:
    """Coefficients of the Bessel functions of orders 0 to 2 along a curve, by mpmath.

    The recurrence by which JAX computes them is unstable from the third derivative on.
    """

    def series_of(order: int, place: int) -> list[float]:
        terms = [float(c[place]) for c in curve]
        with mpmath.workdps(30):
            found = mpmath.taylor(lambda t: mpmath.besselj(order, mpmath.polyval(terms[::-1], t)), 0, ORDER)
            return [float(c) for c in found]

    table = np.array([[series_of(order, place) for place in range(len(curve[0]))] for order in range(3)])
    bound = 1e-9 * max(1.0, np.abs(table).max())
    return tuple(Leaves((y,), (np.full(y.shape, bound),)) for y in np.moveaxis(table[:, :, 1:], 2, 0))


EXACT: dict[str, Callable[[Sequence[NDArray[Any]]], tuple[Leaves, ...]]] = {"callables/scipy.special.bessel_jn": bessel}
"""Entries whose derivatives are wrong in JAX: their coefficients from those of the one argument, the value included."""


def measure(entry: Entry) -> Measured:
    """The series by JAX; raises `Unfit` where there is no derivative, or none that can be trusted."""
    if not any(is_float(x) for x in jax.tree.leaves(entry.arguments)):
        raise Unfit("no argument is a float")
    along, width = curve(entry), precision(entry)
    if entry.id in EXACT:
        orders = EXACT[entry.id]([along.start[0], *(own[0] for own in along.series)])
        return Measured(orders, "mpmath", peer(along, orders))
    relative = RELATIVE[width]
    try:
        derivatives, order = nested(along, ORDER), ORDER
    except CANNOT as error:
        reason = (str(error).splitlines() or [""])[0][:160]
        try:
            derivatives, order = nested(along, 1), 1
        except CANNOT:
            raise Unfit(f"JAX has no derivative: {reason}") from error
    found = derivatives(along.start, 0.0)
    if not found[0]:
        raise Unfit("no result is a float")
    first, second = None, None
    if order == ORDER:
        rng = np.random.default_rng(zlib.crc32(entry.id.encode()) + 2)
        near = [np.asarray(x * (1 + PERTURBATION * rng.uniform(-1, 1, x.shape)), x.dtype) for x in along.start]
        first = by_nesting(found, derivatives(near, 0.0), relative)
    if first is None:
        second = second_opinion(lambda t: derivatives(along.start, t)[1], relative, width)
    if first is not None:
        orders, source = first, "nested"
    elif second is not None:
        orders, source = second, f"interpolated: nested {'missing' if order < ORDER else 'not finite'}"
    else:
        raise Unfit("nested derivatives are missing or not finite, and interpolated ones do not settle")
    return Measured(orders, source, peer(along, orders))


def peer(along: Curve, orders: tuple[Leaves, ...]) -> tuple[str, ...]:
    """What `jax.experimental.jet` gives at each of `ORDERS`: right, wrong, or what it raises."""
    from jax.experimental.jet import jet

    def run(start: Sequence[Any], series: Sequence[Sequence[Any]]) -> Any:
        scaled = [[c * factorial(k) for k, c in enumerate(own, 1)] for own in zip(*series, strict=True)]
        return jet(lambda *x: along.function(x), tuple(start), tuple(scaled))

    try:
        compiled = jax.jit(run).lower(along.start, along.series).compile(compiler_options=CHEAP)
        _, series = compiled(along.start, along.series)
    except Exception as error:  # whatever is raised is what the peer says
        return (f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"[:160],) * len(ORDERS)
    given = [[np.asarray(c) / factorial(k) for k, c in enumerate(own, 1)] for own in series]
    return tuple("right" if all(map(partial(_fits, given, orders), range(top))) else "wrong" for top in ORDERS)


def _fits(given: list[Arrays], orders: tuple[Leaves, ...], k: int) -> bool:
    wanted = orders[k]
    return all(
        bool((np.abs(own[k] - y) <= bound).all())
        for own, y, bound in zip(given, wanted.arrays, wanted.tolerances, strict=True)
    )


def arrays(found: Measured) -> dict[str, Any]:
    """An oracle as named arrays."""
    named: dict[str, Any] = {"source": np.array(found.source), "peer": np.array(found.peer)}
    for k, leaves in enumerate(found.orders, 1):
        named |= leaves.named(f"order{k}")
    return named


def read(file: Any) -> Measured:
    """The oracle that `arrays` wrote."""
    orders = tuple(Leaves.read(file, f"order{k}") for k in range(1, ORDER + 1))
    return Measured(orders, str(file["source"]), tuple(map(str, file["peer"])))
