"""Sliding windows in jaxprs: sums and extrema have rows; other functions are joined element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir import ArrayType
from ..params import Param
from ..primitives.row import RuleContext
from ..primitives.sliding import Slide, slides, spread
from ..primitives.windows import read_winners
from .places import slice_axis
from .reductions import MONOIDS, identity, is_neutral, monoid
from .rule import Equation, Rule, Write
from .shapes import every, padded
from .sites import whole_numbers

if TYPE_CHECKING:
    from ..builder import Builder

LONGEST = 64  # windows of more elements along an axis are not written out

_SIZES = ("window_dimensions", "window_strides", "padding")
_DILATIONS = ("base_dilation", "window_dilation")


def _params(e: Equation) -> dict[str, Param]:
    """The parameters of our rows of windows; a primitive without dilations has none."""
    window = whole_numbers(e["window_dimensions"])
    ones = (1,) * len(window)
    return {
        "window": window,
        "strides": whole_numbers(e["window_strides"]),
        "padding": tuple((int(low), int(high)) for low, high in e["padding"]),
        "base_dilation": whole_numbers(e.params.get("base_dilation", ones)),
        "window_dilation": whole_numbers(e.params.get("window_dilation", ones)),
    }


def _window(name: str) -> Write:
    return lambda b, e, x: _reduced(b, e, x[0], name, _params(e))


_ROWS = {"add": "window_sum", "maximum": "window_max", "minimum": "window_min"}


def _reduced(b: Builder, e: Equation, x: int, join: str, params: dict[str, Param]) -> int:
    if join in _ROWS and b.array_type(x).dtype != "bool":
        return b.apply(_ROWS[join], x, **params)
    name = {"maximum": "logical_or", "minimum": "logical_and"}.get(join, join) if _is_truth(b, x) else join
    return _joined(b, e, x, name, params)


def _is_truth(b: Builder, x: int) -> bool:
    return b.array_type(x).dtype == "bool"


def _general(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """A window reduced by a function of two elements; the start is one more element."""
    join = monoid(e.program(e["jaxpr"])) if len(x) == 2 and not e["consts"] else None
    if join is None:
        raise e.refuse(
            "reduces by a function that is not one of add, mul, max, min, and, or",
            "use a window of one of these",
        )
    found = _reduced(b, e, x[0], join, _params(e))
    return found if is_neutral(b, x[1], join) else b.apply(join, found, x[1])


def _joined(b: Builder, e: Equation, x: int, join: str, params: dict[str, Param]) -> int:
    """One axis after another: the elements of each window as slices, joined in order."""
    neutral = b.constant(identity(MONOIDS[join][0], b.array_type(x).dtype), b.array_type(x).dtype)
    windows = slides(b.array_type(x).shape, tuple(sorted(params.items())))
    for axis, slide in enumerate(windows):
        if slide.window > LONGEST:
            raise e.refuse(f"has a window of {slide.window} elements", f"use at most {LONGEST} along an axis")
        if slide != Slide(slide.size, 1):
            x = _joined_along(b, x, axis, slide, join, neutral)
    return x


def _joined_along(b: Builder, x: int, axis: int, slide: Slide, join: str, neutral: int) -> int:
    widths = [(0, 0, 0)] * b.array_type(x).rank
    widths[axis] = (slide.low, slide.high, slide.base_dilation - 1)
    whole = padded(b, x, neutral, widths)
    found: int | None = None
    for k in range(slide.window):
        start = k * slide.window_dilation
        part = every(
            b, slice_axis(b, whole, axis, start, start + spread(slide.count, slide.stride)), axis, slide.stride
        )
        found = part if found is None else b.apply(join, found, part)
    assert found is not None
    return found


# --- winners --------------------------------------------------------------------------------------------------------


def _places(b: Builder, e: Equation, operand: int) -> int:
    select = str(getattr(e["select_prim"], "name", e["select_prim"]))
    if select not in ("ge", "le"):
        raise e.refuse(f"selects by `{select}`", "select by ge or le")
    return b.apply("window_place", operand, **_params(e), greatest=select == "ge")


def _select_and_gather_add(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """The numbers that stand where the windows of the second operand have their extremum."""
    tangents, operand = x
    params = tuple(sorted(_params(e).items()))
    return read_winners(RuleContext(b, (), (), ()), tangents, _places(b, e, operand), params)


def _select_and_scatter_add(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """One number for each window, added where the window has its extremum."""
    source, operand = x
    places, type_ = _places(b, e, operand), b.array_type(operand)
    zeros = b.zeros(ArrayType(type_.dtype, (type_.elements,)))
    zero = b.constant(0, "i64")
    seen = slides(type_.shape, tuple(sorted(_params(e).items())))
    if any(slide.may_be_empty for slide in seen):
        nothing = b.apply("lt", places, zero)
        source = b.apply("where", nothing, b.constant(0, type_.dtype), source)
        places = b.apply("maximum", places, zero)
    return b.apply("reshape", b.apply("scatter_add", zeros, source, places, proved=True), shape=type_.shape)


RULES: dict[str, Rule] = {
    "reduce_window_sum": Rule(_window("add"), reads=(*_SIZES, *_DILATIONS)),
    "reduce_window_max": Rule(_window("maximum"), reads=(*_SIZES, *_DILATIONS)),
    "reduce_window_min": Rule(_window("minimum"), reads=(*_SIZES, *_DILATIONS)),
    "reduce_window": Rule(_general, reads=("jaxpr", "consts", *_SIZES, *_DILATIONS)),
    "select_and_scatter_add": Rule(_select_and_scatter_add, reads=("select_prim", *_SIZES)),
    "select_and_gather_add": Rule(_select_and_gather_add, reads=("select_prim", *_SIZES, *_DILATIONS)),
}
