"""What each primitive does to sets: operands with their sets enter, the sets of the result leave.

A rule may answer with more than the truth and never with less. Movement is exact: the evaluator's own function moves
numbers of places in place of elements. Primitives without a rule here read everything for every element.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...ad.rules import carries_tangent
from ...lang.diagnostics import DiagnosticError
from ...lang.ir import Apply, ArrayType
from ...lang.primitives import get
from ...lang.primitives.sliding import Slide, conv_slides, slides
from ...lang.primitives.type_rules import parse_spec
from ..reference_numpy import NumpyArithmetic
from . import indexing
from .rows import Along, Rows, along, eye, grouped, limited, ones, picked, sets, union, whole
from .values import Value

KNOWN_LIMIT = 2**22  # elements of an array whose numbers are worked out
_ARITHMETIC = NumpyArithmetic()


@dataclass(frozen=True, slots=True)
class Use:
    """One step: what is applied to what, and the type of the result."""

    op: Apply
    operands: tuple[Value, ...]
    result: Value

    def axes(self, name: str = "axes") -> tuple[int, ...]:
        return self.op.integers(name)


Rule = Callable[[Use], Rows]


def applied(op: Apply, operands: tuple[Value, ...], type_: ArrayType) -> Value:
    """The result of a primitive."""
    known = _known(op, operands, type_)
    own = tuple(
        value if carries_tangent(op, k, value.type) else Value(value.type, value.known)
        for k, value in enumerate(operands)
    )
    if not type_.is_float or all(value.rows is None for value in own):
        return Value(type_, known)
    rule = _elementwise if get(op.primitive).elementwise else RULES.get(op.primitive, _everything)
    return Value(type_, known, rule(Use(op, own, Value(type_))))


def _known(op: Apply, operands: tuple[Value, ...], type_: ArrayType) -> np.ndarray | None:
    values = [value.known for value in operands if value.known is not None]
    if len(values) != len(operands) or Value(type_).size > KNOWN_LIMIT or op.primitive in UNKNOWN:
        return None
    kernel = _ARITHMETIC.kernel(op, tuple(value.type for value in operands), type_)
    try:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(kernel(*(value[()] for value in values))), Value(type_).shape)
    except DiagnosticError:  # it stops there when it runs, or runs in compiled code only
        return None


# --- elementwise ------------------------------------------------------------------------------------------------------


def _elementwise(use: Use) -> Rows:
    parts = [_spread(value, use.result) for value in use.operands if value.rows is not None]
    if use.op.primitive == "where" and use.operands[0].known is not None:
        return _chosen(use)
    if use.op.primitive == "mul":
        parts = [_times(x, other, use.result) for x, other in zip(use.operands, use.operands[::-1], strict=True)
                 if x.rows is not None]  # fmt: skip
    return union(parts)


def _spread(value: Value, result: Value) -> Rows:
    if value.size == result.size and value.type.rank == result.type.rank:
        return value.rows
    return picked(value.rows, np.zeros(result.size, np.int64))


def _chosen(use: Use) -> Rows:
    """A condition that is known decides which element is read."""
    condition, *arms = use.operands
    taken = np.broadcast_to(np.asarray(condition.known), use.result.shape).ravel()
    own = np.arange(use.result.size)
    return union([
        picked(_spread(arm, use.result), np.where(taken == holds, own, -1))
        for arm, holds in zip(arms, (True, False), strict=True)
        if arm.rows is not None
    ])  # fmt: skip


def _times(x: Value, factor: Value, result: Value) -> Rows:
    """A known factor of zero ends the dependence."""
    rows = _spread(x, result)
    if factor.known is None or np.all(factor.known != 0):
        return rows
    zero = np.broadcast_to(factor.known == 0, result.shape).ravel()
    return picked(rows, np.where(zero, -1, np.arange(result.size)))


# --- movement ---------------------------------------------------------------------------------------------------------


def _moved(use: Use) -> Rows:
    """Places, counted from 1 through all operands, move as the elements do; 0 is a zero that is filled in."""
    places: list[np.ndarray] = []
    first = 1
    for value in use.operands:
        places.append(np.arange(first, first + value.size).reshape(value.shape))
        first += value.size
    types = tuple(ArrayType("i64", value.type.shape) for value in use.operands)
    kernel = _ARITHMETIC.kernel(use.op, types, ArrayType("i64", use.result.type.shape))
    moved = np.asarray(kernel(*(place[()] for place in places))).ravel()
    parts = []
    for value, place in zip(use.operands, places, strict=True):
        if value.rows is not None:
            own = moved - int(place.min(initial=first))
            parts.append(picked(value.rows, np.where((own >= 0) & (own < value.size), own, -1)))
    return union(parts)


# --- reductions and lines ---------------------------------------------------------------------------------------------


def _reduced(use: Use) -> Rows:
    (x,) = use.operands
    axes = use.axes()
    return along(x.rows, [Along(ones(1, n)) if axis in axes else n for axis, n in enumerate(x.shape)])


def _mixed(use: Use) -> Rows:
    """Elements that depend on all of their line, or of their lines."""
    (x,) = use.operands
    axes = (use.op.integer("axis"),) if use.op.primitive == "sort" else use.axes()
    return along(x.rows, [whole(n, n) if axis in axes else n for axis, n in enumerate(x.shape)])


def _cumulative(use: Use) -> Rows:
    (x,) = use.operands
    axis = use.op.integer("axis") % x.type.rank
    return along(x.rows, [_up_to(n, bool(use.op["reverse"])) if k == axis else n for k, n in enumerate(x.shape)])


def _up_to(size: int, from_the_end: bool) -> Along:
    """The elements up to each one, itself included."""
    limited(size * size)
    before = np.tri(size, dtype=np.bool_)
    return Along(sets(before.T if from_the_end else before))


# --- products and windows ---------------------------------------------------------------------------------------------


def _einsum(use: Use) -> Rows:
    terms, result = parse_spec(str(use.op["spec"]))
    parts = []
    for k, (term, x) in enumerate(zip(terms, use.operands, strict=True)):
        if x.rows is None:
            continue
        others = [(terms[j], other) for j, other in enumerate(use.operands) if j != k]
        sparse = [(letters, other.known) for letters, other in others if other.known is not None]
        zeros = next(((letters, known) for letters, known in sparse if np.any(known == 0)), None)
        y = use.result
        parts.append(_product(term, x, result, y) if zeros is None else _masked(term, x, result, y, zeros))
    return union(parts)


def _product(term: str, x: Value, result: str, y: Value) -> Rows:
    """Letters that the result lacks are summed over; along those that the operand lacks it is repeated."""
    kept = [letter for letter in term if letter in result]
    axes = [n if letter in result else Along(ones(1, n)) for letter, n in zip(term, x.shape, strict=True)]
    places = dict(zip(result, np.indices(y.shape), strict=True))
    grid = tuple(y.shape[result.index(letter)] for letter in kept)
    read: np.ndarray = np.zeros(y.shape, np.int64)
    if kept:
        read = np.asarray(np.ravel_multi_index([places[letter] for letter in kept], grid))
    return picked(along(x.rows, axes), read)


def _masked(term: str, x: Value, result: str, y: Value, factor: tuple[str, np.ndarray]) -> Rows:
    """The same beside a factor that is known: where it is zero nothing is read."""
    letters, known = factor
    sizes = dict(zip(term, x.shape, strict=True)) | dict(zip(result, y.shape, strict=True))
    free = [letter for letter in sizes if letter not in letters]
    entries = np.nonzero(known)
    count = len(entries[0]) if entries else 1
    limited(count * math.prod(sizes[letter] for letter in free))
    grid = np.indices([count, *(sizes[letter] for letter in free)]).reshape(1 + len(free), -1)
    at = {letter: entry[grid[0]] for letter, entry in zip(letters, entries, strict=True)}
    at |= dict(zip(free, grid[1:], strict=True))
    read = _flat([at[letter] for letter in term], x.shape, grid.shape[1])
    return grouped(picked(x.rows, read), _flat([at[letter] for letter in result], y.shape, grid.shape[1]), y.size)


def _flat(places: list[np.ndarray], shape: tuple[int, ...], count: int) -> np.ndarray:
    return np.ravel_multi_index(places, shape) if places else np.zeros(count, np.int64)


def _windows(use: Use) -> Rows:
    (x,) = use.operands
    return along(x.rows, [Along(_seen(slide)) for slide in slides(x.shape, use.op.params)])


def _seen(slide: Slide) -> Rows:
    """The places of an axis that each position of a window sees."""
    found = [(place, position) for position in range(slide.count) for place in slide.seen(position)]
    reads = np.array(found, np.int64).reshape(-1, 2)
    return grouped(picked(eye(slide.size), reads[:, 0]), reads[:, 1], slide.count)


def _conv(use: Use) -> Rows:
    """Groups of channels are not told apart."""
    lhs, rhs = use.operands
    windows = conv_slides(lhs.shape, rhs.shape, use.op.params)
    n, o, *counts = use.result.shape
    parts = []
    if lhs.rows is not None:
        batch = lhs.shape[0] if lhs.shape[0] == n else whole(lhs.shape[0], n)
        parts.append(along(lhs.rows, [batch, whole(lhs.shape[1], o), *(Along(_seen(slide)) for slide in windows)]))
    if rhs.rows is not None:
        inner = along(rhs.rows, [o, Along(ones(1, rhs.size // max(o, 1)))])
        parts.append(picked(inner, np.broadcast_to(np.arange(o).reshape(1, o, *(1 for _ in counts)), use.result.shape)))
    return union(parts)


# --- matrices and the rest --------------------------------------------------------------------------------------------


def _per_matrix(use: Use) -> Rows:
    """All of a matrix, and of what stands beside it in the batch, for every element of the result."""
    batch = use.operands[-1].shape[:-2]
    count = int(np.prod(batch, dtype=np.int64))
    parts = [
        along(x.rows, [count, whole(x.size // max(count, 1), use.result.size // max(count, 1))])
        for x in use.operands
        if x.rows is not None
    ]
    return union(parts)


def _everything(use: Use) -> Rows:
    return union([along(x.rows, [whole(x.size, use.result.size)]) for x in use.operands if x.rows is not None])


def _gather(use: Use) -> Rows:
    return indexing.gathered(use.operands[0], use.operands[1:])


def _scatter(use: Use) -> Rows:
    base, values, *indices = use.operands
    return indexing.scattered(base, values, indices, replaces=use.op.primitive in ("scatter", "scatter_last"))


def _block_read(use: Use) -> Rows:
    x, *starts = use.operands
    return indexing.block_read(x, dict(zip(use.axes(), starts, strict=True)), use.result)


def _block_write(use: Use) -> Rows:
    base, values, *starts = use.operands
    given = dict(zip(use.axes(), starts, strict=True))
    return indexing.block_written(base, values, given, replaces=use.op.primitive == "block_write")


def _rules(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


UNKNOWN = frozenset({"foreign", "platform_index"})  # what only the run decides

RULES: Mapping[str, Rule] = {
    **_rules(_moved, "broadcast reshape transpose slice pad reverse concat triangle"),
    **_rules(_gather, "gather"),
    **_rules(_scatter, "scatter scatter_add scatter_last scatter_max scatter_min scatter_mul"),
    **_rules(_block_read, "block_read"),
    **_rules(_block_write, "block_write block_add"),
    **_rules(_reduced, "reduce_sum reduce_max reduce_min reduce_prod logsumexp"),
    **_rules(_mixed, "softmax sort"),
    **_rules(_cumulative, "cumsum cumprod cummax cummin cumlogsumexp"),
    **_rules(_einsum, "einsum"),
    **_rules(_windows, "window_sum window_max window_min"),
    **_rules(_conv, "conv"),
    **_rules(
        _per_matrix,
        "solve triangular_solve cholesky symmetric_cholesky logdet eigh_values eigh_vectors svd_values svd_left "
        "svd_right qr_q qr_r lu tridiagonal_solve",
    ),
}
