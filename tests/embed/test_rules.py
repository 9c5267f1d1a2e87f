"""Custom rules of JAX's users: read as programs, transposed for the other mode, kept apart by content."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf

X = jnp.array([0.5, -1.0, 2.0])


@jax.custom_jvp
def doubled_slope(x: Any) -> Any:
    return jnp.sin(x)


doubled_slope.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), 2 * jnp.cos(primals[0]) * tangents[0]))


@jax.custom_vjp
def tripled_slope(x: Any) -> Any:
    return jnp.sin(x)


tripled_slope.defvjp(lambda x: (jnp.sin(x), x), lambda x, y_bar: (3 * jnp.cos(x) * y_bar,))


@jax.custom_vjp
def clipped(x: Any) -> Any:
    return x


clipped.defvjp(lambda x: (x, None), lambda _, y_bar: (jnp.clip(y_bar, -0.1, 0.1),))


def reversal(strength: float) -> Any:
    """Functions with one body at one place in the text whose rules differ by a number they close over."""

    @jax.custom_vjp
    def f(x: Any) -> Any:
        return 1.0 * x

    f.defvjp(lambda x: (1.0 * x, None), lambda _, y_bar: (-strength * y_bar,))
    return f


def test_both_modes_of_both_kinds_of_rules() -> None:
    for f, factor in ((doubled_slope, 2.0), (tripled_slope, 3.0)):
        wanted = factor * jnp.cos(X)
        np.testing.assert_allclose(pf.grad(lambda x, f=f: jnp.sum(f(x)))(X), wanted, rtol=1e-6)
        np.testing.assert_allclose(pf.jvp(f, (X,), (jnp.ones(3),))[1], wanted, rtol=1e-6)  # JAX refuses the second
        np.testing.assert_allclose(jax.grad(pf.jit(lambda x, f=f: jnp.sum(f(x))))(X), wanted, rtol=1e-6)


def test_rules_inside_loops_and_batches() -> None:
    def f(x: Any) -> Any:
        return jax.lax.scan(lambda c, k: (doubled_slope(c) + 0.1 * k, tripled_slope(c)), x, jnp.arange(3.0))[0]

    wanted = jax.grad(f)(0.3)
    np.testing.assert_allclose(pf.grad(f)(0.3), wanted, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(pf.grad(f))(X), jax.vmap(jax.grad(f))(X), rtol=1e-5)
    np.testing.assert_allclose(jax.vmap(jax.grad(pf.jit(f)))(X), jax.vmap(jax.grad(f))(X), rtol=1e-5)


def test_a_rule_that_uses_its_own_function_has_derivatives_of_any_order() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(jnp.logaddexp(x, 0.5 * x**2))

    np.testing.assert_allclose(pf.hessian(f)(X), jax.hessian(f)(X), rtol=1e-5, atol=1e-6)
    third = jax.jacfwd(jax.hessian(f))(X)
    np.testing.assert_allclose(pf.jacobian(pf.hessian(f))(X), third, rtol=1e-5, atol=1e-5)


def test_a_rule_that_is_not_linear_serves_its_own_mode_only() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(clipped(x) ** 2)

    np.testing.assert_allclose(jax.grad(pf.jit(f))(X), [0.1, -0.1, 0.1], rtol=1e-6)
    with pytest.raises(pf.DiagnosticError, match="E116"):
        pf.jvp(f, (X,), (X,))


def test_rules_that_differ_by_what_they_close_over_are_kept_apart() -> None:
    found = [float(jax.grad(pf.jit(reversal(strength)))(2.0)) for strength in (1.0, 5.0)]
    assert found == [-1.0, -5.0]
    one, other, again = (pf.trace(reversal(strength), 2.0) for strength in (1.0, 5.0, 1.0))
    assert one != other and one == again


def test_programs_with_rules_survive_as_text() -> None:
    from pushforward.lang.text.parse_ir import parse_program
    from pushforward.lang.text.print_ir import show_program

    program = pf.trace(lambda x: jnp.sum(doubled_slope(x)), X)
    read = parse_program(show_program(program.ir))
    assert [type(step.op).__name__ for step in read.steps] == [type(step.op).__name__ for step in program.ir.steps]


def test_an_unbounded_while_loop_goes_forward_only() -> None:
    def f(x: Any) -> Any:
        return jax.lax.while_loop(lambda y: y < 10.0, lambda y: y * y + 1, x)

    assert float(pf.jit(f)(1.5)) == 11.5625
    assert pf.trace(f, 1.5)(1.5) == 11.5625
    np.testing.assert_allclose(pf.jvp(f, (1.5,), (1.0,))[1], jax.jvp(f, (1.5,), (1.0,))[1])
    np.testing.assert_allclose(jax.jvp(pf.jit(f), (1.5,), (1.0,))[1], jax.jvp(f, (1.5,), (1.0,))[1])
    np.testing.assert_allclose(jax.vmap(pf.jit(f))(X + 2), jax.vmap(f)(X + 2))
    with pytest.raises(pf.DiagnosticError, match="E115"):
        pf.grad(f)(1.5)
