"""Derivative programs built from the two modes, on random programs: each is checked against another way to get it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pushforward.ad.derive import gradient, hessian, hessian_vector, jacobian, laplacian, value_and_gradient
from pushforward.ad.forward import forward
from pushforward.ad.full import push_full
from pushforward.lang.builder import Builder, body
from pushforward.lang.check_ir import check_program
from pushforward.lang.diagnostics import InternalError
from pushforward.lang.ir import F64, UNBOUNDED, ArrayType, Program
from tests.ir.checked import checked
from tests.ir.programs import programs

from .numbers import arguments, assert_close, run

EXAMPLES = settings(max_examples=40)
SEEDS = st.integers(0, 2**31)


def summed(program: Program) -> Program:
    """The sum of all elements of the first output."""
    b = Builder("summed", program.inputs)
    (output, *_) = b.inline(program, range(len(program.inputs)))
    return b.build([b.apply("reduce_sum", output, axes=tuple(range(b.array_type(output).rank)))])


@EXAMPLES
@given(programs(fuel=5), SEEDS)
def test_gradients_are_rows_of_both_jacobians(program: Program, seed: int) -> None:
    program = summed(program)
    xs = arguments(program.inputs, np.random.default_rng(seed))
    assume(np.isfinite(run(program, xs)[0]))
    value, *bars = run(checked(value_and_gradient)(program, tuple(range(len(xs)))), xs)
    assert_close([value], run(program, xs))
    for k, bar in enumerate(bars):
        assert bar.shape == xs[k].shape
        for mode in ("forward", "reverse"):
            assert_close(run(checked(jacobian)(program, k, mode=mode), xs), [bar], 1e-8)


@settings(max_examples=25)
@given(programs(fuel=4), SEEDS)
def test_hessians_are_symmetric_and_agree_with_their_products(program: Program, seed: int) -> None:
    program = summed(program)
    random = np.random.default_rng(seed)
    xs = arguments(program.inputs, random)
    assume(np.isfinite(run(program, xs)[0]))
    direction = random.uniform(-1.0, 1.0, xs[0].shape)
    (matrix,) = run(checked(hessian)(program, 0), xs)
    flat = matrix.reshape(direction.size, direction.size)
    np.testing.assert_allclose(flat, flat.T, rtol=1e-8, atol=1e-8)
    (product,) = run(checked(hessian_vector)(program, (0,)), xs, [direction])
    np.testing.assert_allclose(flat @ direction.reshape(-1), product.reshape(-1), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(run(checked(laplacian)(program, 0), xs)[0], np.trace(flat), rtol=1e-8, atol=1e-8)


@EXAMPLES
@given(programs(), SEEDS)
def test_forward_mode_of_the_full_stage_agrees_on_first_order_programs(program: Program, seed: int) -> None:
    """The full stage pairs each float with its tangent; the first-order pass puts the tangents behind."""
    random = np.random.default_rng(seed)
    xs, x_dots = arguments(program.inputs, random), arguments(program.inputs, random)
    full = push_full(program)
    check_program(full)
    pairs = run(full, [value for pair in zip(xs, x_dots, strict=True) for value in pair])
    plain = run(forward(program), xs, x_dots)
    assume(all(np.all(np.isfinite(y)) for y in plain))
    assert_close([*pairs[::2], *pairs[1::2]], plain)


def test_gradients_come_in_the_order_asked_for() -> None:
    f64 = ArrayType("f64")
    program = body("f", [f64, f64, f64], lambda b, x: [b.apply("mul", b.apply("mul", x[0], x[1]), x[2])])
    xs = [np.array(2.0), np.array(3.0), np.array(5.0)]
    assert run(gradient(program, (2, 0)), xs) == [6.0, 15.0]
    assert run(value_and_gradient(program, (1,)), xs) == [30.0, 10.0]


def test_integers_have_no_gradient() -> None:
    program = body("f", [ArrayType("i64"), ArrayType("f64")], lambda b, x: [x[1]])
    with pytest.raises(InternalError, match="input 0 of f is not a float"):
        value_and_gradient(program, (0,))


def test_a_jacobian_takes_the_cheaper_way() -> None:
    """Rows by reverse mode where there are few, columns by forward mode otherwise."""

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        sines = b.apply("sin", b.apply("mul", x[0], x[0]))
        return [b.apply("einsum", x[1], sines, spec="ij,j->i")]

    for rows, columns in ((2, 15), (6, 15)):
        types = [ArrayType("f64", (columns,)), ArrayType("f64", (rows, columns))]
        program = body("f", types, write)
        xs = arguments(program.inputs, np.random.default_rng(rows))
        ways = {mode: jacobian(program, 0, mode=mode) for mode in ("auto", "forward", "reverse")}
        assert ways["auto"] == ways["reverse" if rows == 2 else "forward"]
        assert_close(run(ways["auto"], xs), run(ways["forward"], xs))
        assert_close(run(ways["auto"], xs), run(ways["reverse"], xs))


def test_a_jacobian_of_a_loop_without_a_bound_goes_forward() -> None:
    step = body("step", [F64, ArrayType("i64")], lambda b, x: [b.apply("mul", x[0], b.constant(0.5))])
    going = body("going", [F64], lambda b, x: [b.apply("gt", x[0], b.constant(1.0))])
    row = ArrayType("f64", (4,))

    def write(b: Builder, x: tuple[int, ...]) -> list[int]:
        total = b.apply("reduce_sum", x[0], axes=(0,))
        return list(b.fold(UNBOUNDED, [], [], [total], step, condition=going))

    (matrix,) = run(jacobian(body("halved", [row], write), 0), [np.array([1.0, 2.0, 3.0, 4.0])])
    np.testing.assert_array_equal(matrix, np.full(4, 0.0625))
