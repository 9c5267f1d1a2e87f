"""Memory for reverse mode: what a loop would save, and strip-mining when that is too much.

A loop of n rounds saves n times its residuals. Under a budget it first keeps only its carries and runs its body again
on the way back; when even n carries are too many it is strip-mined into about sqrt(n) blocks, of which only the first
carry is kept while each block is replayed with its residuals saved (one level of the scheme in Schenck et al. 2022,
SC'22, section IV; the time grows by at most one more forward run).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from ..lang.builder import Builder
from ..lang.constants import numpy_dtype
from ..lang.ir import ArrayType, Fold, Program
from ..lang.sizes import Size


def stacked_bytes(types: Sequence[ArrayType], rounds: Size) -> int | None:
    """Bytes of `types` saved once per round; None when a size is not known yet."""
    total = 0
    for type_ in types:
        if not isinstance(type_.elements, int):
            return None
        total += type_.elements * numpy_dtype(type_.dtype).itemsize
    return total * rounds if isinstance(rounds, int) else None


def exceeds(types: Sequence[ArrayType], rounds: Size, budget: int | None) -> bool:
    """Whether saving `types` every round goes over the budget (unknown sizes never do)."""
    needed = stacked_bytes(types, rounds)
    return budget is not None and needed is not None and needed > budget


def strip_mined(op: Fold, types: Sequence[ArrayType]) -> Program:
    """The loop as a program over its operands: a loop over blocks of a loop over rounds, then the rounds left over.

    Args:
        op: a `Fold` without condition and of known size.
        types: the types of its operands.
    """
    assert isinstance(op.size, int) and op.condition is None
    rounds = max(1, isqrt(op.size))
    blocks = op.size // rounds
    b = Builder(op.body.name, types)
    outer = op.captures + op.arrays
    captures, arrays = range(op.captures), range(op.captures, outer)
    carry: Sequence[int] = range(outer, len(types))
    whole = blocks * rounds
    parts = [(0, whole, blocks), (whole, op.size, 0)] if whole < op.size else [(0, whole, blocks)]
    extras: dict[int, Sequence[int]] = {}
    for start, stop, count in reversed(parts) if op.reverse else parts:
        pieces = [_rows(b, array, start, stop) for array in arrays]
        run = _run_blocks if count else _run_rounds
        carry, extras[start] = run(b, op, captures, pieces, carry, start, stop - start, count)
    combined = [
        _joined(b, [extras[start][k] for start, _, _ in parts], how) for k, how in enumerate(op.combine)
    ]
    return b.build([*carry, *combined])


def _rows(b: Builder, array: int, start: int, stop: int) -> int:
    rest = b.array_type(array).shape[1:]
    return b.apply("slice", array, starts=(start, *(0 for _ in rest)), limits=(stop, *rest))


def _joined(b: Builder, parts: Sequence[int], how: str) -> int:
    if len(parts) == 1:
        return parts[0]
    return b.apply("concat", *parts, axis=0) if how == "stack" else b.apply("add", *parts)


def _shifted(op: Fold) -> Program:
    """The body with a further capture, the round at which its block starts."""
    inputs = op.body.inputs
    b = Builder(op.body.name, [*inputs[: op.captures], ArrayType("i64"), *inputs[op.captures :]])
    index = b.apply("add", op.captures, len(inputs))
    rest = range(op.captures + 1, len(inputs))
    return b.build(b.inline(op.body, [*range(op.captures), *rest, index]))


def _run_rounds(
    b: Builder,
    op: Fold,
    captures: Sequence[int],
    arrays: Sequence[int],
    carry: Sequence[int],
    start: int,
    size: int,
    _: int = 0,
    offset: int | None = None,
) -> tuple[Sequence[int], Sequence[int]]:
    first = b.constant(start, "i64") if offset is None else offset
    results = b.fold(
        size, [*captures, first], arrays, carry, _shifted(op), op.combine, reverse=op.reverse,
        associative=op.associative,
    )  # fmt: skip
    return results[: len(carry)], results[len(carry) :]


def _run_blocks(
    b: Builder,
    op: Fold,
    captures: Sequence[int],
    arrays: Sequence[int],
    carry: Sequence[int],
    start: int,
    size: int,
    blocks: int,
) -> tuple[Sequence[int], Sequence[int]]:
    rounds = size // blocks
    grouped = [
        b.apply("reshape", array, shape=(blocks, rounds, *b.array_type(array).shape[1:])) for array in arrays
    ]
    types = [b.types[slot] for slot in captures]
    types += [b.array_type(slot).with_shape(b.array_type(slot).shape[1:]) for slot in grouped]
    types += [b.types[slot] for slot in carry]
    inner = Builder(op.body.name, [*types, ArrayType("i64")])
    place = range(len(types))
    offset = inner.apply("mul", len(types), inner.constant(rounds, "i64"))
    after, extras = _run_rounds(
        inner,
        op,
        place[: len(captures)],
        place[len(captures) : len(captures) + len(arrays)],
        place[len(captures) + len(arrays) :],
        0,
        rounds,
        offset=offset,
    )
    body = inner.build([*after, *extras])
    results = b.fold(blocks, captures, grouped, carry, body, op.combine, reverse=op.reverse)
    extras = [
        b.apply("reshape", slot, shape=(size, *b.array_type(slot).shape[2:])) if how == "stack" else slot
        for slot, how in zip(results[len(carry) :], op.combine, strict=True)
    ]
    return results[: len(carry)], extras

