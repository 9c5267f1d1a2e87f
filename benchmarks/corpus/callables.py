"""Every public callable of the modules that numerical JAX programs are written with, each with arguments.

The modules enter; entries leave, and the reason for every callable that has none. Arguments are written down in
`examples_*`, or found by offering generic ones in a fixed order until JAX gives finite numbers from them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import jax.scipy.stats

from .entry import Entry, Make, made
from .examples_lax import LAX
from .examples_numpy import NUMPY
from .examples_other import LINALG, NN, SPECIAL, STATS

GROUP = "callables"
DENSITIES = ("logpdf", "logpmf")


def rows_of(prefix: str, table: dict[str, Make]) -> dict[str, Make]:
    """A table of examples under the full names."""
    return {f"{prefix}.{name}": make for name, make in table.items()}


EXAMPLES: dict[str, Make] = {
    **rows_of("nn", NN),
    **rows_of("numpy", NUMPY),
    **rows_of("numpy.linalg", LINALG),
    **rows_of("scipy.special", SPECIAL),
    **rows_of("scipy.stats", STATS),
    **rows_of("lax", LAX),
}


def public(module: ModuleType, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions of a module: public names of what can be called and is neither a class nor a module."""
    for name in sorted(dir(module)):
        value = getattr(module, name)
        if not name.startswith("_") and callable(value) and not inspect.isclass(value):
            yield f"{prefix}.{name}", value


def densities() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The log densities of every distribution."""
    for name, module in sorted(vars(jax.scipy.stats).items()):
        if isinstance(module, ModuleType):
            for kind in DENSITIES:
                if hasattr(module, kind):
                    yield f"scipy.stats.{name}.{kind}", getattr(module, kind)


@cache
def found() -> dict[str, Callable[..., Any]]:
    """All public callables by name, whatever they take."""
    return dict(
        chain(
            public(jax.nn, "nn"),
            public(jnp, "numpy"),
            public(jnp.linalg, "numpy.linalg"),
            public(jax.scipy.special, "scipy.special"),
            densities(),
            public(jax.lax, "lax"),
        )
    )


def vectors(kind: str, count: int) -> Make:
    """`count` vectors drawn by the method `kind` of `Draw`."""
    return lambda f, r: (f, *(getattr(r, kind)(4) for _ in range(count)))


GENERIC = tuple(
    vectors(kind, count) for count in (1, 2, 3, 4) for kind in ("normal", "unit", "positive", "beyond_one")
) + (lambda f, r: (f, r.normal(2, 4)), lambda f, r: (f, r.matrix(3, 3)))


def required(function: Callable[..., Any]) -> int:
    """How many arguments must be given; 1 when there is no telling."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is one.empty for one in parameters)


def candidates(function: Callable[..., Any]) -> list[Make]:
    """Generic arguments, those of the required number first."""
    count = max(1, min(4, required(function)))
    first = [vectors(kind, count) for kind in ("normal", "unit", "positive", "beyond_one")]
    return [*first, *GENERIC]


def accepted(entry: Entry) -> bool:
    """Whether JAX traces the entry, gives finite numbers and, where it can differentiate them, a finite derivative."""
    from .kept import oracle
    from .oracle import Unfit

    try:
        oracle(entry)
    except (Unfit, TypeError, ValueError, IndexError, AssertionError, NotImplementedError, AttributeError):
        return False
    return True


def example(name: str, function: Callable[..., Any]) -> Entry | None:
    """The entry of a callable: the written example, else the first generic one that JAX accepts."""
    if name in EXAMPLES:
        return made(GROUP, name, function, EXAMPLES[name])
    for make in candidates(function):
        entry = made(GROUP, name, function, make)
        if accepted(entry):
            return entry
    return None


def names() -> tuple[str, ...]:
    """All public callables, those outside the denominator as well."""
    return tuple(found())


def entry(name: str) -> Entry | None:
    """The entry of a callable; None when no arguments were found that JAX accepts."""
    return example(name, found()[name])
