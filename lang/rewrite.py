"""Local rewrites that a `Builder` applies while steps are emitted: a table of (primitive, side condition, replacement).

Every rule keeps the value bit for bit, also for infinities, NaN and signed zeros: ``0 * x`` is *not* dropped here,
because only zeros made by differentiation may vanish, and those are never written down in the first place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ir import Apply, ArrayType, Fold
from .sizes import Size, add

if TYPE_CHECKING:
    from .builder import Builder

Operands = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Answers with an existing or cheaper slot, or None when it does not match.

    `sees` names what must have made some operand for the rule to match (primitives or ``constant``); None means
    anything.
    """

    name: str
    primitive: str
    rewrite: Callable[[Builder, Apply, Operands], int | None]
    sees: frozenset[str] | None = None


def _is(b: Builder, slot: int, value: float) -> bool:
    known = b.scalar(_source(b, slot))
    return known is not None and not isinstance(known, bool) and known == value


def _source(b: Builder, slot: int) -> int:
    """The scalar a slot repeats, if it is a broadcast of one."""
    step = b.definition(slot)
    if step is not None and isinstance(step.op, Apply) and step.op.primitive == "broadcast":
        if not b.array_type(step.operands[0]).shape:
            return step.operands[0]
    return slot


def _keeps_shape(b: Builder, kept: int, other: int) -> bool:
    return not b.array_type(other).shape or b.array_type(kept).shape == b.array_type(other).shape


def _inner(b: Builder, slot: int, primitive: str) -> tuple[Apply, Operands] | None:
    step = b.definition(slot)
    if step is not None and isinstance(step.op, Apply) and step.op.primitive == primitive:
        return step.op, step.operands
    return None


def _times_one(b: Builder, op: Apply, x: Operands) -> int | None:
    if _is(b, x[1], 1) and _keeps_shape(b, x[0], x[1]):
        return x[0]
    if op.primitive == "mul" and _is(b, x[0], 1) and _keeps_shape(b, x[1], x[0]):
        return x[1]
    return None


def _times_minus_one(b: Builder, op: Apply, x: Operands) -> int | None:
    if _is(b, x[1], -1) and _keeps_shape(b, x[0], x[1]):
        return b.apply("neg", x[0])
    if _is(b, x[0], -1) and _keeps_shape(b, x[1], x[0]):
        return b.apply("neg", x[1])
    return None


def _minus_zero(b: Builder, op: Apply, x: Operands) -> int | None:
    zero = b.scalar(_source(b, x[1]))
    positive = zero is not None and zero == 0 and str(zero)[0] != "-"
    return x[0] if positive and _keeps_shape(b, x[0], x[1]) else None


def _add_negative(b: Builder, op: Apply, x: Operands) -> int | None:
    for kept, other in ((x[0], x[1]), (x[1], x[0])):
        found = _inner(b, other, "neg")
        if found is not None:
            return b.apply("sub", kept, found[1][0])
    return None


def _sub_negative(b: Builder, op: Apply, x: Operands) -> int | None:
    found = _inner(b, x[1], "neg")
    return None if found is None else b.apply("add", x[0], found[1][0])


def _double_negative(b: Builder, op: Apply, x: Operands) -> int | None:
    found = _inner(b, x[0], "neg")
    return None if found is None else found[1][0]


def _negative_factor(b: Builder, op: Apply, x: Operands) -> int | None:
    """Signs move outwards, where a sum can absorb them."""
    left, right = _inner(b, x[0], "neg"), _inner(b, x[1], "neg")
    if left is not None:
        return b.apply("neg", b.apply(op.primitive, left[1][0], x[1]))
    if right is not None:
        return b.apply("neg", b.apply(op.primitive, x[0], right[1][0]))
    return None


def _power_one(b: Builder, op: Apply, x: Operands) -> int | None:
    exponent = op["exponent"]
    if exponent == 1:
        return x[0]
    return b.apply("mul", x[0], x[0]) if exponent == 2 else None


