"""A term for every rewrite, written without rewrites: the table that `test_rewrites` reads.

Inputs 0 to 5 are two vectors, a scalar, truth values, a matrix and an integer; each writer returns the slot whose last
step the rewrite of the same name and primitive answers.
"""

from __future__ import annotations

from collections.abc import Callable

from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Program
from pushforward.lang.primitives import result_types

LENGTH = 9
F64, I64, VECTOR = ArrayType("f64"), ArrayType("i64"), ArrayType("f64", (LENGTH,))
INPUTS = (VECTOR, VECTOR, F64, ArrayType("bool", (LENGTH,)), ArrayType("f64", (3, 3)), I64)
X, Y, S, C, M, K = range(6)
SPECIAL = (0.0, -0.0, 1.5, -2.0, float("inf"), float("-inf"), float("nan"), 1e308, 5e-324)


class Plain(Builder):
    """A builder that writes every step down as it is told to."""

    def _apply(self, op: Apply, operands: tuple[int, ...]) -> int:
        types = tuple(self.array_type(slot) for slot in operands)
        return self.emit(op, operands, result_types(op.primitive, types, op.params))[0]


Writer = Callable[[Builder], int]


def _literals(name: str, dtype: str) -> list[Writer]:
    pairs = [(7, 3), (-2, 5), (2**62, 4)] if dtype == "i64" else [(0.1, 0.2), (-0.0, 3.0), (1e308, 10.0), (1.0, -3.0)]
    return [lambda b, p=p: b.apply(name, b.constant(p[0], dtype), b.constant(p[1], dtype)) for p in pairs]


def _with(name: str, number: float, *, left: bool = False) -> list[Writer]:
    """A vector, a scalar and a matrix with a literal, also with a repeated one."""

    def vector(b: Builder) -> int:
        one = b.constant(number)
        return b.apply(name, one, X) if left else b.apply(name, X, one)

    def scalar(b: Builder) -> int:
        one = b.constant(number)
        return b.apply(name, one, S) if left else b.apply(name, S, one)

    def repeated(b: Builder) -> int:
        ones = b.apply("broadcast", b.constant(number), shape=(LENGTH,), axes=())
        return b.apply(name, ones, X) if left else b.apply(name, X, ones)

    return [vector, scalar, repeated]


def _negated(name: str, *, first: bool, second: bool) -> Writer:
    def write(b: Builder) -> int:
        left = b.apply("neg", X) if first else X
        right = b.apply("neg", Y) if second else Y
        return b.apply(name, left, right)

    return write


def _side_by_side(b: Builder) -> int:
    left = b.apply("pad", X, low=(0,), high=(LENGTH,))
    return b.apply("add", left, b.apply("pad", Y, low=(LENGTH,), high=(0,)))


def _states(b: Builder) -> int:
    step = body("step", [F64, F64, I64], lambda inner, x: [inner.apply("mul", x[1], x[0])] * 2)
    _, states = b.fold(LENGTH, [], [X], [S], step, ["stack"])
    return b.apply("gather", states, b.constant(LENGTH - 1, "i64"), proved=True)


def _row_of_parts(place: int) -> Writer:
    def write(b: Builder) -> int:
        parts = b.apply("concat", M, b.apply("slice", M, starts=(0, 0), limits=(1, 3)), axis=0)
        return b.apply("gather", parts, b.constant(place, "i64"), proved=True)

    return write


def _element_of_repeated(b: Builder) -> int:
    return b.apply("gather", b.apply("broadcast", S, shape=(4,), axes=()), b.constant(2, "i64"), proved=True)


def _where(known: bool | None) -> Writer:
    def write(b: Builder) -> int:
        return b.apply("where", C, X, X) if known is None else b.apply("where", b.constant(known, "bool"), X, Y)

    return write


def _reshaped(b: Builder) -> int:
    return b.apply("reshape", b.apply("reshape", X, shape=(3, 3)), shape=(1, LENGTH))


