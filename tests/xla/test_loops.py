"""Loops taken apart: carries into their parts, loops into one per group of carries, with the same results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.ad.derive import value_and_gradient
from pushforward.codegen.xla.carries import split_carries
from pushforward.codegen.xla.compile import compile_xla
from pushforward.codegen.xla.fission import SMALL, fission
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Fold, Program
from pushforward.lang.sizes import Size
from pushforward.semantics.reference import evaluate

I64 = ArrayType("i64")
ROUNDS = 5
Write = Callable[[Builder, Sequence[int]], Sequence[int]]


def vector(*shape: int) -> ArrayType:
    return ArrayType("f64", shape)


def loop(
    captures: Sequence[ArrayType],
    arrays: Sequence[ArrayType],
    carries: Sequence[ArrayType],
    write: Write,
    combine: Sequence[str] = (),
    *,
    reverse: bool = False,
) -> Program:
    """A program of one loop, whose inputs are the loop's operands and whose outputs are its results."""
    step = body("step", [*captures, *arrays, *carries, I64], write)
    stacked = [type_.with_shape((ROUNDS, *type_.shape)) for type_ in arrays]
    first, second = len(captures), len(captures) + len(arrays)

    def whole(b: Builder, x: tuple[int, ...]) -> Sequence[int]:
        return b.fold(ROUNDS, x[:first], x[first:second], x[second:], step, combine, reverse=reverse)

    return body("loop", [*captures, *stacked, *carries], whole)


def folds(program: Program) -> list[Fold]:
    return [step.op for step in program.steps if isinstance(step.op, Fold)]


def primitives(program: Program) -> set[str]:
    return {step.op.primitive for step in program.steps if isinstance(step.op, Apply)}


def elements(program: Program) -> list[Size]:
    """How many numbers each output holds."""
    return [type_.elements for type_ in program.output_types if isinstance(type_, ArrayType)]


def arguments(program: Program) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for type_ in program.inputs:
        assert isinstance(type_, ArrayType)
        yield rng.normal(size=[size for size in type_.shape if isinstance(size, int)])