def _same_type(b: Builder, op: Apply, x: Operands) -> int | None:
    return x[0] if b.array_type(x[0]).dtype == op["dtype"] else None


def _where_known(b: Builder, op: Apply, x: Operands) -> int | None:
    if x[1] == x[2] and _keeps_shape(b, x[1], x[0]):
        return x[1]
    known = b.scalar(x[0])
    if known is None:
        return None
    chosen, other = (x[1], x[2]) if known else (x[2], x[1])
    return chosen if _keeps_shape(b, chosen, other) else None


def _same_shape(b: Builder, op: Apply, x: Operands) -> int | None:
    if b.array_type(x[0]).shape == op["shape"]:
        return x[0]
    found = _inner(b, x[0], "reshape")
    return None if found is None else b.apply("reshape", found[1][0], shape=op["shape"])


def _transpose_twice(b: Builder, op: Apply, x: Operands) -> int | None:
    axes = op.integers("axes")
    if axes == tuple(range(len(axes))):
        return x[0]
    found = _inner(b, x[0], "transpose")
    if found is None:
        return None
    first = found[0].integers("axes")
    return b.apply("transpose", found[1][0], axes=tuple(first[axis] for axis in axes))


def _broadcast_twice(b: Builder, op: Apply, x: Operands) -> int | None:
    if b.array_type(x[0]).shape == op["shape"]:
        return x[0]
    found = _inner(b, x[0], "broadcast")
    if found is None:
        return None
    outer, inner = op.integers("axes"), found[0].integers("axes")
    axes = tuple(outer[axis] for axis in inner)
    return b.apply("broadcast", found[1][0], shape=op["shape"], axes=axes)


def _whole_slice(b: Builder, op: Apply, x: Operands) -> int | None:
    starts, limits = op.sizes("starts"), op.sizes("limits")
    whole = all(start == 0 for start in starts) and limits == b.array_type(x[0]).shape
    return x[0] if whole else None


def _slice_of_concat(b: Builder, op: Apply, x: Operands) -> int | None:
    """A slice that is exactly one of the parts put together."""
    found = _inner(b, x[0], "concat")
    if found is None:
        return None
    axis, starts, limits = found[0]["axis"], op["starts"], op["limits"]
    assert isinstance(axis, int) and isinstance(starts, tuple) and isinstance(limits, tuple)
    shape = b.array_type(x[0]).shape
    others = [k for k in range(len(shape)) if k != axis]
    if any(starts[k] != 0 or limits[k] != shape[k] for k in others):
        return None
    start: Size = 0
    for part in found[1]:
        stop = add(start, b.array_type(part).shape[axis])
        if starts[axis] == start and limits[axis] == stop:
            return part
        start = stop
    return None


def _single(b: Builder, op: Apply, x: Operands) -> int | None:
    return x[0] if len(x) == 1 else None


def _no_axes(b: Builder, op: Apply, x: Operands) -> int | None:
    return x[0] if op["axes"] == () else None


def _fold_integers(b: Builder, op: Apply, x: Operands) -> int | None:
    """Integer literals add and multiply at build time (wrapping as 64-bit integers do)."""
    left, right = _literal(b, x[0], "i64"), _literal(b, x[1], "i64")
    if left is None or right is None:
        return None
    value = {"add": left + right, "sub": left - right, "mul": left * right}[op.primitive]
    return b.constant((int(value) + 2**63) % 2**64 - 2**63, "i64")


def _fold_floats(b: Builder, op: Apply, x: Operands) -> int | None:
    """Double-precision literals combine at build time: Python rounds as IEEE 754 asks."""
    left, right = _literal(b, x[0], "f64"), _literal(b, x[1], "f64")
    if left is None or right is None or (op.primitive == "div" and right == 0):
        return None
    match op.primitive:
        case "add":
            return b.constant(left + right, "f64")
        case "sub":
            return b.constant(left - right, "f64")
        case "mul":
            return b.constant(left * right, "f64")
        case _:
            return b.constant(left / right, "f64")


