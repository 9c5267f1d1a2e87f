"""Windows of gathers and scatters: dimension numbers of a jaxpr enter, index arrays over leading axes leave.

Axes with a start of their own come first and are addressed by index arrays over the batch axes of the indices and the
windows that take part of an axis; axes taken whole stay behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..ir import ArrayType
from ..sizes import Poly, Size, known
from .integers import Integers
from .places import Shape, fitted, inside, slice_axis
from .rule import Equation

if TYPE_CHECKING:
    from ..builder import Builder

Axes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Dimension numbers of a gather or scatter: what the window covers and where its axes lie.

    `lengths` has the length of the window along every axis of the array, `offset` the axes of the windows within the
    result (or the updates), `dropped` the axes of the array that these lack, `starts` the axis that each index column
    moves, `lanes` and `index_lanes` the axes of array and indices that run together.
    """

    lengths: Shape
    offset: Axes
    dropped: Axes
    starts: Axes
    lanes: Axes
    index_lanes: Axes

    def tags(self, rank: int) -> list[tuple[str, int]]:
        """For each axis of the result whether it is a batch axis or one of the window, and which."""
        shown = iter(axis for axis in range(len(self.lengths)) if axis not in self.dropped and axis not in self.lanes)
        batch = iter(range(rank))
        return [("window", next(shown)) if k in self.offset else ("batch", next(batch)) for k in range(rank)]


def whole_numbers(values: Any) -> Axes:
    """Numbers of a parameter as Python's own."""
    return tuple(int(known(value)) for value in values)


def lengths_of(values: Any) -> Shape:
    """Lengths of a parameter, of which some may be open."""
    return tuple(value if isinstance(value, Poly) else int(value) for value in values)


def gather_window(e: Equation) -> Window:
    """What a gather reads."""
    n, rank = e["dimension_numbers"], e.inputs[0].rank
    lengths, offset = lengths_of(e["slice_sizes"]), whole_numbers(n.offset_dims)
    if len(lengths) < rank:  # the words of a key
        lengths, offset = (*lengths, *e.inputs[0].shape[len(lengths) :]), (*offset, e.outputs[0].rank - 1)
    return Window(
        lengths,
        offset,
        whole_numbers(n.collapsed_slice_dims),
        whole_numbers(n.start_index_map),
        whole_numbers(n.operand_batching_dims),
        whole_numbers(n.start_indices_batching_dims),
    )


def scatter_window(e: Equation) -> Window:
    """What a scatter updates."""
    n, base, updates = e["dimension_numbers"], e.inputs[0].shape, e.inputs[2].shape
    offset, inserted = whole_numbers(n.update_window_dims), whole_numbers(n.inserted_window_dims)
    lanes = whole_numbers(n.operand_batching_dims)
    shown = len(base) - len(inserted) - len(lanes)
    if len(offset) < shown:  # the words of a key
        offset = (*offset, len(updates) - 1)
    left = iter(offset)
    lengths = tuple(1 if k in inserted or k in lanes else updates[next(left)] for k in range(len(base)))
    starts, index_lanes = whole_numbers(n.scatter_dims_to_operand_dims), whole_numbers(n.scatter_indices_batching_dims)
    return Window(lengths, offset, inserted, starts, lanes, index_lanes)


