"""Rows that reduce the elements under a window that slides over all axes.

Places without an element (padding, gaps of a dilation) count for nothing. An extremum takes the first of its greatest
elements in row-major order: its derivative goes to that element alone.
"""

from __future__ import annotations

from ..params import Params, integers
from . import costs
from .row import Derivative, Discrete, Linear, Primitive, RuleContext, Selects, TypeRule
from .sliding import slides, window_place_type, window_type

WINDOW = ("window", "strides", "padding", "base_dilation", "window_dilation")


def _window_sum(context: RuleContext, z: int) -> int:
    """The window slides over the cotangent: strides and dilations of the array change places."""
    shape = context.type(context.operands[0]).shape
    return context.builder.apply(
        "window_sum",
        z,
        window=integers(context.params, "window"),
        strides=integers(context.params, "base_dilation"),
        padding=tuple(slide.padding_back for slide in slides(shape, context.params)),
        base_dilation=integers(context.params, "strides"),
        window_dilation=integers(context.params, "window_dilation"),
    )


def read_winners(context: RuleContext, x: int, places: int, params: Params) -> int:
    """The elements of `x` at flat places, 0 where a window saw no element."""
    builder, type_ = context.builder, context.type(x)
    flat = builder.apply("reshape", x, shape=(type_.elements,))
    if not any(slide.may_be_empty for slide in slides(type_.shape, params)):
        return builder.apply("gather", flat, places, proved=True)
    zero = builder.constant(0, "i64")
    found = builder.apply("gather", flat, builder.apply("maximum", places, zero), proved=True)
    return builder.apply("where", builder.apply("lt", places, zero), builder.constant(0, type_.dtype), found)


def _winner(greatest: bool) -> Selects:
    def gather(context: RuleContext, x_dot: int) -> int:
        params = dict(context.params)
        places = context.builder.apply("window_place", context.operands[0], **params, greatest=greatest)
        return read_winners(context, x_dot, places, context.params)

    return Selects(gather)


def _row(
    name: str, type_: str, derivative: Derivative, doc: str, rule: TypeRule, extra: tuple[str, ...] = ()
) -> Primitive:
    return Primitive(
        name=name,
        type=type_,
        derivative=derivative,
        doc=doc,
        flops=costs.window,
        kinks=("two elements of a window tie",) if isinstance(derivative, Selects) else (),
        params=(*WINDOW, *extra),
        elementwise=False,
        type_rule=rule,
    )


_SAME = "[…]n -> […]n"

ROWS: tuple[Primitive, ...] = (
    _row("window_sum", _SAME, Linear((_window_sum,)), "The sum of the elements under each window.", window_type),
    _row(
        "window_max",
        _SAME,
        _winner(True),
        "The greatest element under each window; the least number there is when it sees none.",
        window_type,
    ),
    _row(
        "window_min",
        _SAME,
        _winner(False),
        "The least element under each window; the greatest number there is when it sees none.",
        window_type,
    ),
    _row(
        "window_place",
        "[…]n -> […]i64",
        Discrete("places are integers, constant between jumps"),
        "The flat place of the first greatest (or least) element under each window; -1 when it sees none.",
        window_place_type,
        ("greatest",),
    ),
)