def _fold_conversion(b: Builder, op: Apply, x: Operands) -> int | None:
    value = _literal(b, x[0], "i64")
    exact = value is not None and op["dtype"] == "f64" and abs(value) <= 2**53
    return b.constant(float(value), "f64") if exact and value is not None else None


def _literal(b: Builder, slot: int, dtype: str) -> float | int | None:
    return b.scalar(slot) if b.types[slot] == ArrayType(dtype) else None


def _gather_of_concat(b: Builder, op: Apply, x: Operands) -> int | None:
    """An element at a literal place of an array put together from rows."""
    found, place = _inner(b, x[0], "concat"), b.scalar(x[1]) if len(x) > 1 else None
    if found is None or place is None or found[0]["axis"] != 0:
        return None
    start = 0
    for part in found[1]:
        rows = b.array_type(part).shape[0]
        if not isinstance(rows, int):
            return None
        if start <= place < start + rows:
            return _row_of_part(b, op, part, rows, int(place) - start, x[2:])
        start += rows
    return None


def _row_of_part(b: Builder, op: Apply, part: int, rows: int, place: int, rest: Operands) -> int:
    if rows > 1:
        return b.apply("gather", part, b.constant(place, "i64"), *rest, **dict(op.params))
    row = b.apply("reshape", part, shape=b.array_type(part).shape[1:])
    return b.apply("gather", row, *rest, **dict(op.params)) if rest else row


def _gather_of_broadcast(b: Builder, op: Apply, x: Operands) -> int | None:
    """An element of a repeated scalar, when the place is known to exist."""
    source = _source(b, x[0])
    if source == x[0] or not op["proved"]:
        return None
    type_ = b.array_type(x[0])
    batch = b.array_type(x[1]).shape
    return b.broadcast(source, (*batch, *type_.shape[len(x) - 1 :]), ())


def _last_state(b: Builder, op: Apply, x: Operands) -> int | None:
    """The last of the stacked states of a loop is its final carry."""
    found, place = b.result(x[0]), b.scalar(x[1])
    if found is None or place is None or not isinstance(found[0].op, Fold) or len(x) != 2:
        return None
    step, results, number = found
    loop = step.op
    assert isinstance(loop, Fold)
    carries = len(results) - len(loop.combine)
    if number < carries or loop.combine[number - carries] != "stack" or not isinstance(loop.size, int):
        return None
    state = loop.body.outputs[number]
    last = 0 if loop.reverse else loop.size - 1
    finals = loop.body.outputs[:carries]
    return results[finals.index(state)] if place == last and loop.size > 0 and state in finals else None


def _sum_of_pads(b: Builder, op: Apply, x: Operands) -> int | None:
    """Two parts padded to lie side by side are put together; the zeros added are those of `pad`."""
    left, right = _inner(b, x[0], "pad"), _inner(b, x[1], "pad")
    if left is None or right is None:
        return None
    for (first_op, (first,)), (second_op, (second,)) in ((left, right), (right, left)):
        axis = _side_by_side(b, first_op, second_op, first, second)
        if axis is not None:
            return b.apply("concat", first, second, axis=axis)
    return None


def _side_by_side(b: Builder, before: Apply, behind: Apply, first: int, second: int) -> int | None:
    """The only axis that two pads pad, when the second part begins where the first ends and they fill the result."""
    low, high = before["low"], before["high"]
    next_low, next_high = behind["low"], behind["high"]
    assert isinstance(low, tuple) and isinstance(high, tuple)
    assert isinstance(next_low, tuple) and isinstance(next_high, tuple)
    padded = [axis for axis in range(len(low)) if low[axis] or high[axis] or next_low[axis] or next_high[axis]]
    if len(padded) != 1:
        return None
    axis = padded[0]
    fits = high[axis] == b.array_type(second).shape[axis] and next_low[axis] == b.array_type(first).shape[axis]
    return axis if fits and low[axis] == 0 and next_high[axis] == 0 else None


