"""Windows and convolutions in native code: for every position of a window, loops over what it sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...lang.primitives.sliding import Slide, conv_slides, slides
from .code import Code, Number
from .dtypes import is_float
from .memory import Indices, Value, lengths, read, row_major
from .reductions import Start, greatest, least
from .site import Combine, Site, WriteArray, accumulate, by, combined, elementwise_result


@dataclass(frozen=True)
class Seen:
    """Where an element of a window stands in the array, and whether it does (None: always)."""

    places: Indices
    there: Number | None


def _seen(code: Code, windows: Sequence[Slide], positions: Indices, offsets: Indices) -> Seen:
    places, there = [], None
    for slide, position, offset in zip(windows, positions, offsets, strict=True):
        place = code.plus(code.times(position, slide.stride), code.times(offset, slide.window_dilation))
        place = code.plus(place, code.integer(-slide.low))
        if slide.low <= 0 and slide.high <= 0 and slide.base_dilation == 1:
            places.append(place)
            continue
        inside = code.b.icmp_signed(">=", place, code.integer(0, place))
        if slide.base_dilation > 1:
            step = code.integer(slide.base_dilation, place)
            inside = code.b.and_(inside, code.b.icmp_signed("==", code.b.srem(place, step), code.integer(0, place)))
            place = code.b.sdiv(place, step)
        inside = code.b.and_(inside, code.b.icmp_signed("<", place, code.integer(slide.size, place)))
        places.append(code.select(inside, place, code.integer(0, place)))
        there = inside if there is None else code.b.and_(*code.alike(there, inside))
    return Seen(tuple(places), there)


def _where(code: Code, seen: Seen, new: Number, old: Number) -> Number:
    return new if seen.there is None else code.select(seen.there, new, old)


def _window(start: Start, combine: Combine) -> WriteArray:
    """All elements under a window combined."""

    def run(site: Site, x: Value) -> Value:
        windows = slides(site.operands[0].shape, site.op.params)
        dtype = site.result.dtype
        empty = any(slide.size == 0 for slide in windows)

        def at(code: Code, positions: Indices) -> Number:
            def step(total: Number, offsets: Indices) -> Number:
                seen = _seen(code, windows, positions, offsets)
                return _where(code, seen, combine(site, code, total, read(code, x, seen.places)), total)

            return accumulate(code, dtype, start(dtype), [0 if empty else slide.window for slide in windows], step)

        return elementwise_result(site, at)

    return run


def _window_place(site: Site, x: Value) -> Value:
    """The flat place of the first extreme under each window, a NaN counting as one; -1 when it sees nothing."""
    type_ = site.operands[0]
    windows = slides(type_.shape, site.op.params)
    shape = lengths(type_)
    strides = row_major(shape)

    def at(code: Code, positions: Indices) -> Number:
        def step(best: Number, offsets: Indices) -> Number:
            b = code.b
            seen = _seen(code, windows, positions, offsets)
            flat = code.offset(seen.places, strides)
            none = b.icmp_signed("<", best, code.integer(0, best))
            known = code.select(none, code.integer(0, best), best)
            here, there = read(code, x, seen.places), read(code, x, _unflat(code, known, shape))
            wins = combined(site, code, "gt" if site.op["greatest"] else "lt", type_.dtype, here, there)
            if is_float(type_.dtype):
                here, there = code.alike(here, there)
                new = b.and_(b.fcmp_unordered("uno", here, here), b.fcmp_ordered("ord", there, there))
                wins = b.or_(wins, new)
            wins = b.or_(*code.alike(wins, none))
            return _where(code, seen, code.select(wins, flat, best), best)

        return accumulate(code, "i64", -1, [0 if 0 in shape else slide.window for slide in windows], step)

    return elementwise_result(site, at)


def _unflat(code: Code, place: Number, shape: Sequence[int]) -> Indices:
    """The indices of a flat place."""
    found = []
    for stride, size in zip(row_major(shape), shape, strict=True):
        found.append(code.b.urem(code.b.udiv(place, code.integer(stride, place)), code.integer(size, place)))
    return tuple(found)


def _conv(site: Site, x: Value, kernel: Value) -> Value:
    """``[N, C, …], [O, I, …] -> [N / batch groups, O, …]``."""
    left, right = site.operands
    windows = conv_slides(left.shape, right.shape, site.op.params)
    features, batches = site.op.integer("feature_groups"), site.op.integer("batch_groups")
    outputs, inputs = lengths(right)[:2]
    batch, own = lengths(left)[0] // batches, outputs // (features * batches)
    inner = [inputs, *(slide.window for slide in windows)]
    if any(slide.size == 0 for slide in windows):
        inner = [0, *inner[1:]]

    def at(code: Code, result: Indices) -> Number:
        n, o, *positions = result
        group = code.b.udiv(o, code.integer(own, o)) if features * batches > 1 else code.integer(0)
        first = code.times(group, inputs) if features > 1 else code.integer(0)
        lane = code.plus(n, code.times(group, batch)) if batches > 1 else n

        def step(total: Number, over: Indices) -> Number:
            i, *offsets = over
            seen = _seen(code, windows, tuple(positions), tuple(offsets))
            one = read(code, x, (lane, code.plus(first, i), *seen.places))
            product = code.mul(one, read(code, kernel, (o, i, *offsets)))
            if seen.there is not None:
                product = code.select(seen.there, product, code.literal(0, product.type))
            return code.gathered(total, product)

        return accumulate(code, site.result.dtype, 0, inner, step)

    return elementwise_result(site, at)


SLIDING: Mapping[str, WriteArray] = {
    "window_sum": _window(lambda dtype: 0, by("add")),
    "window_max": _window(least, by("maximum")),
    "window_min": _window(greatest, by("minimum")),
    "window_place": _window_place,
    "conv": _conv,
}
