"""Sorting: keys enter, their places in order leave, by merging ever longer runs, which keeps equal keys in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llvmlite import ir

from ...lang.ir import ArrayType
from .code import Code, Number
from .dtypes import is_float, width
from .memory import Indices, Stored, Value, allocate, lengths, put, read, variable, write
from .site import Site, WriteArray

Before = Callable[[Site, Number, Number], Number]


def _order(site: Site, key: Callable[[Code, Number], Number], n: int, before: Before) -> Stored:
    """The places 0 … n - 1 in the order of their keys."""
    code = site.code
    places, spare = (allocate(code, ArrayType("i64", (n,)), "work") for _ in range(2))
    code.loops((n,), lambda at: write(code, places, at, at[0]))
    run = 1
    while run < n:
        _merged(site, key, places, spare, run, n, before)
        places, spare, run = spare, places, 2 * run
    return places


def _merged(
    site: Site, key: Callable[[Code, Number], Number], old: Stored, new: Stored, run: int, n: int, before: Before
) -> None:
    """Pairs of neighbouring sorted runs become one run each."""
    code = site.code
    left, right = variable(code, "i64"), variable(code, "i64")
    end = code.integer(n)
    with code.loop(n, 2 * run) as start:
        middle, last = (_least(code, code.plus(start, code.integer(k * run)), end) for k in (1, 2))
        left.set(start)
        right.set(middle)
        with code.between(start, last) as place:
            i, j = left.get(), right.get()
            one = read(code, old, (_least(code, i, code.integer(n - 1)),))
            two = read(code, old, (_least(code, j, code.integer(n - 1)),))
            more_left, more_right = code.b.icmp_signed("<", i, middle), code.b.icmp_signed("<", j, last)
            sooner = before(site, key(code, two), key(code, one))
            take_right = code.b.and_(more_right, code.b.or_(code.b.not_(more_left), sooner))
            write(code, new, (place,), code.select(take_right, two, one))
            right.set(code.select(take_right, code.plus(j, code.integer(1)), j))
            left.set(code.select(take_right, i, code.plus(i, code.integer(1))))


def _least(code: Code, x: Number, y: Number) -> Number:
    return code.select(code.b.icmp_signed("<", x, y), x, y)


def _greater_in_total_order(site: Site, x: Number, y: Number) -> Number:
    """Whether x comes before y when the greatest comes first: IEEE 754-2019, section 5.10, where -0.0 is below 0.0."""
    dtype, code = site.operands[0].dtype, site.code
    if not is_float(dtype):
        return site.scalar("gt", dtype, x, y)
    kind = ir.IntType(8 * width(dtype))

    def key(number: Number) -> Number:
        bits = code.b.bitcast(number, kind)
        negative = code.b.ashr(bits, ir.Constant(kind, kind.width - 1))
        return code.b.xor(bits, code.b.and_(negative, ir.Constant(kind, (1 << (kind.width - 1)) - 1)))

    return code.b.icmp_signed(">", key(x), key(y))


def _before(site: Site, x: Number, y: Number) -> Number:
    """Whether x comes before y; NaN comes last."""
    dtype, b = site.operands[0].dtype, site.code.b
    less = site.scalar("lt", dtype, x, y)
    if not is_float(dtype):
        return less
    return b.or_(less, b.and_(b.fcmp_ordered("ord", x, x), b.fcmp_unordered("uno", y, y)))


def _sorted(
    result: Callable[[Code, Value, Number, Callable[[Number], Indices]], Number], before: Before = _before
) -> WriteArray:
    """The first places of each line in order, or what stands there."""

    def run(site: Site, x: Value) -> Value:
        code, axis, target = site.code, site.op.integer("axis"), site.target()
        source = site.memory(x, 0)
        shape = lengths(site.operands[0])

        def line(outer: Indices) -> None:
            def at(i: Number) -> Indices:
                return (*outer[:axis], i, *outer[axis:])

            places = _order(site, lambda code, i: read(code, source, at(i)), shape[axis], before)

            def one(where: Indices) -> None:
                put(code, target, at(where[0]), result(code, source, read(code, places, where), at))

            code.loops((site.shape[axis],), one)

        code.loops((*shape[:axis], *shape[axis + 1 :]), line)
        return target.place

    return run


ORDERING: Mapping[str, WriteArray] = {
    "sort": _sorted(lambda code, x, place, at: read(code, x, at(place))),
    "argsort": _sorted(lambda code, x, place, at: place),
    "top_places": _sorted(lambda code, x, place, at: place, _greater_in_total_order),
}