def _part_of_parts(b: Builder) -> int:
    return b.apply("slice", b.apply("concat", X, Y, axis=0), starts=(LENGTH,), limits=(2 * LENGTH,))


def _turned(first: tuple[int, ...], second: tuple[int, ...]) -> Writer:
    return lambda b: b.apply("transpose", b.apply("transpose", M, axes=first), axes=second)


def _repeated_twice(b: Builder) -> int:
    once = b.apply("broadcast", X, shape=(2, LENGTH), axes=(1,))
    return b.apply("broadcast", once, shape=(2, 4, LENGTH), axes=(0, 2))


TERMS: dict[tuple[str, str], list[Writer]] = {
    **{("integer literals", name): _literals(name, "i64") for name in ("add", "sub", "mul")},
    **{("double literals", name): _literals(name, "f64") for name in ("add", "sub", "mul", "div")},
    ("integer literal as a double", "convert"): [lambda b: b.apply("convert", b.constant(2**53, "i64"), dtype="f64")],
    ("element of rows put together", "gather"): [_row_of_parts(k) for k in range(4)],
    ("element of a repeated scalar", "gather"): [_element_of_repeated],
    ("last of the states of a loop", "gather"): [_states],
    ("sum of parts that lie side by side", "add"): [_side_by_side],
    ("x * 1", "mul"): [*_with("mul", 1.0), *_with("mul", 1.0, left=True)],
    ("x / 1", "div"): _with("div", 1.0),
    ("x * -1", "mul"): [*_with("mul", -1.0), *_with("mul", -1.0, left=True)],
    ("-x * y", "mul"): [_negated("mul", first=a, second=not a) for a in (True, False)],
    ("-x / y", "div"): [_negated("div", first=a, second=not a) for a in (True, False)],
    ("x - 0", "sub"): _with("sub", 0.0),
    ("x + -y", "add"): [_negated("add", first=a, second=not a) for a in (True, False)],
    ("x - -y", "sub"): [_negated("sub", first=False, second=True)],
    ("--x", "neg"): [lambda b: b.apply("neg", b.apply("neg", X))],
    ("x ^ 1, x ^ 2", "integer_pow"): [lambda b, n=n: b.apply("integer_pow", X, exponent=n) for n in (1, 2)],
    ("convert to its own type", "convert"): [lambda b: b.apply("convert", X, dtype="f64")],
    ("where with a known or needless choice", "where"): [_where(None), _where(True), _where(False)],
    ("reshape of reshape, to its own shape", "reshape"): [_reshaped, lambda b: b.apply("reshape", X, shape=(LENGTH,))],
    ("transpose of transpose, by the identity", "transpose"): [
        _turned((1, 0), (1, 0)),
        lambda b: b.apply("transpose", M, axes=(0, 1)),
    ],
    ("broadcast of broadcast, to its own shape", "broadcast"): [
        _repeated_twice,
        lambda b: b.apply("broadcast", X, shape=(LENGTH,), axes=(0,)),
    ],
    ("slice of everything", "slice"): [lambda b: b.apply("slice", X, starts=(0,), limits=(LENGTH,))],
    ("slice of a concatenation", "slice"): [_part_of_parts],
    ("concatenation of one", "concat"): [lambda b: b.apply("concat", X, axis=0)],
    **{
        ("reduction over no axes", f"reduce_{name}"): [lambda b, n=name: b.apply(f"reduce_{n}", X, axes=())]
        for name in ("sum", "max", "min", "prod")
    },
}


def written(writer: Writer) -> Program:
    """The term as a program, exactly as written."""
    b = Plain("term", INPUTS)
    return b.build([writer(b)])


def rewritten(program: Program) -> Program:
    """The same program replayed through the rewrites."""
    b = Builder(program.name, program.inputs, program.sizes)
    return b.build(b.inline(program, range(len(program.inputs))))