def agree(left: Program, right: Program) -> None:
    args = list(arguments(left))
    for got, expected in zip(evaluate(left, args), evaluate(right, args), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


# --- carries ---------------------------------------------------------------------------------------------------------


def row(b: Builder, x: int, k: int) -> int:
    length = b.array_type(x).shape[1]
    return b.apply("reshape", b.apply("slice", x, starts=(k, 0), limits=(k + 1, length)), shape=(length,))


def rows(b: Builder, *parts: int) -> int:
    lifted = [b.apply("reshape", part, shape=(1, *b.array_type(part).shape)) for part in parts]
    return b.apply("concat", *lifted, axis=0)


def test_rows_that_are_put_together_each_round_are_carried_apart() -> None:
    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        second = b.apply("gather", x[0], b.constant(1, "i64"), proved=True)
        return [rows(b, b.apply("sin", second), b.apply("add", row(b, x[0], 0), second))]

    program = loop([], [], [vector(2, 3)], turn)
    made = split_carries(program)
    (fold,) = folds(made)
    assert fold.body.output_types == (vector(3), vector(3))
    assert primitives(fold.body) == {"sin", "add"}
    agree(made, program)


def test_rows_of_rows_are_carried_apart() -> None:
    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        states = [
            b.apply("reshape", b.apply("slice", x[0], starts=(k, 0, 0), limits=(k + 1, 2, 3)), shape=(2, 3))
            for k in range(2)
        ]
        h, c = (row(b, states[0], k) for k in range(2))
        g, d = (row(b, states[1], k) for k in range(2))
        return [rows(b, rows(b, b.apply("sin", c), h), rows(b, b.apply("add", g, h), b.apply("mul", d, g)))]

    program = loop([], [], [vector(2, 2, 3)], turn)
    made = split_carries(program)
    assert elements(folds(made)[0].body) == [3, 3, 3, 3]
    agree(made, program)


def test_a_carry_that_is_read_as_a_whole_stays_whole() -> None:
    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        total = b.apply("reduce_sum", x[0], axes=(0,))
        return [rows(b, total, b.apply("sin", row(b, x[0], 0))), rows(b, row(b, x[1], 1), row(b, x[1], 0))]

    program = loop([], [], [vector(2, 3), vector(2, 3)], turn)
    made = split_carries(program)
    assert elements(folds(made)[0].body) == [6, 3, 3]
    agree(made, program)


# --- groups of carries -----------------------------------------------------------------------------------------------


def layers(b: Builder, x: Sequence[int]) -> list[int]:
    """Two recurrent layers: the second reads the first through an exponential; both hand out what they computed."""
    weight, seen, first, second = x[:4]
    a = b.apply("add", b.apply("mul", first, weight), seen)
    first = b.apply("tanh", a)
    inward = b.apply("exp", first)
    c = b.apply("add", b.apply("mul", second, weight), inward)
    second = b.apply("tanh", c)
    return [first, second, a, inward, c, b.apply("mul", second, second)]


@pytest.mark.parametrize("reverse", [False, True])
def test_layers_run_one_after_the_other(reverse: bool) -> None:
    combine = ["stack", "stack", "stack", "sum"]
    program = loop([vector(3)], [vector(3)], [vector(3)] * 2, layers, combine, reverse=reverse)
    made = fission(program)
    assert [len(fold.combine) for fold in folds(made)] == [1, 1]  # each layer stacks its state alone
    assert all(fold.reverse == reverse for fold in folds(made))
    agree(made, program)


def test_layers_are_differentiated_as_before() -> None:
    program = loop([vector(3)], [vector(3)], [vector(3)] * 2, layers, ["stack", "stack", "stack", "sum"])

    def total(b: Builder, x: tuple[int, ...]) -> list[int]:
        results = b.inline(program, x)
        squares = [b.apply("mul", slot, slot) for slot in results]
        sums = [b.apply("reduce_sum", slot, axes=tuple(range(b.array_type(slot).rank))) for slot in squares]
        value = sums[0]
        for one in sums[1:]:
            value = b.apply("add", value, one)
        return [value]

    gradient = value_and_gradient(body("total", list(program.inputs), total), (0, 1, 2, 3))
    args = list(arguments(gradient))
    for got, expected in zip(compile_xla(gradient)(args), evaluate(gradient, args), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_carries_that_need_each_other_share_a_loop() -> None:
    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        p, q = x[:2]
        force = b.apply("sin", q)
        p = b.apply("sub", p, force)
        q = b.apply("add", q, p)
        return [p, q, force, b.apply("cos", q), b.apply("exp", p)]

    program = loop([], [], [vector(2)] * 2, turn, ["stack", "stack", "sum"])
    made = fission(program)
    (fold,) = folds(made)
    assert fold.combine == ("stack", "stack")
    assert "exp" not in primitives(fold.body) and "exp" in primitives(made)
    agree(made, program)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_carry_that_only_waits_needs_no_loop(reverse: bool) -> None:
    """Differences of neighbours: the carry is the element before."""

    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        return [x[0], b.apply("sub", x[0], x[1])]

    program = loop([], [vector(3)], [vector(3)], turn, ["stack"], reverse=reverse)
    made = fission(program)
    assert not folds(made)
    agree(made, program)


def test_values_that_jump_are_stored_not_computed_twice() -> None:
    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        whole = b.apply("floor", x[0])
        twice = b.apply("add", whole, whole)
        return [b.apply("sub", b.apply("mul", x[0], b.constant(1.7)), whole), whole, twice, b.apply("sin", twice)]

    program = loop([], [], [vector(3)], turn, ["stack"] * 3)
    made = fission(program)
    assert folds(made)[0].combine == ("stack",) and "floor" not in primitives(made)
    agree(made, program)


@pytest.mark.parametrize("case", ["extreme", "large"])
def test_loops_with_extremes_or_large_arrays_are_left_alone(case: str) -> None:
    width = SMALL + 1 if case == "large" else 3

    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        top = b.broadcast(b.apply("reduce_max" if case == "extreme" else "reduce_sum", x[0], axes=(0,)), (width,), ())
        following = b.apply("sin", b.apply("mul", x[0], top))
        return [following, top, b.apply("exp", following), b.apply("mul", following, following)]

    program = loop([], [], [vector(width)], turn, ["stack"] * 3)
    assert fission(program) == program


# --- any loop --------------------------------------------------------------------------------------------------------

OPERATIONS = ("add", "sub", "mul", "sin", "tanh", "floor", "where")


@st.composite
def loops(draw: st.DrawFn) -> Program:
    """A loop over scalars with a random body: two captures, two arrays, up to four carries, up to eight extras."""
    carries = draw(st.integers(1, 4))
    drawn = draw(
        st.lists(
            st.tuples(st.sampled_from(OPERATIONS), *[st.integers(0, 40)] * 3),
            min_size=3,
            max_size=14,
        )
    )
    outputs = draw(st.lists(st.integers(0, 40), min_size=carries + 1, max_size=carries + 8))
    combine = [draw(st.sampled_from(["stack", "sum"])) for _ in outputs[carries:]]

    def turn(b: Builder, x: Sequence[int]) -> list[int]:
        slots = list(x[:-1])
        for name, *places in drawn:
            one, two, three = (slots[place % len(slots)] for place in places)
            match name:
                case "where":
                    slots.append(b.apply("where", b.apply("lt", one, two), two, three))
                case "add" | "sub" | "mul":
                    slots.append(b.apply(name, b.apply("sin", one), two))
                case _:
                    slots.append(b.apply(name, one))
        return [slots[place % len(slots)] for place in outputs]

    return loop([vector()] * 2, [vector()] * 2, [vector()] * carries, turn, combine, reverse=draw(st.booleans()))


@given(loops())
def test_any_divided_loop_computes_the_same(program: Program) -> None:
    agree(fission(program), program)
