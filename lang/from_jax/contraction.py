"""Products summed over shared axes in jaxprs: `dot_general` becomes an einsum, convolutions get their axes in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..constants import numpy_dtype
from .rule import Equation, Rule
from .sites import whole_numbers

if TYPE_CHECKING:
    from ..builder import Builder

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _wide(b: Builder, e: Equation, x: tuple[int, ...]) -> tuple[int, ...]:
    """Both operands in the dtype to compute in: the widest of theirs and the result's; truth values are counted."""
    dtypes = [e.inputs[0].dtype, e.inputs[1].dtype, e.outputs[0].dtype]
    widest = max(dtypes, key=lambda dtype: (_is_float(dtype), numpy_dtype(dtype).itemsize))
    common = "i64" if widest == "bool" else widest
    return tuple(b.apply("convert", slot, dtype=common) for slot in x)


def _is_float(dtype: str) -> bool:
    return numpy_dtype(dtype).kind not in "iub"


def _dot_general(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    (left_sums, right_sums), (left_batch, right_batch) = e["dimension_numbers"]
    left, right = e.inputs[0].rank, e.inputs[1].rank
    if left + right > len(LETTERS):
        raise e.refuse("has too many axes", f"use arrays with at most {len(LETTERS)} axes together")
    first, second = list(LETTERS[:left]), list(LETTERS[left : left + right])
    for own, other in (*zip(left_sums, right_sums, strict=True), *zip(left_batch, right_batch, strict=True)):
        second[int(other)] = first[int(own)]
    batch = whole_numbers(left_batch)
    free = [first[k] for k in range(left) if k not in (*batch, *whole_numbers(left_sums))]
    others = [second[k] for k in range(right) if k not in (*whole_numbers(right_batch), *whole_numbers(right_sums))]
    result = "".join([*(first[k] for k in batch), *free, *others])
    product = b.apply("einsum", *_wide(b, e, x), spec=f"{''.join(first)},{''.join(second)}->{result}")
    return b.apply("convert", product, dtype=e.outputs[0].dtype)


def _conv_general_dilated(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    n = e["dimension_numbers"]
    lhs, rhs = _wide(b, e, x)
    found = b.apply(
        "conv",
        b.apply("transpose", lhs, axes=whole_numbers(n.lhs_spec)),
        b.apply("transpose", rhs, axes=whole_numbers(n.rhs_spec)),
        strides=whole_numbers(e["window_strides"]),
        padding=tuple((int(low), int(high)) for low, high in e["padding"]),
        lhs_dilation=whole_numbers(e["lhs_dilation"]),
        rhs_dilation=whole_numbers(e["rhs_dilation"]),
        feature_groups=int(e["feature_group_count"]),
        batch_groups=int(e["batch_group_count"]),
    )
    order = whole_numbers(n.out_spec)
    placed = b.apply("transpose", found, axes=tuple(order.index(axis) for axis in range(len(order))))
    return b.apply("convert", placed, dtype=e.outputs[0].dtype)


def _ragged(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    raise e.refuse("multiplies groups whose sizes are computed", "multiply every group and mask, or use jax.lax.scan")


_HINTS = ("precision", "preferred_element_type", "out_sharding")

RULES: dict[str, Rule] = {
    "dot_general": Rule(_dot_general, reads=("dimension_numbers",), ignores=_HINTS),
    "conv_general_dilated": Rule(
        _conv_general_dilated,
        reads=(
            "dimension_numbers",
            "window_strides",
            "padding",
            "lhs_dilation",
            "rhs_dilation",
            "feature_group_count",
            "batch_group_count",
        ),
        ignores=_HINTS,
    ),
    **dict.fromkeys(("ragged_dot", "ragged_dot_general"), Rule(_ragged, strict=False)),
}