# --- where the windows lie ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Site:
    """Windows in one array: starts of moved axes over the batch axes; `kept` says which lie inside (None: all)."""

    ints: Integers
    shape: Shape
    window: Window
    batch: Shape
    starts: dict[int, int]
    kept: int | None

    @property
    def b(self) -> Builder:
        return self.ints.b

    @property
    def lead(self) -> list[int]:
        """The axes that index arrays address."""
        n = self.window
        moved = {axis for axis, size in enumerate(self.shape) if n.lengths[axis] != size}
        return sorted(moved | set(n.lanes) | (set(n.dropped) & set(n.starts)))

    @property
    def order(self) -> Axes:
        """The axes of the array, the addressed ones first."""
        lead = self.lead
        return (*lead, *(axis for axis in range(len(self.shape)) if axis not in lead))

    @property
    def wide(self) -> list[int]:
        """The addressed axes of which a window takes several places."""
        return [axis for axis in self.lead if self.window.lengths[axis] != 1]

    @property
    def places(self) -> Shape:
        """The shape of the index arrays: batch axes, then windows."""
        return (*self.batch, *(self.window.lengths[axis] for axis in self.wide))

    def indices(self) -> list[int]:
        """One index array per addressed axis."""
        return [self._index(axis) for axis in self.lead]

    def _index(self, axis: int) -> int:
        b, n, places = self.b, self.window, self.places
        if axis in n.lanes:
            along = n.index_lanes[n.lanes.index(axis)]
            return b.broadcast(b.apply("iota", size=self.shape[axis]), places, (along,))
        start = self.starts.get(axis)
        start = b.constant(0, "i64") if start is None else start
        whole = b.broadcast(start, places, tuple(range(b.array_type(start).rank)))
        if axis not in self.wide:
            return whole
        run = b.apply("iota", size=n.lengths[axis])
        return b.apply("add", whole, b.broadcast(run, places, (len(self.batch) + self.wide.index(axis),)))

    def moved(self, x: int) -> int:
        """The array with the addressed axes first."""
        return self.b.apply("transpose", x, axes=self.order)

    def restored(self, x: int) -> int:
        return self.b.apply("transpose", x, axes=tuple(self.order.index(axis) for axis in range(len(self.shape))))

    def _axes_found(self) -> list[tuple[str, int]]:
        rest = [axis for axis in self.order[len(self.lead) :] if axis not in self.window.dropped]
        windows = [("window", axis) for axis in (*self.wide, *rest)]
        return [("batch", k) for k in range(len(self.batch))] + windows

    def _length(self, tag: tuple[str, int]) -> Size:
        kind, axis = tag
        return self.batch[axis] if kind == "batch" else self.window.lengths[axis]

    def to_result(self, found: int, result: ArrayType) -> int:
        """What a gather gives, in the order of the result, with windows of one place as axes of length 1."""
        own = self._axes_found()
        axes = tuple(own.index(tag) for tag in self.window.tags(result.rank) if tag in own)
        short = self.b.apply("reshape", found, shape=tuple(map(self._length, own)))
        return self.b.apply("reshape", self.b.apply("transpose", short, axes=axes), shape=result.shape)

    def from_updates(self, updates: int) -> int:
        """Updates in the order that a scatter wants."""
        own, shape = self._axes_found(), self.b.array_type(updates).shape
        tags = self.window.tags(len(shape))
        shown = [tag for tag in tags if tag in own]
        short = self.b.apply("reshape", updates, shape=tuple(shape[k] for k, tag in enumerate(tags) if tag in own))
        turned = self.b.apply("transpose", short, axes=tuple(shown.index(tag) for tag in own))
        rest = (self.shape[axis] for axis in self.order[len(self.lead) :])
        return self.b.apply("reshape", turned, shape=(*self.places, *rest))

    def masked(self, values: int, otherwise: int) -> int:
        """`values`, which begin with the batch axes, where the window lies in the array."""
        if self.kept is None:
            return values
        shape = self.b.array_type(values).shape
        mask = self.b.broadcast(self.kept, shape, tuple(range(len(self.batch)))) if self.batch else self.kept
        return self.b.apply("where", mask, values, otherwise)


def site_of(b: Builder, shape: Shape, indices: int, window: Window, *, masks: bool, clips: bool = True) -> Site:
    """The windows of a gather or scatter; `masks` asks which of them lie in the array, `clips` moves them into it."""
    ints = Integers(b)
    *batch, _ = b.array_type(indices).shape
    starts: dict[int, int] = {}
    kept: int | None = None
    for column, axis in enumerate(window.starts):
        part = slice_axis(b, indices, len(batch), column, column + 1)
        start = ints.settled(b.apply("reshape", part, shape=tuple(batch)))
        limit = shape[axis] - window.lengths[axis]
        fits = inside(ints, start, limit) if masks else None
        if fits is not None:
            kept = fits if kept is None else b.apply("logical_and", kept, fits)
        if limit or axis in window.dropped:
            starts[axis] = fitted(ints, start, limit) if clips else start
    return Site(ints, shape, window, tuple(batch), starts, kept)
