"""Random programs of the reference macro's fragment: straight lines of scalars, and maps, sums and folds over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pushforward.lang.builder import Builder
from pushforward.lang.ir import ArrayType, Program

Pick = Callable[[int], int]
F64, I64 = ArrayType("f64"), ArrayType("i64")
SIZE = 3
ROW = ArrayType("f64", (SIZE,))
SMOOTH = ("sin", "cos", "exp", "tanh", "log", "sqrt", "neg")


def _one_of(pick: Pick, items: Sequence[int]) -> int:
    return items[pick(len(items))]


def straight_line(pick: Pick, fuel: int) -> Program:
    """A scalar program: literals, unary and binary primitives, one or two outputs."""
    b = Builder("line", [F64] * (1 + pick(3)))
    for _ in range(1 + pick(fuel)):
        slots = range(len(b.types))
        kind = pick(4)
        if kind == 0:
            b.apply(SMOOTH[pick(len(SMOOTH))], _one_of(pick, slots))
        elif kind == 1 and pick(2):
            b.apply("integer_pow", _one_of(pick, slots), exponent=2 + pick(3))
        elif kind == 1:
            b.constant((0.5, 2.0, 3.0)[pick(3)])
        else:
            b.apply(("add", "sub", "mul", "div")[pick(4)], _one_of(pick, slots), _one_of(pick, slots))
    return b.build([_one_of(pick, range(len(b.types))) for _ in range(1 + pick(2))])


def array_program(pick: Pick, fuel: int) -> Program:
    """Maps, sums and folds of polynomial bodies over vectors and scalars, with captures, up to two deep."""
    b = Builder("arrays", [F64, ROW, ROW][: 2 + pick(2)])
    for _ in range(1 + pick(fuel)):
        _array_step(b, pick, 2)
    floats = [k for k, type_ in enumerate(b.types) if isinstance(type_, ArrayType) and type_.is_float]
    return b.build([floats[-1 - pick(min(3, len(floats)))] for _ in range(1 + pick(2))])


def _array_step(b: Builder, pick: Pick, depth: int) -> None:
    kind = pick(4) if depth else 0
    scalars = [k for k, type_ in enumerate(b.types) if type_ == F64]
    rows = [k for k, type_ in enumerate(b.types) if type_ == ROW]
    if kind == 0 or not rows:
        family = rows if rows and pick(2) else scalars
        family = family or scalars or rows
        b.apply(("add", "sub", "mul")[pick(3)], _one_of(pick, family), _one_of(pick, family))
        return
    captures = [_one_of(pick, scalars + rows) for _ in range(pick(3))]
    arrays = [_one_of(pick, rows) for _ in range(1 + pick(2))]
    types = [b.array_type(slot) for slot in captures]
    if kind == 3 and scalars:
        body = _body([*types, *(F64 for _ in arrays), F64, I64], pick, depth)
        b.fold(SIZE, captures, arrays, [_one_of(pick, scalars)], body)
    else:
        body = _body([*types, *(F64 for _ in arrays), I64], pick, depth)
        b.each(SIZE, captures, arrays, body, [("stack", "sum")[pick(2)]])


def _body(inputs: Sequence[ArrayType], pick: Pick, depth: int) -> Program:
    b = Builder("body", inputs)
    for _ in range(1 + pick(3)):
        _array_step(b, pick, depth - 1)
    scalars = [k for k, type_ in enumerate(b.types) if type_ == F64]
    return b.build([scalars[-1 - pick(min(2, len(scalars)))]])
