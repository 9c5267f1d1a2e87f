"""Rows that read and write one block at a computed corner: `block_read`, `block_write` and `block_add`.

A block spans the axes in `axes` from computed starts and all other axes as a whole. A start is moved to the nearest one
with which the block lies in the array.
"""

from __future__ import annotations

from ..ir import Params
from ..params import integers
from ..sizes import Size
from . import costs
from .row import Linear, Primitive, RuleContext
from .type_rules import INTEGER_DTYPES, Types, require


def block_shape(shape: tuple[Size, ...], axes: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[Size, ...]:
    """The shape of a block.

    >>> block_shape((5, 4, 3), (0, 2), (2, 1))
    (2, 4, 1)
    """
    length = dict(zip(axes, sizes, strict=True))
    return tuple(length.get(axis, size) for axis, size in enumerate(shape))


def _starts(name: str, starts: Types, axes: tuple[int, ...]) -> None:
    require(len(starts) == len(axes) and list(axes) == sorted(set(axes)), f"{name}: {len(starts)} starts for {axes}")
    fits = all(start.dtype in INTEGER_DTYPES and not start.shape for start in starts)
    require(fits, f"{name}: starts {', '.join(map(str, starts))}")


def _inside(name: str, shape: tuple[Size, ...], block: tuple[Size, ...]) -> None:
    pairs = zip(shape, block, strict=True)
    fits = all(n == k or (isinstance(n, int) and isinstance(k, int) and 0 <= k <= n) for n, k in pairs)
    require(fits, f"{name}: a block {block} of {shape}")


def _read_type(operands: Types, params: Params) -> Types:
    x, *starts = operands
    axes, sizes = integers(params, "axes"), integers(params, "sizes")
    _starts("block_read", tuple(starts), axes)
    block = block_shape(x.shape, axes, sizes)
    _inside("block_read", x.shape, block)
    return (x.with_shape(block),)


def _write_type(operands: Types, params: Params) -> Types:
    base, values, *starts = operands
    axes = integers(params, "axes")
    _starts("block_write", tuple(starts), axes)
    require(values.rank == base.rank and values.dtype == base.dtype, f"block_write: {values} into {base}")
    kept = all(base.shape[axis] == values.shape[axis] for axis in range(base.rank) if axis not in axes)
    require(kept, f"block_write: {values} into {base} along {axes}")
    _inside("block_write", base.shape, values.shape)
    return (base,)


def _corner(context: RuleContext, z: int, values: int) -> int:
    """What lies at the block of operand number `values`."""
    axes = integers(context.params, "axes")
    shape = context.type(context.operands[values]).shape
    starts = context.operands[values + 1 :]
    return context.builder.apply("block_read", z, *starts, axes=axes, sizes=tuple(shape[axis] for axis in axes))


def _read(context: RuleContext, z: int, operand: int) -> int | None:
    if operand:
        return None
    zeros = context.builder.zeros(context.type(context.operands[0]))
    axes = integers(context.params, "axes")
    return context.builder.apply("block_write", zeros, z, *context.operands[1:], axes=axes)


def _add(context: RuleContext, z: int, operand: int) -> int | None:
    if operand == 0:
        return z
    return _corner(context, z, 1) if operand == 1 else None


def _write(context: RuleContext, z: int, operand: int) -> int | None:
    if operand > 1:
        return None
    if operand == 1:
        return _corner(context, z, 1)
    zeros = context.builder.zeros(context.type(context.operands[1]))
    axes = integers(context.params, "axes")
    return context.builder.apply("block_write", z, zeros, *context.operands[2:], axes=axes)


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="block_read",
        type="([…]a, i, …) -> […]a",
        derivative=Linear(_read),
        doc="The block of x0 with the lengths `sizes` along `axes` that starts at x1, … as given.",
        flops=costs.free,
        params=("axes", "sizes"),
        elementwise=False,
        type_rule=_read_type,
    ),
    Primitive(
        name="block_write",
        type="([…]a, […]a, i, …) -> […]a",
        derivative=Linear(_write, jointly=True),
        doc="x0 with the block that starts at x2, … along `axes` set to x1.",
        flops=costs.free,
        params=("axes",),
        elementwise=False,
        type_rule=_write_type,
    ),
    Primitive(
        name="block_add",
        type="([…]n, […]n, i, …) -> […]n",
        derivative=Linear(_add, jointly=True),
        doc="x0 with x1 added to the block that starts at x2, … along `axes`.",
        flops=costs.scatter_add,
        params=("axes",),
        elementwise=False,
        type_rule=_write_type,
    ),
)
