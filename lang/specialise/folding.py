"""Integer and truth-value arithmetic on literals, so that conditions over known numbers decide themselves.

In: a primitive and the numbers of its operands. Out: the number of its result, with the meaning of the reference
evaluator: 64-bit integers wrap, ``//`` and ``%`` floor.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ..builder import Builder
from ..ir import Apply, ArrayType

Number = int | float | bool


def _wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


INTEGERS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "neg": operator.neg,
    "abs": abs,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "minimum": min,
    "maximum": max,
}
COMPARISONS: dict[str, Callable[..., bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
LOGIC: dict[str, Callable[..., bool]] = {
    "logical_and": lambda x, y: x and y,
    "logical_or": lambda x, y: x or y,
    "logical_not": operator.not_,
}


def folded(builder: Builder, op: Apply, operands: list[int]) -> int | None:
    """The slot of the literal an application to literals gives, or None."""
    name = op.primitive
    if name not in INTEGERS and name not in COMPARISONS and name not in LOGIC and name != "convert":
        return None
    numbers: list[Number] = []
    for slot in operands:
        known = builder.scalar(slot)
        if known is None:
            return None
        numbers.append(known)
    if name in COMPARISONS:
        return builder.constant(bool(COMPARISONS[name](*numbers)), "bool")
    if name in LOGIC:
        return builder.constant(bool(LOGIC[name](*numbers)), "bool")
    if any(builder.types[slot] != ArrayType("i64") for slot in operands):
        return None
    if name == "convert":
        return builder.constant(float(numbers[0]), "f64") if op["dtype"] == "f64" else None
    if name in ("floordiv", "mod") and numbers[1] == 0:
        return None
    return builder.constant(_wrapped(INTEGERS[name](*numbers)), "i64")
