"""Operators applied: values against closed forms, in the language, from Python and in JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf

FUNCTIONS = """
def plane(x: [5]f64): f64 = exp([0.5, -1.0, 0.25, 2.0, -0.75] @ x)
def norm4[n](x: [n]f64): f64 = (x @ x)^2
def poly(x: f64, y: f64, t: f64): f64 = x^3*y + t*y + y^2 + x*y^2 + x^2*t
def soliton(x: f64, t: f64): f64 = 1.5 / cosh(sqrt(200.0) / 2.0 * (x - 0.5*t))^2
def net(x: [2]f64): f64 = tanh(x @ [[0.5, -1.0], [0.75, 0.25]] + [0.1, -0.2]) @ [1.0, -1.5]
def front(x: f64, t: f64): f64 = (1.0 - tanh((x - 3.0*t/sqrt(2.0))/(2.0*sqrt(2.0))))/2.0
def waves(x: f64, t: f64): f64 = cos(x - 2.0*t) + sin(2.0*x + t)/2.0
def quotient(x: [5]f64): f64 = log((1.0 + x @ x)/2.0)
def mixed(x: [3]f64): f64 = sin(x[0]*x[1]) + x[2]^2*x[0] + exp(x[1]*x[2])
def plain(x: f64, y: f64): f64 = sin(x) * y^2
"""
MODULE = pf.parse(FUNCTIONS)
PLANE, NET = [0.1, 0.2, -0.3, 0.4, -0.5], [0.3, -0.4]
QUOTIENT, MIXED = [0.1, 0.2, 0.3, 0.4, 0.5], [0.5, -0.3, 0.8]

CASES = [
    ("plane", "laplacian(u)", "x[n]", PLANE, 15.19104424848060),
    ("plane", "laplacian(laplacian(u))", "x[n]", PLANE, 89.24738495982350),
    ("plane", "sum(for i < n => partial(u, x[i], 4))", "x[n]", PLANE, 44.94690618732623),
    ("plane", "sum(for i < n => 2.0*partial(u, x[i], 4))", "x[n]", PLANE, 2 * 44.94690618732623),
    ("norm4", "biharmonic(u)", "x[n]", [1.0, 1.0, 0.0], 120.0),
    ("norm4", "biharmonic(u)", "x[2]", [0.3, 1.0], 64.0),
    ("poly", "u_ty + u_xxxy + 3*(u_xy*u_x + u_y*u_xx) - u_xx + 2*u_yy", "x y t", (1.0, 2.0, 3.0), 981.0),
    ("poly", "u_xxxy + u_xyy + u_xxt", "x y t", (1.0, 2.0, 3.0), 10.0),
    ("soliton", "u_xxx", "x t", (0.3, 0.5), 2108.114211394438),
    ("soliton", "u_txxx", "x t", (0.3, 0.5), -6239.814160241255),
    ("net", "laplacian(u)", "x[n]", NET, -1.137131445899699),
    ("net", "biharmonic(u)", "x[n]", NET, 5.350085355098411),
    ("net", "biharmonic(u)", "x[2]", NET, 5.350085355098411),
    ("front", "u_xx", "x t", (0.3, 0.7), -0.04173972539597116),
    ("front", "u_t - u_xx - u + u^3", "x t", (0.3, 0.7), 0.0),
    ("waves", "u_t + u*u_x + u_xx + u_xxxx", "x t", (0.7, 0.2), 6.101375029875172),
    ("waves", "u_t + partial(u^2/2, x) + partial(u, x, 2) + partial(u, x, 4)", "x t", (0.7, 0.2), 6.101375029875172),
    ("quotient", "laplacian(u) - grad(u) @ grad(u)", "x[n]", QUOTIENT, 4.620187304890739),
    ("quotient", "div(grad(u)) - sum(grad(u)^2)", "x[n]", QUOTIENT, 4.620187304890739),
]


@pytest.mark.parametrize(("name", "text", "variables", "point", "expected"), CASES)
def test_values(name: str, text: str, variables: str, point: object, expected: float) -> None:
    found = pf.operator(text, variables=variables)(MODULE[name])
    arguments = point if isinstance(point, tuple) else (np.array(point),)
    assert found(*arguments) == pytest.approx(expected, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("text", ["div(C @ grad(u))", "trace(C @ hessian(u))", "trace(hessian(u) @ C)"])
def test_indefinite_matrices(text: str) -> None:
    matrix = [[1.0, 2.0, 0.0], [2.0, -3.0, 1.0], [0.0, 1.0, 0.5]]
    operator = pf.operator(text, variables="x[n]", parameters="C[n, n]")
    assert operator(MODULE["mixed"], C=matrix)(np.array(MIXED)) == pytest.approx(3.987539374148808, rel=1e-13)


def test_sums_over_different_vectors_are_different_atoms() -> None:
    field = pf.parse("def f[n, m](x: [n]f64, y: [m]f64): f64 = x @ x + 10.0 * (y @ y)")["f"]
    operator = pf.operator("laplacian(u, x) + 2.0 * laplacian(u, y)", variables="x[n] y[m]")
    assert operator(field)(np.ones(3), np.ones(2)) == 6.0 + 2.0 * 40.0


# Each operator beside the same one with every derivative written out.
EQUAL = [
    ("partial(u*u_x, x)", "u_x^2 + u*u_xx"),
    ("partial(u/(1.0 + x^2), x, 2)", "u_xx/(1.0+x^2) - 4.0*x*u_x/(1.0+x^2)^2 + u*(6.0*x^2 - 2.0)/(1.0+x^2)^3"),
    ("laplacian(exp(u), x, y)", "exp(u)*(u_x^2 + u_xx + u_y^2 + u_yy)"),
    ("partial(sin(x*u_y), y)", "cos(x*u_y)*x*u_yy"),
    ("biharmonic(u, x, y)", "u_xxxx + 2.0*u_xxyy + u_yyyy"),
    ("partial(if x > 0.0 then u else -u, x)", "u_x"),
]


@pytest.mark.parametrize(("text", "written"), EQUAL)
def test_derivatives_of_expressions_are_written_out(text: str, written: str) -> None:
    values = [pf.operator(item, variables="x y")(MODULE["plain"])(0.7, 1.3) for item in (text, written)]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


VECTORS = [
    ("laplacian(u^2)", "2.0*u*laplacian(u) + 2.0*(grad(u) @ grad(u))"),
    ("laplacian(sin(u))", "cos(u)*laplacian(u) - sin(u)*(grad(u) @ grad(u))"),
    ("div(u * grad(u))", "u*laplacian(u) + grad(u) @ grad(u)"),
    ("div(x[0]^2 * grad(u))", "x[0]^2*laplacian(u) + 2.0*x[0]*partial(u, x[0])"),
    ("laplacian(x[0]*u)", "x[0]*laplacian(u) + 2.0*partial(u, x[0])"),
    ("sum(for i < n => partial(partial(u, x[i]), x[0]))", "sum(for i < n => hessian(u)[i, 0])"),
    ("div((for i < n, j < n => x[i]*x[j]) @ grad(u))",
     "trace((for i < n, j < n => x[i]*x[j]) @ hessian(u)) + (f64(n) + 1.0)*(x @ grad(u))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "written"), VECTORS)
def test_derivatives_by_vectors_are_written_out(text: str, written: str) -> None:
    values = [pf.operator(item, variables="x[n]")(MODULE["mixed"])(np.array(MIXED)) for item in (text, written)]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_operators_are_functions_of_the_language() -> None:
    module = pf.parse(
        """
