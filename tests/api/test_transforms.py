"""Transformations from Python: structure of the results, `wrt`, batching, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pushforward as pf
from pushforward._program import Backend

NO_PROGRAM: Any = 3
MODULE = pf.parse("""
def cubic(x: f64): f64 = x^3
def dot[n](x: [n]f64, y: [n]f64): f64 = x @ y
def matvec[n, m](a: [n, m]f64, x: [m]f64): [n]f64 = a @ x
def step(s: {x: f64, v: f64}, dt: f64): {x: f64, v: f64} = {x = s.x + dt * s.v, v = s.v - dt * s.x}
def scaled(x: f64, k: i64): (f64, i64) = (x * f64(k), k + 1)
def quadratic[n](x: [n]f64): f64 = sum(for i < n => f64(i + 1) * x[i]^2)
def energy(s: {x: f64, v: f64}, k: i64): f64 = f64(k) * s.x^2 + s.v
def rule(x: f64, y_bar: f64): f64 = 10.0 * y_bar
def ruled(x: f64): f64 with vjp rule = x
""")


def test_gradients_have_the_structure_of_their_inputs() -> None:
    assert pf.grad(MODULE.cubic)(2.0) == 12.0
    assert pf.grad(MODULE.energy)({"x": 3.0, "v": 1.0}, 2) == {"x": 12.0, "v": 1.0}
    by_y, by_x = pf.grad(MODULE.dot, wrt=(1, "x"))([1.0, 2.0], [3.0, 4.0])
    assert by_y.tolist() == [1.0, 2.0] and by_x.tolist() == [3.0, 4.0]
    (only,) = pf.grad(MODULE.cubic, wrt=("x",))(2.0)
    assert only == 12.0
    value, gradient = pf.value_and_grad(MODULE.cubic)(2.0)
    assert (value, gradient) == (8.0, 12.0)


def test_gradients_nest() -> None:
    assert pf.grad(pf.grad(MODULE.cubic))(2.0) == 12.0
    assert pf.grad(pf.grad(pf.grad(MODULE.cubic)))(2.0) == 6.0
    assert pf.hessian(MODULE.cubic)(2.0) == 12.0


def test_aux_comes_along() -> None:
    assert pf.grad(MODULE.scaled, has_aux=True)(2.0, 3) == (3.0, 4)
    assert pf.value_and_grad(MODULE.scaled, has_aux=True)(2.0, 3) == ((6.0, 4), 3.0)


def test_a_custom_rule_of_the_program_itself_is_used() -> None:
    assert pf.grad(MODULE.ruled)(1.0) == 10.0
    assert pf.vjp(MODULE.ruled, 1.0)[1](1.0) == (10.0,)


@pytest.mark.parametrize("backend", ["reference", "xla"])
def test_jacobians(backend: Backend) -> None:
    a, x = np.arange(6.0).reshape(2, 3), [1.0, 2.0, 3.0]
    by_x = pf.jacobian(MODULE.matvec, "x").compile(backend)(a, x)
    assert by_x.tolist() == a.tolist()
    by_a = pf.jacobian(MODULE.matvec).compile(backend)(a, x)
    assert by_a.shape == (2, 2, 3)
    assert by_a.tolist() == np.einsum("ij,k->ijk", np.eye(2), x).tolist()
    hessian = pf.hessian(MODULE.quadratic).compile(backend)(x)
    assert hessian.tolist() == np.diag([2.0, 4.0, 6.0]).tolist()


def test_jacobians_of_records_nest_input_in_output() -> None:
    by_state, by_dt = pf.jacobian(MODULE.step, (0, 1))({"x": 1.0, "v": 2.0}, 0.5)["x"]
    assert by_state == {"x": 1.0, "v": 0.5} and by_dt == 2.0


def test_forward_and_reverse() -> None:
    state, dt = {"x": 1.0, "v": 2.0}, 0.5
    y, y_dot = pf.forward(MODULE.step)((state, dt), ({"x": 1.0, "v": 0.0}, 0.0))
    assert y == MODULE.step(state, dt) and y_dot == {"x": 1.0, "v": -0.5}
    y, (state_bar, dt_bar) = pf.reverse(MODULE.step)((state, dt), {"x": 1.0, "v": 0.0})
    assert y == MODULE.step(state, dt) and state_bar == {"x": 1.0, "v": 0.5} and dt_bar == 2.0
    assert pf.forward(MODULE.cubic)(2.0, 1.0) == (8.0, 12.0)


def test_jvp_and_vjp_follow_jax() -> None:
    assert pf.jvp(MODULE.cubic, (2.0,), (0.5,)) == (8.0, 6.0)
    assert pf.jvp(MODULE.dot, ([1.0], [2.0]), ([3.0], [4.0])) == (2.0, 10.0)
    value, pullback = pf.vjp(MODULE.dot, [1.0, 2.0], [3.0, 4.0])
    x_bar, y_bar = pullback(2.0)
    assert value == 11.0 and x_bar.tolist() == [6.0, 8.0] and y_bar.tolist() == [2.0, 4.0]
    assert pf.vjp(MODULE.cubic, 2.0)[1](1.0) == (12.0,)
    assert pf.jvp(MODULE.scaled, (2.0, 3), (1.0, ())) == ((6.0, 4), (3.0, ()))


@pytest.mark.parametrize("backend", ["reference", "xla"])
@pytest.mark.parametrize(
    ("in_axes", "x", "y"),
    [
        (0, [[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [2.0, 2.0]]),
        ((0, None), [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]),
        ((-1, None), [[1.0, 3.0], [2.0, 4.0]], [1.0, 1.0]),
    ],
)
def test_vmap(backend: Backend, in_axes: Any, x: Any, y: Any) -> None:
    batched = pf.vmap(MODULE.dot, in_axes).compile(backend)(x, y)
    assert batched.tolist() == ([3.0, 14.0] if in_axes == 0 else [3.0, 7.0])


def test_vmap_of_vmap_of_a_gradient() -> None:
    table = pf.vmap(pf.vmap(pf.grad(MODULE.cubic)))(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert table.tolist() == [[3.0, 12.0], [27.0, 48.0]]
    rows = pf.vmap(MODULE.matvec, in_axes=(None, 0), out_axes=1)(
        np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    )
    assert rows.tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    assert MODULE.step.vmap((None, 0))({"x": 1.0, "v": 2.0}, [0.0, 1.0])["x"].tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: pf.grad(MODULE.scaled), "E185"),
        (lambda: pf.grad(MODULE.matvec), "E185"),
        (lambda: pf.grad(MODULE.cubic, has_aux=True), "E185"),
        (lambda: pf.grad(MODULE.scaled, wrt="k", has_aux=True), "E184"),
        (lambda: pf.grad(MODULE.cubic, wrt=1), "E184"),
        (lambda: pf.grad(MODULE.cubic, wrt="z"), "E184"),
        (lambda: pf.grad(MODULE.dot, wrt=(0, "x")), "E184"),
        (lambda: pf.grad(NO_PROGRAM), "E186"),
        (lambda: pf.vmap(MODULE.dot, in_axes=None), "E185"),
        (lambda: pf.vmap(MODULE.dot, in_axes=(0,)), "E185"),
        (lambda: pf.vmap(MODULE.dot, in_axes=5), "E185"),
    ],
)
def test_refusals(make: Any, code: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        make()
    assert caught.value.diagnostics[0].code == code
