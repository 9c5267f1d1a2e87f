"""Primitives that put the same elements elsewhere: other strides over the same memory where that is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llvmlite import ir

from ...lang.ir import ArrayType
from .code import Code, Number
from .dtypes import llvm_type
from .memory import (
    Array,
    Computed,
    Half,
    Indices,
    Stored,
    Target,
    Value,
    allocate,
    deliver,
    fill,
    known,
    lengths,
    put,
    read,
    row_major,
    stored,
)
from .site import Site, WriteArray


def _broadcast(site: Site, x: Value) -> Value:
    axes = site.op.integers("axes")
    if isinstance(x, Stored):
        strides = [0] * len(site.shape)
        for axis, stride in zip(axes, x.strides, strict=True):
            strides[axis] = stride
        return replace(x, type=site.result, strides=tuple(strides))
    zero = isinstance(x, ir.Constant) and _is_zero(x)
    return Computed(site.result, lambda code, at: read(code, x, tuple(at[axis] for axis in axes)), free=True, zero=zero)


def _is_zero(x: ir.Constant) -> bool:
    return not isinstance(x.type, ir.VectorType) and str(x.constant) in ("0", "0.0", "False")


def _free(x: Value) -> bool:
    return not isinstance(x, Computed) or x.free


def _transpose(site: Site, x: Array) -> Value:
    axes = site.op.integers("axes")
    if isinstance(x, Stored):
        return replace(x, type=site.result, strides=tuple(x.strides[axis] for axis in axes))
    places = tuple(axes.index(axis) for axis in range(len(axes)))
    return Computed(site.result, lambda code, at: x.at(code, tuple(at[k] for k in places)), x.free, x.zero)


def _slice(site: Site, x: Array) -> Value:
    starts = [known(start) for start in site.op.sizes("starts")]
    if isinstance(x, Stored):
        return _moved(site, x, sum(a * s for a, s in zip(starts, x.strides, strict=True)), x.strides)
    return Computed(
        site.result,
        lambda code, at: x.at(code, tuple(code.plus(i, code.integer(a)) for i, a in zip(at, starts, strict=True))),
        x.free,
        x.zero,
    )


def _reverse(site: Site, x: Array) -> Value:
    axes = site.op.integers("axes")
    last = [size - 1 if axis in axes else 0 for axis, size in enumerate(site.shape)]
    if isinstance(x, Stored) and 0 not in site.shape:
        strides = tuple(-s if axis in axes else s for axis, s in enumerate(x.strides))
        return _moved(site, x, sum(a * s for a, s in zip(last, x.strides, strict=True)), strides)

    def at(code: Code, indices: Indices) -> Number:
        turned = [code.b.sub(code.integer(last[axis], i), i) if axis in axes else i for axis, i in enumerate(indices)]
        return read(code, x, tuple(turned))

    return Computed(site.result, at, _free(x))


def _moved(site: Site, x: Stored, offset: int, strides: tuple[int, ...]) -> Stored:
    inner = replace(x, type=x.type.with_shape(()), strides=())
    pointer = x.pointer if not offset else site.code.at(inner.pointer, x.type.dtype, offset)
    return replace(x, type=site.result, pointer=pointer, strides=strides)


def _reshape(site: Site, x: Value) -> Value:
    if not isinstance(x, (Stored, Computed)):
        return Computed(site.result, lambda code, at: x, free=True)
    if isinstance(x, Stored) and x.dense:
        unit = x.strides[-1] if x.strides else (site.code.lanes if x.packed else 1)
        if not site.result.shape:
            return read(site.code, x, (site.code.integer(0),) * len(x.strides))
        return replace(x, type=site.result, strides=tuple(unit * step for step in row_major(site.shape)))
    if not site.result.shape:
        return read(site.code, x, (site.code.integer(0),) * len(x.shape))
    kept = [size for size in x.shape if size != 1] == [size for size in site.shape if size != 1]
    if kept:
        return _relabelled(site, x)
    solid = stored(site.code, x, site.operands[0]) if not isinstance(x, Stored) else _copied(site, x)
    return _reshape(site, solid)


def _relabelled(site: Site, x: Array) -> Value:
    """Axes of length 1 come and go."""
    places = [axis for axis, size in enumerate(site.shape) if size != 1]
    zero = site.code.integer(0)

    def at(code: Code, indices: Indices) -> Number:
        rest = iter(places)
        return read(code, x, tuple(zero if size == 1 else indices[next(rest)] for size in x.shape))

    return Computed(site.result, at, _free(x))


def _copied(site: Site, x: Stored) -> Stored:
    target = Target(allocate(site.code, x.type, "copy"))
    deliver(site.code, x, target)
    return target.place


def _iota(site: Site) -> Value:
    return Computed(site.result, lambda code, at: at[0], free=True)


def _pad(site: Site, x: Value) -> Value:
    target, low = site.target(), [known(a) for a in site.op.sizes("low")]
    fill(site.code, target.place, 0)
    _place(site, target, x, site.operands[0], low)
    return target.place


def _concat(site: Site, *xs: Value) -> Value:
    target, axis = site.target(), site.op.integer("axis")
    start = [0] * len(site.shape)
    for x, type_ in zip(xs, site.operands, strict=True):
        _place(site, target, x, type_, start)
        start[axis] += lengths(type_)[axis]
    return target.place


def _place(site: Site, target: Target, x: Value, type_: ArrayType, start: Sequence[int]) -> None:
    """An array as a block of the result."""
    code = site.code

    def one(at: Indices) -> None:
        moved = tuple(code.plus(i, code.integer(a)) for i, a in zip(at, start, strict=True))
        put(code, target, moved, read(code, x, at))

    code.loops(lengths(type_), one)


def _triangle(site: Site, x: Array) -> Value:
    offset, lower = site.op.integer("offset"), site.op["lower"]

    def at(code: Code, indices: Indices) -> Number:
        edge = code.plus(indices[-2], code.integer(offset))
        left, right = code.alike(indices[-1], edge)
        kept = code.b.icmp_signed("<=" if lower else ">=", left, right)
        return code.select(kept, read(code, x, indices), code.literal(0, llvm_type(site.result.dtype)))

    whole = offset == 0 and len(site.shape) == 2
    return Computed(site.result, at, _free(x), half=Half(bool(lower), x) if whole else None)


MOVES: Mapping[str, WriteArray] = {
    "broadcast": _broadcast,
    "transpose": _transpose,
    "slice": _slice,
    "reverse": _reverse,
    "reshape": _reshape,
    "iota": _iota,
    "pad": _pad,
    "concat": _concat,
    "triangle": _triangle,
}
