"""Passes give back the very object where there is nothing to do, so that what is known about it is not lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pushforward.ad import forward as forward_mode
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import F64, I64, ArrayType, Each, Fold, Program
from pushforward.lang.passes import simplify, unroll


def nested() -> Program:
    """Rows of products: a loop in a loop, with nothing to tidy."""

    def inner(b: Builder, x: tuple[int, ...]) -> Sequence[int]:
        return [b.apply("mul", x[0], x[1])]

    def outer(b: Builder, x: tuple[int, ...]) -> Sequence[int]:
        return b.each(7, [x[0]], [x[1]], body("inner", [F64, F64, I64], inner), ["stack"])

    rows = body("outer", [F64, ArrayType("f64", (7,)), I64], outer)
    types = [F64, ArrayType("f64", (5, 7))]
    return body("nested", types, lambda b, x: b.each(5, [x[0]], [x[1]], rows, ["stack"]))


def loop(rounds: int) -> Program:
    step = body("step", [F64, I64], lambda b, x: [b.apply("sin", x[0])])
    return body("loop", [F64], lambda b, x: b.fold(rounds, [], [], [x[0]], step))


def test_simplify_keeps_bodies_that_are_simple() -> None:
    program = nested()
    found = simplify(program).steps[0].op
    given = program.steps[0].op
    assert isinstance(found, Each) and isinstance(given, Each)
    assert found.body is simplify(given.body) and found.body.is_simple


def test_only_short_loops_are_unrolled() -> None:
    program = nested()
    assert unroll(program) is program
    long = loop(9)
    assert unroll(long) is long
    assert not any(isinstance(step.op, Fold) for step in unroll(loop(3)).steps)


def test_arms_are_pushed_forward_once(monkeypatch: pytest.MonkeyPatch) -> None:
    arms = [body(name, [F64], lambda b, x, name=name: [b.apply(name, x[0])]) for name in ("sin", "cos")]
    program = body("choice", [ArrayType("bool"), F64], lambda b, x: b.branch(x[0], [x[1]], arms))
    pushed: list[str] = []
    original = forward_mode.push

    def counting(program: Program, *args: tuple[bool, ...]) -> forward_mode.Pushed:
        pushed.append(program.name)
        return original(program, *args)

    monkeypatch.setattr(forward_mode, "push", counting)
    forward_mode.forward(program)
    assert sorted(pushed) == ["choice", "cos", "sin"]