operator burgers(u, nu: f64)(x, t) = u_t + u*u_x - nu*u_xx
operator curl[n](u, v)(x, y) = v_x - u_y
def wave(x: f64, t: f64): f64 = x * t^2
def residual(x: f64, t: f64): f64 = burgers(wave, 0.1)(x, t)
def slope(x: f64): f64 = grad(fn (y: f64) => residual(y, 2.0))(x)
def shear(x: f64, y: f64): f64 = curl(fn (a: f64, b: f64) => b^2, fn (a: f64, b: f64) => a * b)(x, y)
""".replace("curl[n]", "curl")
    )
    assert module["residual"](2.0, 3.0) == pytest.approx(174.0)
    assert module["slope"](1.0) == pytest.approx(4.0 + 16.0)
    assert module["shear"](1.0, 3.0) == pytest.approx(-3.0)
    assert module.operator("burgers")(MODULE["waves"], nu=0.0)(0.1, 0.2) is not None


def test_fields_at_lengths_of_their_own() -> None:
    module = pf.parse("""
def any[n](x: [n]f64): f64 = x @ x
def other[m](x: [m]f64): f64 = sum(x)
def fixed(x: [3]f64): f64 = x[0]
""")
    operator = pf.operator("grad(u) @ grad(v) + laplacian(u)", variables="x[n]", fields="u v")
    point = np.array([1.0, 2.0, 3.0])
    for pair, expected in (("any other", 12.0 + 6.0), ("any fixed", 2.0 + 6.0), ("fixed any", 2.0)):
        assert operator(*(module[name] for name in pair.split()))(point) == pytest.approx(expected)


def test_functions_of_jax_keep_their_gradients() -> None:
    operator = pf.operator("laplacian(u) + k*u_t", variables="x[n] t", parameters="k")
    w, x, t = jnp.arange(6.0).reshape(3, 2) / 7, jnp.array([0.1, 0.2, -0.3]), jnp.float32(0.5)

    def ours(w: jax.Array, k: float) -> jax.Array:
        return operator(lambda x, t: jnp.sum(jnp.tanh(x @ w + t)), k=k)(x, t)

    def theirs(w: jax.Array, k: float) -> jax.Array:
        def net(x: jax.Array, t: jax.Array) -> jax.Array:
            return jnp.sum(jnp.tanh(x @ w + t))

        return jnp.trace(jax.hessian(net)(x, t)) + k * jax.grad(net, 1)(x, t)

    for number in (0, 1):
        found, expected = jax.grad(ours, number)(w, 2.0), jax.grad(theirs, number)(w, 2.0)
        np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_several_fields_and_batches() -> None:
    operator = pf.operator("u_x*v_y - v_x*u_y", variables="x y", fields="u v")
    found = operator(lambda x, y: x * y, lambda x, y: x + y**2)
    xs, ys = jnp.array([2.0, 3.0]), jnp.array([3.0, 1.0])
    np.testing.assert_allclose(jax.vmap(found)(xs, ys), 2 * ys**2 - xs, rtol=1e-6)
