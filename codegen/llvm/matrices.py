"""Linear algebra on matrices of moderate size: loops are written, which run in lanes like all others.

Cholesky factors by the inner-product form and LU factors with partial pivoting, right-looking (Golub & Van Loan 2013,
"Matrix Computations", 4th edition, sections 4.2.5 and 3.4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...lang.ir import ArrayType
from .code import Code, Number
from .dtypes import llvm_type
from .memory import Indices, Stored, Target, Value, allocate, deliver, lengths, missing, read, variable, write
from .site import Site, WriteArray


@dataclass(frozen=True)
class Matrix:
    """One matrix of a batch, by row and column."""

    site: Site
    code: Code
    place: Value
    batch: Indices = ()

    def __getitem__(self, at: tuple[Number, Number]) -> Number:
        return read(self.code, self.place, (*self.batch, *at))

    def __setitem__(self, at: tuple[Number, Number], value: Number) -> None:
        assert isinstance(self.place, Stored)
        write(self.code, self.place, (*self.batch, *at), value)

    def keep_where(self, good: Number, columns: int) -> None:
        """NaN everywhere unless all went well."""
        rows = self.site.shape[-2]
        for_missing = missing(self.code, self.site.result.dtype)
        with self.code.between(*_sized(self.code, rows)) as i, self.code.between(*_sized(self.code, columns)) as j:
            self[i, j] = self.code.select(good, self[i, j], for_missing)

    def arithmetic(self, primitive: str, *xs: Number) -> Number:
        return self.site.scalar(primitive, self.site.operands[0].dtype, *xs)

    def less_product(self, total: Number, x: Number, y: Number) -> Number:
        """``total - x y``."""
        return self.code.sub(total, self.code.mul(x, y))


def _sized(code: Code, size: int) -> tuple[Number, Number]:
    return code.integer(0), code.integer(size)


def _after(code: Code, i: Number) -> Number:
    return code.plus(i, code.integer(1))


def _each_matrix(site: Site, type_: ArrayType, write_one: Callable[[Indices], None]) -> None:
    site.code.loops(lengths(type_)[:-2], write_one)


def _cholesky(site: Site, x: Value) -> Value:
    """The lower factor; NaN for a matrix that is not positive definite."""
    code, n, target = site.code, site.shape[-1], site.target()
    deliver(code, x, target)
    dtype = site.result.dtype
    good, total = variable(code, "bool"), variable(code, dtype)

    def one(batch: Indices) -> None:
        a = Matrix(site, code, target.place, batch)
        zero, end = _sized(code, n)
        good.set(code.literal(True, good.kind))
        with code.between(zero, end) as j:
            total.set(a[j, j])
            with code.between(zero, j) as k:
                total.set(a.less_product(total.get(), a[j, k], a[j, k]))
            positive = a.arithmetic("gt", total.get(), code.literal(0.0, total.kind))
            good.set(code.b.and_(good.get(), positive))
            a[j, j] = code.intrinsic("sqrt", total.get())
            with code.between(_after(code, j), end) as i:
                total.set(a[i, j])
                with code.between(zero, j) as k:
                    total.set(a.less_product(total.get(), a[i, k], a[j, k]))
                a[i, j] = code.b.fdiv(*code.alike(total.get(), a[j, j]))
                a[j, i] = code.literal(0.0, total.kind)
        a.keep_where(good.get(), n)

    _each_matrix(site, site.result, one)
    return target.place


def _triangular_solve(site: Site, a: Value, b: Value) -> Value:
    code, target = site.code, site.target()
    deliver(code, b, target)
    matrix = site.memory(a, 0)
    n, columns = site.shape[-2:]
    lower, transposed, unit = (bool(site.op[name]) for name in ("lower", "transposed", "unit"))

    def one(batch: Indices) -> None:
        left, y = Matrix(site, code, matrix, batch), Matrix(site, code, target.place, batch)
        _substitute(left, y, n, columns, forward=lower != transposed, transposed=transposed, unit=unit)

    _each_matrix(site, site.result, one)
    return target.place


def _substitute(
    a: Matrix, y: Matrix, n: int, columns: int, *, forward: bool, transposed: bool = False, unit: bool = False
) -> None:
    """The solution of a triangular system in place of its right-hand side."""
    code = a.code
    zero, end = _sized(code, n)
    total = variable(code, a.site.result.dtype)
    with code.between(zero, end) as step:
        row = step if forward else code.b.sub(code.integer(n - 1), step)
        known = (zero, row) if forward else (_after(code, row), end)
        with code.between(*_sized(code, columns)) as column:
            total.set(y[row, column])
            with code.between(*known) as k:
                factor = a[k, row] if transposed else a[row, k]
                total.set(a.less_product(total.get(), factor, y[k, column]))
            found = total.get() if unit else code.b.fdiv(*code.alike(total.get(), a[row, row]))
            y[row, column] = found


def _factor(a: Matrix, n: int, others: Matrix | None, columns: int) -> Number:
    """LU factors in place, the rows of `others` exchanged alike; whether no pivot was 0."""
    code = a.code
    zero, end = _sized(code, n)
    best, good = variable(code, "i64"), variable(code, "bool", True)
    with code.between(zero, end) as k:
        best.set(k)
        with code.between(_after(code, k), end) as i:
            here, there = (a.arithmetic("abs", a[row, k]) for row in (i, best.get()))
            best.set(code.select(a.arithmetic("gt", here, there), i, best.get()))
        _exchange(a, k, best.get(), n)
        if others is not None:
            _exchange(others, k, best.get(), columns)
        pivot = a[k, k]
        nonzero = a.arithmetic("ne", pivot, code.literal(0.0, pivot.type))
        good.set(code.b.and_(good.get(), code.splat(nonzero, code.lanes)))
        with code.between(_after(code, k), end) as i:
            a[i, k] = code.b.fdiv(*code.alike(a[i, k], pivot))
            with code.between(_after(code, k), end) as j:
                a[i, j] = a.less_product(a[i, j], a[i, k], a[k, j])
    return good.get()


def _exchange(a: Matrix, i: Number, j: Number, columns: int) -> None:
    with a.code.between(*_sized(a.code, columns)) as column:
        upper, lower = a[i, column], a[j, column]
        a[i, column] = lower
        a[j, column] = upper


def _solve(site: Site, a: Value, b: Value) -> Value:
    """The solution by LU factors; NaN for a singular matrix."""
    code, target = site.code, site.target()
    deliver(code, b, target)
    n, columns = site.shape[-2:]
    square = site.operands[0].with_shape((n, n))
    work = allocate(code, square, "work")

    def one(batch: Indices) -> None:
        code.loops((n, n), lambda at: write(code, work, at, read(code, a, (*batch, *at))))
        factors, y = Matrix(site, code, work), Matrix(site, code, target.place, batch)
        good = _factor(factors, n, y, columns)
        _substitute(factors, y, n, columns, forward=True, unit=True)
        _substitute(factors, y, n, columns, forward=False)
        y.keep_where(good, columns)

    _each_matrix(site, site.result, one)
    return target.place


def _logdet(site: Site, a: Value) -> Value:
    """The logarithm of the size of the determinant."""
    code, n = site.code, lengths(site.operands[0])[-1]
    work = allocate(code, site.operands[0].with_shape((n, n)), "work")

    def at(batch: Indices) -> Number:
        code.loops((n, n), lambda at: write(code, work, at, read(code, a, (*batch, *at))))
        factors = Matrix(site, code, work)
        _factor(factors, n, None, 0)
        total = variable(code, site.result.dtype, 0.0)
        with code.between(*_sized(code, n)) as k:
            total.set(code.add(total.get(), factors.arithmetic("log", factors.arithmetic("abs", factors[k, k]))))
        return total.get()

    if not site.result.shape:
        return at(())
    target = Target(allocate(code, site.result))
    code.loops(site.shape, lambda batch: write(code, target.place, batch, at(batch)))
    return target.place


def _tridiagonal_solve(site: Site, low: Value, middle: Value, high: Value, b: Value) -> Value:
    """Elimination down the diagonals and substitution back up (the algorithm of Thomas), without pivoting."""
    code, target = site.code, site.target()
    deliver(code, b, target)
    n, columns = site.shape[-2:]
    work = allocate(code, site.result.with_shape((n,)), "work")
    zero, end = _sized(code, n)

    def one(batch: Indices) -> None:
        y = Matrix(site, code, target.place, batch)

        def diagonal(x: Value, i: Number) -> Number:
            return read(code, x, (*batch, i))

        with code.between(zero, end) as i:
            first = code.b.icmp_signed("==", i, zero)
            before = code.select(first, zero, code.plus(i, code.integer(-1)))
            nothing = code.literal(0.0, llvm_type(site.result.dtype))
            factor = code.select(first, nothing, diagonal(low, i))
            carried = code.select(first, nothing, read(code, work, (before,)))
            pivot = y.less_product(diagonal(middle, i), factor, carried)
            write(code, work, (i,), code.b.fdiv(*code.alike(diagonal(high, i), pivot)))
            with code.between(*_sized(code, columns)) as column:
                rest = y.less_product(y[i, column], factor, code.select(first, nothing, y[before, column]))
                y[i, column] = code.b.fdiv(*code.alike(rest, pivot))
        with code.between(code.integer(1), end) as step:
            i = code.b.sub(code.integer(n - 1), step)
            with code.between(*_sized(code, columns)) as column:
                y[i, column] = y.less_product(y[i, column], read(code, work, (i,)), y[_after(code, i), column])

    if n:
        _each_matrix(site, site.result, one)
    return target.place


MATRICES: Mapping[str, WriteArray] = {
    "cholesky": _cholesky,
    "symmetric_cholesky": _cholesky,
    "triangular_solve": _triangular_solve,
    "solve": _solve,
    "logdet": _logdet,
    "tridiagonal_solve": _tridiagonal_solve,
}
