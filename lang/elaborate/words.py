"""The words of the language that are functions: how each becomes primitives.

In: the slots and types of the arguments and the type of the result. Out: slots. One table, `WORDS`; a word without an
entry that names an elementwise primitive is that primitive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..diagnostics import InternalError
from ..ir import I64, ArrayType, Invoke, Program, leaves
from ..sizes import Size, product, sub
from ..types import Array, Type
from .scope import Body, Scope, Value, closed

CONSTANTS = {"pi": math.pi, "inf": math.inf, "nan": math.nan}
DERIVATIVES = frozenset({"grad", "value_and_grad", "jacobian", "hessian", "laplacian"})
PUSHES = frozenset({"jvp", "vjp", "jet"})
CONVERSIONS = frozenset({"f64", "f32", "i64", "real", "bool"})


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a word: where, on which values of which types, for which result, with indices proved or not."""

    scope: Scope
    word: str
    values: tuple[Value, ...]
    types: tuple[Type, ...]
    result: Type
    proved: bool = False

    def slot(self, place: int) -> int:
        (slot,) = self.values[place]
        return slot

    def array(self, place: int) -> ArrayType:
        return self.scope.builder.array_type(self.slot(place))

    def leaf(self) -> ArrayType:
        (leaf,) = leaves(self.result)
        assert isinstance(leaf, ArrayType)
        return leaf

    def apply(self, primitive: str, *slots: int, **params: object) -> Value:
        return (self.scope.builder.apply(primitive, *slots, **params),)  # type: ignore[arg-type]


def word(use: Use) -> Value:
    """The slots of a word's result."""
    if use.word in CONVERSIONS:
        return use.apply("convert", use.slot(0), dtype=use.leaf().dtype)
    handler = WORDS.get(use.word)
    if handler is not None:
        return handler(use)
    return use.apply(use.word, *(use.slot(place) for place in range(len(use.values))))


def _over_all(primitive: str) -> Callable[[Use], Value]:
    """A reduction over all axes."""
    return lambda use: use.apply(primitive, use.slot(0), axes=tuple(range(use.array(0).rank)))


def _mean(use: Use) -> Value:
    builder, type_ = use.scope.builder, use.array(0)
    total = builder.apply("reduce_sum", use.slot(0), axes=tuple(range(type_.rank)))
    count = builder.apply("convert", builder.size(product(type_.shape)), dtype=type_.dtype)
    return use.apply("div", total, count)


def _along_first(primitive: str) -> Callable[[Use], Value]:
    """A scan or an order along the first axis, of each part of the value."""

    def handler(use: Use) -> Value:
        params = {"reverse": False} if primitive.startswith("cum") else {}
        return use.apply(primitive, use.slot(0), axis=0, **params)

    return handler


def _reverse(use: Use) -> Value:
    return tuple(use.scope.builder.apply("reverse", slot, axes=(0,)) for slot in use.values[0])


def _stop_gradient(use: Use) -> Value:
    builder = use.scope.builder
    types = use.scope.types_of(use.values[0])
    return tuple(
        builder.apply("stop_gradient", slot) if isinstance(type_, ArrayType) and type_.is_float else slot
        for slot, type_ in zip(use.values[0], types, strict=True)
    )


def _concat(use: Use) -> Value:
    return tuple(use.scope.builder.apply("concat", *slots, axis=0) for slots in zip(*use.values, strict=True))


def _transpose(use: Use) -> Value:
    builder = use.scope.builder
    return tuple(
        builder.apply("transpose", slot, axes=(1, 0, *range(2, builder.array_type(slot).rank)))
        for slot in use.values[0]
    )


def _reshape(use: Use) -> Value:
    """`reshape` and `flatten`: the shape of the result says it all."""
    builder = use.scope.builder
    shapes = [leaf.shape for leaf in leaves(use.result) if isinstance(leaf, ArrayType)]
    return tuple(builder.apply("reshape", slot, shape=shape) for slot, shape in zip(use.values[0], shapes, strict=True))


def _iota(use: Use) -> Value:
    return use.apply("iota", size=use.leaf().shape[0])


def _gather(use: Use) -> Value:
    builder = use.scope.builder
    return tuple(builder.apply("gather", slot, use.slot(1), proved=use.proved) for slot in use.values[0])