_LITERAL = frozenset({"constant"})
_REPEATED = frozenset({"constant", "broadcast"})
_NEGATED = frozenset({"neg"})

REWRITES: tuple[Rewrite, ...] = (
    *(Rewrite("integer literals", name, _fold_integers, _LITERAL) for name in ("add", "sub", "mul")),
    *(Rewrite("double literals", name, _fold_floats, _LITERAL) for name in ("add", "sub", "mul", "div")),
    Rewrite("integer literal as a double", "convert", _fold_conversion, _LITERAL),
    Rewrite("element of rows put together", "gather", _gather_of_concat, frozenset({"concat"})),
    Rewrite("element of a repeated scalar", "gather", _gather_of_broadcast, frozenset({"broadcast"})),
    Rewrite("last of the states of a loop", "gather", _last_state, frozenset({"fold"})),
    Rewrite("sum of parts that lie side by side", "add", _sum_of_pads, frozenset({"pad"})),
    Rewrite("x * 1", "mul", _times_one, _REPEATED),
    Rewrite("x / 1", "div", _times_one, _REPEATED),
    Rewrite("x * -1", "mul", _times_minus_one, _REPEATED),
    Rewrite("-x * y", "mul", _negative_factor, _NEGATED),
    Rewrite("-x / y", "div", _negative_factor, _NEGATED),
    Rewrite("x - 0", "sub", _minus_zero, _REPEATED),
    Rewrite("x + -y", "add", _add_negative, _NEGATED),
    Rewrite("x - -y", "sub", _sub_negative, _NEGATED),
    Rewrite("--x", "neg", _double_negative, _NEGATED),
    Rewrite("x ^ 1, x ^ 2", "integer_pow", _power_one),
    Rewrite("convert to its own type", "convert", _same_type),
    Rewrite("where with a known or needless choice", "where", _where_known),
    Rewrite("reshape of reshape, to its own shape", "reshape", _same_shape),
    Rewrite("transpose of transpose, by the identity", "transpose", _transpose_twice),
    Rewrite("broadcast of broadcast, to its own shape", "broadcast", _broadcast_twice),
    Rewrite("slice of everything", "slice", _whole_slice),
    Rewrite("slice of a concatenation", "slice", _slice_of_concat, frozenset({"concat"})),
    Rewrite("concatenation of one", "concat", _single),
    *(Rewrite("reduction over no axes", f"reduce_{name}", _no_axes) for name in ("sum", "max", "min", "prod")),
)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rewrites of one primitive, and what must be among its operands for any of them (None: nothing must)."""

    rules: tuple[Rewrite, ...]
    sees: frozenset[str] | None


def _by_primitive() -> dict[str, _Rules]:
    table: dict[str, list[Rewrite]] = {}
    for rule in REWRITES:
        table.setdefault(rule.primitive, []).append(rule)
    return {name: _Rules(tuple(rules), _seen([rule.sees for rule in rules])) for name, rules in table.items()}


def _seen(kinds: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    return None if None in kinds else frozenset(kind for each in kinds if each is not None for kind in each)


_TABLE = _by_primitive()


def rewrite_apply(builder: Builder, op: Apply, operands: Operands) -> int | None:
    """The slot a rewrite gives instead of the step, or None."""
    found = _TABLE.get(op.primitive)
    if found is None:
        return None
    kinds = builder.kinds(operands)
    if found.sees is not None and found.sees.isdisjoint(kinds):
        return None
    for rule in found.rules:
        if rule.sees is not None and rule.sees.isdisjoint(kinds):
            continue
        answer = rule.rewrite(builder, op, operands)
        if answer is not None:
            return answer
    return None
