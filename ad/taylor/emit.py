"""Operations on coefficients: lanes or one-hot arrays enter, steps of an open program and their results leave.

A coefficient with the axis of directions is a batched value of `ad.vmap_rules`, whose rules do the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ...lang.builder import Builder
from ...lang.ir import Apply, ArrayType, Param, Program
from ...lang.primitives.type_rules import parse_spec
from ..rules import match_shape
from ..vmap import replay
from ..vmap_rules import Batch, Lane, apply_rule
from . import onehot
from .divide import fraction_of
from .onehot import OneHot
from .shape import JetShape

Coefficient = Lane | OneHot
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Emitter:
    """The open program, and how values with and without the axis of directions act in it."""

    def __init__(self, builder: Builder, shape: JetShape) -> None:
        self.builder = builder
        self.shape = shape
        self.batch = None if shape.directions is None else Batch(builder, shape.directions)

    # --- steps ---

    def apply(self, primitive: str, *lanes: Lane, **params: Param) -> Lane:
        """A primitive on lanes."""
        if self.batch is not None and any(lane.mapped for lane in lanes):
            return Lane(apply_rule(self.batch, Apply(primitive, tuple(sorted(params.items()))), lanes), True)
        return Lane(self.builder.apply(primitive, *(lane.slot for lane in lanes), **params), False)

    def run(self, program: Program, lanes: Sequence[Lane]) -> list[Lane]:
        """A program on lanes."""
        if self.batch is None or not any(lane.mapped for lane in lanes):
            return [Lane(slot, False) for slot in self.builder.inline(program, [lane.slot for lane in lanes])]
        origin = self.builder.origin
        results = replay(self.batch, program, lanes)
        self.builder.origin = origin
        return results

    # --- shapes and forms ---

    def dense(self, coefficient: Coefficient, type_: ArrayType) -> Lane:
        """The coefficient of an array of a type, written out."""
        return onehot.dense(self, coefficient, type_) if isinstance(coefficient, OneHot) else coefficient

    def zeros(self, type_: ArrayType, *, mapped: bool = False) -> Lane:
        return self.spread(Lane(self.builder.zeros(type_), False), mapped)

    def spread(self, lane: Lane, mapped: bool) -> Lane:
        """The lane with the axis of directions if `mapped`; a lane that has it keeps it."""
        return Lane(self.batch.full(lane), True) if mapped and self.batch is not None else lane

    def fit(self, coefficient: Coefficient, type_: ArrayType) -> Coefficient:
        """A coefficient of a scalar operand repeated to the shape of the result."""
        if isinstance(coefficient, OneHot):
            return coefficient
        shape = self.builder.array_type(coefficient.slot).shape
        if self.batch is None or not coefficient.mapped:
            return Lane(match_shape(self.builder, coefficient.slot, type_), False)
        if shape[1:] == type_.shape:
            return coefficient
        return self.apply("broadcast", coefficient, shape=type_.shape, axes=())

    # --- linear ---

    def add(self, left: Coefficient | None, right: Coefficient | None, type_: ArrayType) -> Coefficient | None:
        """The sum; None stands for zero."""
        if left is None or right is None:
            return right if left is None else left
        if isinstance(left, OneHot) and isinstance(right, OneHot) and left.at_same_place(right):
            entries = [onehot.value(self, hot, type_) for hot in (left, right)]
            return OneHot(left.index, self.apply("add", *entries).slot, left.axis, left.summed)
        return self.apply("add", self.dense(left, type_), self.dense(right, type_))

    def scale(self, coefficient: Coefficient, number: Fraction, type_: ArrayType) -> Coefficient:
        """The coefficient times a fraction, by one multiplication or one division by a whole number."""
        if number == 1:
            return coefficient
        if isinstance(coefficient, OneHot):
            lane = onehot.value(self, coefficient, type_)
            scaled = self.scale(lane, number, type_)
            assert isinstance(scaled, Lane)
            return OneHot(coefficient.index, scaled.slot, coefficient.axis, coefficient.summed)
        if number == -1:
            return self.apply("neg", coefficient)
        for name, factor in (("mul", number.numerator), ("div", number.denominator)):
            if factor != 1:
                coefficient = self.apply(name, coefficient, Lane(self.builder.constant(factor, type_.dtype), False))
        return coefficient

    def divide(self, coefficient: Coefficient, number: int, type_: ArrayType) -> Coefficient:
        """The coefficient over a whole number, which goes into the parts of a sum."""
        if number != 1 and isinstance(coefficient, Lane):
            slot = fraction_of(self.builder, coefficient.slot, Fraction(1, number))
            if slot is not None:
                return Lane(slot, coefficient.mapped)
        return self.scale(coefficient, Fraction(1, number), type_)

    def quotient(self, left: Coefficient, right: Lane, types: Sequence[ArrayType]) -> Coefficient:
        """``left / right`` of an elementwise division by a value."""
        if not isinstance(left, OneHot):
            return self.apply("div", left, right)
        at = right if not types[1].shape else onehot.take(self, right, types[1].rank, left.axis, left)
        lane = self.apply("div", onehot.value(self, left, types[0]), at)
        return OneHot(left.index, lane.slot, left.axis, left.summed)

    # --- products ---

    def product(self, op: Apply, factors: Sequence[Coefficient], types: Sequence[ArrayType], sums: bool) -> Coefficient:
        """A multilinear primitive on one coefficient of each operand; with `sums` also the sum over directions."""
        sums = sums and any(isinstance(c, OneHot) or c.mapped for c in factors)
        spec = as_einsum(op, types)
        if spec is not None and (sums or any(isinstance(c, OneHot) for c in factors)):
            return onehot.einsum(self, *spec, factors, types, sums)
        lane = self.apply(
            op.primitive, *(self.dense(*pair) for pair in zip(factors, types, strict=True)), **dict(op.params)
        )
        return self.apply_sum(lane) if sums else lane

    def apply_sum(self, lane: Lane) -> Lane:
        """The sum over directions."""
        return Lane(self.builder.apply("reduce_sum", lane.slot, axes=(0,)), False) if lane.mapped else lane


def as_einsum(op: Apply, types: Sequence[ArrayType]) -> tuple[list[str], str] | None:
    """A linear primitive as letters of its operands and of its result; None where it is no einsum.

    >>> as_einsum(Apply("reduce_sum", (("axes", (0,)),)), [ArrayType("f64", (2, 3))])
    (['ab'], 'b')
    """
    letters = LETTERS[: max((type_.rank for type_ in types), default=0)]
    match op.primitive:
        case "einsum":
            terms, out = parse_spec(str(op["spec"]))
            return list(terms), out
        case "mul":
            return [letters[: type_.rank] for type_ in types], letters
        case "reduce_sum":
            axes = op.integers("axes")
            return [letters], "".join(letter for k, letter in enumerate(letters) if k not in axes)
        case "transpose":
            return [letters], "".join(letters[axis] for axis in op.integers("axes"))
        case _:
            return None
