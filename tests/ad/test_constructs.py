"""Derivatives of each construct on programs written by hand, with corners that random programs seldom meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.lang import types
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import Apply, ArrayType, Each, Fold, Program, Signature, bodies
from pushforward.lang.passes import normalise
from pushforward.lang.passes.lift import lift
from pushforward.lang.passes.simplify import simplify
from pushforward.lang.passes.unroll import unroll
from pushforward.lang.sizes import variable
from tests.ir.checked import checked

from .numbers import arguments, assert_close, dot, floats, run

F64, F32, I64, BOOL = ArrayType("f64"), ArrayType("f32"), ArrayType("i64"), ArrayType("bool")
N = variable("n")
ROW, GRID = ArrayType("f64", (N,)), ArrayType("f64", (N, N))
push, pull = checked(forward), checked(reverse)
Write = Callable[[Builder, tuple[int, ...]], Sequence[int]]


def sized(name: str, inputs: Sequence[ArrayType], write: Write) -> Program:
    b = Builder(name, inputs, ("n",))
    return b.build(write(b, tuple(range(len(inputs)))))


def walk() -> Program:
    """Each step reads x[i] twice and x[0]; the sum of a stack."""
    inner = body(
        "read",
        [ROW, I64],
        lambda b, x: [
            b.apply("mul", b.apply("gather", x[0], x[1], proved=True),
                    b.apply("gather", x[0], b.constant(0, "i64"), proved=True))
        ],
    )  # fmt: skip
    return sized("walk", [ROW], lambda b, x: b.each(N, [0], [], inner, ["stack"]))


def trace() -> Program:
    """``sum(for i < n => a[i, i] * a[0, i])``: a read by the same index twice."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        first = b.apply("gather", x[0], x[1], x[1], proved=True)
        second = b.apply("gather", x[0], b.constant(0, "i64"), x[1], proved=True)
        return [b.apply("mul", first, second)]

    return sized("trace", [GRID], lambda b, x: b.each(N, [0], [], body("t", [GRID, I64], write), ["sum"]))


def table_product() -> Program:
    """``for i < n => sum(for j < n => a[j, i] * x[j])``: reads across nested loops."""
    deep = body(
        "deep",
        [GRID, I64, ROW, I64],
        lambda b, x: [
            b.apply("mul", b.apply("gather", x[0], x[3], x[1], proved=True), b.apply("gather", x[2], x[3], proved=True))
        ],
    )
    outer = Builder("outer", [GRID, ROW, I64])
    row = outer.build(outer.each(N, [0, 2, 1], [], deep, ["sum"]))
    return sized("table_product", [GRID, ROW], lambda b, x: b.each(N, [0, 1], [], row, ["stack"]))


def late_active() -> Program:
    """A carry that starts inactive, is captured as well, and becomes active in the second round."""
    inner = body("swap", [F64, F64, F64, I64], lambda b, x: [x[2], b.apply("mul", x[0], b.apply("sin", x[1]))])

    def write(b: Builder, x: tuple[int, ...]) -> Sequence[int]:
        half = b.constant(0.5)
        return b.fold(3, [half], [], [half, x[0]], inner)

    return body("late_active", [F64], write)


def collatz() -> Program:
    """A while loop over a float and an integer carry with a branch inside."""
    even = body("even", [F64], lambda b, x: [b.apply("mul", x[0], b.constant(0.5))])
    odd = body("odd", [F64], lambda b, x: [b.apply("sin", x[0])])

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        parity = b.apply("mod", x[2], b.constant(2, "i64"))
        (value,) = b.branch(parity, [b.apply("mul", x[0], x[1])], [even, odd])
        return [value, b.apply("add", x[2], b.constant(1, "i64"))]

    go = body("go", [F64, F64, I64], lambda b, x: [b.apply("lt", x[2], b.constant(4, "i64"))])
    inner = body("step", [F64, F64, I64, I64], write)
    return body("collatz", [F64, F64],
                lambda b, x: b.fold(9, [1], [], [0, b.constant(0, "i64")], inner, condition=go)[:1])  # fmt: skip


def repeated() -> Program:
    """One array as two operands, one capture twice, and one slot as two outputs."""
    inner = body(
        "mix", [F64, F64, F64, F64, I64],
        lambda b, x: [b.apply("mul", b.apply("mul", x[0], x[1]), b.apply("mul", x[2], x[3]))],
    )  # fmt: skip

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        (result,) = b.each(N, [1, 1], [0, 0], inner, ["stack"])
        return [result, result, x[0]]

    return sized("repeated", [ROW, F64], write)


