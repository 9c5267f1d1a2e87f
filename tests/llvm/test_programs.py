"""Native programs against the reference: loops in lanes and not, choices that differ in lanes, shapes of nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pushforward as pf
from pushforward.codegen.llvm.compile import compile_llvm
from pushforward.codegen.llvm.divide import divide
from pushforward.codegen.llvm.fuse import fuse
from pushforward.codegen.llvm.pipeline import PASSES, optimise
from pushforward.lang.builder import Builder, body
from pushforward.lang.check_ir import check_program
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.ir import F64, I64, ArrayType, Each, Program, as_array
from pushforward.lang.passes import normalise
from pushforward.lang.text.print_ir import show_program
from pushforward.semantics.reference import evaluate
from tests.ad.numbers import arguments
from tests.ir.programs import programs

MODULE = pf.parse("""
def mixture[n, k, d](x: [n, d]f64, m: [k, d]f64, w: [k]f64): f64 =
  sum(for i < n => logsumexp(for c < k => w[c] - 0.5 * sum(for j < d => (x[i, j] - m[c, j])^2)))

def turns[n](x: [n]f64, a: f64): [n]f64 =
  for i < n => if x[i] > a then (loop y = x[i] for t < 5 do sin(y) + a) else exp(x[i]) * f64(i)

def parts[n](x: [n]f64): f64 = sum(for i < n => match_two(x, i))

def match_two[n](x: [n]f64, i: i64): f64 = if i % 3 == 0 then x[i] else x[(i * 7) % n] * 2.0

def newton[n](x: [n]f64): [n]f64 =
  for i < n => (loop (y, k) = (1.0, 0) while abs(y * y - abs(x[i]) - 1.0) > 1e-12 limit 50 do
    (0.5 * (y + (abs(x[i]) + 1.0) / y), k + 1)).0

def sorted_sum[n](x: [n]f64): f64 = let s = sort(x) in sum(for i < n => s[i] * f64(i))

def waves[n, m](x: [n, m]f64): f64 =
  let rows = for i < n => scan s = 0.0 for j < m do s * 0.5 + x[i, j]
  in sum(for i < n => max(rows[i]))

def solved[n](a: [3, 3]f64, b: [n, 3]f64): f64 = sum(for i < n => sum(solve(a, b[i])))

