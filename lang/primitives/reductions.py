"""Rows that reduce or accumulate along axes: sums, products, extrema, logsumexp and softmax.

Products are differentiated without a division, so they stay exact when elements are zero: the others' product
is the exclusive prefix times the exclusive suffix, and a running product is its own recurrence.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..diagnostics import InternalError
from ..ir import ArrayType
from ..params import integer, integers
from ..sizes import Size, add, product
from . import costs, type_rules
from .row import Defined, Derivative, Discrete, Implicit, Linear, Primitive, RuleContext, Selects
from .structure import expand, kept_axes, slice_axis

if TYPE_CHECKING:
    from ..builder import Builder


def _reduce_sum(context: RuleContext, z: int) -> int:
    return expand(context, z, context.type(context.operands[0]).shape, integers(context.params, "axes"))


def _share_of_winners(context: RuleContext, x_dot: int, *, greatest: bool) -> int:
    """The mean tangent of the elements equal to the extremum: ties share evenly.

    Asking for the winners, and not which elements equal the result, is safe where code computes an operand twice and
    rounds it differently.
    """
    builder, axes = context.builder, integers(context.params, "axes")
    type_ = context.type(context.operands[0])
    wins = builder.apply("winners", context.operands[0], axes=axes, greatest=greatest)
    taken = builder.apply("where", wins, x_dot, builder.constant(0, type_.dtype))
    count = builder.apply("reduce_sum", builder.apply("convert", wins, dtype=type_.dtype), axes=axes)
    return builder.apply("div", builder.apply("reduce_sum", taken, axes=axes), count)


def _last_axis(context: RuleContext, slot: int, axes: tuple[int, ...]) -> int:
    """Bring the axes to the back and join them into one."""
    shape = context.type(slot).shape
    kept = kept_axes(len(shape), axes)
    moved = context.builder.apply("transpose", slot, axes=(*kept, *axes))
    joined = product(tuple(shape[axis] for axis in axes))
    return context.builder.apply("reshape", moved, shape=(*(shape[axis] for axis in kept), joined))


def _exclusive_cumprod(context: RuleContext, slot: int, *, reverse: bool) -> int:
    """Products of all elements before (behind, when `reverse`) each one along the last axis."""
    builder, type_ = context.builder, context.type(slot)
    axis = type_.rank - 1
    length = type_.shape[axis]
    one = builder.full(1, type_.with_shape((*type_.shape[:-1], 1)))
    if isinstance(length, int) and length > 0:
        inner = slice_axis(context, slot, axis, 1 if reverse else 0, length if reverse else length - 1)
        run = builder.apply("cumprod", inner, axis=axis, reverse=reverse)
        return builder.apply("concat", *((run, one) if reverse else (one, run)), axis=axis)
    parts = (slot, one) if reverse else (one, slot)
    longer = builder.apply("cumprod", builder.apply("concat", *parts, axis=axis), axis=axis, reverse=reverse)
    start: Size = 1 if reverse else 0
    limit = context.type(longer).shape[axis] if reverse else length
    return slice_axis(context, longer, axis, start, limit)


def _reduce_prod(context: RuleContext, tangents: tuple[int | None, ...]) -> int:
    builder, axes = context.builder, integers(context.params, "axes")
    (x_dot,) = tangents
    assert x_dot is not None
    x = _last_axis(context, context.operands[0], axes)
    before = _exclusive_cumprod(context, x, reverse=False)
    behind = _exclusive_cumprod(context, x, reverse=True)
    others = builder.apply("mul", before, behind)
    terms = builder.apply("mul", others, _last_axis(context, x_dot, axes))
    return builder.apply("reduce_sum", terms, axes=(context.type(x).rank - 1,))


def _cumsum(context: RuleContext, z: int) -> int:
    reverse = not dict(context.params)["reverse"]
    return context.builder.apply("cumsum", z, axis=integer(context.params, "axis"), reverse=reverse)


def _cumprod(context: RuleContext) -> int:
    """The recurrence ``p <- p * x[i]`` along the axis, whose derivatives need no division."""
    from ..builder import body

    builder, axis = context.builder, integer(context.params, "axis")
    type_ = context.type(context.operands[0])
    order = (axis, *kept_axes(type_.rank, (axis,)))
    front = builder.apply("transpose", context.operands[0], axes=order)
    element = type_.with_shape(context.type(front).shape[1:])

    def step(inner: Builder, slots: tuple[int, ...]) -> tuple[int, int]:
        running = inner.apply("mul", slots[1], slots[0])
        return running, running

    program = body("cumprod", (element, element, type_rules.ArrayType("i64")), step)
    reverse = bool(dict(context.params)["reverse"])
    ones = builder.full(1, element)
    _, stacked = builder.fold(type_.shape[axis], (), (front,), (ones,), program, ("stack",), reverse=reverse)
    back = tuple(order.index(position) for position in range(type_.rank))
    return builder.apply("transpose", stacked, axes=back)


def take_along(context: RuleContext, x: int, places: int, axis: int) -> int:
    """The elements of `x` whose positions along one axis `places` (of the shape of `x`) names."""
    builder, type_ = context.builder, context.type(x)
    indices = [
        places if k == axis else builder.broadcast(builder.apply("iota", size=size), type_.shape, (k,))
        for k, size in enumerate(type_.shape)
    ]
    return builder.apply("gather", x, *indices, proved=True)


def _running_winner(context: RuleContext, x_dot: int, *, greatest: bool) -> int:
    """The tangent of the latest element that is no less (no more) than all before it."""
    builder, axis = context.builder, integer(context.params, "axis")
    x, y = context.operands[0], context.results[0]
    shape = context.type(x).shape
    place = builder.broadcast(builder.apply("iota", size=shape[axis]), shape, (axis,))
    reverse = bool(dict(context.params)["reverse"])
    last = builder.size(shape[axis])
    nowhere = builder.apply("sub", last, builder.constant(1, "i64")) if reverse else builder.constant(0, "i64")
    record = builder.apply("ge" if greatest else "le", x, _one_before(context, y))
    marked = builder.apply("where", record, place, nowhere)
    latest = builder.apply("cummin" if reverse else "cummax", marked, axis=axis, reverse=reverse)
    return take_along(context, x_dot, latest, axis)


def _one_before(context: RuleContext, slot: int) -> int:
    """The elements one place before each one in the running order; 0 where there is none."""
    builder, axis = context.builder, integer(context.params, "axis")
    reverse, type_ = bool(dict(context.params)["reverse"]), context.type(slot)
    nothing, width = (0,) * type_.rank, tuple(int(k == axis) for k in range(type_.rank))
    longer = builder.apply("pad", slot, low=nothing if reverse else width, high=width if reverse else nothing)
    starts = width if reverse else nothing
    return builder.apply("slice", longer, starts=starts, limits=tuple(map(add, starts, type_.shape)))


def _shifted(context: RuleContext) -> tuple[int, int]:
    """``exp(x - m)`` and m, the maximum over the axes as a constant; m is 0 where the maximum is infinite."""
    builder, axes = context.builder, integers(context.params, "axes")
    x = context.operands[0]
    type_ = context.type(x)
    peak = builder.apply("stop_gradient", builder.apply("reduce_max", x, axes=axes))
    zero = builder.constant(0, type_.dtype)
    safe = builder.apply("where", builder.apply("is_finite", peak), peak, zero)
    moved = builder.apply("sub", x, expand(context, safe, type_.shape, axes))
    return builder.apply("exp", moved), safe


def _nonzero(context: RuleContext, total: int) -> tuple[int, int]:
    """Whether a sum of exponentials is 0 (all elements are -inf), and the sum with 1 in its place."""
    builder, dtype = context.builder, context.type(total).dtype
    empty = builder.apply("eq", total, builder.constant(0, dtype))
    return empty, builder.apply("where", empty, builder.constant(1, dtype), total)


def _logsumexp(context: RuleContext) -> int:
    builder = context.builder
    weights, peak = _shifted(context)
    total = builder.apply("reduce_sum", weights, axes=integers(context.params, "axes"))
    empty, divisor = _nonzero(context, total)
    value = builder.apply("add", builder.apply("log", divisor), peak)
    return builder.apply("where", empty, builder.constant(float("-inf"), context.type(total).dtype), value)


def _behind(context: RuleContext, slot: int, step: int) -> int:
    """The elements `step` places before each one in the running order; 0 where there are none."""
    axis, reverse = integer(context.params, "axis"), bool(dict(context.params)["reverse"])
    type_ = context.type(slot)
    length, widths = type_.shape[axis], [0] * type_.rank
    if not isinstance(length, int):
        raise InternalError("cumlogsumexp along an axis of unknown length")
    kept = slice_axis(context, slot, axis, step if reverse else 0, length if reverse else length - step)
    widths[axis] = step
    low, high = (0,) * type_.rank, tuple(widths)
    return context.builder.apply("pad", kept, low=low if reverse else high, high=high if reverse else low)


def _cumlogsumexp(context: RuleContext, tangents: tuple[int | None, ...]) -> int:
    """``y_dot[i] = exp(y[i-1] - y[i]) y_dot[i-1] + exp(x[i] - y[i]) x_dot[i]``, with factors of at most 1.

    The recurrence is solved by doubling (Hillis & Steele 1986): after round k each element holds the sum over the 2^k
    places up to it, and the factor that carries what lies before.
    """
    builder, (x_dot,) = context.builder, tangents
    x, y, type_ = context.operands[0], context.results[0], context.type(context.operands[0])
    length = type_.shape[integer(context.params, "axis")]
    assert x_dot is not None and isinstance(length, int)
    zero = builder.constant(0, type_.dtype)
    safe = builder.apply("where", builder.apply("is_finite", y), y, zero)
    run = builder.apply("mul", builder.apply("exp", builder.apply("sub", x, safe)), x_dot)
    if length < 2:
        return run
    before = builder.apply("exp", builder.apply("sub", _behind(context, y, 1), safe))
    there = _behind(context, builder.full(True, ArrayType("bool", type_.shape)), 1)
    factor = builder.apply("where", there, before, zero)
    step = 1
    while step < length:
        run = builder.apply("add", run, builder.apply("mul", factor, _behind(context, run, step)))
        factor = builder.apply("mul", factor, _behind(context, factor, step))
        step *= 2
    return run


def _softmax(context: RuleContext) -> int:
    builder, axes = context.builder, integers(context.params, "axes")
    weights, _ = _shifted(context)
    _, divisor = _nonzero(context, builder.apply("reduce_sum", weights, axes=axes))
    return builder.apply("div", weights, expand(context, divisor, context.type(weights).shape, axes))


def _reduction(name: str, derivative: Derivative, doc: str, type_: str = "[…]n -> […]n") -> Primitive:
    boolean = name in ("reduce_all", "reduce_any")
    return Primitive(
        name=name,
        type=type_,
        derivative=derivative,
        doc=doc,
        flops=costs.reduction,
        kinks=("two elements tie",) if isinstance(derivative, Selects) else (),
        params=("axes",),
        elementwise=False,
        type_rule=type_rules.reduce_bool if boolean else type_rules.reduce_,
    )


def _running(name: str, derivative: Derivative, doc: str) -> Primitive:
    return Primitive(
        name=name,
        type="[…]n -> […]n",
        derivative=derivative,
        doc=doc,
        flops=costs.running,
        kinks=("two elements tie",) if isinstance(derivative, Selects) else (),
        params=("axis", "reverse"),
        elementwise=False,
        type_rule=type_rules.along_axis,
    )


_LOGIC = Discrete("truth values have no tangent")

ROWS: tuple[Primitive, ...] = (
    _reduction("reduce_sum", Linear((_reduce_sum,)), "The sum over the axes; 0 for no elements."),
    _reduction(
        "reduce_max",
        Selects(partial(_share_of_winners, greatest=True)),
        "The greatest element over the axes; NaN if one is NaN.",
    ),
    _reduction(
        "reduce_min",
        Selects(partial(_share_of_winners, greatest=False)),
        "The least element over the axes; NaN if one is NaN.",
    ),
    Primitive(
        name="winners",
        type="[…]n -> […]bool",
        derivative=Discrete("which elements win is constant between ties"),
        doc="Which elements equal the greatest (or least) one over the axes; none where that is NaN.",
        flops=costs.per_element(2),
        params=("axes", "greatest"),
        elementwise=False,
        type_rule=type_rules.winners,
    ),
    _reduction(
        "reduce_prod",
        Implicit("y - prod(x0)", _reduce_prod),
        "The product over the axes; 1 for no elements.",
    ),
    _reduction("reduce_all", _LOGIC, "Whether all elements hold.", "[…]bool -> […]bool"),
    _reduction("reduce_any", _LOGIC, "Whether some element holds.", "[…]bool -> […]bool"),
    _running(
        "cumsum",
        Linear((_cumsum,)),
        "Sums of all elements up to and with each one (from the end if reverse).",
    ),
    _running("cumprod", Defined(_cumprod), "Products of all elements up to and with each one."),
    _running(
        "cummax",
        Selects(partial(_running_winner, greatest=True)),
        "The greatest element so far; at ties the latest one counts.",
    ),
    _running(
        "cummin",
        Selects(partial(_running_winner, greatest=False)),
        "The least element so far; at ties the latest one counts.",
    ),
    Primitive(
        name="logsumexp",
        type="[…]f -> […]f",
        derivative=Defined(_logsumexp),
        doc="log of the sum of exponentials over the axes, without overflow; -inf when all elements are -inf.",
        flops=costs.per_element(4),
        convex="convex",
        monotone="increasing",
        params=("axes",),
        elementwise=False,
        type_rule=type_rules.reduce_,
    ),
    _running(
        "cumlogsumexp",
        Implicit("exp(y) - cumsum(exp(x0))", _cumlogsumexp),
        "log of the sum of exponentials up to and with each element.",
    ),
    Primitive(
        name="softmax",
        type="[…]f -> […]f",
        derivative=Defined(_softmax),
        doc="exp(x0) divided by its sum over the axes, without overflow; 0 when all elements are -inf.",
        flops=costs.per_element(5),
        params=("axes",),
        elementwise=False,
        type_rule=type_rules.softmax,
    ),
)