def mixed_precision() -> Program:
    """A single and a double meet by conversion, also as carries."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        narrow = b.apply("convert", b.apply("sin", x[1]), dtype="f32")
        return [narrow, b.apply("mul", x[1], b.apply("convert", x[0], dtype="f64"))]

    inner = body("step", [F32, F64, I64], write)
    return body("mixed_precision", [F32, F64], lambda b, x: b.fold(3, [], [], [0, 1], inner))


def counted() -> Program:
    """Integers and truth values travel through loops beside the floats."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        big = b.apply("lt", b.constant(1, "i64"), x[2])
        return [b.apply("where", big, b.apply("exp", x[0]), x[0]), b.apply("add", x[1], x[2]), big]

    inner = body("count", [F64, I64, I64], write)
    outer = sized("counted", [ROW], lambda b, x: b.fold(
        N, [], [], [b.apply("reduce_sum", x[0], axes=(0,)), b.constant(0, "i64")], inner, ["stack"]))  # fmt: skip
    return outer


def scattered() -> Program:
    """Repeated indices accumulate into a base that is itself active."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        index = b.constant([1, 0, 1], "i64", (3,))
        return [b.apply("mul", b.apply("scatter_add", x[0], b.apply("sin", x[1]), index, proved=True), x[0])]

    three = ArrayType("f64", (3,))
    return body("scattered", [three, three], write)


def sparse_chain() -> Program:
    """A row is read in a loop and an element of the row inside it: At composes with At."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        row = b.apply("gather", x[0], x[1], proved=True)
        last = b.apply("mod", b.apply("mul", x[1], x[1]), b.constant(3, "i64"))
        return [b.apply("sin", b.apply("gather", row, last, proved=False)), b.apply("gather", row, x[1], proved=True)]

    inner = body("chain", [ArrayType("f64", (3, 3)), I64], write)
    return body("sparse_chain", [ArrayType("f64", (3, 3))], lambda b, x: b.each(3, [0], [], inner, ["sum", "stack"]))


CASES = [walk, trace, table_product, late_active, collatz, repeated, mixed_precision, counted, scattered, sparse_chain]


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("memory", [None, 0])
def test_modes_agree_with_each_other_and_with_differences(make: Callable[[], Program], memory: int | None) -> None:
    program = make()
    random = np.random.default_rng(3)
    xs = arguments(program.inputs, random)
    x_dots, y_bars = arguments(floats(program.inputs), random), arguments(floats(program.output_types), random)
    ys = run(program, xs)
    single = any(type_ == F32 for type_ in program.inputs)
    pushed = run(push(program), xs, x_dots)
    step = 1e-3 if single else 1e-6
    ahead, behind = (run(program, [x + h * v for x, v in zip(xs, x_dots, strict=True)]) for h in (step, -step))
    on = [k for k, type_ in enumerate(program.output_types) if isinstance(type_, ArrayType) and type_.is_float]
    assert_close(pushed[len(ys) :], [(ahead[k] - behind[k]) / (2 * step) for k in on], 3e-3 if single else 1e-7)
    for variant in (pull(program, memory=memory if not program.sizes else None), pull(normalise(program))):
        pulled = run(variant, xs, y_bars)
        assert_close(pulled[: len(ys)], ys)
        np.testing.assert_allclose(
            dot(y_bars, pushed[len(ys) :]), dot(pulled[len(ys) :], x_dots), rtol=1e-5 if single else 1e-10
        )


