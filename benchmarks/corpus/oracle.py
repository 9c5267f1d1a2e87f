"""What JAX says of an entry: value, derivative along a direction, cotangents, and how far each may be off.

An entry enters; arrays leave, for float results with tolerances. The tolerance is 1e-10 of max(1, |value|), plus the
change that a perturbation of the inputs by 1e-14 of themselves makes: no evaluation in f64 is asked for more than the
conditioning of the entry allows.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from .entry import Entry

PERTURBATION = 1e-14
RELATIVE = {8: 1e-10, 4: 1e-5, 2: 2e-2}
"""Relative tolerance by the bytes of a real number."""

CANNOT = (NotImplementedError, TypeError, ValueError, AssertionError)
"""What JAX raises when it has no derivative."""


class Unfit(Exception):
    """The entry says nothing: it is not traceable, takes or gives no numbers, or they are not finite."""


@dataclass(frozen=True)
class Leaves:
    """Arrays with their tolerances (zero for integers and booleans)."""

    arrays: tuple[NDArray[Any], ...]
    tolerances: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Measured:
    """The oracle of one entry; a derivative that JAX does not have is the reason in words."""

    tangents: tuple[Any, ...]
    cotangents: Any
    value: Leaves
    jvp: Leaves | str
    vjp: Leaves | str

    @property
    def has(self) -> str:
        """What there is to compare with."""
        return " ".join(name for name in ("value", "jvp", "vjp") if not isinstance(getattr(self, name), str))


def is_float(leaf: Any) -> bool:
    """Whether a leaf is an array (or number) that can carry a derivative."""
    return np.issubdtype(np.result_type(leaf), np.inexact) or jax.dtypes.result_type(leaf) == jax.numpy.bfloat16


def direction(leaf: Any, rng: np.random.Generator) -> NDArray[Any]:
    """A random array of the shape and dtype of a leaf, complex where the leaf is."""
    drawn = rng.standard_normal(np.shape(leaf))
    if np.iscomplexobj(leaf):
        drawn = drawn + 1j * rng.standard_normal(np.shape(leaf))
    return np.asarray(drawn, dtype=np.asarray(leaf).dtype)


def zeros_of_floats(tree: Any, rng: np.random.Generator) -> Any:
    """A random direction of a pytree, with JAX's float0 zeros at integers and booleans."""
    empty = jax.dtypes.float0
    return jax.tree.map(
        lambda leaf: direction(leaf, rng) if is_float(leaf) else np.zeros(np.shape(leaf), empty),
        tree,
    )


def floats(tree: Any) -> list[NDArray[Any]]:
    """The float leaves of a pytree, without JAX's float0 placeholders."""
    kept = [leaf for leaf in jax.tree.leaves(tree) if getattr(leaf, "dtype", None) != jax.dtypes.float0]
    return [np.asarray(leaf) for leaf in kept if is_float(leaf)]


def perturbed(arguments: tuple[Any, ...], rng: np.random.Generator) -> tuple[Any, ...]:
    """The arguments with every float moved by at most `PERTURBATION` of itself."""

    def moved(leaf: Any) -> Any:
        if not is_float(leaf):
            return leaf
        return np.asarray(leaf * (1 + PERTURBATION * rng.uniform(-1, 1, np.shape(leaf))), np.asarray(leaf).dtype)

    return jax.tree.map(moved, arguments)


def values(entry: Entry, arguments: tuple[Any, ...]) -> Any:
    """The result of the entry in JAX; every leaf is an array of numbers."""
    result = entry.function(*arguments)
    for leaf in jax.tree.leaves(result):
        if not isinstance(leaf, (jax.Array, np.ndarray, np.generic)):
            raise Unfit(f"the result holds a {type(leaf).__name__}, not an array")
    return result


def pushed(entry: Entry, arguments: tuple[Any, ...], tangents: tuple[Any, ...]) -> list[NDArray[Any]]:
    """JAX's derivative along `tangents`: the float leaves of it."""
    return floats(jax.jvp(entry.function, arguments, tangents)[1])


def pulled(entry: Entry, arguments: tuple[Any, ...], cotangents: Any) -> list[NDArray[Any]]:
    """JAX's cotangents of the float leaves of the arguments."""
    return floats(jax.vjp(entry.function, *arguments)[1](cotangents))


def attempt(how: Callable[..., list[NDArray[Any]]], *arguments: Any) -> list[NDArray[Any]] | str:
    """The arrays, or in words why JAX has no such derivative."""
    try:
        return how(*arguments)
    except CANNOT as error:
        return (str(error).splitlines() or [""])[0][:160] or type(error).__name__


def toleranced(arrays: Sequence[Any], others: Sequence[Any]) -> Leaves:
    """Arrays with the tolerances that follow from their values at perturbed arguments."""
    exact = [np.asarray(leaf) for leaf in arrays]
    bounds = []
    for leaf, other in zip(exact, others, strict=True):
        if not is_float(leaf):
            bounds.append(np.zeros(leaf.shape))
            continue
        if not np.isfinite(leaf).all():
            raise Unfit("JAX gives numbers that are not finite")
        size = np.abs(leaf).astype(np.float64)
        change = np.abs(leaf - np.asarray(other)).astype(np.float64).max(initial=0.0)
        width = leaf.dtype.itemsize // (2 if np.iscomplexobj(leaf) else 1)
        bounds.append(RELATIVE[width] * np.maximum(1.0, size) + change)
    return Leaves(tuple(exact), tuple(bounds))


@lru_cache(maxsize=2)
def measure(entry: Entry) -> Measured:
    """Everything JAX says of an entry; raises `Unfit` when that is nothing."""
    rng = np.random.default_rng(zlib.crc32(entry.id.encode()) + 1)
    arguments, near = entry.arguments, perturbed(entry.arguments, rng)
    if not any(is_float(leaf) for leaf in jax.tree.leaves(arguments)):
        raise Unfit("no argument is a float")
    try:
        jax.make_jaxpr(entry.function)(*arguments)
    except jax.errors.JAXTypeError as error:
        raise Unfit(f"JAX does not trace it: {str(error).splitlines()[0]}") from error
    value = values(entry, arguments)
    tangents, cotangents = zeros_of_floats(arguments, rng), zeros_of_floats(value, rng)
    leaves = toleranced(jax.tree.leaves(value), jax.tree.leaves(values(entry, near)))
    if not any(is_float(leaf) for leaf in leaves.arrays):
        nothing = "no result is a float"
        return Measured(tangents, cotangents, leaves, nothing, nothing)
    found = []
    for how, along in ((pushed, tangents), (pulled, cotangents)):
        here = attempt(how, entry, arguments, along)
        there = attempt(how, entry, near, along) if not isinstance(here, str) else here
        found.append(here if isinstance(here, str) or isinstance(there, str) else toleranced(here, there))
    return Measured(tangents, cotangents, leaves, found[0], found[1])
