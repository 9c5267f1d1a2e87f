"""Gathers, scatters and dynamic slices in jaxprs become rows that index leading axes, and blocks.

Indices are kept in range by explicit steps: what JAX clips is clipped, what it fills or drops is masked. Without batch
axes among the indices there is one block (`places`); otherwise there are index arrays (`sites`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..constants import numpy_dtype
from ..sizes import known, product
from .integers import Integers
from .places import Shape, add_block, read_block, slice_axis, write_block
from .rule import Equation, Rule
from .sites import Site, Window, gather_window, lengths_of, scatter_window, site_of

if TYPE_CHECKING:
    from ..builder import Builder


# --- gather ---------------------------------------------------------------------------------------------------------


def _gather(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    mode = _mode(e)
    window = gather_window(e)
    base = x[0]
    for axis, (size, length) in enumerate(zip(e.inputs[0].shape, window.lengths, strict=True)):
        if length != size and axis not in window.starts and axis not in window.lanes:
            base = slice_axis(b, base, axis, 0, length)
    (result,) = e.outputs
    if result.elements == 0:
        return b.zeros(result)
    site = site_of(b, b.array_type(base).shape, x[1], window, masks=mode == "FILL_OR_DROP")
    if not site.batch:
        found = b.apply("reshape", read_block(site.ints, base, site.starts, window.lengths), shape=result.shape)
        return site.masked(found, _filling(b, e)) if site.kept is not None else found
    places = site.indices()
    found = b.apply("gather", site.moved(base), *places, proved=True) if places else _repeated(site, base)
    if site.kept is not None:
        found = site.masked(found, _filling(b, e))
    return site.to_result(found, result)


def _repeated(site: Site, base: int) -> int:
    """The whole array for every window."""
    rank = len(site.batch)
    return site.b.broadcast(base, (*site.batch, *site.shape), tuple(range(rank, rank + len(site.shape))))


def _mode(e: Equation) -> str:
    mode = e["mode"]
    name = str(getattr(mode, "name", mode))
    if name not in ("CLIP", "FILL_OR_DROP", "PROMISE_IN_BOUNDS"):
        raise e.refuse(f"does not know the mode {name}", 'use the mode "clip", "fill" or "promise_in_bounds"')
    return name


def _filling(b: Builder, e: Equation) -> int:
    """What stands for windows outside: NaN, the least signed and the greatest unsigned number, or what is asked for."""
    dtype, value = e.outputs[0].dtype, e["fill_value"]
    kind = numpy_dtype(dtype).kind
    if value is None:
        ends = np.iinfo(numpy_dtype(dtype)) if kind in "iu" else None
        value = True if kind == "b" else float("nan") if ends is None else ends.min if kind == "i" else ends.max
    return b.constant(np.asarray(value).astype(numpy_dtype(dtype)).item(), dtype)


# --- scatter --------------------------------------------------------------------------------------------------------

_JOINS = {"mul": "mul", "min": "minimum", "max": "maximum"}


def _scatter(kind: str) -> Any:
    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        base, indices, updates = x
        if kind == "set" and e["update_jaxpr"] is not None:
            raise e.refuse("applies a function at indices", "read, apply the function and write with .at[…].set")
        if e.inputs[2].elements == 0:
            return base
        window, drops = scatter_window(e), _mode(e) != "CLIP"
        shape = b.array_type(base).shape
        if kind == "sub":
            updates = b.apply("neg", updates)
        how = "add" if kind == "sub" else kind
        if e.inputs[1].rank == 1:
            return _scatter_one(site_of(b, shape, indices, window, masks=drops), how, base, updates)
        if how == "add":
            return _scatter_add(site_of(b, shape, indices, window, masks=drops), base, updates)
        masks = _needs_masks(window, shape)
        site = site_of(b, shape, indices, window, masks=drops and masks, clips=masks or not drops)
        return _scatter_many(site, how, e, base, updates)

    return write


def _scatter_one(site: Site, how: str, base: int, updates: int) -> int:
    """One window: its block is read, joined with the updates and written."""
    b, ints = site.b, site.ints
    values = b.apply("reshape", updates, shape=site.window.lengths)
    if how == "add":
        zero = b.constant(0, b.array_type(values).dtype)
        return add_block(ints, base, site.masked(values, zero), site.starts)
    if how != "set" or site.kept is not None:
        old = read_block(ints, base, site.starts, site.window.lengths)
        values = site.masked(values if how == "set" else b.apply(_JOINS[how], old, values), old)
    return write_block(ints, base, values, site.starts)


def _scatter_add(site: Site, base: int, updates: int) -> int:
    b, values = site.b, site.from_updates(updates)
    values = site.masked(values, b.constant(0, b.array_type(values).dtype))
    if not site.lead:
        return b.apply("add", base, b.apply("reduce_sum", values, axes=tuple(range(len(site.batch)))))
    return site.restored(b.apply("scatter_add", site.moved(base), values, *site.indices(), proved=True))


def _scatter_many(site: Site, how: str, e: Equation, base: int, updates: int) -> int:
    """Many windows, joined by a row that drops what lies outside."""
    b, places = site.b, site.indices()
    if not places:
        raise e.refuse("writes the whole array several times", "write the array once")
    if site.kept is not None:
        mask = b.broadcast(site.kept, site.places, tuple(range(len(site.batch))))
        places[0] = b.apply("where", mask, places[0], b.constant(-1, "i64"))
    params: dict[str, Any] = {}
    if how in ("set", "mul"):
        params["distinct"] = bool(e["unique_indices"]) or _are_distinct(site, places)
    name = "scatter_last" if how == "set" else f"scatter_{how}"
    if how == "set" and params["distinct"] and _are_in_range(site, places):
        name, params = "scatter", {"proved": True}
    return site.restored(b.apply(name, site.moved(base), site.from_updates(updates), *places, **params))


def _needs_masks(window: Window, shape: Shape) -> bool:
    """Whether windows must be dropped as a whole: single places outside are dropped by the rows themselves."""
    wide = any(1 != length != size for length, size in zip(window.lengths, shape, strict=True))
    return wide or any(window.lengths[axis] == shape[axis] and axis not in window.dropped for axis in window.starts)


def _are_in_range(site: Site, places: list[int]) -> bool:
    found = [site.ints.bounds(place) for place in places]
    sizes = [known(site.shape[axis]) for axis in site.lead]
    return all(part is not None and 0 <= part[0] and part[1] < size for part, size in zip(found, sizes, strict=True))


def _are_distinct(site: Site, places: list[int]) -> bool:
    """Whether no place is written twice, as far as that is known."""
    values = [site.ints.value(place) for place in places]
    known = [value.ravel() for value in values if value is not None]
    if product(site.places) == 1:
        return True
    return len(known) == len(values) and len(np.unique(np.stack(known), axis=1).T) == known[0].size


# --- dynamic slices -------------------------------------------------------------------------------------------------


def _starts(b: Builder, slots: tuple[int, ...]) -> tuple[Integers, dict[int, int]]:
    ints = Integers(b)
    return ints, {axis: ints.settled(slot) for axis, slot in enumerate(slots)}


def _dynamic_slice(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    lengths = lengths_of(e["slice_sizes"])
    if len(x) != 1 + len(lengths):
        raise e.refuse("has lengths that are computed", "give the lengths of the slice as numbers")
    ints, starts = _starts(b, x[1:])
    return read_block(ints, x[0], starts, (*lengths, *e.inputs[0].shape[len(lengths) :]))


def _dynamic_update_slice(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    ints, starts = _starts(b, x[2:])
    return write_block(ints, x[0], x[1], starts)


_SCATTER = Rule(
    _gather,
    reads=("dimension_numbers", "unique_indices", "mode", "update_jaxpr"),
    ignores=("indices_are_sorted", "update_consts"),
)


def _scatter_rule(kind: str) -> Rule:
    return Rule(_scatter(kind), reads=_SCATTER.reads, ignores=_SCATTER.ignores)


RULES: dict[str, Rule] = {
    "gather": Rule(
        _gather,
        reads=("dimension_numbers", "slice_sizes", "mode", "fill_value"),
        ignores=("unique_indices", "indices_are_sorted"),
    ),
    "scatter": _scatter_rule("set"),
    **{f"scatter{dash}{kind}": _scatter_rule(kind) for dash in "-_" for kind in ("add", "sub", "mul", "min", "max")},
    "dynamic_slice": Rule(_dynamic_slice, reads=("slice_sizes",)),
    "dynamic_update_slice": Rule(_dynamic_update_slice),
}