def picked[n](x: [n]f64, i: i64): f64 = x[i]
""")


def _array(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


CALLS = {
    "mixture": lambda n: [_array(n, 2), _array(3, 2, seed=1), _array(3, seed=2)],
    "turns": lambda n: [_array(n), 0.1],
    "parts": lambda n: [_array(n)],
    "newton": lambda n: [_array(n)],
    "sorted_sum": lambda n: [_array(n)],
    "waves": lambda n: [_array(n, 4)],
    "solved": lambda n: [_array(3, 3) + 4 * np.eye(3), _array(n, 3)],
}


@pytest.mark.parametrize("n", [1, 3, 4, 7, 8, 13, 40])
@pytest.mark.parametrize("name", sorted(CALLS))
def test_values_and_gradients_agree_with_the_reference(name: str, n: int) -> None:
    program, args = MODULE[name], CALLS[name](n)
    wanted, found = (program.compile(backend)(*args) for backend in ("reference", "llvm"))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    if np.ndim(wanted) == 0:
        slope = pf.grad(program)
        np.testing.assert_allclose(
            slope.compile("llvm")(*args), slope.compile("reference")(*args), rtol=1e-11, atol=1e-11
        )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.booleans())
def test_any_shape_of_a_nest(n: int, m: int, k: int, summed: bool) -> None:
    """An outer loop that is summed or stacked over inner ones of any length, nothing and one included."""
    inner = body(
        "inner", [F64, F64, I64], lambda b, x: [b.apply("add", b.apply("mul", x[0], x[1]), b.apply("sin", x[1]))]
    )
    row = ArrayType("f64", (m,))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        (line,) = b.each(m, [x[0]], [x[1]], inner, ["stack"])
        square = b.apply("einsum", line, line, spec="i,j->ij")
        return [line, b.apply("reduce_sum", square, axes=(0,)), b.apply("reduce_sum", line, axes=(0,))]

    outer = body("outer", [F64, row, I64], write)
    how = ["sum" if summed else "stack"] * 3
    types = [F64, ArrayType("f64", (n, m)), ArrayType("f64", (k, n))]
    program = body(
        "nest", types, lambda b, x: [*b.each(n, [x[0]], [x[1]], outer, how), b.apply("transpose", x[2], axes=(1, 0))]
    )
    args = [np.float64(0.7), _array(n, m), _array(k, n)]
    for ours, theirs in zip(compile_llvm(program)(args), evaluate(program, args), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def _two_loops() -> Program:
    first = body("first", [F64, I64], lambda b, x: [b.apply("exp", x[0]), b.apply("sin", x[0])])
    second = body("second", [F64, F64, F64, I64], lambda b, x: [b.apply("mul", b.apply("add", x[0], x[1]), x[2])])
    row = ArrayType("f64", (11,))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        one, two = b.each(11, [], [x[0]], first, ["stack", "stack"])
        total = b.apply("reduce_sum", one, axes=(0,))
        (three,) = b.each(11, [x[2]], [two, x[1]], second, ["sum"])
        return [three, total, one]

    return body("two", [row, row, F64], write)


def test_loops_that_read_each_other_round_by_round_become_one() -> None:
    program = _two_loops()
    fused = fuse(normalise(program))
    check_program(fused)
    assert sum(isinstance(step.op, Each) for step in fused.steps) == 1
    args = [_array(11), _array(11, seed=1), np.float64(0.3)]
    for ours, theirs in zip(evaluate(fused, args), evaluate(program, args), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_a_loop_that_reads_a_sum_of_the_first_stays_behind_it() -> None:
    first = body("first", [F64, I64], lambda b, x: [x[0], x[0]])
    second = body("second", [F64, F64, I64], lambda b, x: [b.apply("div", x[1], x[0])])

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        total, rows = b.each(
            5, [], [x[0]], body("f", first.inputs, lambda c, y: [c.apply("exp", y[0])] * 2), ["sum", "stack"]
        )
        return list(b.each(5, [total], [rows], second, ["stack"]))

    program = body("softmax", [ArrayType("f64", (5,))], write)
    assert sum(isinstance(step.op, Each) for step in optimise(program).steps) == 2
    args = [_array(5)]
    np.testing.assert_allclose(compile_llvm(program)(args)[0], evaluate(program, args)[0], rtol=1e-14)


def test_inputs_of_any_layout_are_taken_and_never_changed() -> None:
    program = MODULE["waves"].compile("llvm")
    x = _array(8, 10)
    view = x[::2, 1:9:2]
    assert not view.flags.c_contiguous
    wanted = MODULE["waves"].compile("reference")(view.copy())
    before = x.copy()
    assert np.isclose(program(view), wanted) and np.isclose(program(np.asfortranarray(view)), wanted)
    np.testing.assert_array_equal(x, before)


def test_what_does_not_fit_is_a_diagnostic() -> None:
    double = body("double", [ArrayType("f64", (3,))], lambda b, x: [b.apply("add", x[0], x[0])])
    run = compile_llvm(double)
    for wrong in ([np.zeros(4)], [], [np.zeros((3, 1))], [np.zeros(3, complex)], [np.array(["a", "b", "c"])]):
        with pytest.raises(DiagnosticError, match="E143"):
            run(wrong)
    with pytest.raises(DiagnosticError, match="E140"):
        compile_llvm(normalise(MODULE["waves"].first()))
    with pytest.raises(DiagnosticError, match="E100"):
        MODULE["picked"].compile("llvm")(np.arange(3.0), 3)
    assert np.isnan(MODULE["picked"].compile("llvm", nonfinite="allow")(np.arange(3.0), -1))


def test_native_code_needs_no_jax() -> None:
    """With JAX out of reach a program compiles, runs and is differentiated all the same."""
    script = """
