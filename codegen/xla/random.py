"""Random numbers from keys in XLA: arrays of words enter, words or floats leave.

The generator is Threefry-2x32-20 (Salmon et al. 2011), written out so that XLA fuses it with what reads the words and
computes it once for both of them. Draws take the words of a key in the same order as `jax.random` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

Key = tuple[Array, Array]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def _word(value: int, like: Array) -> Array:
    return jnp.full_like(like, value)


def cipher(key: Key, counter: Key) -> Key:
    """Both words of the block cipher for operands of one shape.

    Its parts are kept apart: a compiler that fuses through all of them repeats more with every round.
    """
    keys = (*key, key[0] ^ key[1] ^ _word(_PARITY, key[0]))
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    for part in range(5):
        for distance in _ROTATIONS[part % 2]:
            x = x + y
            left = lax.shift_left(y, _word(distance, y))
            y = x ^ (left | lax.shift_right_logical(y, _word(32 - distance, y)))
        x = x + keys[(part + 1) % 3]
        y = y + keys[(part + 2) % 3] + _word(part + 1, y)
        x, y = lax.optimization_barrier((x, y))
    return x, y


def threefry2x32(operands: Sequence[Array], params: Mapping[str, Any]) -> Array:
    k0, k1, x0, x1 = jnp.broadcast_arrays(*operands)
    return cipher((k0, k1), (x0, x1))[params["word"]]


def _split(key: Key, count: int) -> list[Key]:
    return [cipher(key, (_word(0, key[0]), _word(number, key[0]))) for number in range(count)]


def _uniform(key: Key, low: Any, high: Any, dtype: Any) -> Array:
    """A number of [low, high): random bits as the mantissa of a number of [1, 2)."""
    first, second = cipher(key, (_word(0, key[0]), _word(0, key[0])))
    form = jnp.finfo(dtype)
    if form.bits == 64:
        left, right = first.astype(jnp.uint64), second.astype(jnp.uint64)
        bits = lax.shift_left(left, jnp.full_like(left, 32)) | right
    else:
        bits = first ^ second
    kept = lax.shift_right_logical(bits, jnp.full_like(bits, form.bits - form.nmant))
    one = lax.bitcast_convert_type(jnp.ones(bits.shape, dtype), bits.dtype)
    unit = lax.bitcast_convert_type(kept | one, dtype) - jnp.ones((), dtype)
    return lax.max(jnp.full_like(unit, low), unit * (high - low) + low)


def _normal(key: Key, dtype: Any) -> Array:
    one = jnp.ones((), dtype)
    low = lax.nextafter(-one, jnp.zeros((), dtype))
    return jnp.asarray(2**0.5, dtype) * lax.erf_inv(_uniform(key, low, one, dtype))


def random_gamma(operands: Sequence[Array], params: Mapping[str, Any]) -> Array:
    """Draws by squeeze and rejection (Marsaglia and Tsang 2000); shapes a < 1 by way of a + 1 and a uniform number."""
    k0, k1, a = jnp.broadcast_arrays(*operands)
    dtype = a.dtype
    key, last = _split((k0, k1), 2)
    large = a >= 1
    d = jnp.where(large, a, a + 1) - jnp.asarray(1 / 3, dtype)
    v = _accepted(key, d)
    u = _uniform(last, jnp.zeros((), dtype), jnp.ones((), dtype), dtype)
    if params["log_space"]:
        logarithm = lax.log1p(-u)
        return lax.log(d) + lax.log(v) + jnp.where(large | (logarithm == 0), 0, logarithm * (1 / a))
    return d * v * jnp.where(large, 1, lax.pow(1 - u, 1 / a))


State = tuple[Key, Array, Array]  # the key for the next round, what is drawn so far, and where it is not settled


def _accepted(key: Key, d: Array) -> Array:
    """The cubes v of the method: the first that is not rejected, element by element."""
    dtype = d.dtype
    c = jnp.asarray(1 / 3, dtype) / lax.sqrt(d)

    def again(state: State) -> State:
        key, v, waiting = state
        key, for_normal, for_uniform = _split(key, 3)
        x, root = _positive(for_normal, c)
        square, cube = x * x, root * root * root
        u = _uniform(for_uniform, jnp.zeros((), dtype), jnp.ones((), dtype), dtype)
        unclear = u >= 1 - jnp.asarray(0.0331, dtype) * (square * square)
        rejected = unclear & (lax.log(u) >= square * jnp.asarray(0.5, dtype) + d * (1 - cube + lax.log(cube)))
        return key, jnp.where(waiting, cube, v), waiting & rejected

    start = (key, jnp.ones_like(d), jnp.ones(d.shape, bool))
    return lax.while_loop(lambda state: jnp.any(state[2]), again, start)[1]


def _positive(key: Key, c: Array) -> tuple[Array, Array]:
    """Normal numbers x with 1 + c x not negative, and that."""

    def again(state: State) -> State:
        key, x, waiting = state
        key, now = _split(key, 2)
        x = jnp.where(waiting, _normal(now, c.dtype), x)
        return key, x, waiting & (1 + x * c <= 0)

    x = lax.while_loop(lambda state: jnp.any(state[2]), again, (key, jnp.zeros_like(c), jnp.ones(c.shape, bool)))[1]
    return x, 1 + x * c
