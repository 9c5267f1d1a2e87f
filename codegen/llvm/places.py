"""Reading and writing at computed places: an index out of range reads NaN (0) and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...lang.ir import ArrayType
from .code import Code, Number, lanes_of
from .memory import Computed, Indices, Stored, Value, deliver, lengths, missing, put, read, write
from .site import Combine, Site, WriteArray, added, by


@dataclass(frozen=True)
class Place:
    """Computed indices: where they point when in range (anywhere else otherwise), and whether they are."""

    indices: Indices
    valid: Number | None


def _checked(site: Site, code: Code, indices: Sequence[Number], shape: Sequence[int]) -> Place:
    """Indices, those of the last operands, kept in range."""
    dtypes = [type_.dtype for type_ in site.operands[len(site.operands) - len(indices) :]]
    wide = [code.as_index(i, dtype) for i, dtype in zip(indices, dtypes, strict=True)]
    if dict(site.op.params).get("proved") is True and not code.guarded:
        return Place(tuple(wide), None)
    safe, valid = [], None
    for i, size in zip(wide, shape, strict=False):
        inside = code.b.icmp_unsigned("<", i, code.integer(size, i))
        safe.append(code.select(inside, i, code.integer(0, i)))
        valid = inside if valid is None else code.b.and_(*code.alike(valid, inside))
    return Place(tuple(safe), valid)


def _gather(site: Site, x: Value, *indices: Value) -> Value:
    source, code = site.memory(x, 0), site.code
    shape, dtype = source.shape, site.result.dtype
    spread = len(site.operands[1].shape)
    if 0 in shape[: len(indices)]:
        return _repeated(site, missing(code, dtype))

    def at(code: Code, places: Indices) -> Number:
        place = _checked(site, code, [read(code, i, places[:spread]) for i in indices], shape)
        found = read(code, source, (*place.indices, *places[spread:]))
        return found if place.valid is None else code.select(place.valid, found, missing(code, dtype))

    if not site.result.shape:
        return at(code, ())
    if spread:
        return Computed(site.result, at)
    place = _checked(site, code, [read(code, i) for i in indices], shape)
    return _row(code, source, place, site.result)


def _repeated(site: Site, x: Number) -> Value:
    return Computed(site.result, lambda code, at: x, free=True) if site.result.shape else x


def _row(code: Code, x: Stored, place: Place, type_: ArrayType, *, keep: bool = False) -> Stored:
    """The part of an array behind leading indices, or (`keep`) from there on, all axes kept."""
    number = len(place.indices)
    offset = code.offset(place.indices, x.strides[:number])
    found = replace(x, type=type_, strides=x.strides if keep else x.strides[number:])
    if lanes_of(offset):
        spread = code.lane_numbers() if x.packed else x.spread
        found = replace(found, spread=offset if spread is None else code.plus(offset, spread), packed=False)
    else:
        found = replace(found, pointer=code.at(x.pointer, x.type.dtype, offset))
    if place.valid is None:
        return found
    valid = place.valid if x.valid is None else code.b.and_(*code.alike(place.valid, x.valid))
    return replace(found, valid=valid)


def _update(combine: Combine) -> WriteArray:
    """`base` with values combined into it at indices, one after another."""

    def run(site: Site, base: Value, values: Value, *indices: Value) -> Value:
        code = site.code
        goal = site.goal
        direct = goal is not None and goal.adds and isinstance(base, Computed) and base.zero and combine is added
        target = goal if direct and goal is not None else site.target()
        if not direct:
            deliver(code, base, target)
        if 0 in site.shape[: len(indices)]:
            return target.place
        spread = len(site.operands[2].shape) if indices else 0
        shape = lengths(site.operands[1])

        def one(at: Indices) -> None:
            place = _checked(site, code, [read(code, i, at[:spread]) for i in indices], site.shape)
            where = (*place.indices, *at[spread:])
            value = read(code, values, at)
            if direct:
                if place.valid is not None:
                    value = code.select(place.valid, value, code.literal(0, value.type))
                put(code, target, where, value)
                return
            old = read(code, target.place, where)
            new = combine(site, code, old, value)
            write(code, target.place, where, new if place.valid is None else code.select(place.valid, new, old))

        code.loops(shape, one)
        return target.place

    return run


def _replaced(site: Site, code: Code, old: Number, new: Number) -> Number:
    return new


def _corner(site: Site, shape: Sequence[int], block: Sequence[int], starts: Sequence[Value]) -> Indices:
    """Where a block begins on every axis, its starts moved so that it lies in the array."""
    code, types = site.code, site.operands[len(site.operands) - len(starts) :]
    corner: list[Number] = [code.integer(0)] * len(shape)
    for axis, start, type_ in zip(site.op.integers("axes"), starts, types, strict=True):
        i, last = code.as_index(read(code, start), type_.dtype), code.integer(shape[axis] - block[axis])
        raised = code.select(code.b.icmp_signed("<", *code.alike(i, code.integer(0))), code.integer(0), i)
        corner[axis] = code.select(code.b.icmp_signed(">", *code.alike(raised, last)), last, raised)
    return tuple(corner)


def _block_read(site: Site, x: Value, *starts: Value) -> Value:
    source, code = site.memory(x, 0), site.code
    corner = _corner(site, source.shape, site.shape, starts)
    return _row(code, source, Place(corner, None), site.result, keep=True)


def _block(combine: Combine) -> WriteArray:
    """`base` with a block combined into it."""

    def run(site: Site, base: Value, values: Value, *starts: Value) -> Value:
        code, target = site.code, site.target()
        deliver(code, base, target)
        shape = lengths(site.operands[1])
        corner = _corner(site, site.shape, shape, starts)

        def one(at: Indices) -> None:
            where = tuple(code.plus(i, start) for i, start in zip(at, corner, strict=True))
            new = combine(site, code, read(code, target.place, where), read(code, values, at))
            write(code, target.place, where, new)

        code.loops(shape, one)
        return target.place

    return run


PLACES: Mapping[str, WriteArray] = {
    "gather": _gather,
    "scatter_add": _update(added),
    "scatter": _update(_replaced),
    "scatter_last": _update(_replaced),
    "scatter_max": _update(by("maximum")),
    "scatter_min": _update(by("minimum")),
    "scatter_mul": _update(by("mul")),
    "block_read": _block_read,
    "block_write": _block(_replaced),
    "block_add": _block(added),
}
