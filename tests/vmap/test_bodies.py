"""Batched loops, choices and calls against one lane after another; what lanes do not take leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from pushforward.ad.vmap import vmap, vmap_partial
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import ArrayType, Branch, Each, Fold, Program, Signature, SlotType
from pushforward.lang.types import F64 as SCALAR
from pushforward.lang.types import array
from pushforward.semantics.reference import evaluate

F64, I64, BOOL = ArrayType("f64"), ArrayType("i64"), ArrayType("bool")
V3 = ArrayType("f64", (3,))
LANES = 4


def _each() -> Program:
    """Rows x[k] * a + f64(k), and their sum."""

    def row(b: Builder, x: Sequence[int]) -> list[int]:
        scaled = b.apply("add", b.apply("mul", x[1], x[0]), b.apply("convert", x[2], dtype="f64"))
        return [scaled, b.apply("mul", scaled, x[0]), b.apply("convert", x[2], dtype="f64")]

    inner = body("row", [F64, V3, I64], row)
    types = [F64, ArrayType("f64", (5, 3))]
    return body("rows", types, lambda b, x: b.each(5, [x[0]], [x[1]], inner, ["stack", "sum", "stack"]))


def _fold(reverse: bool) -> Program:
    """s <- tanh(s + a x[k]), with the states stacked and summed; a second carry no input reaches."""

    def step(b: Builder, x: Sequence[int]) -> list[int]:
        a, element, state, count, _ = x
        following = b.apply("tanh", b.apply("add", state, b.apply("mul", a, element)))
        return [following, b.apply("add", count, b.constant(1.0)), following, b.apply("mul", following, a)]

    inner = body("step", [F64, F64, F64, F64, I64], step)
    types = [F64, ArrayType("f64", (5,)), F64]

    def write(b: Builder, x: Sequence[int]) -> Sequence[int]:
        start = [x[2], b.constant(0.0)]
        return b.fold(5, [x[0]], [x[1]], start, inner, ["stack", "sum"], reverse=reverse)

    return body("fold", types, write)


def _growing() -> Program:
    """A carry that becomes batched only in the second round."""
    inner = body("swap", [F64, F64, F64, I64], lambda b, x: [x[2], x[0]])
    return body("swaps", [F64, F64, F64], lambda b, x: b.fold(3, [x[0]], [], [x[1], x[2]], inner))


def _while() -> Program:
    """Newton steps for the square root of a, until they are good; 1 / (s - a) would be infinite when frozen."""
    condition = body(
        "far",
        [F64, F64],
        lambda b, x: [
            b.apply("gt", b.apply("abs", b.apply("sub", b.apply("mul", x[1], x[1]), x[0])), b.constant(1e-10))
        ],
    )
    half = body(
        "newton",
        [F64, F64, I64],
        lambda b, x: [b.apply("mul", b.constant(0.5), b.apply("add", x[1], b.apply("div", x[0], x[1])))],
    )
    return body("root", [F64, F64], lambda b, x: b.fold(30, [x[0]], [], [x[1]], half, condition=condition))


def _branch() -> Program:
    """if c then log(x) else x * y"""
    no = body("no", [F64, F64], lambda b, x: [b.apply("mul", x[0], x[1])])
    yes = body("yes", [F64, F64], lambda b, x: [b.apply("log", x[0])])
    return body("choice", [BOOL, F64, F64], lambda b, x: b.branch(x[0], x[1:], [no, yes]))


def _switch() -> Program:
    arms = [
        body(f"arm{k}", [F64], lambda b, x, name=name: [b.apply(name, x[0])])
        for k, name in enumerate(("exp", "neg", "sin"))
    ]
    return body("switch", [I64, F64], lambda b, x: b.branch(x[0], x[1:], arms))


def _call() -> Program:
    inner = body("inner", [F64, F64], lambda b, x: [b.apply("mul", x[0], x[1]), b.apply("exp", x[1])])
    return body("outer", [F64, F64], lambda b, x: b.call(inner, x))


PROGRAMS = [_each(), _fold(False), _fold(True), _growing(), _while(), _branch(), _switch(), _call()]


def _draw(rng: np.random.Generator, type_: SlotType, lanes: tuple[int, ...]) -> np.ndarray:
    assert isinstance(type_, ArrayType)
    shape = (*lanes, *(size for size in type_.shape if isinstance(size, int)))
    if type_.dtype == "f64":
        return rng.uniform(0.5, 2.0, shape)
    return rng.integers(0, 2 if type_.dtype == "bool" else 3, shape).astype(type_.dtype.replace("i64", "int64"))


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_batched_program_is_the_program_lane_by_lane(program: Program, final: bool) -> None:
    rng = np.random.default_rng(3)
    for mapped in product((False, True), repeat=len(program.inputs)):
        args = [_draw(rng, type_, (LANES,) if on else ()) for type_, on in zip(program.inputs, mapped, strict=True)]
        got = evaluate(vmap(program, mapped, LANES, final=final), args)
        lanes = [
            evaluate(program, [x[k] if on else x for x, on in zip(args, mapped, strict=True)]) for k in range(LANES)
        ]
        for result, expected in zip(got, zip(*lanes, strict=True), strict=True):
            np.testing.assert_allclose(np.asarray(result), np.stack(expected), rtol=1e-12, atol=1e-12)


def test_values_that_no_batched_input_reaches_stay_shared() -> None:
    _, mapped = vmap_partial(_each(), (True, False), LANES)
    assert mapped == (True, True, False)
    assert vmap_partial(_fold(False), (False, True, False), LANES)[1] == (True, False, True, True)
    assert vmap_partial(_growing(), (True, False, False), LANES)[1] == (True, True)


def test_loops_stay_loops() -> None:
    assert any(isinstance(step.op, Each) for step in vmap(_each(), (True, True), LANES).steps)
    assert any(isinstance(step.op, Fold) for step in vmap(_fold(False), (True, True, True), LANES).steps)


def test_an_arm_nobody_takes_is_not_run_and_lanes_outside_it_borrow_operands() -> None:
    batch = vmap(_branch(), (True, True, True), LANES)
    guards = [step for step in batch.steps if isinstance(step.op, Branch)]
    assert len(guards) == 2  # log and the product both have unbounded derivatives
    x = np.array([-1.0, 2.0, 0.0, 3.0])
    (got,) = evaluate(batch, [np.array([False, True, False, True]), x, np.full(4, np.inf)])
    np.testing.assert_array_equal(np.asarray(got)[1::2], np.log(x[1::2]))
    plain = vmap(_branch(), (True, True, True), LANES, final=True)
    assert not any(isinstance(step.op, Branch) for step in plain.steps)


def test_custom_rules_are_batched_with_their_program() -> None:
    rule = body("rule", [F64, F64, F64], lambda b, x: [b.apply("mul", x[2], x[1]), b.apply("mul", x[2], x[0])])
    builder = Builder("product", [F64, F64])
    ruled = builder.build([builder.apply("mul", 0, 1)], rules=(("vjp", rule),))
    whole = vmap(ruled, (True, True), LANES)
    batched_rule = whole.rule("vjp")
    assert batched_rule is not None
    assert [str(type_) for type_ in batched_rule.output_types] == ["[4]f64", "[4]f64"]
    partial = vmap(ruled, (True, False), LANES)
    assert partial.rule("vjp") is None  # the shared operand's cotangent is a sum, which the repeat's transpose takes
    (got,) = evaluate(partial, [np.arange(4.0), np.float64(2.0)])
    np.testing.assert_array_equal(np.asarray(got), 2 * np.arange(4.0))


def test_signature_gains_the_axis() -> None:
    builder = Builder("double", [F64])
    double = builder.build([builder.apply("add", 0, 0)], Signature((("x", SCALAR),), SCALAR))
    signature = vmap(double, (True,), 3).signature
    assert signature == Signature((("x", array((3,), SCALAR)),), array((3,), SCALAR))
