"""Random lanes: a key and a law enter, the numbers of coordinates or the vectors of all lanes leave.

Coordinates are drawn without replacement by Floyd's algorithm, whose work is the square of the number of lanes and does
not grow with the number of coordinates: entry k is a number up to n - B + k, or n - B + k itself where that number was
drawn before, and all subsets are equally likely (Bentley & Floyd 1987, Communications of the ACM 30(9)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...lang.diagnostics import fail


@dataclass(frozen=True, slots=True)
class Vectors:
    """What is to be drawn for one variable: `count` lanes over `length` coordinates."""

    law: str
    count: int
    length: int
    dtype: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of coordinates, or one vector per lane."""
        return (self.count,) if self.law == "sampled" else (self.count, self.length)


def draw(key: Any, wanted: Sequence[Vectors]) -> list[Any]:
    """The lanes of some variables, as JAX arrays from a key of JAX, or as NumPy arrays from a seed or a generator.

    E228 when the key is none of these.

    >>> [array.shape for array in draw(0, [Vectors("sampled", 3, 10, "float64"), Vectors("sphere", 2, 5, "float64")])]
    [(3,), (2, 5)]
    """
    source = checked(key)
    if isinstance(source, np.random.Generator):
        return [_of_numpy(source, vectors) for vectors in wanted]
    import jax

    keys = [source] if len(wanted) == 1 else jax.random.split(source, len(wanted))
    return [_of_jax(one, vectors, len(wanted) > 1) for one, vectors in zip(keys, wanted, strict=True)]


def checked(key: Any) -> Any:
    """A generator of NumPy, made from a seed if need be, or one key of JAX; E228 for anything else."""
    if isinstance(key, np.random.Generator):
        return key
    if isinstance(key, int | np.integer) and not isinstance(key, bool) and key >= 0:
        return np.random.default_rng(key)
    kind, shape = str(getattr(key, "dtype", "")), getattr(key, "shape", None)
    if (kind.startswith("key<") and shape == ()) or (kind == "uint32" and shape == (2,)):
        return key
    expected = "jax.random.key(0), a whole number from 0, or numpy.random.default_rng(0)"
    hint = "the key comes first: op.estimate(key, u, point); under jax.vmap give one key per point, or one for all"
    raise fail("E228", "this is no random key", expected=expected, actual=f"{key!r:.60}", hint=hint)


def halves(key: Any) -> tuple[Any, Any]:
    """Two keys for independent draws, from one."""
    source = checked(key)
    if isinstance(source, np.random.Generator):
        return source, source
    import jax

    first, second = jax.random.split(source)
    return first, second


def _of_numpy(generator: np.random.Generator, vectors: Vectors) -> np.ndarray:
    match vectors.law:
        case "sampled":
            return generator.choice(vectors.length, vectors.count, replace=False)
        case "rademacher":
            return (2 * generator.integers(0, 2, vectors.shape) - 1).astype(vectors.dtype)
        case _:
            normal = generator.standard_normal(vectors.shape)
            norm = np.sqrt((normal**2).sum(1, keepdims=True)) if vectors.law == "sphere" else 1.0
            return (normal / norm).astype(vectors.dtype)


def _of_jax(key: Any, vectors: Vectors, shuffled: bool) -> Any:
    import jax
    import jax.numpy as jnp

    match vectors.law:
        case "sampled":
            pick, order = jax.random.split(key) if shuffled else (key, key)
            numbers = subset(pick, vectors.count, vectors.length)
            # Floyd's algorithm gives a uniform set in an order that is not, which matters where lanes are paired.
            return jax.random.permutation(order, numbers) if shuffled else numbers
        case "rademacher":
            return jax.random.rademacher(key, vectors.shape, vectors.dtype)
        case _:
            normal = jax.random.normal(key, vectors.shape, vectors.dtype)
            return normal / jnp.linalg.norm(normal, axis=1, keepdims=True) if vectors.law == "sphere" else normal


def subset(key: Any, count: int, length: int) -> Any:
    """`count` different numbers below `length`, every set of them equally likely, as a JAX array.

    >>> import jax
    >>> sorted(subset(jax.random.key(0), 4, 4).tolist())
    [0, 1, 2, 3]
    """
    import jax
    import jax.numpy as jnp

    last = jnp.arange(length - count, length)
    tried = jax.random.randint(key, (count,), 0, last + 1)

    def step(place: int, numbers: Any) -> Any:
        taken = jnp.any((numbers == tried[place]) & (jnp.arange(count) < place))
        return numbers.at[place].set(jnp.where(taken, last[place], tried[place]))

    return jax.lax.fori_loop(0, count, step, jnp.zeros_like(tried))


def by_variable(lengths: Mapping[str, int], law: str, count: int, dtypes: Mapping[str, str]) -> list[Vectors]:
    """What is to be drawn for every variable."""
    return [Vectors(law, count, length, dtypes[name]) for name, length in lengths.items()]