import sys
sys.modules["jax"] = None
import pushforward as pf
p = pf.parse("def f[n](x: [n]f64): f64 = sum(for i < n => exp(x[i]) * x[i])")["f"]
print(float(p.compile("llvm")([0.0, 1.0])), [round(float(v), 3) for v in pf.grad(p).compile("llvm")([0.0, 1.0])])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2.718281828459045 [1.0, 5.437]\n"


CHAIN = pf.parse("""
def chain[n](t: [n]f64, a: [n, 3]f64): [3]f64 =
  let states =
    loop done = (for k < n, i < 3 => 0.0) for k < n do
      let own = for i < 3 => sin(t[k]) * a[k, i] + (if k % 2 == 0 then exp(t[k]) else 0.5)
      in done with [k] = (if k < 1 then own else for i < 3 => own[i] * done[k - 1, i] + done[k // 2, i])
  in for i < 3 => sum(for k < n => states[k, i])

def columns[n](t: [n]f64, a: [n, 3]f64): [3, n]f64 = jacobian(fn (s: [n]f64) => chain(s, a))(t)

def gradient[n](t: [n]f64, a: [n, 3]f64): [n]f64 = grad(fn (s: [n]f64) => sum(chain(s, a)))(t)
""")


def _each_at_the_top(program: Program) -> Each:
    return next(step.op for step in program.steps if isinstance(step.op, Each) and "fold" in show_program(step.op.body))


def test_the_primal_leaves_the_loop_over_directions() -> None:
    """Under the loop over columns of a Jacobian one carry is left, that of the tangents, and no elementary function."""
    program = normalise(CHAIN["columns"].first({"n": 8}))
    divided = divide(program)
    check_program(divided)
    before, after = (show_program(_each_at_the_top(p).body) for p in (program, divided))
    assert "sin" in before and "exp" in before
    assert "sin" not in after and "exp" not in after and "sin" in show_program(divided)
    args = [_array(8), _array(8, 3)]
    np.testing.assert_allclose(evaluate(divided, args)[0], evaluate(program, args)[0], rtol=1e-13)


@pytest.mark.parametrize("name", ["columns", "gradient"])
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_derivatives_of_a_chain_that_grows_in_place(name: str, n: int) -> None:
    args = [_array(n), _array(n, 3)]
    wanted, found = (CHAIN[name].compile(backend)(*args) for backend in ("reference", "llvm"))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(programs(fuel=6), st.integers(0, 2**31))
def test_every_pass_keeps_values_and_types(program: Program, seed: int) -> None:
    """In a loop over rows of its inputs, of which some are the same in every round."""
    whole = _under_a_loop(program)
    args = [
        np.stack([x, x * 0.5]) if k % 2 else x
        for k, x in enumerate(arguments(program.inputs, np.random.default_rng(seed)))
    ]
    wanted = evaluate(whole, args)
    for one in PASSES:
        whole = one.function(whole)
        check_program(whole)
    for ours, theirs in zip(evaluate(whole, args), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def _under_a_loop(program: Program) -> Program:
    types = [as_array(type_) for type_ in program.inputs]
    shared = [k for k in range(len(types)) if k % 2 == 0]
    own = [k for k in range(len(types)) if k % 2]
    order = [*shared, *own]

    def inner(b: Builder, x: tuple[int, ...]) -> list[int]:
        return list(b.inline(program, [x[order.index(k)] for k in range(len(types))]))

    one = body("one", [*(types[k] for k in order), I64], inner)
    given = [t.with_shape((2, *t.shape)) if k % 2 else t for k, t in enumerate(types)]
    how = ["stack"] * len(program.outputs)
    return body("all", given, lambda b, x: b.each(2, [x[k] for k in shared], [x[k] for k in own], one, how))
