"""Random programs in unary form with nested `Each`, `Fold` and `Branch`, written with the `Builder`.

A source of choices enters (Hypothesis, or a seeded generator), a well-formed first-order program leaves. Its
operations are smooth, apart from choices whose conditions random inputs do not sit on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hypothesis import strategies as st

from pushforward.lang.builder import Builder
from pushforward.lang.ir import ArrayType, Program

Pick = Callable[[int], int]
F64, I64 = ArrayType("f64"), ArrayType("i64")
SHAPES: tuple[tuple[int, ...], ...] = ((), (), (2,), (3,), (2, 3), (3, 2), (4, 3))
UNARY = ("sin", "cos", "tanh", "neg", "softplus")
BINARY = ("add", "sub", "mul")


@st.composite
def programs(draw: st.DrawFn, fuel: int = 8) -> Program:
    """Programs of about `fuel` steps at the top, each loop body with half as many."""
    return write_program(lambda count: draw(st.integers(0, count - 1)), fuel)


def seeded_program(seed: int, fuel: int = 8) -> Program:
    """The same, from a seed."""
    return write_program(Random(seed).randrange, fuel)


def write_program(pick: Pick, fuel: int) -> Program:
    """A program of one to three float inputs and one or two float outputs."""
    inputs = [ArrayType("f64", SHAPES[pick(len(SHAPES))]) for _ in range(1 + pick(3))]
    b = Builder("random", inputs)
    writer = Writer(b, pick)
    writer.run(fuel)
    floats = writer.floats()
    outputs = [floats[-1 - pick(min(3, len(floats)))] for _ in range(1 + pick(2))]
    return b.build(outputs)


class Writer:
    """Emits random steps into one builder; `ranges` bounds the integers that are known to be small."""

    def __init__(self, b: Builder, pick: Pick, depth: int = 0, ranges: dict[int, int] | None = None) -> None:
        self.b = b
        self.pick = pick
        self.depth = depth
        self.ranges = dict(ranges or {})

    def run(self, fuel: int) -> None:
        for _ in range(fuel):
            moves: list[Callable[[int], object]] = [self.unary, self.binary, self.binary, self.reduce, self.read]
            moves += [self.rearrange, self.select, self.scatter]
            if self.depth < 3:
                moves += [self.each, self.each, self.fold, self.branch]
            moves[self.pick(len(moves))](fuel)

    # --- looking ---

    def one_of(self, items: Sequence[int]) -> int:
        return items[self.pick(len(items))]

    def floats(self, shape: tuple[int, ...] | None = None) -> list[int]:
        types = enumerate(self.b.types)
        return [k for k, t in types if isinstance(t, ArrayType) and t.is_float and shape in (None, t.shape)]

    def integers(self) -> list[int]:
        return [k for k, t in enumerate(self.b.types) if t == I64]

    def shape(self, slot: int) -> tuple[int, ...]:
        return self.b.array_type(slot).shape  # type: ignore[return-value]

    def arrays(self) -> list[int]:
        return [k for k in self.floats() if self.shape(k)]

    def scalar(self) -> int:
        known = self.floats(())
        return self.one_of(known) if known else self.b.constant(0.75)

    def bounded(self, slot: int) -> int:
        return self.b.apply("tanh", slot)

    # --- moves ---

    def unary(self, fuel: int) -> None:
        floats = self.floats()
        slot = self.one_of(floats) if floats else self.scalar()
        self.b.apply(UNARY[self.pick(len(UNARY))], slot)

    def binary(self, fuel: int) -> None:
        left = self.one_of(self.floats() or [self.scalar()])
        fitting = [*self.floats(self.shape(left)), *self.floats(())] or [self.scalar()]
        right = self.one_of(fitting)
        if self.pick(6) == 0:
            square = self.b.apply("integer_pow", right, exponent=2)
            self.b.apply("div", left, self.b.apply("add", square, self.b.constant(1.0)))
        else:
            self.b.apply(BINARY[self.pick(len(BINARY))], left, right)

    def reduce(self, fuel: int) -> None:
        arrays = self.arrays()
        if arrays:
            slot = self.one_of(arrays)
            rank = len(self.shape(slot))
            name = ("reduce_sum", "reduce_sum", "logsumexp", "reduce_prod")[self.pick(4)]
            self.b.apply(name, slot, axes=(self.pick(rank),) if self.pick(2) else tuple(range(rank)))

    def index(self, length: int) -> tuple[int, bool]:
        """An index into an axis and whether it is surely in range: a literal, a loop's index, or brought into range."""
        known = self.integers()
        if not known or self.pick(4) == 0:
            return self.b.constant(self.pick(length), "i64"), True
        direct = [slot for slot, bound in self.ranges.items() if bound <= length]
        if direct and self.pick(3):
            slot = self.one_of(direct)
            shift = self.pick(length - self.ranges[slot] + 1)
            return (self.b.apply("add", slot, self.b.constant(shift, "i64")) if shift else slot), True
        shifted = self.b.apply("add", self.one_of(known), self.b.constant(self.pick(3), "i64"))
        return self.b.apply("mod", shifted, self.b.constant(length, "i64")), bool(self.pick(2))

    def read(self, fuel: int) -> None:
        arrays = self.arrays()
        if not arrays:
            return
        slot = self.one_of(arrays)
        shape = self.shape(slot)
        if self.pick(3) == 0:
            values = [self.pick(shape[0]) for _ in range(2 + self.pick(2))]
            index = self.b.constant(values, "i64", (len(values),))
            self.b.apply("gather", slot, index, proved=True)
            return
        indices = [self.index(length) for length in shape[: 1 + self.pick(len(shape))]]
        self.b.apply("gather", slot, *(k for k, _ in indices), proved=all(flag for _, flag in indices))

    def rearrange(self, fuel: int) -> None:
        slot = self.one_of(self.floats() or [self.scalar()])
        shape = self.shape(slot)
        size = 2 + self.pick(2)
        if len(shape) < 2 and self.pick(2):
            axes = tuple(range(1, len(shape) + 1))
            self.b.apply("broadcast", slot, shape=(size, *shape), axes=axes)
        elif len(shape) == 2:
            self.b.apply("transpose", slot, axes=(1, 0))
        elif len(shape) == 1:
            how = self.pick(3)
            if how == 0:
                self.b.apply("reverse", slot, axes=(0,))
            elif how == 1:
                self.b.apply("cumsum", slot, axis=0, reverse=bool(self.pick(2)))
            else:
                part = self.b.apply("slice", slot, starts=(1,), limits=shape)
                self.b.apply("concat", part, slot, axis=0) if shape[0] < 3 else None

    def select(self, fuel: int) -> None:
        condition = self.b.apply("lt", self.scalar(), self.scalar())
        left = self.one_of(self.floats() or [self.scalar()])
        right = self.one_of(self.floats(self.shape(left)))
        self.b.apply("where", condition, left, right)

    def scatter(self, fuel: int) -> None:
        arrays = self.arrays()
        if arrays:
            base = self.one_of(arrays)
            shape = self.shape(base)
            values = self.floats(shape[1:])
            if values:
                index, _ = self.index(shape[0])
                self.b.apply("scatter_add", base, self.one_of(values), index, proved=False)

    # --- bodies ---

    def captured(self) -> list[int]:
        """Up to three slots to capture, the same one perhaps twice."""
        usable = [*self.floats(), *self.integers()]
        return [self.one_of(usable) for _ in range(self.pick(4))] if usable else []

    def leading(self, size: int) -> list[int]:
        fitting = [k for k in self.arrays() if self.shape(k)[0] == size]
        return [self.one_of(fitting) for _ in range(self.pick(3))] if fitting else []

    def inner(self, name: str, captures: Sequence[int], rest: Sequence[ArrayType], fuel: int, size: int = 0) -> Writer:
        inputs = [*self.types(captures), *rest]
        ranges = {k: self.ranges[slot] for k, slot in enumerate(captures) if slot in self.ranges}
        if size:
            ranges[len(inputs) - 1] = size
        writer = Writer(Builder(name, inputs), self.pick, self.depth + 1, ranges)
        writer.run(max(1, fuel // 2))
        return writer

    def types(self, slots: Sequence[int]) -> list[ArrayType]:
        return [self.b.array_type(slot) for slot in slots]

    def element_types(self, slots: Sequence[int]) -> list[ArrayType]:
        return [type_.with_shape(type_.shape[1:]) for type_ in self.types(slots)]

    def small(self) -> list[int]:
        """Floats of rank at most one: results that may be stacked again."""
        return [k for k in self.floats() if len(self.shape(k)) < 2] or [self.scalar()]

    def rounds(self) -> int:
        """One to three rounds, and now and then none."""
        return (2, 3, 2, 3, 1, 2, 3, 0)[self.pick(8)]

    def results(self, count: int, size: int) -> tuple[list[int], list[str]]:
        """Results of a loop body and how they are combined; nothing is stacked by a loop without rounds."""
        outputs = [self.one_of([*self.small(), *self.integers()]) for _ in range(count)]
        return outputs, [("stack", "sum")[self.pick(2)] if size else "sum" for _ in outputs]

    def each(self, fuel: int) -> None:
        size = self.rounds()
        captures, arrays = self.captured(), self.leading(size)
        writer = self.inner("each", captures, [*self.element_types(arrays), I64], fuel, size)
        outputs, combine = writer.results(1 + self.pick(2), size)
        self.b.each(size, captures, arrays, writer.b.build(outputs), combine)

    def fold(self, fuel: int) -> None:
        size = self.rounds()
        loop = self.pick(5) == 0
        captures, arrays = self.captured(), [] if loop else self.leading(size)
        initial = [self.one_of([*self.small(), *self.integers()[:1]]) for _ in range(1 + self.pick(2))]
        carries = self.types(initial)
        writer = self.inner("fold", captures, [*self.element_types(arrays), *carries, I64], fuel, size)
        nexts = [writer.next_carry(type_) for type_ in carries]
        extras, combine = writer.results(0 if loop else self.pick(2), size)
        body = writer.b.build([*nexts, *extras])
        condition = self.condition([*self.types(captures), *carries]) if loop else None
        backwards = bool(self.pick(2)) and not loop
        self.b.fold(size, captures, arrays, initial, body, combine, reverse=backwards, condition=condition)

    def next_carry(self, type_: ArrayType) -> int:
        if type_.is_float:
            return self.bounded(self.one_of(self.floats(type_.shape)))  # type: ignore[arg-type]
        return self.b.apply("mod", self.one_of(self.integers()), self.b.constant(3, "i64"))

    def condition(self, inputs: Sequence[ArrayType]) -> Program:
        """Goes on while the sum of the last carry is below a number."""
        b = Builder("while", inputs)
        last = len(inputs) - 1
        total = b.apply("reduce_sum", last, axes=tuple(range(inputs[last].rank)))
        return b.build([b.apply("lt", b.apply("convert", total, dtype="f64"), b.constant(0.5))])

    def branch(self, fuel: int) -> None:
        captures = self.captured()
        integers = self.integers()
        if integers and self.pick(2):
            selector = self.b.apply("mod", self.one_of(integers), self.b.constant(2, "i64"))
        else:
            selector = self.b.apply("lt", self.scalar(), self.scalar())
        shape = SHAPES[self.pick(4)]
        self.b.branch(selector, captures, [self.arm(captures, shape, fuel) for _ in range(2)])

    def arm(self, captures: Sequence[int], shape: tuple[int, ...], fuel: int) -> Program:
        writer = self.inner("arm", captures, [], fuel)
        known = writer.floats(shape)
        output = writer.one_of(known) if known else writer.b.broadcast(writer.scalar(), shape, ())
        return writer.b.build([output])
