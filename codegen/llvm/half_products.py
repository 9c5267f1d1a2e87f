"""A triangular matrix times a vector: loops over one half of the matrix are written.

Products with the zeros of the other half are left out. What they would come to is 0 or, where the vector holds an
infinity or NaN, NaN. That is added up on the way: each element of the result leaves out one place of the vector more
than the one before, so one product with 0 per place does for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .code import STRAIGHT, Code, Number
from .dtypes import llvm_type
from .memory import Array, Half, Target, Value, allocate, put, read, variable
from .site import Site


@dataclass(frozen=True)
class _Product:
    """`at(i, k)` is the entry that multiplies place `k` of the vector in element `i` of the result; it is in the half
    for `k <= i` when `growing`, else for `k >= i`."""

    code: Code
    at: Callable[[Number, Number], Number]
    vector: Array
    target: Target
    growing: bool

    def term(self, total: Number, i: Number, k: Number) -> Number:
        return self.code.gathered(total, self.code.mul(self.at(i, k), read(self.code, self.vector, (k,))))

    def left_out(self, total: Number, k: Number) -> Number:
        x = read(self.code, self.vector, (k,))
        return self.code.gathered(total, self.code.mul(self.code.literal(0.0, x.type), x))


def half_times_vector(site: Site, half: Half, by_rows: bool, vector: Array) -> Value:
    """The product; with `by_rows` an element takes a row of the matrix, else a column."""
    code = site.code
    target = site.goal if site.goal is not None else Target(allocate(code, site.result))

    def at(i: Number, k: Number) -> Number:
        return read(code, half.inside, (i, k) if by_rows else (k, i))

    product = _Product(code, at, vector, target, half.lower == by_rows)
    count, length = site.shape[0], vector.shape[0]
    if count * length <= STRAIGHT:
        _straight(product, count, length, site.result.dtype)
    else:
        _looped(product, count, length, site.result.dtype)
    return target.place


def _straight(product: _Product, count: int, length: int, dtype: str) -> None:
    code = product.code
    places = [code.integer(k) for k in range(max(count, length))]
    missed = code.literal(0.0, llvm_type(dtype))
    if product.growing:
        for k in range(count, length):
            missed = product.left_out(missed, places[k])
    for i in reversed(range(count)) if product.growing else range(count):
        total = missed
        for k in range(min(i + 1, length)) if product.growing else range(i, length):
            total = product.term(total, places[i], places[k])
        put(code, product.target, (places[i],), total)
        if i < length:
            missed = product.left_out(missed, places[i])


def _looped(product: _Product, count: int, length: int, dtype: str) -> None:
    code = product.code
    missed, total = variable(code, dtype, 0), variable(code, dtype)
    if product.growing:
        with code.between(code.integer(count), code.integer(length)) as k:
            missed.set(product.left_out(missed.get(), k))
    with code.loop(count) as step:
        i = code.b.sub(code.integer(count - 1), step) if product.growing else step
        total.set(missed.get())
        with code.between(*code.half_row(i, length, product.growing)) as k:
            total.set(product.term(total.get(), i, k))
        put(code, product.target, (i,), total.get())
        with code.between(i, code.half_row(i, length, True)[1]) as k:
            missed.set(product.left_out(missed.get(), k))
