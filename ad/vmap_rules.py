"""How each primitive acts on batches: one table, a rule per primitive, the batch axis always leading.

A rule receives the operation and its operands, some of which carry the batch axis (at least one does), and answers
with the slot of the batched result. Rules emit ordinary primitives only, so a batched program can be differentiated,
batched again and compiled by the same passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from ..lang import primitives
from ..lang.builder import Builder
from ..lang.diagnostics import InternalError
from ..lang.ir import Apply, ArrayType, Call, Constant, Program, SizeValue
from ..lang.params import integers
from ..lang.sizes import Size, mul
from . import vmap_sliding


class Lane(NamedTuple):
    """A slot of the batched program, and whether it carries the batch axis in front."""

    slot: int
    mapped: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What rules work with: the open program and the length of the batch axis."""

    builder: Builder
    size: Size

    def type(self, slot: int) -> ArrayType:
        return self.builder.array_type(slot)

    def shape(self, lane: Lane) -> tuple[Size, ...]:
        """The shape of one lane's value."""
        shape = self.type(lane.slot).shape
        return shape[1:] if lane.mapped else shape

    def full(self, lane: Lane) -> int:
        """The slot with the batch axis, repeated when it was shared."""
        if lane.mapped:
            return lane.slot
        shape = self.type(lane.slot).shape
        return self.builder.broadcast(lane.slot, (self.size, *shape), _upto(1, len(shape) + 1))

    def move(self, slot: int, source: int, target: int) -> int:
        """Move one axis of an array to another place."""
        order = list(range(self.type(slot).rank))
        order.insert(target, order.pop(source))
        return self.builder.apply("transpose", slot, axes=tuple(order))


Rule = Callable[[Batch, Apply, tuple[Lane, ...]], int]


