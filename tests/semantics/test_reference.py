"""The reference on loops, branches, calls, closures, variants and recursion; sizes and arguments."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.lang.builder import Builder, body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import (
    BOOL,
    F64,
    I64,
    ArrayType,
    Branch,
    Close,
    DataType,
    Function,
    FunType,
    Inject,
    Invoke,
    Program,
    SlotType,
    Transform,
)
from pushforward.lang.sizes import add, variable
from pushforward.lang.types import Data
from pushforward.semantics.exact import evaluate_exact
from pushforward.semantics.reference import Closure, Limits, Variant, evaluate
from pushforward.semantics.scalar_line import is_scalar_line

N = variable("n")
VECTOR = ArrayType("f64", (N,))
UNARY = FunType((F64,), (F64,))


def _code(program: Program, args: list[object], **more: object) -> str:
    with pytest.raises(DiagnosticError) as caught:
        evaluate(program, args, **more)  # type: ignore[arg-type]
    return caught.value.diagnostics[0].code


def _scaled_squares() -> Program:
    """``for i < n => scale * x[i]^2 + i`` and the sum of squares."""
    builder = Builder("scaled squares", (F64, VECTOR), ("n",))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        scale, element, index = x
        square = b.apply("mul", element, element)
        shifted = b.apply("add", b.apply("mul", scale, square), b.apply("convert", index, dtype="f64"))
        return [shifted, square]

    outputs = builder.each(N, (0,), (1,), body("one", (F64, F64, I64), write), ("stack", "sum"))
    return builder.build(outputs)


def test_each_stacks_and_sums() -> None:
    stacked, total = evaluate(_scaled_squares(), [2.0, np.array([1.0, 2.0, 3.0])])
    assert stacked.tolist() == [2.0, 9.0, 20.0]
    assert total == 14.0


def _gathered_products() -> Program:
    """``for i < n => x[i] * y[n - 1 - i]`` and their sum, read by index from captured vectors."""
    builder = Builder("gathered products", (VECTOR, VECTOR), ("n",))
    last = builder.apply("sub", builder.size(N), builder.constant(1, "i64"))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        left = b.apply("gather", x[0], x[3], proved=True)
        right = b.apply("gather", x[1], b.apply("sub", x[2], x[3]), proved=False)
        return [b.apply("mul", left, right), b.constant(2.0)]

    one = body("one", (VECTOR, VECTOR, I64, I64), write)
    return builder.build(builder.each(N, (0, 1, last), (), one, ("stack", "sum")))


def test_a_line_of_scalar_operations_runs_at_once_with_the_same_result() -> None:
    program = _gathered_products()
    assert is_scalar_line(program.steps[-1].op.body, 3)  # type: ignore[union-attr]
    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    stacked, total = evaluate(program, [x, y])
    assert stacked.tolist() == [6.0, 10.0, 12.0]
    assert total == 6.0
    exact, _ = evaluate_exact(program, [x, y])
    assert exact.tolist() == stacked.tolist()


def test_each_over_nothing() -> None:
    stacked, total = evaluate(_scaled_squares(), [2.0, np.zeros(0)])
    assert stacked.shape == (0,)
    assert total == 0.0


@pytest.mark.parametrize(("reverse", "states"), [(False, [1.0, 3.0, 6.0]), (True, [6.0, 5.0, 3.0])])
def test_fold_carries_and_stacks_at_the_index(reverse: bool, states: list[float]) -> None:
    builder = Builder("running sum", (VECTOR,), ("n",))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        total = b.apply("add", x[1], x[0])
        return [total, total]

    zero = builder.constant(0.0)
    step = body("step", (F64, F64, I64), write)
    outputs = builder.fold(N, (), (0,), (zero,), step, ("stack",), reverse=reverse)
    final, stacked = evaluate(builder.build(outputs), [np.array([1.0, 2.0, 3.0])])
    assert final == 6.0
    assert stacked.tolist() == states


@pytest.mark.parametrize(("limit", "result"), [(100, 128.0), (3, 8.0)])
def test_while_stops_by_condition_or_limit(limit: int, result: float) -> None:
    builder = Builder("doubling", (F64,))
    step = body("step", (F64, I64), lambda b, x: [b.apply("add", x[0], x[0])])
    going = body("going", (F64,), lambda b, x: [b.apply("lt", x[0], b.constant(100.0))])
    outputs = builder.fold(limit, (), (), (0,), step, condition=going)
    assert evaluate(builder.build(outputs), [1.0])[0] == result


def test_branches_are_lazy() -> None:
    """The arm not taken divides by zero."""
    divide = body("divide", (I64,), lambda b, x: [b.apply("floordiv", b.constant(10, "i64"), x[0])])
    zero = body("zero", (I64,), lambda b, x: [b.constant(0, "i64")])
    builder = Builder("guarded", (I64,))
    nonzero = builder.apply("ne", 0, builder.constant(0, "i64"))
    program = builder.build(builder.branch(nonzero, (0,), (zero, divide)))
    assert evaluate(program, [5])[0] == 2
    assert evaluate(program, [0])[0] == 0
    assert _code(divide, [0]) == "E101"


def test_an_integer_selects_an_arm() -> None:
    arms = tuple(body(str(k), (), lambda b, x, k=k: [b.constant(float(k))]) for k in range(3))
    builder = Builder("select", (I64,))
    program = builder.build(builder.emit(Branch(arms), (0,), (F64,)))
    assert [float(evaluate(program, [k])[0]) for k in range(3)] == [0.0, 1.0, 2.0]
    assert _code(program, [3]) == "E100"


def test_closures_capture() -> None:
    line = body("line", (F64, F64), lambda b, x: [b.apply("mul", x[0], x[1])])
    builder = Builder("apply", (F64, F64))
    (function,) = builder.emit(Close(line), (0,), (UNARY,))
    program = builder.build((*builder.emit(Invoke(), (function, 1), (F64,)), function))
    value, closure = evaluate(program, [3.0, 4.0])
    assert value == 12.0
    assert isinstance(closure, Closure)
    assert closure.captured == (3.0,)


def _factorial(base: bool = True) -> tuple[Program, dict[Function, Program]]:
    """``f(n) = if n <= 0 then 1 else n * f(n - 1)``, looked up by name; without its base case on request."""
    name = Function("m", "factorial")
    type_ = FunType((I64,), (I64,))

    def recurse(b: Builder, x: tuple[int, ...]) -> list[int]:
        (function,) = b.emit(name, (), (type_,))
        smaller = b.apply("sub", x[0], b.constant(1, "i64"))
        (rest,) = b.emit(Invoke(), (function, smaller), (I64,))
        return [b.apply("mul", x[0], rest)]

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        more = b.apply("gt", x[0], b.constant(0, "i64"))
        one = body("one", (I64,), lambda b, x: [b.constant(1, "i64")])
        again = body("again", (I64,), recurse)
        return list(b.branch(more, x, (one if base else again, again)))

    program = body("factorial", (I64,), write)
    return program, {name: program}


def test_recursion_by_name() -> None:
    program, definitions = _factorial()
    assert evaluate(program, [10], definitions=definitions)[0] == 3628800
    assert evaluate(program, [1500], definitions=definitions.__getitem__)[0] == 0  # wrapped around 2^64


def test_recursion_without_end_is_a_diagnostic() -> None:
    program, definitions = _factorial(base=False)
    assert _code(program, [3], definitions=definitions) == "E102"


def test_a_step_limit_ends_a_long_loop() -> None:
    builder = Builder("long", (F64,))
    step = body("step", (F64, I64), lambda b, x: [b.apply("mul", x[0], x[0])])
    program = builder.build(builder.fold(10**9, (), (), (0,), step))
    assert _code(program, [0.5], limits=Limits(steps=1000)) == "E103"


def test_variants_choose_their_arm_with_their_payload() -> None:
    shape = DataType(Data("Shape", ()))
    circle = body("circle", (F64, F64), lambda b, x: [b.apply("mul", x[0], b.apply("mul", x[1], x[1]))])
    box = body("box", (F64, F64, F64), lambda b, x: [b.apply("mul", x[1], x[2])])
    builder = Builder("area", (F64, shape))
    program = builder.build(builder.emit(Branch((circle, box)), (1, 0), (F64,)))
    assert evaluate(program, [3.0, Variant(0, (np.float64(2.0),))])[0] == 12.0
    assert evaluate(program, [3.0, Variant(1, (np.float64(2.0), np.float64(5.0)))])[0] == 10.0
    maker = Builder("make", (F64,))
    (made,) = evaluate(maker.build(maker.emit(Inject(1), (0, 0), (shape,))), [2.0])
    assert made == Variant(1, (2.0, 2.0))


def test_derivative_operators_are_handed_to_the_caller() -> None:
    builder = Builder("slope", (UNARY, F64))
    (slope,) = builder.emit(Transform("grad"), (0,), (UNARY,))
    program = builder.build(builder.emit(Invoke(), (slope, 1), (F64,)))
    square = Closure(body("square", (F64,), lambda b, x: [b.apply("mul", x[0], x[0])]))
    twice = Closure(body("twice", (F64,), lambda b, x: [b.apply("add", x[0], x[0])]))

    def transforms(op: Transform, function: Closure, type_: SlotType) -> Closure:
        assert (op.kind, function, type_) == ("grad", square, UNARY)
        return twice

    assert evaluate(program, [square, 3.0], transforms=transforms)[0] == 6.0
    assert _code(program, [square, 3.0]) == "E111"


def test_sizes_follow_from_shapes() -> None:
    longer = ArrayType("f64", (add(N, 1),))
    builder = Builder("size", (longer,), ("n",))
    program = builder.build((builder.size(N),))
    assert evaluate(program, [np.zeros(4)])[0] == 3
    assert _code(program, [np.zeros(0)]) == "E106"
    unknown = Builder("unknown", (), ("n",))
    counted = unknown.build((unknown.size(N),))
    assert _code(counted, []) == "E106"
    assert evaluate(counted, [], {"n": 7})[0] == 7


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([np.zeros(3), np.zeros(4)], "E106"),
        ([np.zeros((3, 1)), np.zeros(3)], "E105"),
        ([np.zeros(3, np.float32), np.zeros(3)], "E105"),
        ([np.zeros(3)], "E105"),
    ],
)
def test_arguments_must_fit(args: list[object], code: str) -> None:
    builder = Builder("dot", (VECTOR, VECTOR), ("n",))
    program = builder.build((builder.apply("einsum", 0, 1, spec="i,i->"),))
    assert _code(program, args) == code


def test_outputs_are_fresh_arrays() -> None:
    program = Builder("identity", (ArrayType("f64", (2,)),)).build((0,))
    x = np.zeros(2)
    (y,) = evaluate(program, [x])
    y[0] = 1.0
    assert x.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("value", [True, False])
def test_truth_values_are_bool(value: bool) -> None:
    program = body("not", (BOOL,), lambda b, x: [b.apply("logical_not", x[0])])
    (result,) = evaluate(program, [value])
    assert result.dtype == np.bool_
    assert bool(result) is not value
