"""How a window slides along an axis: sizes and strides enter, positions, result types and paddings of transposes leave.

Windows of `conv` and of the `window_` rows share this arithmetic. An axis is first spread (`base_dilation` - 1 empty
places between its elements), then padded by `low` and `high` (a negative number cuts); a window of `window` elements,
`window_dilation` apart, starts at every `stride`-th place where it fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import InternalError
from ..ir import ArrayType, Params
from ..params import integer, integers, param
from ..sizes import Size
from .type_rules import Types, require

Pairs = tuple[tuple[int, int], ...]


def spread(count: int, dilation: int) -> int:
    """The length of `count` elements that lie `dilation` apart.

    >>> spread(3, 2), spread(0, 2)
    (5, 0)
    """
    return (count - 1) * dilation + 1 if count else 0


@dataclass(frozen=True, slots=True)
class Slide:
    """A window along one axis."""

    size: int
    window: int
    stride: int = 1
    low: int = 0
    high: int = 0
    base_dilation: int = 1
    window_dilation: int = 1

    @property
    def reach(self) -> int:
        """The length that a window covers."""
        return spread(self.window, self.window_dilation)

    @property
    def length(self) -> int:
        """The length of the axis once it is spread and padded."""
        return self.low + spread(self.size, self.base_dilation) + self.high

    @property
    def count(self) -> int:
        """How many positions the window takes.

        >>> Slide(5, 2, stride=2, low=1).count
        3
        """
        return (self.length - self.reach) // self.stride + 1 if self.length >= self.reach else 0

    @property
    def padding_back(self) -> tuple[int, int]:
        """The padding under which the cotangent, spread by the stride, slides back onto the axis."""
        low = self.reach - 1 - self.low
        return low, spread(self.size, self.base_dilation) + self.reach - 1 - spread(self.count, self.stride) - low

    @property
    def padding_across(self) -> tuple[int, int]:
        """The padding under which the cotangent, as a window spread by the stride, slides over the axis and leaves
        the window."""
        return self.low, self.reach - 1 + spread(self.count, self.stride) - self.length + self.high

    @property
    def may_be_empty(self) -> bool:
        """Whether some position of the window may see no element at all."""
        return not all(self.seen(position) for position in range(self.count))

    def seen(self, position: int) -> list[int]:
        """The elements that a position of the window sees."""
        starts = (position * self.stride - self.low + k * self.window_dilation for k in range(self.window))
        places = (start // self.base_dilation for start in starts if start % self.base_dilation == 0)
        return [place for place in places if 0 <= place < self.size]


def known(size: Size, what: str) -> int:
    """A size that must be known."""
    if not isinstance(size, int):
        raise InternalError(f"{what} has the unknown size {size}")
    return size


def pairs_param(params: Params, name: str) -> Pairs:
    """A parameter that is a tuple of pairs of whole numbers."""
    value = param(params, name)
    pairs = value if isinstance(value, tuple) else ()
    found = tuple(pair for pair in pairs if isinstance(pair, tuple) and len(pair) == 2)
    whole = [(low, high) for low, high in found if isinstance(low, int) and isinstance(high, int)]
    require(value == tuple(whole), f"the parameter {name} is {value}, not pairs of whole numbers")
    return tuple(whole)


def _positive(name: str, *values: tuple[int, ...]) -> None:
    require(all(item >= 1 for value in values for item in value), f"{name}: strides and dilations are at least 1")


# --- windows over all axes ------------------------------------------------------------------------------------------


def slides(shape: tuple[Size, ...], params: Params) -> tuple[Slide, ...]:
    """The windows of a `window_` row, one per axis."""
    names = ("window", "strides", "base_dilation", "window_dilation")
    window, strides, base, dilation = (integers(params, name) for name in names)
    padding = pairs_param(params, "padding")
    lengths = {len(shape), len(window), len(strides), len(base), len(dilation), len(padding)}
    require(len(lengths) == 1, f"a window {window} with strides {strides} over {shape}")
    _positive("window", window, strides, base, dilation)
    sizes = tuple(known(size, "a window") for size in shape)
    rows = zip(sizes, window, strides, padding, base, dilation, strict=True)
    return tuple(Slide(n, k, stride, low, high, a, b) for n, k, stride, (low, high), a, b in rows)


def window_type(operands: Types, params: Params) -> Types:
    """A result element for each position of the window."""
    (x,) = operands
    return (x.with_shape(tuple(slide.count for slide in slides(x.shape, params))),)


def window_place_type(operands: Types, params: Params) -> Types:
    return (ArrayType("i64", window_type(operands, params)[0].shape),)


# --- convolutions ---------------------------------------------------------------------------------------------------


def conv_slides(lhs: tuple[Size, ...], rhs: tuple[Size, ...], params: Params) -> tuple[Slide, ...]:
    """The kernel of a convolution, by its shape, as windows over the spatial axes."""
    names = ("strides", "lhs_dilation", "rhs_dilation")
    strides, base, dilation = (integers(params, name) for name in names)
    padding = pairs_param(params, "padding")
    lengths = {len(lhs) - 2, len(rhs) - 2, len(strides), len(base), len(dilation), len(padding)}
    require(len(lengths) == 1 and len(lhs) >= 2, f"conv: {lhs} with {rhs}, strides {strides}, padding {padding}")
    _positive("conv", strides, base, dilation)
    rows = zip(lhs[2:], rhs[2:], strides, padding, base, dilation, strict=True)
    return tuple(
        Slide(known(n, "conv"), known(k, "conv"), stride, low, high, a, b) for n, k, stride, (low, high), a, b in rows
    )


def divided(size: Size, groups: Size) -> Size:
    """A size in so many equal parts."""
    if groups == 1:
        return size
    parts, count = known(size, "conv"), known(groups, "conv")
    require(count >= 1 and parts % count == 0, f"conv: {parts} in {count} groups")
    return parts // count


def conv_type(operands: Types, params: Params) -> Types:
    """``[N, C, …], [O, I, …] -> [N / batch groups, O, …]``, with C = I feature groups."""
    lhs, rhs = operands
    features, batches = integer(params, "feature_groups"), integer(params, "batch_groups")
    require(lhs.dtype == rhs.dtype, f"conv: {lhs} with {rhs}")
    require(features == 1 or batches == 1, "conv: groups of features or of the batch, not both")
    spatial = tuple(slide.count for slide in conv_slides(lhs.shape, rhs.shape, params))
    require(divided(lhs.shape[1], features) == rhs.shape[1], f"conv: {features} groups of {lhs} with {rhs}")
    divided(rhs.shape[0], features * batches)
    return (lhs.with_shape((divided(lhs.shape[0], batches), rhs.shape[0], *spatial)),)