def apply_rule(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """The batched result of one primitive, at least one operand of which is mapped."""
    rule = rule_for(op.primitive)
    if rule is None:
        raise InternalError(f"no vectorisation rule for primitive {op.primitive}")
    return rule(batch, op, lanes)


def rule_for(primitive: str) -> Rule | None:
    """The rule of a primitive: its own, or the common one of elementwise primitives."""
    own = RULES.get(primitive)
    if own is None and primitives.get(primitive).elementwise:
        return _elementwise
    return own


def _upto(start: int, stop: int) -> tuple[int, ...]:
    return tuple(range(start, stop))


def _ints(op: Apply, name: str) -> tuple[int, ...]:
    return integers(op.params, name)


def _elementwise(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """Scalars shared by all lanes stay scalars; everything else is brought to the common shape."""
    common = max((batch.shape(lane) for lane in lanes), key=len)
    operands = [_aligned(batch, lane, common) for lane in lanes]
    return batch.builder.apply(op.primitive, *operands, **dict(op.params))


def _aligned(batch: Batch, lane: Lane, common: tuple[Size, ...]) -> int:
    if not lane.mapped:
        return lane.slot if not batch.shape(lane) else batch.full(lane)
    if batch.shape(lane) == common:
        return lane.slot
    return batch.builder.broadcast(lane.slot, (batch.size, *common), (0,))


def _broadcast(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    axes = (0, *(axis + 1 for axis in _ints(op, "axes")))
    return batch.builder.broadcast(lanes[0].slot, (batch.size, *op.sizes("shape")), axes)


def _reshape(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    return batch.builder.apply("reshape", lanes[0].slot, shape=(batch.size, *op.sizes("shape")))


def _transpose(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    axes = (0, *(axis + 1 for axis in _ints(op, "axes")))
    return batch.builder.apply("transpose", lanes[0].slot, axes=axes)


def _slice(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    starts, limits = (0, *op.sizes("starts")), (batch.size, *op.sizes("limits"))
    return batch.builder.apply("slice", lanes[0].slot, starts=starts, limits=limits)


def _pad(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    low, high = (0, *_ints(op, "low")), (0, *_ints(op, "high"))
    return batch.builder.apply("pad", lanes[0].slot, low=low, high=high)


def _shift_axes(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    params = {**dict(op.params), "axes": tuple(axis + 1 for axis in _ints(op, "axes"))}
    return batch.builder.apply(op.primitive, lanes[0].slot, **params)


def _shift_axis(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    axis = op["axis"]
    assert isinstance(axis, int)
    params = {**dict(op.params), "axis": axis + 1}
    return batch.builder.apply(op.primitive, *(batch.full(lane) for lane in lanes), **params)


def _leading(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """Primitives that take leading batch axes as they are."""
    return batch.builder.apply(op.primitive, *(batch.full(lane) for lane in lanes), **dict(op.params))


def _gather(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    x, indices = lanes[0], lanes[1:]
    b, params = batch.builder, dict(op.params)
    if not x.mapped:
        return b.apply("gather", x.slot, *(batch.full(index) for index in indices), **params)
    if any(index.mapped for index in indices):
        own = _lane_numbers(batch, batch.shape(indices[0]))
        return b.apply("gather", x.slot, own, *(batch.full(index) for index in indices), **params)
    moved = batch.move(x.slot, 0, len(indices))
    rank = len(batch.shape(indices[0]))
    return batch.move(b.apply("gather", moved, *(index.slot for index in indices), **params), rank, 0)


def _lane_numbers(batch: Batch, shape: tuple[Size, ...]) -> int:
    """The number of the lane at every place of a batched index array."""
    numbers = batch.builder.apply("iota", size=batch.size)
    return batch.builder.broadcast(numbers, (batch.size, *shape), (0,))


def _scatter(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    base, values, indices = lanes[0], lanes[1], lanes[2:]
    b, params = batch.builder, dict(op.params)
    if any(index.mapped for index in indices):
        own = _lane_numbers(batch, batch.shape(indices[0]))
        places = [batch.full(index) for index in indices]
        return b.apply(op.primitive, batch.full(base), batch.full(values), own, *places, **params)
    rank = len(batch.shape(indices[0]))
    moved_base = batch.move(batch.full(base), 0, len(indices))
    moved_values = batch.move(batch.full(values), 0, rank)
    places = [index.slot for index in indices]
    return batch.move(b.apply(op.primitive, moved_base, moved_values, *places, **params), len(indices), 0)


def _einsum(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    spec = op["spec"]
    assert isinstance(spec, str)
    inputs, output = spec.split("->")
    fresh = fresh_letter(spec)
    terms = [fresh + term if lane.mapped else term for term, lane in zip(inputs.split(","), lanes, strict=True)]
    return batch.builder.apply("einsum", *(lane.slot for lane in lanes), spec=f"{','.join(terms)}->{fresh}{output}")


def fresh_letter(spec: str) -> str:
    """A letter that an einsum does not use yet.

    >>> fresh_letter("ab,bc->ac")
    'd'
    """
    for code in range(52):
        letter = chr(ord("a") + code) if code < 26 else chr(ord("A") + code - 26)
        if letter not in spec:
            return letter
    raise InternalError(f"einsum {spec} uses every letter")


def _solve(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """A shared matrix is factorised once: the batch becomes more right-hand sides."""
    matrix, right = lanes
    if matrix.mapped or len(batch.shape(matrix)) != 2:
        return _leading(batch, op, lanes)
    b = batch.builder
    rows, columns = batch.shape(right)
    wide = b.apply("reshape", batch.move(right.slot, 0, 1), shape=(rows, mul(batch.size, columns)))
    solved = b.apply(op.primitive, matrix.slot, wide, **dict(op.params))
    return batch.move(b.apply("reshape", solved, shape=(rows, batch.size, columns)), 1, 0)


def _foreign(batch: Batch, op: Apply, lanes: tuple[Lane, ...]) -> int:
    """A step of the host over lanes, by the host's own vectorisation."""
    from ..lang.from_jax.foreign import batched

    results: Any = op["results"]  # pairs of a dtype and a shape
    wider = tuple((dtype, (batch.size, *shape)) for dtype, shape in results)
    token = batched(op.integer("token"), tuple(lane.mapped for lane in lanes))
    slots = [lane.slot for lane in lanes]
    return batch.builder.apply("foreign", *slots, token=token, which=op.integer("which"), results=wider)


RULES: dict[str, Rule] = {
    "foreign": _foreign,
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "pad": _pad,
    "reverse": _shift_axes,
    "concat": _shift_axis,
    "gather": _gather,
    "scatter_add": _scatter,
    "scatter": _scatter,
    "einsum": _einsum,
    **dict.fromkeys(("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_all", "reduce_any"), _shift_axes),
    **dict.fromkeys(("argmax", "argmin", "sort", "argsort"), _shift_axis),
    **dict.fromkeys(("cumsum", "cumprod", "cummax", "cummin"), _shift_axis),
    **dict.fromkeys(("logsumexp", "softmax", "winners"), _shift_axes),
    **dict.fromkeys(("solve", "triangular_solve"), _solve),
    **dict.fromkeys(("cholesky", "symmetric_cholesky", "logdet", "triangle"), _leading),
    **dict.fromkeys(("eigh_values", "eigh_vectors", "svd_values", "svd_left", "svd_right"), _leading),
    **dict.fromkeys(("qr_q", "qr_r", "lu", "lu_pivots", "lu_permutation", "pivots_to_permutation"), _leading),
    "tridiagonal_solve": _leading,
    **dict.fromkeys(("scatter_last", "scatter_max", "scatter_min", "scatter_mul"), _scatter),
    **dict.fromkeys(("top_places", "cumlogsumexp"), _shift_axis),
    "conv": vmap_sliding.conv,
    **dict.fromkeys(("window_sum", "window_max", "window_min"), vmap_sliding.window),
    "window_place": vmap_sliding.window_place,
    "block_read": vmap_sliding.block("gather"),
    "block_write": vmap_sliding.block("scatter"),
    "block_add": vmap_sliding.block("scatter_add"),
}


# --- derivatives of lanes that do not take part ---------------------------------------------------------------------

# Primitives whose derivative is a number whatever the operands, inf and NaN included: running them for lanes that
# take another arm puts no NaN into a cotangent. Smooth functions are not among them, since the zero cotangent times a
# partial derivative at inf or NaN is NaN; nor are products, where the other factor is the partial.
_LINEAR = frozenset(
    "add sub neg sign floor ceil round round_away minimum maximum clip where relu eq ne lt le gt ge logical_and "
    "logical_or logical_not convert bitcast reduce_precision is_finite stop_gradient broadcast reshape transpose slice "
    "pad reverse concat iota gather scatter_add scatter reduce_sum reduce_all reduce_any argmax argmin cumsum argsort "
    "triangle block_read block_write block_add scatter_last window_sum window_place top_places winners".split()
)


@lru_cache(maxsize=4096)
def keeps_cotangents(program: Program) -> bool:
    """Whether every cotangent through the program stays a number, whatever the operands (a sufficient test)."""
    literal = set[int]()
    for first, step in program.numbered():
        match step.op:
            case Constant() | SizeValue():
                literal.add(first)
            case Apply("mul" | "div" as name):
                varying = [slot for slot in step.operands if slot not in literal]
                if len(varying) > 1 or (name == "div" and step.operands[1] in varying):
                    return False
            case Apply("broadcast") if step.operands[0] in literal:
                literal.add(first)
            case Apply(name):
                floats = any(isinstance(type_, ArrayType) and type_.is_float for type_ in step.types)
                if floats and name not in _LINEAR:
                    return False
            case Call(inner):
                if inner.rules or not keeps_cotangents(inner):
                    return False
            case _:
                return False
    return True
