"""What the walk knows of one array: its type, its numbers where the program alone decides them, and its sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...lang.diagnostics import InternalError
from ...lang.ir import ArrayType
from .rows import Rows, union


def shape(type_: ArrayType) -> tuple[int, ...]:
    """A shape that is known."""
    found = tuple(size for size in type_.shape if isinstance(size, int))
    if len(found) != type_.rank:
        raise InternalError(f"a pattern of an array {type_} of open size")
    return found


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """`rows` is None where no element depends, with a derivative, on the input."""

    type: ArrayType
    known: np.ndarray | None = None
    rows: Rows | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return shape(self.type)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def joined(values: Sequence[Value]) -> Value:
    """What holds of each of several arrays of one type."""
    first, *others = values
    known = first.known
    if known is not None:
        same = (other.known is not None and np.array_equal(known, other.known) for other in others)
        known = known if all(same) else None
    rows = [value.rows for value in values if value.rows is not None]
    return Value(first.type, known, union(rows) if rows else None)
