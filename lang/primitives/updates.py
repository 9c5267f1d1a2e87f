"""Rows that update elements at index arrays which may repeat: `scatter_last`, `_max`, `_min` and `_mul`.

Index arrays of one shape S address the leading axes, as those of `scatter`. Of several updates of one place the last in
row-major order stays (`scatter_last`), or all of them count. An update with an index outside its axis is dropped.
"""

from __future__ import annotations

from ..diagnostics import fail
from ..sizes import product
from . import costs, type_rules
from .row import Derivative, Implicit, Linear, Primitive, RuleContext


def _spread(context: RuleContext, slot: int, like: int) -> int:
    """Repeat an array over the leading axes of another along its remaining ones."""
    shape = context.type(like).shape
    return context.builder.broadcast(slot, shape, tuple(range(context.type(slot).rank)))


def _inside(context: RuleContext) -> tuple[int, tuple[int, ...]]:
    """Whether each update counts, and indices that are in range."""
    builder, base = context.builder, context.type(context.operands[0])
    zero, kept, places = builder.constant(0, "i64"), None, []
    for index, length in zip(context.operands[2:], base.shape, strict=False):
        wide = builder.apply("convert", index, dtype="i64")
        last = builder.apply("sub", builder.size(length), builder.constant(1, "i64"))
        place = builder.apply("clip", wide, zero, last)
        fits = builder.apply("eq", place, wide)
        kept = fits if kept is None else builder.apply("logical_and", kept, fits)
        places.append(place)
    assert kept is not None
    return kept, tuple(places)


def _winners(context: RuleContext, kept: int, places: tuple[int, ...]) -> int:
    """Which updates of a `scatter_last` are there to stay."""
    builder = context.builder
    if context.param("distinct"):
        return kept
    batch = context.type(places[0]).shape
    leading = context.type(context.operands[0]).shape[: len(places)]
    numbers = builder.apply("reshape", builder.apply("iota", size=product(batch)), shape=batch)
    nobody = builder.full(-1, type_rules.ArrayType("i64", leading))
    owners = builder.apply("scatter_last", nobody, numbers, *context.operands[2:], distinct=False)
    return builder.apply("eq", builder.apply("gather", owners, *places, proved=True), numbers)


def _last(context: RuleContext, z: int, operand: int) -> int | None:
    builder = context.builder
    if operand > 1:
        return None
    values = context.type(context.operands[1])
    if operand == 0:
        params = dict(context.params)
        return builder.apply("scatter_last", z, builder.zeros(values), *context.operands[2:], **params)
    kept, places = _inside(context)
    found = builder.apply("gather", z, *places, proved=True)
    wins = _spread(context, _winners(context, kept, places), found)
    return builder.apply("where", wins, found, builder.constant(0, values.dtype))


def _chosen(context: RuleContext, choice: int, slot: int) -> int:
    return context.builder.apply("where", choice, slot, context.builder.constant(0, context.type(slot).dtype))


def _extremum(sign: str) -> Implicit:
    """Everything that equals the extremum, the old element included, shares its tangent evenly."""

    def tangent(context: RuleContext, tangents: tuple[int | None, ...]) -> int:
        builder, (y,) = context.builder, context.results
        base, values = context.operands[:2]
        dtype = context.type(base).dtype
        kept, places = _inside(context)
        # Places that no update reaches keep their element, also when it is NaN.
        beaten = builder.apply("lt", base, y) if sign == "max" else builder.apply("gt", base, y)
        stays = builder.apply("logical_not", beaten)
        equal = builder.apply("eq", values, builder.apply("gather", y, *places, proved=True))
        wins = builder.apply("logical_and", equal, _spread(context, kept, values))
        counts = [builder.apply("convert", flag, dtype=dtype) for flag in (stays, wins)]
        count = builder.apply("scatter_add", *counts, *places, proved=True)
        zeros = (builder.zeros(context.type(base)), builder.zeros(context.type(values)))
        moved = [
            zero if x_dot is None else _chosen(context, flag, x_dot)
            for flag, x_dot, zero in zip((stays, wins), tangents[:2], zeros, strict=True)
        ]
        return builder.apply("div", builder.apply("scatter_add", *moved, *places, proved=True), count)

    return Implicit(f"y - {sign}(x0, x1)", tangent)


def _scaled(context: RuleContext, slot: int) -> int:
    """A tangent or cotangent of the base, multiplied like the base."""
    params = dict(context.params)
    return context.builder.apply("scatter_mul", slot, *context.operands[1:], **params)


def _product(context: RuleContext, tangents: tuple[int | None, ...]) -> int:
    builder = context.builder
    base_dot, values_dot = tangents[:2]
    total = None if base_dot is None else _scaled(context, base_dot)
    if values_dot is None:
        assert total is not None
        return total
    if not context.param("distinct"):
        raise fail(
            "E112",
            "the derivative of a product at indices that may repeat is not known",
            builder.origin,
            hint="say that the indices are distinct: unique_indices=True",
        )
    kept, places = _inside(context)
    zeros = builder.zeros(context.type(context.operands[0]))
    counted = _chosen(context, _spread(context, kept, values_dot), values_dot)
    moved = builder.apply("scatter_add", zeros, counted, *places, proved=True)
    term = builder.apply("mul", context.operands[0], moved)
    return term if total is None else builder.apply("add", total, term)


def _row(name: str, derivative: Derivative, doc: str, params: tuple[str, ...] = (), kind: str = "n") -> Primitive:
    return Primitive(
        name=name,
        type=f"([…]{kind}, […]{kind}, […]i, …) -> […]{kind}",
        derivative=derivative,
        doc=f"{doc}; an update outside is dropped.",
        flops=costs.scatter_add if kind == "n" else costs.free,
        kinks=("two updates of one place tie",) if name in ("scatter_max", "scatter_min") else (),
        params=params,
        elementwise=False,
        type_rule=type_rules.scatter,
    )


ROWS: tuple[Primitive, ...] = (
    _row(
        "scatter_last",
        Linear(_last, jointly=True),
        "x0 with the indexed places set to x1, the last value staying where several go (none do if distinct)",
        ("distinct",),
        "a",
    ),
    _row("scatter_max", _extremum("max"), "x0 with the maximum taken with x1 at the indexed places"),
    _row("scatter_min", _extremum("min"), "x0 with the minimum taken with x1 at the indexed places"),
    _row(
        "scatter_mul",
        Implicit("y - x0 * product(x1)", _product, (_scaled, None)),
        "x0 multiplied by x1 at the indexed places, by all values where several go (none do if distinct)",
        ("distinct",),
    ),
)
