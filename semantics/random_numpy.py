"""Random numbers from keys in NumPy: pairs of words enter, words or floats leave.

The generator is Threefry-2x32-20 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
Draws take the words of a key in the same order as `jax.random` does, so that equal keys give equal draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray
Key = tuple[Array, Array]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_FORMS: Mapping[str, tuple[str, int]] = {"float64": ("uint64", 52), "float32": ("uint32", 23)}


def cipher(key: Key, counter: Key) -> Key:
    """Both words of the block cipher: 20 rounds, with a part of the key added after every fourth."""
    k = [np.atleast_1d(np.asarray(word, np.uint32)) for word in key]
    keys = (*k, k[0] ^ k[1] ^ np.uint32(_PARITY))
    x = np.asarray(counter[0], np.uint32) + keys[0]
    y = np.asarray(counter[1], np.uint32) + keys[1]
    for part in range(5):
        for distance in _ROTATIONS[part % 2]:
            x = x + y
            y = x ^ ((y << np.uint32(distance)) | (y >> np.uint32(32 - distance)))
        x = x + keys[(part + 1) % 3]
        y = y + (keys[(part + 2) % 3] + np.uint32(part + 1))
    return x, y


def threefry2x32(k0: Any, k1: Any, x0: Any, x1: Any, *, word: int) -> Any:
    shape = np.broadcast_shapes(*(np.shape(operand) for operand in (k0, k1, x0, x1)))
    return np.broadcast_to(cipher((k0, k1), (x0, x1))[word].reshape(shape or ()), shape)[()]


def _split(key: Key, count: int) -> list[Key]:
    zero = np.zeros((), np.uint32)
    return [cipher(key, (zero, np.asarray(number, np.uint32))) for number in range(count)]


def _uniform(key: Key, low: Any, high: Any, dtype: np.dtype) -> Array:
    """A number of [low, high): random bits as the mantissa of a number of [1, 2)."""
    name, mantissa = _FORMS[dtype.name]
    unsigned = np.dtype(name)
    first, second = cipher(key, (np.zeros((), np.uint32), np.zeros((), np.uint32)))
    wide = unsigned.itemsize == 8
    bits = (first.astype(unsigned) << unsigned.type(32)) | second if wide else first ^ second
    kept = (bits >> unsigned.type(unsigned.itemsize * 8 - mantissa)) | np.ones((), dtype).view(unsigned)
    return np.maximum(low, (kept.view(dtype) - dtype.type(1)) * (high - low) + low)


def _normal(key: Key, dtype: np.dtype) -> Array:
    from scipy.special import erfinv

    one = dtype.type(1)
    return dtype.type(np.sqrt(2)) * erfinv(_uniform(key, np.nextafter(-one, dtype.type(0)), one, dtype))


def random_gamma(k0: Any, k1: Any, a: Any, *, log_space: bool) -> Any:
    """Draws by squeeze and rejection (Marsaglia and Tsang 2000); shapes a < 1 by way of a + 1 and a uniform number."""
    k0, k1, a = np.broadcast_arrays(k0, k1, a)
    shape, dtype = a.shape, a.dtype
    a = a.ravel()
    key, last = _split((k0.ravel(), k1.ravel()), 2)
    large = a >= 1
    d = np.where(large, a, a + 1) - dtype.type(1 / 3)
    v = _accepted(key, d)
    u = _uniform(last, dtype.type(0), dtype.type(1), dtype)
    if log_space:
        logarithm = np.log1p(-u)
        drawn = np.log(d) + np.log(v) + np.where(large | (logarithm == 0), 0, logarithm * (1 / a))
    else:
        drawn = d * v * np.where(large, 1, np.power(1 - u, 1 / a))
    return drawn.astype(dtype).reshape(shape)[()]


def _accepted(key: Key, d: Array) -> Array:
    """The cubes v of the method: the first that is not rejected, element by element."""
    dtype = d.dtype
    v, waiting = np.ones_like(d), np.arange(d.size)
    while waiting.size:
        key, for_normal, for_uniform = _split(key, 3)
        scale = d[waiting]
        x, root = _positive(for_normal, dtype.type(1 / 3) / np.sqrt(scale))
        square, cube = x * x, root * root * root
        u = _uniform(for_uniform, dtype.type(0), dtype.type(1), dtype)
        squeezed = u < 1 - dtype.type(0.0331) * (square * square)
        rejected = ~squeezed & (np.log(u) >= square * dtype.type(0.5) + scale * (1 - cube + np.log(cube)))
        v[waiting] = cube
        waiting, key = waiting[rejected], (key[0][rejected], key[1][rejected])
    return v


def _positive(key: Key, c: Array) -> tuple[Array, Array]:
    """Normal numbers x with 1 + c x not negative, and that."""
    x, root = np.zeros_like(c), np.zeros_like(c)
    waiting = np.arange(c.size)
    while waiting.size:
        key, now = _split(key, 2)
        x[waiting] = _normal(now, c.dtype)
        root[waiting] = 1 + x[waiting] * c[waiting]
        again = root[waiting] <= 0
        waiting, key = waiting[again], (key[0][again], key[1][again])
    return x, root


RANDOM: Mapping[str, Callable[..., Any]] = {"threefry2x32": threefry2x32, "random_gamma": random_gamma}