def recurrence(size: int, backwards: bool) -> Program:
    """A long fold with a capture that is read at an index, an array, two carries and both kinds of extras."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        table, element, first, second, i = x
        place = b.apply("mod", b.apply("mul", i, i), b.constant(5, "i64"))
        read = b.apply("gather", table, place, proved=False)
        new = b.apply("tanh", b.apply("add", b.apply("mul", first, read), b.apply("mul", second, element)))
        return [new, first, b.apply("mul", new, element), b.apply("sin", second)]

    five, row = ArrayType("f64", (5,)), ArrayType("f64", (size,))
    inner = body("step", [five, F64, F64, F64, I64], write)
    return body(
        "recurrence", [five, row, F64],
        lambda b, x: b.fold(size, [x[0]], [x[1]], [x[2], x[2]], inner, ["stack", "sum"], reverse=backwards),
    )  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 16, 23])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("memory", [0, 100, 700, 10**6])
def test_memory_budgets_change_nothing_but_memory(size: int, backwards: bool, memory: int) -> None:
    program = recurrence(size, backwards)
    random = np.random.default_rng(size)
    xs, y_bars = arguments(program.inputs, random), arguments(program.output_types, random)
    assert_close(run(pull(program, memory=memory), xs, y_bars), run(pull(program), xs, y_bars), 1e-12)
    lifted = normalise(program)
    assert_close(run(pull(lifted, memory=memory), xs, y_bars), run(pull(program), xs, y_bars), 1e-12)


# --- structure of what comes out ----------------------------------------------------------------------------


def primitives(program: Program) -> list[str]:
    """Names of all primitives, in bodies too."""
    found = [step.op.primitive for step in program.steps if isinstance(step.op, Apply)]
    return found + [name for step in program.steps for inner in bodies(step.op) for name in primitives(inner)]


def test_an_unread_input_costs_nothing() -> None:
    program = body("f", [F64, F64], lambda b, x: [b.apply("sin", x[0])])
    gradient = pull(program, [False, True])
    assert primitives(gradient) == ["sin"]
    assert run(gradient, [np.array(1.0), np.array(2.0)], [np.array(3.0)])[1] == 0.0


def test_a_matrix_product_by_loops_scatters_nothing() -> None:
    """Reads at loop indices become elements, so their transposes are slices and not scatters."""
    gradient = normalise(pull(normalise(table_product())))
    assert "scatter_add" not in primitives(gradient)


def test_nested_reads_scatter_once_outside_the_loops() -> None:
    """x[p[i, j]] in two loops gives one scatter_add, at the top."""
    index = ArrayType("i64", (3, 3))
    x_type = ArrayType("f64", (5,))

    def deep(b: Builder, x: tuple[int, ...]) -> list[int]:
        place = b.apply("gather", x[1], x[2], x[3], proved=True)
        return [b.apply("sin", b.apply("gather", x[0], place, proved=False))]

    outer = Builder("outer", [x_type, index, I64])
    row = outer.build(outer.each(3, [0, 1, 2], [], body("deep", [x_type, index, I64, I64], deep), ["sum"]))
    program = body("f", [x_type, index], lambda b, x: b.each(3, [0, 1], [], row, ["sum"]))
    gradient = normalise(pull(normalise(program)))
    top = [step.op.primitive for step in gradient.steps if isinstance(step.op, Apply)]
    assert top.count("scatter_add") == 1
    assert primitives(gradient).count("scatter_add") == 1


def test_loops_transpose_to_loops_of_the_other_direction() -> None:
    gradient = pull(late_active())
    directions = [step.op.reverse for step in gradient.steps if isinstance(step.op, Fold)]
    assert directions == [False, True]


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_custom_rules_answer_in_both_modes(kind: str) -> None:
    """A rule three times the true derivative shows which one is used, also where only the other mode has it."""
    triple = body("rule", [F64, F64], lambda b, x: [b.apply("mul", x[1], b.constant(3.0))])
    inner = replace(body("same", [F64], lambda b, x: [x[0]]), rules=((kind, triple),))
    program = body("f", [F64], lambda b, x: b.call(inner, [b.apply("mul", x[0], x[0])]))
    x, one = [np.array(5.0)], [np.array(1.0)]
    assert run(push(program), x, one)[1] == 30.0
    assert run(pull(program), x, one)[1] == 30.0
    assert run(push(normalise(program)), x, one)[1] == 30.0


def test_a_guarded_arm_stays_guarded() -> None:
    """Neither the value nor the derivative of the arm not taken reaches the result."""
    root = body("root", [F64], lambda b, x: [b.apply("sqrt", x[0])])
    zero = body("zero", [F64], lambda b, x: [b.constant(0.0)])

    def write(b: Builder, x: tuple[int, ...]) -> Sequence[int]:
        return b.branch(b.apply("lt", b.constant(0.0), x[0]), x, [zero, root])

    program = body("f", [F64], write)
    for variant in (pull(program), push(program), normalise(pull(program))):
        assert run(variant, [np.array(0.0)], [np.array(1.0)]) == [0.0, 0.0]
        assert run(variant, [np.array(4.0)], [np.array(1.0)]) == [2.0, 0.25]


# --- passes -------------------------------------------------------------------------------------------------


def test_lifting_does_not_run_what_may_fail_in_a_loop_without_rounds() -> None:
    """An index that is out of range is not read when the loop has no rounds."""
    inner = body("read", [ArrayType("f64", (2,)), I64, I64],
                 lambda b, x: [b.apply("gather", x[0], x[1], proved=False)])  # fmt: skip
    program = body("f", [ArrayType("f64", (2,)), I64], lambda b, x: b.each(0, [0, 1], [], inner, ["sum"]))
    assert run(checked(lift)(program), [np.zeros(2), np.array(7)]) == [0.0]


def test_lifted_reads_keep_their_place_under_an_offset() -> None:
    """``for i < 2 => x[i + 1] - x[2 - i]``: the first is a slice, the second cannot be."""
    three = ArrayType("f64", (3,))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        ahead = b.apply("gather", x[0], b.apply("add", b.constant(1, "i64"), x[1]), proved=True)
        behind = b.apply("gather", x[0], b.apply("sub", b.constant(2, "i64"), x[1]), proved=True)
        return [b.apply("sub", ahead, behind)]

    program = body("f", [three], lambda b, x: b.each(2, [0], [], body("read", [three, I64], write), ["stack"]))
    xs = [np.array([1.0, 10.0, 100.0])]
    assert run(program, xs)[0].tolist() == [-90.0, 90.0]
    assert run(checked(lift)(program), xs)[0].tolist() == [-90.0, 90.0]


@pytest.mark.parametrize("function", [simplify, lift, unroll, normalise])
def test_passes_keep_the_signature_of_the_program_they_are_given(function: Callable[[Program], Program]) -> None:
    """Equal programs may have unequal signatures, which a memo must not mix up."""
    program = walk()
    for name in ("x", "y"):
        signature = Signature(((name, types.array((N,), types.F64)),), types.array((N,), types.F64))
        assert function(replace(program, signature=signature)).signature == signature
    assert function(program).signature is None


def test_simplify_drops_a_carry_that_nobody_reads() -> None:
    inner = body("two", [F64, F64, I64], lambda b, x: [b.apply("sin", x[0]), b.apply("mul", x[1], x[0])])
    program = body("f", [F64, F64], lambda b, x: b.fold(3, [], [], [0, 1], inner)[:1])
    smaller = checked(simplify)(program)
    (step,) = smaller.steps
    assert isinstance(step.op, Fold)
    assert len(step.operands) == 1
    assert run(smaller, [np.array(1.0), np.array(2.0)]) == run(program, [np.array(1.0), np.array(2.0)])


def test_an_each_without_results_vanishes() -> None:
    inner = body("copy", [F64, I64], lambda b, x: [x[0], b.apply("sin", x[0])])
    program = sized("f", [ROW], lambda b, x: b.each(N, [], [0], inner, ["stack", "stack"])[:1])
    assert not any(isinstance(step.op, Each) for step in checked(simplify)(program).steps)


# --- loops that come down to one step ---------------------------------------------------------------------------------


def products(saves: bool) -> Program:
    """One round of running products; with `saves`, the product before it is a result too, which reverse mode saves."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        product = b.apply("mul", x[1], x[0])
        return [product, product, x[1]] if saves else [product, product]

    return body("products", [F64, F64, I64], write)


