"""The row of `conv`: correlations of arrays with kernels, over any number of spatial axes.

A convolution is linear in the array and in the kernel, and both transposes are convolutions again: of the cotangent
with the reversed kernel, strides and dilations of the array exchanged; and of the array with the cotangent as kernel,
strides and dilations of the kernel exchanged (Dumoulin & Visin 2016, arXiv 1603.07285, chapter 4).
"""

from __future__ import annotations

from ..params import integer, integers
from ..sizes import Size, mul
from . import costs
from .row import Linear, Primitive, RuleContext
from .sliding import Slide, conv_slides, conv_type, divided


def _slides(context: RuleContext) -> tuple[Slide, ...]:
    lhs, rhs = (context.type(slot).shape for slot in context.operands)
    return conv_slides(lhs, rhs, context.params)


def _groups(context: RuleContext) -> tuple[int, int]:
    return integer(context.params, "feature_groups"), integer(context.params, "batch_groups")


def regroup(context: RuleContext, slot: int, axis: int, groups: int, target: int) -> int:
    """Take `groups` contiguous parts of one axis apart and let another axis, `target`, run over their number first.

    With axes ``[g * a, b]``, axis 0 and target 1 the result has axes ``[a, g * b]``.
    """
    if groups == 1:
        return slot
    builder, shape = context.builder, context.type(slot).shape
    apart: list[Size] = [*shape[:axis], groups, divided(shape[axis], groups), *shape[axis + 1 :]]
    split = builder.apply("reshape", slot, shape=tuple(apart))
    order = [k for k in range(len(apart)) if k != axis]
    place = order.index(target + 1 if target >= axis else target)
    order.insert(place, axis)
    moved = builder.apply("transpose", split, axes=tuple(order))
    joined: list[Size] = [apart[k] for k in order]
    joined[place : place + 2] = [mul(groups, joined[place + 1])]
    return builder.apply("reshape", moved, shape=tuple(joined))


def _swapped(context: RuleContext, slot: int) -> int:
    """The first two axes exchanged."""
    return context.builder.apply("transpose", slot, axes=(1, 0, *range(2, context.type(slot).rank)))


def _array_cotangent(context: RuleContext, z: int) -> int:
    builder, (features, batches) = context.builder, _groups(context)
    kernel, slides = context.operands[1], _slides(context)
    groups = max(features, batches)
    # [g * o, i, …] -> [o, g * i, …] -> [g * i, o, …]: every group of results sees its own part of the kernel.
    turned = _swapped(context, regroup(context, kernel, 0, groups, 1))
    turned = builder.apply("reverse", turned, axes=tuple(range(2, context.type(kernel).rank))) if slides else turned
    bar = builder.apply(
        "conv",
        z,
        turned,
        strides=integers(context.params, "lhs_dilation"),
        padding=tuple(slide.padding_back for slide in slides),
        lhs_dilation=integers(context.params, "strides"),
        rhs_dilation=integers(context.params, "rhs_dilation"),
        feature_groups=groups,
        batch_groups=1,
    )
    return regroup(context, bar, 1, batches, 0)


def _kernel_cotangent(context: RuleContext, z: int) -> int:
    features, batches = _groups(context)
    bar = context.builder.apply(
        "conv",
        _swapped(context, context.operands[0]),
        _swapped(context, z),
        strides=integers(context.params, "rhs_dilation"),
        padding=tuple(slide.padding_across for slide in _slides(context)),
        lhs_dilation=integers(context.params, "lhs_dilation"),
        rhs_dilation=integers(context.params, "strides"),
        feature_groups=batches,
        batch_groups=features,
    )
    return _swapped(context, bar)


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="conv",
        type="([N, C, …]n, [O, C / feature_groups, …]n) -> [N / batch_groups, O, …]n",
        derivative=Linear((_array_cotangent, _kernel_cotangent)),
        doc="Sums of products of x0, spread and padded, with the kernel x1 at every stride, channels summed over.",
        flops=costs.conv,
        params=(
            "strides",
            "padding",
            "lhs_dilation",
            "rhs_dilation",
            "feature_groups",
            "batch_groups",
        ),
        elementwise=False,
        type_rule=conv_type,
    ),
)
