"""Reductions, running reductions and orders in jaxprs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..constants import numpy_dtype
from ..ir import Apply, ArrayType, Program
from ..sizes import known
from .integers import Integers
from .places import slice_axis
from .rule import Equation, Rule, Write
from .sites import whole_numbers

if TYPE_CHECKING:
    from ..builder import Builder

Join = Callable[["Builder", int, tuple[int, ...]], int]


# --- monoids --------------------------------------------------------------------------------------------------------


def _row(name: str) -> Join:
    return lambda b, x, axes: b.apply(name, x, axes=axes)


def _extremum(name: str, on_truth: str) -> Join:
    """A greatest or least element; of no elements the one that every other beats."""

    def fold(b: Builder, x: int, axes: tuple[int, ...]) -> int:
        type_ = b.array_type(x)
        if type_.dtype == "bool":
            return b.apply(on_truth, x, axes=axes)
        if any(type_.shape[axis] == 0 for axis in axes):
            kept = tuple(size for axis, size in enumerate(type_.shape) if axis not in axes)
            return b.full(identity(name.removeprefix("reduce_"), type_.dtype), type_.with_shape(kept))
        return b.apply(name, x, axes=axes)

    return fold


def _logic(on_truth: str, join: str) -> Join:
    """A reduction of truth values, or of the bits of whole numbers by halves."""

    def fold(b: Builder, x: int, axes: tuple[int, ...]) -> int:
        return b.apply(on_truth, x, axes=axes) if b.array_type(x).dtype == "bool" else _by_halves(b, x, axes, join)

    return fold


def _parity(b: Builder, x: int, axes: tuple[int, ...]) -> int:
    if b.array_type(x).dtype != "bool":
        return _by_halves(b, x, axes, "bit_xor")
    count = b.apply("reduce_sum", b.apply("convert", x, dtype="i64"), axes=axes)
    return b.apply("eq", b.apply("mod", count, b.constant(2, "i64")), b.constant(1, "i64"))


def _by_halves(b: Builder, x: int, axes: tuple[int, ...], join: str) -> int:
    """Join the two halves of one axis after another, as often as it takes."""
    for axis in sorted(axes, reverse=True):
        if b.array_type(x).shape[axis] == 0:
            kept = b.array_type(x).with_shape(tuple(n for k, n in enumerate(b.array_type(x).shape) if k != axis))
            x = b.full(identity(join, kept.dtype), kept)
            continue
        while (length := known(b.array_type(x).shape[axis])) > 1:
            half = length // 2
            joined = b.apply(join, slice_axis(b, x, axis, 0, half), slice_axis(b, x, axis, half, 2 * half))
            odd = [slice_axis(b, x, axis, 2 * half, length)] if length % 2 else []
            x = b.apply("concat", joined, *odd, axis=axis)
        shape = b.array_type(x).shape
        x = b.apply("reshape", x, shape=(*shape[:axis], *shape[axis + 1 :]))
    return x


MONOIDS: Mapping[str, tuple[str, Join]] = {  # what joins two elements: its common name, and how to join many
    "add": ("add", _row("reduce_sum")),
    "mul": ("mul", _row("reduce_prod")),
    "maximum": ("max", _extremum("reduce_max", "reduce_any")),
    "minimum": ("min", _extremum("reduce_min", "reduce_all")),
    "logical_and": ("and", _row("reduce_all")),
    "logical_or": ("or", _row("reduce_any")),
    "bit_and": ("and", _logic("reduce_all", "bit_and")),
    "bit_or": ("or", _logic("reduce_any", "bit_or")),
}


def identity(name: str, dtype: str) -> float | int | bool:
    """What changes nothing: the neutral element of a monoid.

    >>> identity("mul", "f64"), identity("max", "int8")
    (1, -128)
    """
    kind = numpy_dtype(dtype).kind
    if name in ("add", "or", "bit_or", "bit_xor", "mul"):
        one = name == "mul"
        return bool(one) if kind == "b" else int(one)
    if name in ("and", "bit_and"):
        return True if kind == "b" else -1 if kind == "i" else int(np.iinfo(numpy_dtype(dtype)).max)
    if kind in "iu":
        ends = np.iinfo(numpy_dtype(dtype))
        return int(ends.min if name == "max" else ends.max)
    return name == "min" if kind == "b" else float("-inf") if name == "max" else float("inf")


def monoid(program: Program) -> str | None:
    """The primitive that a program of two scalars applies to them, if it joins elements in any order."""
    if len(program.inputs) != 2 or len(program.steps) != 1 or program.outputs != (2,):
        return None
    op, operands = program.steps[0].op, program.steps[0].operands
    known = isinstance(op, Apply) and op.primitive in MONOIDS and sorted(operands) == [0, 1]
    return op.primitive if known and isinstance(op, Apply) else None


def is_neutral(b: Builder, slot: int, join: str) -> bool:
    """Whether a scalar is known to change nothing."""
    type_ = b.array_type(slot)
    wanted = identity(MONOIDS[join][0], type_.dtype)
    found = b.scalar(slot)
    if found is None:
        value = Integers(b).value(slot)
        found = None if value is None else value.item()
    return found is not None and found == wanted


# --- reductions -----------------------------------------------------------------------------------------------------


def _reduce(fold: Join) -> Write:
    return lambda b, e, x: fold(b, x[0], tuple(sorted(whole_numbers(e["axes"]))))


def _general(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
    """A reduction that a function of two elements states; the start is one more element."""
    join = monoid(e.program(e["jaxpr"])) if len(x) == 2 else None
    if join is None:
        raise e.refuse(
            "reduces by a function that is not one of add, mul, max, min, and, or",
            "use a reduction of jax.numpy, or lax.scan",
        )
    found = MONOIDS[join][1](b, x[0], tuple(sorted(whole_numbers(e["dimensions"]))))
    return found if is_neutral(b, x[1], join) else b.apply(join, found, x[1])


def _place(name: str) -> Write:
    def write(b: Builder, e: Equation, x: tuple[int, ...]) -> int:
        (axis,) = whole_numbers(e["axes"])
        value = b.apply("convert", x[0], dtype="int32") if e.inputs[0].dtype == "bool" else x[0]
        return b.apply("convert", b.apply(name, value, axis=axis), dtype=e.outputs[0].dtype)

    return write


def _running(name: str) -> Write:
    return lambda b, e, x: b.apply(name, x[0], axis=int(e["axis"]), reverse=bool(e["reverse"]))


# --- orders ---------------------------------------------------------------------------------------------------------


def along(b: Builder, x: int, places: int, axis: int) -> int:
    """The elements whose positions along one axis `places` names."""
    type_, shape = b.array_type(x), b.array_type(places).shape
    indices = [
        places if k == axis else b.broadcast(b.apply("iota", size=size), shape, (k,))
        for k, size in enumerate(type_.shape)
    ]
    return b.apply("gather", x, *indices, proved=True)


def _sort(b: Builder, e: Equation, x: tuple[int, ...]) -> list[int]:
    """Operands in the order of the first `num_keys` of them, the first key counting most."""
    axis, keys = int(e["dimension"]), int(e["num_keys"])
    if len(x) == 1:
        return [b.apply("sort", x[0], axis=axis)]
    places = b.apply("argsort", x[keys - 1], axis=axis)
    for key in reversed(x[: keys - 1]):
        order = b.apply("argsort", along(b, key, places, axis), axis=axis)
        places = along(b, places, order, axis)
    return [_moved(b, slot, places, axis) for slot in x]


def _moved(b: Builder, slot: int, places: int, axis: int) -> int:
    """One operand of a sort; the numbers 0, 1, … along the axis become the places themselves."""
    if _counts_along(b, slot, axis):
        return b.apply("convert", places, dtype=b.array_type(slot).dtype)
    return along(b, slot, places, axis)


def _counts_along(b: Builder, slot: int, axis: int) -> bool:
    """Whether a slot holds 0, 1, … along an axis, repeated along the others."""
    step = b.definition(slot)
    if step is None or not isinstance(step.op, Apply):
        return False
    match step.op.primitive:
        case "iota":
            return axis == 0
        case "convert":
            return _counts_along(b, step.operands[0], axis)
        case "broadcast" if step.op.integers("axes") == (axis,):
            return _counts_along(b, step.operands[0], 0)
        case _:
            return False


def _top(b: Builder, x: int, k: int, axis: int, places_type: ArrayType) -> list[int]:
    places = b.apply("top_places", x, axis=axis, k=k)
    return [along(b, x, places, axis), b.apply("convert", places, dtype=places_type.dtype)]


def _top_k(b: Builder, e: Equation, x: tuple[int, ...]) -> list[int]:
    axis = int(e.params.get("axis", e.inputs[0].rank - 1))
    return _top(b, x[0], int(e["k"]), axis, e.outputs[1])


def _approximate_top_k(b: Builder, e: Equation, x: tuple[int, ...]) -> list[int]:
    """The exact answer, which every recall allows."""
    axis, k = int(e["reduction_dimension"]) % e.inputs[0].rank, int(e["k"])
    if e.outputs[0].shape[axis] != k:
        raise e.refuse("leaves more candidates than asked for", "pass aggregate_to_topk=True")
    if e["is_max_k"]:
        return _top(b, x[0], k, axis, e.outputs[1])
    places = slice_axis(b, b.apply("argsort", x[0], axis=axis), axis, 0, k)
    return [along(b, x[0], places, axis), b.apply("convert", places, dtype=e.outputs[1].dtype)]


_SORT = Rule(_sort, reads=("dimension", "num_keys"), ignores=("is_stable",))
_RUNNING: dict[str, Any] = {
    name: Rule(_running(name), reads=("axis", "reverse"))
    for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
}

RULES: dict[str, Rule] = {
    "reduce_sum": Rule(_reduce(_row("reduce_sum")), reads=("axes",), ignores=("out_sharding",)),
    "reduce_prod": Rule(_reduce(_row("reduce_prod")), reads=("axes",), ignores=("out_sharding",)),
    "reduce_max": Rule(_reduce(MONOIDS["maximum"][1]), reads=("axes",), ignores=("out_sharding",)),
    "reduce_min": Rule(_reduce(MONOIDS["minimum"][1]), reads=("axes",), ignores=("out_sharding",)),
    "reduce_and": Rule(_reduce(MONOIDS["bit_and"][1]), reads=("axes",), ignores=("out_sharding",)),
    "reduce_or": Rule(_reduce(MONOIDS["bit_or"][1]), reads=("axes",), ignores=("out_sharding",)),
    "reduce_xor": Rule(_reduce(_parity), reads=("axes",), ignores=("out_sharding",)),
    "reduce": Rule(_general, reads=("jaxpr", "dimensions"), ignores=("computation", "out_sharding")),
    "argmax": Rule(_place("argmax"), reads=("axes",), ignores=("index_dtype",)),
    "argmin": Rule(_place("argmin"), reads=("axes",), ignores=("index_dtype",)),
    **_RUNNING,
    "sort": _SORT,
    "top_k": Rule(_top_k, reads=("k", "axis"), ignores=("is_stable",)),
    "approx_top_k": Rule(
        _approximate_top_k,
        reads=("k", "reduction_dimension", "is_max_k"),
        ignores=("recall_target", "reduction_input_size_override", "aggregate_to_topk"),
    ),
}