def scaled(saves: bool) -> Program:
    """``exp(x) * sin(x)``; with `saves`, the factors are results too."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        left, right = b.apply("exp", x[0]), b.apply("sin", x[0])
        return [b.apply("mul", left, right), *((left, right) if saves else ())]

    return body("scaled", [F64, I64], write)


@pytest.mark.parametrize("order", [(True, False), (False, True)])
@pytest.mark.parametrize("kind", ["fold", "each"])
def test_a_loop_that_gives_what_another_one_saves_keeps_its_derivative(kind: str, order: tuple[bool, bool]) -> None:
    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        parts: list[int] = []
        for saves in order:
            if kind == "fold":
                extra = ["stack"] * (2 if saves else 1)
                parts += b.fold(5, [], [0], [b.constant(1.0)], products(saves), extra)[1:]
            else:
                parts += b.each(5, [], [0], scaled(saves), ["stack"] * (3 if saves else 1))
        total = parts[0]
        for k, part in enumerate(parts[1:]):
            total = b.apply("add", total, b.apply("mul", b.constant(k + 2.0), part))
        return [b.apply("sin", total)]

    program = body("twice", [ArrayType("f64", (5,))], write)
    random = np.random.default_rng(3)
    x, x_dot, y_bar = (random.uniform(0.5, 1.5, 5) for _ in range(3))
    _, y_dot = run(push(program), [x, x_dot])
    for pulled in (pull(program), pull(normalise(program)), pull(program, memory=0)):
        _, x_bar = run(pulled, [x, y_bar])
        np.testing.assert_allclose(dot([x_bar], [x_dot]), dot([y_bar], [y_dot]), rtol=1e-13)
