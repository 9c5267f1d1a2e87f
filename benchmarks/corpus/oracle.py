"""What JAX says of an entry: value, derivative along a direction, cotangents, and how far each may be off.

An entry enters; arrays leave, for float results with tolerances. The tolerance is 1e-10 of max(1, |value|), plus the
change that a perturbation of the inputs by 1e-14 of themselves makes: no evaluation in f64 is asked for more than the
conditioning of the entry allows. A function that computes in narrower floats somewhere is held to 1e-5 (32 bits) or
2e-2 (16 bits) instead, as the order of its operations is not part of what it means.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from .entry import Entry, equations

PERTURBATION = 1e-14
RELATIVE = {8: 1e-10, 4: 1e-5, 2: 2e-2, 1: 0.5}
"""Relative tolerance by the bytes of the narrowest real number that is computed."""

CANNOT = (NotImplementedError, TypeError, ValueError, AssertionError)
"""What JAX raises when it has no derivative."""

PARTS = ("value", "jvp", "vjp")


class Unfit(Exception):
    """The entry says nothing: it is not traceable, takes or gives no numbers, or they are not finite."""


@dataclass(frozen=True)
class Leaves:
    """Arrays with their tolerances (zero for integers and booleans)."""

    arrays: tuple[NDArray[Any], ...]
    tolerances: tuple[NDArray[np.float64], ...]

    def named(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays under names that begin so, as files of arrays want them."""
        found: dict[str, NDArray[Any]] = {name: np.array(len(self.arrays))}
        for number, (array, tolerance) in enumerate(zip(self.arrays, self.tolerances, strict=True)):
            found[f"{name}_{number}"], found[f"{name}_{number}_tolerance"] = array, tolerance
        return found

    @staticmethod
    def read(file: Any, name: str) -> Leaves:
        """The leaves that `named` wrote."""
        numbers = range(int(file[name]))
        exact = tuple(file[f"{name}_{number}"] for number in numbers)
        return Leaves(exact, tuple(file[f"{name}_{number}_tolerance"] for number in numbers))


@dataclass(frozen=True)
class Measured:
    """The oracle of one entry; a derivative that JAX does not have is the reason in words."""

    value: Leaves
    jvp: Leaves | str
    vjp: Leaves | str

    @property
    def has(self) -> str:
        """What there is to compare with."""
        return " ".join(name for name in PARTS if not isinstance(getattr(self, name), str))


def is_float(leaf: Any) -> bool:
    """Whether a leaf (an array, a number or the shape of one) can carry a derivative."""
    return jax.numpy.issubdtype(jax.dtypes.result_type(leaf), jax.numpy.inexact)


def direction(leaf: Any, rng: np.random.Generator) -> NDArray[Any]:
    """A random array of the shape and dtype of a leaf; JAX's float0 zeros for integers and booleans."""
    if not is_float(leaf):
        return np.zeros(np.shape(leaf), jax.dtypes.float0)
    dtype = jax.dtypes.result_type(leaf)
    drawn = rng.standard_normal(np.shape(leaf))
    if jax.numpy.issubdtype(dtype, jax.numpy.complexfloating):
        drawn = drawn + 1j * rng.standard_normal(np.shape(leaf))
    return np.asarray(drawn, dtype=dtype)


def directions(entry: Entry) -> tuple[tuple[Any, ...], Any]:
    """Tangents of the arguments and cotangents of the result, in JAX's form."""
    rng = np.random.default_rng(zlib.crc32(entry.id.encode()) + 1)
    tangents = jax.tree.map(lambda leaf: direction(leaf, rng), entry.arguments)
    shapes = jax.eval_shape(entry.function, *entry.arguments)
    return tangents, jax.tree.map(lambda leaf: direction(leaf, rng), shapes)


def floats(tree: Any) -> list[NDArray[Any]]:
    """The float leaves of a pytree, without JAX's float0 placeholders."""
    kept = [leaf for leaf in jax.tree.leaves(tree) if getattr(leaf, "dtype", None) != jax.dtypes.float0]
    return [np.asarray(leaf) for leaf in kept if is_float(leaf)]


def perturbed(entry: Entry) -> tuple[Any, ...]:
    """The arguments with every float moved by at most `PERTURBATION` of itself."""
    rng = np.random.default_rng(zlib.crc32(entry.id.encode()) + 2)

    def moved(leaf: Any) -> Any:
        if not is_float(leaf):
            return leaf
        return np.asarray(leaf * (1 + PERTURBATION * rng.uniform(-1, 1, np.shape(leaf))), np.asarray(leaf).dtype)

    return jax.tree.map(moved, entry.arguments)


def values(entry: Entry, arguments: tuple[Any, ...]) -> list[Any]:
    """The leaves of the result in JAX; every one is an array of numbers."""
    leaves = jax.tree.leaves(entry.function(*arguments))
    for leaf in leaves:
        if not isinstance(leaf, (jax.Array, np.ndarray, np.generic)):
            raise Unfit(f"the result holds a {type(leaf).__name__}, not an array")
    return leaves


def pushed(entry: Entry, arguments: tuple[Any, ...], tangents: tuple[Any, ...]) -> list[NDArray[Any]]:
    """JAX's derivative along `tangents`: the float leaves of it."""
    return floats(jax.jvp(entry.function, arguments, tangents)[1])


def pulled(entry: Entry, arguments: tuple[Any, ...], cotangents: Any) -> list[NDArray[Any]]:
    """JAX's cotangents of the float leaves of the arguments."""
    return floats(jax.vjp(entry.function, *arguments)[1](cotangents))


def narrowest(entry: Entry) -> int:
    """Bytes of the narrowest real number among all that the traced function computes."""
    found = [8]
    for equation in equations(jax.make_jaxpr(entry.function)(*entry.arguments)):
        dtypes = [getattr(result.aval, "dtype", None) for result in equation.outvars]
        widths = [dtype.itemsize for dtype in dtypes if dtype and jax.numpy.issubdtype(dtype, jax.numpy.floating)]
        found += widths
    return min(found)


def attempt(how: Callable[..., list[NDArray[Any]]], entry: Entry, along: Any, relative: float) -> Leaves | str:
    """A derivative with its tolerances, or in words why JAX has none."""
    try:
        return toleranced(how(entry, entry.arguments, along), how(entry, perturbed(entry), along), relative)
    except CANNOT as error:
        return (str(error).splitlines() or [""])[0][:160] or type(error).__name__


def toleranced(arrays: Sequence[Any], others: Sequence[Any], relative: float) -> Leaves:
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
        bounds.append(relative * np.maximum(1.0, size) + change)
    return Leaves(tuple(exact), tuple(bounds))


def measure(entry: Entry) -> Measured:
    """Everything JAX says of an entry; raises `Unfit` when that is nothing."""
    if not any(is_float(leaf) for leaf in jax.tree.leaves(entry.arguments)):
        raise Unfit("no argument is a float")
    try:
        tangents, cotangents = directions(entry)
    except jax.errors.JAXTypeError as error:
        raise Unfit(f"JAX does not trace it: {str(error).splitlines()[0]}") from error
    relative = RELATIVE[narrowest(entry)]
    value = toleranced(values(entry, entry.arguments), values(entry, perturbed(entry)), relative)
    if not any(is_float(leaf) for leaf in value.arrays):
        nothing = "no result is a float"
        return Measured(value, nothing, nothing)
    jvp, vjp = attempt(pushed, entry, tangents, relative), attempt(pulled, entry, cotangents, relative)
    return Measured(value, jvp, vjp)
