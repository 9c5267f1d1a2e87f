"""Random keys of JAX: seeding, splitting and drawing bits, as index arithmetic around one block cipher.

A key array of shape S is an array of 32-bit words of shape (*S, 2); at the border of a program keys are unwrapped to it
and wrapped again. The counters are those of ``jax_threefry_partitionable=True``, JAX's default: element number n of a
draw is the cipher of the counter n, whatever the shape. Keys of other generators and of the other setting are refused.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ..primitives.type_rules import width
from .rule import Equation, Rule, aligned

if TYPE_CHECKING:
    from ..builder import Builder

Words = tuple[int, int]
Shape = tuple[int, ...]

_WORD = "uint32"


# --- words of keys ---------------------------------------------------------------------------------------------------


def _shape(b: Builder, slot: int) -> Shape:
    return tuple(size for size in b.array_type(slot).shape if isinstance(size, int))


def _words(b: Builder, keys: int) -> Words:
    """The first and the second words of keys, each of the shape of the key array."""
    shape = _shape(b, keys)
    front = tuple(0 for _ in shape[:-1])
    parts = (b.apply("slice", keys, starts=(*front, k), limits=(*shape[:-1], k + 1)) for k in range(2))
    first, second = (b.apply("reshape", part, shape=shape[:-1]) for part in parts)
    return first, second


def _keys(b: Builder, words: Words) -> int:
    """Keys from their words."""
    columns = (b.apply("reshape", word, shape=(*_shape(b, word), 1)) for word in words)
    return b.apply("concat", *columns, axis=len(_shape(b, words[0])))


def _cipher(b: Builder, key: Words, counter: Words) -> Words:
    first, second = (b.apply("threefry2x32", *key, *counter, word=word) for word in range(2))
    return first, second


def _counters(b: Builder, shape: Shape) -> Words:
    """The number of each element in row-major order, as a high and a low word."""
    if not shape:
        zero = b.constant(0, _WORD)
        return zero, zero
    numbers = b.apply("reshape", b.apply("iota", size=prod(shape)), shape=shape)
    low = b.apply("convert", numbers, dtype=_WORD)
    if prod(shape) <= 1 << 32:
        return b.constant(0, _WORD), low
    high = b.apply("shift_right_logical", numbers, b.constant(32, "i64"))
    return b.apply("convert", high, dtype=_WORD), low


def _drawn(b: Builder, keys: int, shape: Shape) -> Words:
    """Two words per key and element of `shape`; the axes of the keys come first."""
    words = _words(b, keys)
    lead = _shape(b, words[0])
    whole = (*lead, *shape)
    spread = [b.broadcast(word, whole, tuple(range(len(lead)))) if lead else word for word in words]
    own = tuple(range(len(lead), len(whole)))
    counters = [b.broadcast(part, whole, own) if _shape(b, part) else part for part in _counters(b, shape)]
    drawn = _cipher(b, (spread[0], spread[1]), (counters[0], counters[1]))
    return _of_shape(b, drawn, whole)


def _of_shape(b: Builder, words: Words, shape: Shape) -> Words:
    first, second = (word if _shape(b, word) else b.broadcast(word, shape, ()) for word in words)
    return first, second


# --- rules -----------------------------------------------------------------------------------------------------------


def _only_threefry(e: Equation) -> None:
    generator = str(getattr(e["impl"], "name", e["impl"]))
    if generator not in ("threefry2x32", "fry"):
        raise e.refuse(f"of the generator {generator} is not supported", 'use the generator "threefry2x32"')


def _seed(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """The halves of a 64-bit seed; a narrower one has nothing in the high half."""
    _only_threefry(e)
    (seed,), dtype = x, e.inputs[0].dtype
    low = b.apply("convert", seed, dtype=_WORD)
    if width(dtype) < 64:
        return _keys(b, (b.zeros(b.array_type(low)), low))
    high = b.apply("shift_right_logical", seed, b.constant(32, dtype))
    return _keys(b, (b.apply("convert", high, dtype=_WORD), low))


def _rewrapped(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    _only_threefry(e)
    return x[0]


def _split(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    return _keys(b, _drawn(b, x[0], tuple(map(int, e["shape"]))))


def _fold_in(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """The cipher of the number that is folded in, as the key."""
    shape = tuple(size for size in e.outputs[0].shape if isinstance(size, int))[:-1]
    data = b.apply("convert", x[1], dtype=_WORD)
    first, second, number = aligned(b, shape, [*_words(b, x[0]), data])
    folded = _cipher(b, (first, second), (b.constant(0, _WORD), number))
    return _keys(b, _of_shape(b, folded, shape))


def _bits(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """Both words side by side, or one that mixes them, cut to the width."""
    first, second = _drawn(b, x[0], tuple(map(int, e["shape"])))
    dtype = e.outputs[0].dtype
    if width(dtype) == 64:
        high, low = (b.apply("convert", word, dtype=dtype) for word in (first, second))
        return b.apply("bit_or", b.apply("shift_left", high, b.constant(32, dtype)), low)
    return b.apply("convert", b.apply("bit_xor", first, second), dtype=dtype)


def _threefry(b: Builder, e: Equation, x: tuple[int, ...]) -> Words:
    shape = tuple(size for size in e.outputs[0].shape if isinstance(size, int))
    k0, k1, x0, x1 = aligned(b, shape, x)
    return _of_shape(b, _cipher(b, (k0, k1), (x0, x1)), shape)


def _iota_2x32(b: Builder, e: Equation, x: tuple[int, ...]) -> Words:
    shape = tuple(map(int, e["shape"]))
    return _of_shape(b, _counters(b, shape), shape)


def _gamma(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """One key per draw, split off the key of its row; a draw is a primitive."""
    keys, shapes = x
    result = e.outputs[0]
    if result.dtype not in ("f64", "f32"):
        raise e.refuse(f"of {result.dtype} is not supported", "draw 32-bit or 64-bit floats and convert them")
    lead = b.array_type(keys).rank - 1
    shape = tuple(size for size in result.shape if isinstance(size, int))
    count = prod(shape[lead:])
    words = [b.apply("reshape", word, shape=shape) for word in _drawn(b, keys, (count,))]
    return b.apply("random_gamma", *words, shapes, log_space=bool(e["log_space"]))


RULES: dict[str, Rule] = {
    "random_seed": Rule(_seed, reads=("impl",)),
    "random_wrap": Rule(_rewrapped, reads=("impl",)),
    "random_unwrap": Rule(lambda b, e, x: x[0]),
    "random_clone": Rule(lambda b, e, x: x[0]),
    "random_split": Rule(_split, reads=("shape",)),
    "random_fold_in": Rule(_fold_in),
    "random_bits": Rule(_bits, reads=("shape",), ignores=("bit_width",)),
    "random_gamma": Rule(_gamma, reads=("log_space",)),
    "threefry2x32": Rule(_threefry),
    "iota_2x32_shape": Rule(_iota_2x32, reads=("shape",)),
}
