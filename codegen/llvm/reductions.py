"""Reductions, running results and sums of products: loops over what is combined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...lang.constants import numpy_dtype
from ...lang.primitives.type_rules import letter_sizes, parse_spec
from .code import Code, Number
from .dtypes import is_float, llvm_type
from .half_products import half_times_vector
from .memory import Computed, Indices, Stored, Value, fill, known, lengths, put, read, variable
from .products import tiled
from .site import Combine, Site, WriteArray, accumulate, added, by, combined, elementwise_result

Start = Callable[[str], float | int | bool]  # where a combination of a dtype starts


def _reduce(start: Start, combine: Combine) -> WriteArray:
    """All elements along axes combined."""

    def run(site: Site, x: Value) -> Value:
        axes = site.op.integers("axes")
        shape = lengths(site.operands[0])
        inner = [shape[axis] for axis in axes]
        kept = [axis for axis in range(len(shape)) if axis not in axes]

        def at(code: Code, outer: Indices) -> Number:
            inside = replace(site, code=code)

            def step(total: Number, over: Indices) -> Number:
                place = dict(zip(kept, outer, strict=True)) | dict(zip(axes, over, strict=True))
                return combine(inside, code, total, read(code, x, tuple(place[axis] for axis in range(len(shape)))))

            return accumulate(code, site.result.dtype, start(site.result.dtype), inner, step)

        return elementwise_result(site, at)

    return run


def _sum(site: Site, code: Code, total: Number, x: Number) -> Number:
    return code.gathered(total, x)


def least(dtype: str) -> float | int | bool:
    """The least number of a dtype."""
    if is_float(dtype):
        return float("-inf")
    return False if dtype == "bool" else int(np.iinfo(numpy_dtype(dtype)).min)


def greatest(dtype: str) -> float | int | bool:
    """The greatest number of a dtype."""
    if is_float(dtype):
        return float("inf")
    return True if dtype == "bool" else int(np.iinfo(numpy_dtype(dtype)).max)


def _log_sum(site: Site, code: Code, total: Number, x: Number) -> Number:
    """``log(e^total + e^x)``; equal infinities stay what they are."""
    dtype = site.result.dtype

    def scalar(primitive: str, *xs: Number) -> Number:
        return combined(site, code, primitive, dtype, *xs)

    total, x = code.alike(total, x)
    same = scalar("eq", total, x)
    apart = code.select(same, code.literal(0.0, x.type), scalar("abs", scalar("sub", total, x)))
    return scalar("add", scalar("maximum", total, x), scalar("log1p", scalar("exp", scalar("neg", apart))))


def _running(start: Start, combine: Combine) -> WriteArray:
    """Elements combined with all before them along an axis."""

    def run(site: Site, x: Value) -> Value:
        code, axis, backwards = site.code, site.op.integer("axis"), site.op["reverse"]
        target = site.target()
        shape = site.shape
        length = shape[axis]
        total = variable(code, site.result.dtype)

        def lines(outer: Indices) -> None:
            total.set(code.literal(start(site.result.dtype), llvm_type(site.result.dtype)))
            with code.loop(length) as step:
                i = code.b.sub(code.integer(length - 1), step) if backwards else step
                at = (*outer[:axis], i, *outer[axis:])
                total.set(combine(site, code, total.get(), read(code, x, at)))
                put(code, target, at, total.get())

        if length:
            code.loops((*shape[:axis], *shape[axis + 1 :]), lines)
        return target.place

    return run


def _winners(site: Site, x: Value) -> Value:
    """Which elements equal the extreme, all of them read from one place."""
    code, axes = site.code, site.op.integers("axes")
    greatest_wins = bool(site.op["greatest"])
    type_ = site.operands[0]
    numbers = site.memory(x, 0)
    outer = type_.with_shape(tuple(size for axis, size in enumerate(type_.shape) if axis not in axes))
    search = _reduce(least if greatest_wins else greatest, by("maximum" if greatest_wins else "minimum"))
    extreme = search(replace(site, result=outer, goal=None), numbers)

    def at(code: Code, indices: Indices) -> Number:
        place = tuple(i for axis, i in enumerate(indices) if axis not in axes)
        return combined(site, code, "eq", type_.dtype, read(code, numbers, indices), read(code, extreme, place))

    return Computed(site.result, at) if site.result.shape else at(code, ())


def _arg(sign: str) -> WriteArray:
    """Where the first extreme stands along an axis; a NaN counts as one."""

    def run(site: Site, x: Value) -> Value:
        axis, dtype = site.op.integer("axis"), site.operands[0].dtype
        length = lengths(site.operands[0])[axis]

        def at(code: Code, outer: Indices) -> Number:
            inside = replace(site, code=code)

            def step(best: Number, over: Indices) -> Number:
                here = read(code, x, (*outer[:axis], over[0], *outer[axis:]))
                there = read(code, x, (*outer[:axis], best, *outer[axis:]))
                wins = inside.scalar("gt" if sign == ">" else "lt", dtype, here, there)
                if is_float(dtype):
                    left, right = code.alike(here, there)
                    new = code.b.fcmp_unordered("uno", left, left)
                    old = code.b.fcmp_unordered("uno", right, right)
                    wins = code.b.or_(wins, code.b.and_(new, code.b.xor(old, code.literal(True, old.type))))
                return code.select(wins, over[0], best)

            return accumulate(code, "i64", 0, (length,), step)

        return elementwise_result(site, at)

    return run


# --- sums of products ------------------------------------------------------------------------------------------------


def _einsum(site: Site, *xs: Value) -> Value:
    """Loops over the letters of the result and, inside, over the letters that are summed."""
    terms, output = parse_spec(str(site.op["spec"]))
    sizes = {letter: known(size) for letter, size in letter_sizes(str(site.op["spec"]), site.operands).items()}
    summed = tuple(letter for letter in sizes if letter not in output)

    def product(code: Code, at: Mapping[str, Number]) -> Number:
        total: Number | None = None
        for term, x in zip(terms, xs, strict=True):
            one = read(code, x, tuple(at[letter] for letter in term))
            total = one if total is None else code.mul(total, one)
        assert total is not None
        return total

    triangular = _triangular(site, terms, output, xs)
    if triangular is not None:
        return triangular
    blocks = tiled(site, terms, output, sizes, xs)
    if blocks is not None:
        return blocks
    if not summed:
        result = Computed(site.result, lambda code, at: product(code, dict(zip(output, at, strict=True))))
        return result if site.result.shape else result.at(site.code, ())
    if output and not site.code.lanes and _streams(terms, output, sizes):
        return _by_rows(site, output, summed, sizes, product)

    def at(code: Code, outer: Indices) -> Number:
        known = dict(zip(output, outer, strict=True))

        def step(total: Number, over: Indices) -> Number:
            return code.gathered(total, product(code, known | dict(zip(summed, over, strict=True))))

        return accumulate(code, site.result.dtype, 0, [sizes[letter] for letter in summed], step)

    return elementwise_result(site, at)


def _triangular(site: Site, terms: Sequence[str], output: str, xs: Sequence[Value]) -> Value | None:
    """A triangular matrix times a vector, without the products that are 0."""
    for place, (term, x) in enumerate(zip(terms, xs, strict=True)):
        if len(xs) == 2 and len(term) == 2 and isinstance(x, Computed) and x.half is not None:
            vector, letter = xs[1 - place], terms[1 - place]
            if sorted(letter + output) == sorted(term) and letter != output and not isinstance(vector, Number):
                return half_times_vector(site, x.half, term == output + letter, vector)
    return None


def _streams(terms: Sequence[str], output: str, sizes: Mapping[str, int]) -> bool:
    """Whether the last letter of the result is the last of every operand that has it, so that rows are added up."""
    last = output[-1]
    return sizes[last] > 1 and all(term.endswith(last) for term in terms if last in term)


def _by_rows(
    site: Site,
    output: str,
    summed: Sequence[str],
    sizes: Mapping[str, int],
    product: Callable[[Code, Mapping[str, Number]], Number],
) -> Stored:
    """Rows of the result grow by multiples of rows, which vector units do many numbers at a time."""
    code, target = site.code, site.goal
    if target is None or not target.adds:
        target = site.target()
        fill(code, target.place, 0)
    total = replace(target, adds=True)
    order = (*output[:-1], *summed, output[-1])

    def one(at: Indices) -> None:
        known = dict(zip(order, at, strict=True))
        put(code, total, tuple(known[letter] for letter in output), product(code, known))

    code.loops([sizes[letter] for letter in order], one)
    return target.place


REDUCTIONS: Mapping[str, WriteArray] = {
    "reduce_sum": _reduce(lambda dtype: 0, _sum),
    "reduce_prod": _reduce(lambda dtype: 1, by("mul")),
    "reduce_max": _reduce(least, by("maximum")),
    "reduce_min": _reduce(greatest, by("minimum")),
    "reduce_all": _reduce(lambda dtype: True, by("logical_and")),
    "reduce_any": _reduce(lambda dtype: False, by("logical_or")),
    "cumsum": _running(lambda dtype: 0, added),
    "cumprod": _running(lambda dtype: 1, by("mul")),
    "cummax": _running(least, by("maximum")),
    "cummin": _running(greatest, by("minimum")),
    "cumlogsumexp": _running(lambda dtype: float("-inf"), _log_sum),
    "winners": _winners,
    "argmax": _arg(">"),
    "argmin": _arg("<"),
    "einsum": _einsum,
}