def _scatter_add(use: Use) -> Value:
    builder = use.scope.builder
    pairs = zip(use.values[0], use.values[2], strict=True)
    return tuple(builder.apply("scatter_add", base, value, use.slot(1), proved=use.proved) for base, value in pairs)


def _solver(primitive: str, **params: bool) -> Callable[[Use], Value]:
    """A linear solver; a vector on the right is a matrix of one column."""

    def handler(use: Use) -> Value:
        builder, right = use.scope.builder, use.array(1)
        if right.rank > 1:
            return use.apply(primitive, use.slot(0), use.slot(1), **params)
        column = builder.apply("reshape", use.slot(1), shape=(*right.shape, 1))
        solved = builder.apply(primitive, use.slot(0), column, **params)
        return use.apply("reshape", solved, shape=right.shape)

    return handler


def _reduce(use: Use) -> Value:
    """``reduce(f, x)``: a fold over ``x[1:]`` from ``x[0]``; the function is assumed associative."""
    scope, builder = use.scope, use.scope.builder
    (function,) = use.values[0]
    arrays = scope.arrays(use.values[1])
    zero = builder.constant(0, "i64")
    initial = [builder.apply("gather", slot, zero, proved=True) for slot in use.values[1]]
    rest = [_tail(scope, slot, type_) for slot, type_ in zip(use.values[1], arrays, strict=True)]
    element = tuple(ArrayType(type_.dtype, type_.shape[1:]) for type_ in arrays)
    program, captures = _combiner(scope, function, element)
    size: Size = sub(arrays[0].shape[0], 1)
    return builder.fold(size, captures, rest, initial, program, associative=True)


def _tail(scope: Scope, slot: int, type_: ArrayType) -> int:
    starts = (1, *(0 for _ in type_.shape[1:]))
    return scope.builder.apply("slice", slot, starts=starts, limits=type_.shape)


def _combiner(scope: Scope, function: int, element: tuple[ArrayType, ...]) -> tuple[Program, tuple[int, ...]]:
    """``(x, carry, i) -> f(carry, x)`` as a body that captures the function."""
    scope.env["$f"] = (function,)

    def write(inner: Scope, own: Value) -> Value:
        width = len(element)
        operands = (*inner.env["$f"], *own[width : 2 * width], *own[:width])
        return inner.builder.emit(Invoke(), operands, element)

    captures, (program,) = closed(scope, "reduce", ("$f",), [Body([*element, *element, I64], write)])
    del scope.env["$f"]
    return program, captures


def matmul(scope: Scope, left: int, right: int) -> int:
    """``x @ y`` of vectors and matrices."""
    ranks = (scope.builder.array_type(left).rank, scope.builder.array_type(right).rank)
    specs = {(2, 2): "ij,jk->ik", (2, 1): "ij,j->i", (1, 2): "i,ij->j", (1, 1): "i,i->"}
    if ranks not in specs:
        raise InternalError(f"`@` of ranks {ranks}")
    return scope.builder.apply("einsum", left, right, spec=specs[ranks])


def as_shape(type_: Type) -> tuple[Size, ...]:
    """The shape of an array type; a scalar has none."""
    return type_.shape if isinstance(type_, Array) else ()


WORDS: dict[str, Callable[[Use], Value]] = {
    **{name: _over_all(f"reduce_{name}") for name in ("sum", "prod", "max", "min", "all", "any")},
    "mean": _mean,
    "logsumexp": _over_all("logsumexp"),
    "softmax": lambda use: use.apply("softmax", use.slot(0), axes=(0,)),
    "argmax": _along_first("argmax"),
    "argmin": _along_first("argmin"),
    **{name: _along_first(name) for name in ("cumsum", "cumprod", "cummax", "cummin", "sort", "argsort")},
    "reverse": _reverse,
    "concat": _concat,
    "transpose": _transpose,
    "reshape": _reshape,
    "flatten": _reshape,
    "iota": _iota,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "solve": _solver("solve"),
    "triangular_solve": _solver("triangular_solve", lower=True, transposed=False, unit=False),
    "triangular_solve_upper": _solver("triangular_solve", lower=False, transposed=False, unit=False),
    "reduce": _reduce,
    "stop_gradient": _stop_gradient,
}
