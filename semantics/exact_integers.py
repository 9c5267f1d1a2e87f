"""Whole numbers exactly: integer primitives on Python integers, which never overflow; results wrap afterwards.

Each entry takes the width in bits, then operands; a negative number stands for the bit pattern that wraps to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..lang.diagnostics import fail


def floordiv(width: int, x: int, y: int) -> int:
    if y == 0:
        raise fail("E101", "an integer is divided by zero", hint="guard it: if d == 0 then … else x // d")
    return x // y


def truncdiv(width: int, x: int, y: int) -> int:
    if y == 0:
        return -1
    return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def rem(width: int, x: int, y: int) -> int:
    return x if y == 0 else x - y * truncdiv(width, x, y)


def pattern(width: int, x: int) -> int:
    """The bits of a number as a number without sign."""
    return x % (1 << width)


def shift_left(width: int, x: int, distance: int) -> int:
    return x << distance if 0 <= distance < width else 0


def shift_right_logical(width: int, x: int, distance: int) -> int:
    return pattern(width, x) >> distance if 0 <= distance < width else 0


def shift_right_arithmetic(width: int, x: int, distance: int) -> int:
    signed = pattern(width, x + (1 << (width - 1))) - (1 << (width - 1))
    return signed >> (distance if 0 <= distance < width else width)


def threefry2x32(width: int, *words: int, word: int) -> int:
    """Threefry-2x32-20 (Salmon et al. 2011) on numbers below 2^32."""
    k0, k1, x, y = (pattern(width, each) for each in words)
    keys = (k0, k1, k0 ^ k1 ^ 0x1BD11BDA)
    x, y = x + k0, y + k1
    for number in range(20):
        distance = (13, 15, 26, 6, 17, 29, 16, 24)[number % 8]
        x, y = pattern(width, x + y), pattern(width, y)
        y = x ^ pattern(width, y << distance | y >> (width - distance))
        if number % 4 == 3:
            part = number // 4 + 1
            x, y = x + keys[part % 3], y + keys[(part + 1) % 3] + part
    return (x, y)[word]


INTEGERS: Mapping[str, Callable[..., int]] = {
    "floordiv": floordiv,
    "mod": lambda width, x, y: x - y * floordiv(width, x, y),
    "truncdiv": truncdiv,
    "rem": rem,
    "bit_and": lambda width, x, y: x & y,
    "bit_or": lambda width, x, y: x | y,
    "bit_xor": lambda width, x, y: x ^ y,
    "bit_not": lambda width, x: ~x,
    "shift_left": shift_left,
    "shift_right_logical": shift_right_logical,
    "shift_right_arithmetic": shift_right_arithmetic,
    "population_count": lambda width, x: pattern(width, x).bit_count(),
    "clz": lambda width, x: width - pattern(width, x).bit_length(),
    "mulhi": lambda width, x, y: (x * y) >> width,
    "threefry2x32": threefry2x32,
}
