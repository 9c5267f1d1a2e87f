"""Loops and branches in which some values move and others do not, or only later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pushforward.ad.taylor import Series, expand, jet, univariate
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import F64, I64, ArrayType, Fold, Program
from pushforward.semantics.reference import evaluate
from tests.ad.taylor.agreement import check

ROW = ArrayType("f64", (3,))


def late() -> Program:
    """A carry that starts at rest, is captured as well, and moves from the second round on."""
    inner = body("swap", [F64, F64, F64, I64], lambda b, x: [x[2], b.apply("mul", x[0], b.apply("sin", x[1]))])
    return body("late", [F64], lambda b, x: b.fold(3, [b.constant(0.5)], [], [b.constant(0.5), x[0]], inner))


def halting() -> Program:
    """A while loop over a float and an integer, with a branch inside."""
    arms = [body(name, [F64], lambda b, x, name=name: [b.apply(name, x[0])]) for name in ("cos", "exp")]

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        parity = b.apply("mod", x[2], b.constant(2, "i64"))
        (value,) = b.branch(parity, [b.apply("mul", x[0], x[1])], arms)
        return [value, b.apply("add", x[2], b.constant(1, "i64"))]

    def go(b: Builder, x: tuple[int, ...]) -> list[int]:
        return [b.apply("lt", x[2], b.constant(4, "i64"))]

    condition, inner = body("go", [F64, F64, I64], go), body("step", [F64, F64, I64, I64], write)
    return body(
        "halting", [F64, F64],
        lambda b, x: b.fold(9, [1], [], [0, b.constant(0, "i64")], inner, condition=condition)[:1],
    )  # fmt: skip


def uneven(first: int) -> Program:
    """Arms of which one gives a constant, one moves in the first input and one in both."""
    arms = [
        body("rest", [F64, F64], lambda b, x: [b.constant(2.0), x[0]]),
        body("one", [F64, F64], lambda b, x: [b.apply("add", x[0], x[0]), b.constant(1.0)]),
        body("both", [F64, F64], lambda b, x: [b.apply("mul", x[0], b.apply("tanh", x[1])), x[1]]),
    ]
    turned = [*arms[first:], *arms[:first]]
    return body("uneven", [F64, F64, I64], lambda b, x: b.branch(x[2], [x[0], x[1]], turned))


def stacked() -> Program:
    """Arrays read, states stacked backwards, extras summed; an array that does not move beside one that does."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        carry = b.apply("add", b.apply("mul", x[0], x[2]), b.apply("sin", x[1]))
        return [carry, carry, b.apply("mul", carry, x[0]), x[0]]

    inner = body("round", [F64, F64, F64, I64], write)
    fixed = [0.5, -1.0, 2.0]
    return body(
        "stacked", [ROW, F64],
        lambda b, x: b.fold(
            3, [], [b.constant(fixed, "f64", (3,)), x[0]], [x[1]], inner, ["stack", "sum", "stack"], reverse=True
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("program", "x"),
    [
        (late(), [0.7]), (halting(), [0.7, 1.2]), (stacked(), [[0.1, -0.4, 0.3], 0.5]),
        *((uneven(first), [0.7, -0.3, arm]) for first in range(3) for arm in range(3)),
    ],
)  # fmt: skip
def test_constructs(program: Program, x: Sequence[object]) -> None:
    check(program, [np.asarray(value) for value in x])


def test_the_arm_not_taken_reaches_nothing() -> None:
    root = body("root", [F64], lambda b, x: [b.apply("sqrt", x[0])])
    zero = body("zero", [F64], lambda b, x: [b.constant(0.0)])
    program = body("f", [F64], lambda b, x: b.branch(b.apply("lt", b.constant(0.0), x[0]), x, [zero, root]))
    assert evaluate(jet(program, 2), [np.array(0.0), np.array(1.0), np.array(0.0)]) == [0.0, 0.0, 0.0]
    assert evaluate(jet(program, 2), [np.array(4.0), np.array(1.0), np.array(0.0)]) == [2.0, 0.25, -1 / 64]


def test_a_loop_carries_only_coefficients_that_there_are() -> None:
    """What is linear in a line has no second coefficient, in the body either."""
    inner = body("round", [F64, F64, I64], lambda b, x: [b.apply("add", x[1], b.apply("mul", b.constant(3.0), x[0]))])
    program = body("line", [F64, F64], lambda b, x: b.fold(4, [x[0]], [], [x[1]], inner))
    b = Builder("jet", [F64, F64, F64])
    (series,) = expand(b, program, [Series(0, {(1,): 2}), Series(1)], univariate(5))
    assert list(series.coefficients) == [(1,)]
    loops = [step.op for step in b.build([series.value, 4]).steps if isinstance(step.op, Fold)]
    assert [len(loop.body.outputs) for loop in loops] == [2]


def test_series_of_series() -> None:
    """A jet is a program like any other: its own jet is the mixed series."""
    program = body("f", [F64], lambda b, x: [b.apply("exp", b.apply("sin", x[0]))])
    twice = jet(jet(program, 2), 1, (True, False, False))
    values = evaluate(twice, [np.array(0.3), np.array(1.0), np.array(0.0), np.array(1.0)])
    third = evaluate(jet(program, 3), [np.array(0.3), np.array(1.0), np.array(0.0), np.array(0.0)])[3]
    assert values[5] == pytest.approx(3 * third, rel=1e-13)
