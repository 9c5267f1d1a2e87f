"""Small programs of one vector: moves and choices that keep a one-hot coefficient one, and some that write it out."""

from __future__ import annotations

from collections.abc import Callable

from ...lang.builder import Builder
from ...lang.ir import ArrayType

POINT = (0.3, -0.7, 1.1, 0.4)
LENGTH = len(POINT)
VECTOR = ArrayType("f64", (LENGTH,))
WEIGHTS = tuple(0.3 * k - 1.1 for k in range(2 * LENGTH + 2))

Write = Callable[[Builder, int], int]


def _slice(b: Builder, x: int, start: int, limit: int) -> int:
    return b.apply("slice", x, starts=(start,), limits=(limit,))


def _wide(b: Builder, x: int) -> int:
    """The vector as the last axis of a (2, 4) array."""
    return b.broadcast(x, (2, LENGTH), (1,))


def _joined(b: Builder, x: int) -> int:
    more = b.apply("gather", x, b.full(1, ArrayType("i64", (1,))), proved=True)
    long = b.apply("concat", b.full(0.5, VECTOR), x, more, axis=0)
    count = 2 * LENGTH + 1
    weights = b.broadcast(b.constant(list(WEIGHTS[:count]), "f64", (count,)), (count, 2), (0,))
    return b.apply("einsum", b.apply("sin", long), weights, spec="i,ij->j")


def _neighbours(b: Builder, x: int) -> int:
    left, right = _slice(b, x, 0, LENGTH - 1), _slice(b, x, 1, LENGTH)
    return b.apply("reduce_sum", b.apply("sin", b.apply("mul", b.apply("cos", left), right)), axes=(0,))


def _turned(b: Builder, x: int) -> int:
    turned = b.apply("transpose", b.apply("neg", _wide(b, x)), axes=(1, 0))
    other = b.apply("einsum", turned, x, spec="ab,a->ab")
    ratio = b.apply("div", other, b.apply("add", b.constant(2.0), b.apply("cosh", turned)))
    shifted = b.apply("sub", b.apply("add", ratio, turned), b.apply("mul", b.constant(0.5), turned))
    return b.apply("reduce_sum", shifted, axes=(1,))


def _quotients(b: Builder, x: int) -> int:
    twice = b.apply("add", x, b.apply("exp", x))
    return b.apply("sub", x, b.apply("div", twice, b.apply("gather", x, b.constant(1, "i64"), proved=True)))


def _picked(b: Builder, x: int) -> int:
    inside = b.apply("clip", x, b.constant(-0.5), b.constant(0.5))
    return b.apply("where", b.apply("gt", x, b.constant(0.0)), b.apply("mul", x, x), inside)


def _layer(b: Builder, x: int) -> int:
    weights = b.constant([WEIGHTS[:LENGTH], WEIGHTS[LENGTH : 2 * LENGTH]], "f64", (2, LENGTH))
    hidden = b.apply("tanh", b.apply("einsum", x, weights, spec="i,ji->j"))
    norm = b.apply("reduce_sum", b.apply("mul", x, x), axes=(0,))
    return b.apply("mul", b.apply("sub", b.constant(1.0), norm), b.apply("reduce_sum", hidden, axes=(0,)))


VECTOR_PROGRAMS: dict[str, Write] = {
    "joined": _joined,
    "neighbours": _neighbours,
    "turned": _turned,
    "quotients": _quotients,
    "picked": _picked,
    "layer": _layer,
    "cut": lambda b, x: _slice(b, b.apply("sin", x), 1, LENGTH - 1),
    "one cut": lambda b, x: _slice(b, b.apply("exp", x), 2, 3),
    "one read": lambda b, x: b.apply("gather", b.apply("exp", x), b.constant(3, "i64"), proved=True),
    "column": lambda b, x: b.apply("reshape", b.apply("mul", x, x), shape=(LENGTH, 1)),
    "block": lambda b, x: b.apply("reshape", _wide(b, b.apply("abs", x)), shape=(1, 2, LENGTH)),
    "part of a block": lambda b, x: b.apply("slice", b.apply("sin", _wide(b, x)), starts=(1, 1), limits=(2, LENGTH)),
    "outer": lambda b, x: b.apply("einsum", x, b.apply("sin", x), spec="i,j->ij"),
    "padded": lambda b, x: b.apply("sin", b.apply("concat", b.full(0.5, VECTOR), x, axis=0)),
    "deep": lambda b, x: b.apply("sin", b.broadcast(_wide(b, x), (2, 3, LENGTH), (0, 2))),
    "deep and turned": lambda b, x: b.apply(
        "exp", b.broadcast(b.apply("transpose", _wide(b, x), axes=(1, 0)), (LENGTH, 3, 2), (0, 2))
    ),
    "square in pairs": lambda b, x: b.apply(
        "reshape", b.apply("sin", b.broadcast(x, (LENGTH, LENGTH), (1,))), shape=(2, 2, LENGTH)
    ),
    "pairs in a square": lambda b, x: b.apply(
        "reshape", b.apply("sin", b.broadcast(x, (LENGTH, LENGTH), (1,))), shape=(LENGTH, 2, 2)
    ),
    "pairs": lambda b, x: b.apply("reshape", b.apply("sin", x), shape=(2, 2)),
    "inner": lambda b, x: b.apply("einsum", x, x, spec="i,i->"),
    "sum of a product": lambda b, x: b.apply("einsum", x, _wide(b, b.apply("sin", x)), spec="i,jk->jk"),
    "cube": lambda b, x: b.apply("integer_pow", b.apply("add", x, b.apply("exp", x)), exponent=3),
    "larger": lambda b, x: b.apply("maximum", x, b.apply("neg", b.apply("mul", x, x))),
    "number and array": lambda b, x: b.apply("mul", b.apply("reduce_sum", x, axes=(0,)), b.apply("add", x, x)),
    "over a number": lambda b, x: b.apply("div", x, b.apply("add", b.constant(3.0), b.apply("sin", x))),
}
