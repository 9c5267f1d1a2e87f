"""Long straight programs: cut into functions they give what they give whole, and formulas are written once."""

from __future__ import annotations

import numpy as np
import pytest

import pushforward as pf
from pushforward.codegen.llvm import kernel, parts
from pushforward.codegen.llvm.compile import compile_llvm, shown, written
from pushforward.codegen.llvm.divide import divide
from pushforward.codegen.llvm.pipeline import optimise
from pushforward.lang.builder import Builder, body
from pushforward.lang.check_ir import check_program
from pushforward.lang.ir import F64, I64, ArrayType, Call, Program
from pushforward.semantics.reference import evaluate

VECTOR = ArrayType("f64", (5,))


def _long() -> Program:
    """Numbers, arrays, flags and whole numbers that are made early and read late, a literal and an input as results."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        early = b.apply("reverse", b.apply("sin", x[1]), axes=(0,))
        view = b.apply("broadcast", b.apply("cos", x[0]), shape=(5,), axes=())
        flag, count, total = b.apply("lt", x[0], b.constant(0.5)), b.apply("add", x[2], x[2]), x[0]
        for k in range(60):
            total = b.apply("add", b.apply("sin", total), b.constant(0.01 * k))
        late = b.apply("mul", b.apply("mul", early, view), b.broadcast(total, (5,), ()))
        chosen = b.apply("where", flag, total, b.apply("convert", count, dtype="f64"))
        return [late, chosen, b.constant(7.0), x[1], count, b.apply("reduce_sum", late, axes=(0,))]

    return body("long", [F64, VECTOR, I64], write)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_parts_give_what_the_whole_gives(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _long()
    monkeypatch.setattr(parts, "LONG", 20)
    monkeypatch.setattr(parts, "PART", size)
    cut = parts.in_parts.__wrapped__(program)
    check_program(cut)
    assert sum(isinstance(step.op, Call) for step in cut.steps) > 2
    args = [0.25, np.linspace(-1, 2, 5), 4]
    for one, other in zip(compile_llvm.__wrapped__(cut)(args), evaluate(program, args), strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype and np.allclose(one, other, rtol=1e-14, atol=0)


def test_straight_parts_are_left_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def numbers(b: Builder, x: tuple[int, ...]) -> list[int]:
        total = x[0]
        for k in range(30):
            total = b.apply("add", b.apply("sin", total), b.constant(0.01 * k))
        return [total]

    def arrays(b: Builder, x: tuple[int, ...]) -> list[int]:
        total = x[0]
        for _ in range(30):
            total = b.apply("exp", b.apply("sin", total))
        return [total]

    monkeypatch.setattr(parts, "LONG", 20)
    monkeypatch.setattr(parts, "PART", 20)
    for write, input_, skipped in ((numbers, F64, True), (arrays, ArrayType("f64", (5000,)), False)):
        text, _ = written(parts.in_parts.__wrapped__(body("line", [input_], write)))
        assert text.count("define internal void") >= 2
        assert ("optnone" in text) == skipped


def test_parts_that_do_the_same_are_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way back of a chain reads what the way there left, each part from places of its own."""
    lines = "".join(f"  let v{k + 2} = sin(v{k}) * v{k + 1} + 0.1\n" for k in range(200))
    chain = pf.parse(f"def chain(v0: f64, v1: f64): f64 =\n{lines}  in v201\n")["chain"]
    program = optimise(pf.value_and_grad(chain, wrt=(0, 1)).first({}))
    monkeypatch.setattr(parts, "LONG", 20)
    monkeypatch.setattr(parts, "PART", 48)
    monkeypatch.setattr(kernel, "FAR", 64)
    cut = parts.in_parts.__wrapped__(program)
    calls = sum(isinstance(step.op, Call) for step in cut.steps)
    functions = written(cut)[0].count("define internal void") - 1
    assert calls > 20 and functions < calls / 2
    found, wanted = compile_llvm.__wrapped__(cut)([0.3, 0.7]), evaluate(program, [0.3, 0.7])
    assert np.allclose(found, wanted, rtol=1e-12, atol=0)


def test_a_number_may_leave_twice_and_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        first = b.apply("sin", x[0])
        middle = first
        for _ in range(20):
            middle = b.apply("cos", middle)
        return [first, middle, first, x[0], b.apply("add", first, middle)]

    program = body("twice", [F64], write)
    monkeypatch.setattr(parts, "LONG", 5)
    monkeypatch.setattr(parts, "PART", 5)
    cut = parts.in_parts.__wrapped__(program)
    found, wanted = compile_llvm.__wrapped__(cut)([0.3]), evaluate(program, [0.3])
    assert np.allclose(found, wanted, rtol=1e-14, atol=0)


def test_short_programs_stay_whole() -> None:
    program = _long()
    assert parts.in_parts(program) is program


def test_a_formula_is_written_once_when_it_is_used_often() -> None:
    def chain(count: int) -> str:
        lines = "".join(f"  let x{k + 1} = sin(x{k}) * 1.01\n" for k in range(count))
        source = f"def chain(x0: f64): f64 =\n{lines}  in x{count}\n"
        return shown(pf.parse(source)["chain"].first({}), "llvm")

    often, seldom = chain(40), chain(3)
    assert often.count("define internal") - 1 == 1 and often.count("@formula_sin(") == 40 + 1
    assert "@formula_sin(" not in seldom
    assert len(often) < 5 * len(seldom)


def test_a_literal_loop_with_two_results_leaves_a_loop() -> None:
    pair = body("pair", [I64], lambda b, x: [x[0], b.apply("add", x[0], x[0])])

    def inside(b: Builder, x: tuple[int, ...]) -> list[int]:
        once, twice = b.each(3, [], [], pair, ["stack", "stack"])
        known = b.apply("sin", b.apply("mul", b.apply("convert", twice, dtype="f64"), b.broadcast(x[0], (3,), ())))
        return [b.apply("mul", known, b.apply("convert", once, dtype="f64"))]

    inner = body("inside", [F64, I64], inside)
    program = body("outer", [F64], lambda b, x: b.each(4, [x[0]], [], inner, ["stack"]))
    divided = divide(program)
    check_program(divided)
    (found,), (wanted,) = evaluate(divided, [0.7]), evaluate(program, [0.7])
    assert np.array_equal(found, wanted)
