"""Where instructions go: numbers enter, instructions on scalars or on vectors of lanes leave.

A number of a program is an LLVM value: a scalar when it is the same in all lanes, a vector with one entry per lane when
it is not. Operations take both kinds and give a vector as soon as one operand is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from llvmlite import ir

from .dtypes import I64, is_signed, memory_type
from .unit import Formula, Unit, pure

Number = ir.Value
STRAIGHT = 256  # places of a matrix that are written one after another instead of in a loop


def lanes_of(x: Number) -> int:
    """How many lanes a number has; 0 for a scalar."""
    return x.type.count if isinstance(x.type, ir.VectorType) else 0


def scalar_type(x: Number) -> Any:
    """The type of a number in one lane: `DoubleType`, `FloatType` or `IntType`."""
    return x.type.element if isinstance(x.type, ir.VectorType) else x.type


@dataclass(frozen=True)
class Code:
    """A place in a function. `lanes` is how many rounds run at once here (0: one); `guarded` says that some of them may
    be taking another arm of a branch, so that no read may rely on what that arm was chosen for."""

    unit: Unit
    b: ir.IRBuilder
    lanes: int = 0
    guarded: bool = False

    def in_lanes(self, lanes: int) -> Code:
        """The same place, with rounds side by side."""
        return replace(self, lanes=lanes)

    def guard(self) -> Code:
        return replace(self, guarded=True)

    # --- numbers ---

    def integer(self, value: int, like: Number | None = None) -> Number:
        """A whole number, i64 or of the type of another number."""
        return self.literal(value, I64 if like is None else like.type)

    def literal(self, value: float | int | bool, type_: ir.Type) -> Number:
        """A number that is known, in all lanes of the type."""
        if isinstance(type_, ir.VectorType):
            return ir.Constant(type_, [ir.Constant(type_.element, _plain(value, type_.element))] * type_.count)
        return ir.Constant(type_, _plain(value, type_))

    def splat(self, x: Number, lanes: int) -> Number:
        """A scalar in all lanes."""
        if not lanes or lanes_of(x):
            return x
        type_ = ir.VectorType(x.type, lanes)
        if isinstance(x, ir.Constant):
            return ir.Constant(type_, [x] * lanes)
        first = self.b.insert_element(ir.Constant(type_, ir.Undefined), x, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        return self.b.shuffle_vector(first, ir.Constant(type_, ir.Undefined), mask)

    def alike(self, *xs: Number) -> tuple[Number, ...]:
        """All as vectors when one of them is."""
        lanes = max(map(lanes_of, xs), default=0)
        return tuple(self.splat(x, lanes) for x in xs)

    def each_lane(self, function: Callable[..., Number], *xs: Number) -> Number:
        """What a function of scalars gives, lane by lane."""
        lanes = max(map(lanes_of, xs), default=0)
        if not lanes:
            return function(*xs)
        result: Number | None = None
        for lane in range(lanes):
            place = ir.Constant(ir.IntType(32), lane)
            one = function(*(self.b.extract_element(x, place) if lanes_of(x) else x for x in xs))
            if result is None:
                result = ir.Constant(ir.VectorType(one.type, lanes), ir.Undefined)
            result = self.b.insert_element(result, one, place)
        assert result is not None
        return result

    def formula(self, name: str, x: Number, write: Callable[[Code, Number], Number]) -> Number:
        """What a formula of one number gives; it is written once for each number of lanes."""
        key = name, lanes_of(x), self.unit.loops > 0
        found = self.unit.formulas.get(key)
        if found is None:
            module = self.unit.module
            function = ir.Function(module, ir.FunctionType(x.type, [x.type]), module.get_unique_name(f"formula_{name}"))
            pure(function).linkage = "internal"
            b = ir.IRBuilder(function.append_basic_block("entry"))
            inside = Code(Unit(module, function, b, self.unit.buffers, self.unit.formulas), b, lanes_of(x))
            b.ret(write(inside, function.args[0]))
            found = self.unit.formulas[key] = Formula(function)
        found.uses += 1
        return self.b.call(found.function, [x])

    def intrinsic(self, name: str, *xs: Number) -> Number:
        """An intrinsic of LLVM whose operands and result have one type."""
        xs = self.alike(*xs)
        type_ = xs[0].type
        function = self.unit.external(f"llvm.{name}.{_suffix(type_)}", type_, [type_] * len(xs))
        return self.b.call(function, list(xs))

    def select(self, condition: Number, yes: Number, no: Number) -> Number:
        """One of two numbers, in each lane by itself when the condition differs between lanes."""
        if lanes_of(condition):
            condition, yes, no = self.alike(condition, yes, no)
        else:
            yes, no = self.alike(yes, no)
        return yes if yes is no else self.b.select(condition, yes, no)

    def fma(self, x: Number, y: Number, z: Number) -> Number:
        """``x * y + z``, rounded once."""
        return self.intrinsic("fma", x, y, z)

    def cast(self, x: Number, type_: ir.Type) -> Number:
        """A bit of another width or meaning: `type_` in as many lanes as x has."""
        wanted = ir.VectorType(type_, lanes_of(x)) if lanes_of(x) else type_
        return self.b.bitcast(x, wanted)

    def any_lane(self, x: Number) -> Number:
        """Whether a truth value holds in some lane."""
        lanes = lanes_of(x)
        if not lanes:
            return x
        bits = self.b.bitcast(x, ir.IntType(lanes))
        return self.b.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    def parts(self, x: Number, lanes: int) -> list[Number]:
        """The lanes of a vector, so many at a time; a product becomes products."""
        factors = _factors(x)
        if factors is not None:
            left, right = (self.parts(factor, lanes) for factor in factors)
            return [self.b.fmul(one, two) for one, two in zip(left, right, strict=True)]
        return [self._lanes(x, range(k, k + lanes)) for k in range(0, lanes_of(x), lanes)]

    def _lanes(self, x: Number, places: range) -> Number:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
        return self.b.shuffle_vector(x, x, mask)

    def sum_of_lanes(self, x: Number) -> Number:
        """The sum over all lanes, by halves."""
        lanes = lanes_of(x)
        while lanes > 1:
            half = lanes // 2
            x, lanes = self.add(self._lanes(x, range(half)), self._lanes(x, range(half, lanes))), half
        return self.b.extract_element(x, ir.Constant(ir.IntType(32), 0)) if lanes else x

    def add(self, x: Number, y: Number) -> Number:
        """A sum of floats or of whole numbers; truth values are united. A product in it is fused."""
        x, y = self.alike(x, y)
        kind = scalar_type(x)
        if isinstance(kind, ir.IntType):
            return self.b.or_(x, y) if kind.width == 1 else self.b.add(x, y)
        for product, other in ((x, y), (y, x)):
            factors = _factors(product)
            if factors is not None:
                return self.fma(*factors, other)
        return self.b.fadd(x, y)

    def sub(self, x: Number, y: Number) -> Number:
        """A difference; a product in it is fused."""
        x, y = self.alike(x, y)
        if isinstance(scalar_type(x), ir.IntType):
            return self.b.sub(x, y)
        first, second = _factors(x), _factors(y)
        if first is not None:
            return self.fma(*first, self.b.fneg(y))
        if second is not None:
            return self.fma(self.b.fneg(second[0]), second[1], x)
        return self.b.fsub(x, y)

    def gathered(self, total: Number, x: Number) -> Number:
        """A sum that has no order of its own, which a loop over scalars may take in any."""
        total, x = self.alike(total, x)
        if lanes_of(x) or isinstance(x.type, ir.IntType):
            return self.add(total, x)
        return self.b.fadd(total, x, flags=("reassoc",))

    def mul(self, x: Number, y: Number) -> Number:
        x, y = self.alike(x, y)
        return self.b.mul(x, y) if isinstance(scalar_type(x), ir.IntType) else self.b.fmul(x, y)

    # --- loops ---

    @contextmanager
    def loop(self, count: int, step: int = 1) -> Iterator[Number]:
        """A loop whose body is what is written inside; gives 0, step, … below `count`, which is at least 1."""
        before = self.b.block
        body, after = self.b.append_basic_block("round"), self.b.append_basic_block("done")
        self.b.branch(body)
        self.b.position_at_end(body)
        index = self.b.phi(I64)
        index.add_incoming(ir.Constant(I64, 0), before)
        with self.unit.loop():
            yield index
        following = self.b.add(index, ir.Constant(I64, step), flags=("nuw", "nsw"))
        index.add_incoming(following, self.b.block)
        more = self.b.icmp_signed("<", following, ir.Constant(I64, count))
        self.b.cbranch(more, body, after)
        self.b.position_at_end(after)

    @contextmanager
    def between(self, low: Number, high: Number) -> Iterator[Number]:
        """A loop over the whole numbers from `low` to `high` (exclusive), of which there may be none."""
        before = self.b.block
        body, after = self.b.append_basic_block("round"), self.b.append_basic_block("done")
        self.b.cbranch(self.b.icmp_signed("<", low, high), body, after)
        self.b.position_at_end(body)
        index = self.b.phi(I64)
        index.add_incoming(low, before)
        with self.unit.loop():
            yield index
        following = self.b.add(index, ir.Constant(I64, 1), flags=("nsw",))
        index.add_incoming(following, self.b.block)
        self.b.cbranch(self.b.icmp_signed("<", following, high), body, after)
        self.b.position_at_end(after)

    @contextmanager
    def when(self, condition: Number) -> Iterator[None]:
        """What is written inside runs where a scalar condition holds."""
        with self.b.if_then(condition):
            yield

    def loops(self, shape: Sequence[int], inside: Callable[[tuple[Number, ...]], None]) -> None:
        """A loop nest over all indices of a shape, the last index innermost."""
        if 0 in shape:
            return

        def enter(done: tuple[Number, ...]) -> None:
            if len(done) == len(shape):
                inside(done)
            elif shape[len(done)] == 1:
                enter((*done, self.integer(0)))
            else:
                with self.loop(shape[len(done)]) as index:
                    enter((*done, index))

        enter(())

    def half_loops(
        self, rows: int, columns: int, lower: bool, inside: Callable[[tuple[Number, ...]], None]
    ) -> None:
        """All places of a matrix on its diagonal and on one side of it; one after another when they are few."""
        if rows * columns <= STRAIGHT:
            for i in range(rows):
                for j in range(min(i + 1, columns)) if lower else range(i, columns):
                    inside((self.integer(i), self.integer(j)))
            return
        with self.loop(rows) as i:
            with self.between(*self.half_row(i, columns, lower)) as j:
                inside((i, j))

    def half_row(self, i: Number, columns: int, lower: bool) -> tuple[Number, Number]:
        """Where one row of a triangle begins and ends."""
        end = self.integer(columns)
        if not lower:
            return i, end
        following = self.plus(i, self.integer(1))
        return self.integer(0), self.select(self.b.icmp_signed("<", following, end), following, end)

    # --- whole numbers ---

    def offset(self, indices: Sequence[Number], strides: Sequence[int]) -> Number:
        """``sum of index times stride``."""
        total: Number = self.integer(0)
        for index, stride in zip(indices, strides, strict=True):
            if stride:
                total = self.plus(total, self.times(index, stride))
        return total

    def plus(self, x: Number, y: Number) -> Number:
        """A sum of places, which does not wrap; known numbers are added here."""
        for left, right in ((x, y), (y, x)):
            if _known(left) == 0 and lanes_of(left) <= lanes_of(right):
                return right
        a, c = _known(x), _known(y)
        if a is not None and c is not None:
            return self.integer(a + c)
        x, y = self.alike(x, y)
        return self.b.add(x, y, flags=("nsw",))

    def times(self, x: Number, factor: int) -> Number:
        a = _known(x)
        if a is not None:
            return self.integer(a * factor)
        return x if factor == 1 else self.b.mul(x, self.integer(factor, x), flags=("nsw",))

    def as_index(self, x: Number, dtype: str) -> Number:
        """A whole number of a dtype as i64; narrower ones are extended, with their sign if they have one."""
        if scalar_type(x).width == 64:
            return x
        wide = ir.VectorType(I64, lanes_of(x)) if lanes_of(x) else I64
        return self.b.sext(x, wide) if is_signed(dtype) else self.b.zext(x, wide)

    def at(self, pointer: Number, dtype: str, offset: Number | int) -> Number:
        """The place some elements further."""
        place = self.integer(offset) if isinstance(offset, int) else offset
        if _known(place) == 0:
            return pointer
        return self.b.gep(pointer, [place], inbounds=True, source_etype=memory_type(dtype))

    def lane_numbers(self, step: int = 1) -> Number:
        """``0, step, 2 step, …`` over the lanes."""
        type_ = ir.VectorType(I64, self.lanes)
        return ir.Constant(type_, [lane * step for lane in range(self.lanes)])


def _known(x: Number) -> int | None:
    """A scalar whole number that is known."""
    return x.constant if isinstance(x, ir.Constant) and isinstance(x.constant, int) else None


def _factors(x: Number) -> tuple[Number, Number] | None:
    """What a number is the product of, when it was just multiplied."""
    return (x.operands[0], x.operands[1]) if isinstance(x, ir.Instruction) and x.opname == "fmul" else None


def _plain(value: float | int | bool, type_: ir.Type) -> float | int:
    if isinstance(type_, ir.IntType):
        return int(value) & ((1 << type_.width) - 1) if int(value) >= 0 else int(value)
    return float(np.float32(value)) if isinstance(type_, ir.FloatType) else float(value)


def _suffix(type_: ir.Type) -> str:
    if isinstance(type_, ir.VectorType):
        return f"v{type_.count}{_suffix(type_.element)}"
    if isinstance(type_, ir.IntType):
        return f"i{type_.width}"
    return "f64" if isinstance(type_, ir.DoubleType) else "f32"
