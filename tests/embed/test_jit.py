"""`pf.jit` and the transformations of functions: the results are JAX's, the derivatives ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import pushforward as pf


@pytest.fixture(params=[False, True], ids=["f32", "f64"])
def wide(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Both widths; 32 bits are JAX's default."""
    with jax.enable_x64(request.param):
        yield request.param


def loss(params: Any, x: Any) -> Any:
    hidden = jnp.tanh(x @ params["w"] + params["b"][0])
    return jnp.mean(hidden**2) + 0.1 * jnp.sum(params["b"][1])


def arguments() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.normal(size=(3, 2))), "b": [jnp.asarray(rng.normal(size=2)), jnp.ones(())]}
    return params, jnp.asarray(rng.normal(size=(4, 3)))


def same(found: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    assert jax.tree_util.tree_structure(found) == jax.tree_util.tree_structure(wanted)
    for x, y in zip(jax.tree_util.tree_leaves(found), jax.tree_util.tree_leaves(wanted), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def test_gradients_have_the_structure_and_width_of_jax(wide: bool) -> None:
    params, x = arguments()
    tolerance = 1e-12 if wide else 1e-5
    same(jax.grad(pf.jit(loss))(params, x), jax.grad(loss)(params, x), tolerance)
    same(pf.grad(loss)(params, x), jax.grad(loss)(params, x), tolerance)
    same(pf.value_and_grad(loss, wrt=(0, 1))(params, x), jax.value_and_grad(loss, (0, 1))(params, x), tolerance)
    same(jax.jit(pf.grad(loss, wrt="x"))(params, x), jax.grad(loss, 1)(params, x), tolerance)


def test_transformations_of_functions(wide: bool) -> None:
    def f(w: Any, x: Any) -> Any:
        return jnp.sin(w) * x**2

    w, x = jnp.arange(3.0), jnp.ones(3)
    same(pf.jvp(f, (w, x), (x, w)), jax.jvp(f, (w, x), (x, w)))
    value, pullback = pf.vjp(f, w, x)
    wanted, theirs = jax.vjp(f, w, x)
    same((value, pullback(x)), (wanted, theirs(x)))
    same(pf.jacobian(f)(w, x), jax.jacfwd(f)(w, x))
    same(pf.hessian(lambda v: jnp.sum(jnp.cos(v) ** 3))(w), jax.hessian(lambda v: jnp.sum(jnp.cos(v) ** 3))(w))
    same(pf.vmap(f, (None, 0))(w, jnp.stack([x, w])), jax.vmap(f, (None, 0))(w, jnp.stack([x, w])))
    same(pf.grad(pf.grad(lambda u: u**3))(2.0), jax.grad(jax.grad(lambda u: u**3))(2.0))


def test_auxiliary_results() -> None:
    def f(x: Any) -> tuple[Any, Any]:
        return jnp.sum(x**2), {"count": x.shape[0], "x": x}

    (value, aux), gradient = pf.value_and_grad(f, has_aux=True)(jnp.arange(3.0))
    assert float(value) == 5.0 and gradient.tolist() == [0.0, 2.0, 4.0]
    assert int(aux["count"]) == 3 and aux["x"].tolist() == [0.0, 1.0, 2.0]


def test_derivatives_of_any_order_are_those_of_the_function() -> None:
    with jax.enable_x64(True):
        params, x = arguments()
        check_grads(lambda p: pf.jit(loss)(p, x), (params,), order=3, modes=("fwd", "rev"))


def test_jax_sees_our_linear_step() -> None:
    x = jnp.arange(3.0)
    square = pf.jit(lambda v: jnp.sum(v**2))
    assert "pf_linear" in str(jax.make_jaxpr(jax.grad(square))(x))
    assert "pf_linear" not in str(jax.make_jaxpr(square)(x))


def test_a_function_is_traced_once_per_types() -> None:
    traces = []

    @pf.jit
    def f(x: Any) -> Any:
        traces.append(x.shape)
        return jnp.sum(x)

    for x in (jnp.ones(3), jnp.zeros(3), jnp.ones(4), jnp.ones(3)):
        f(x)
    assert traces == [(3,), (4,)]


def test_static_arguments_are_part_of_the_program() -> None:
    @pf.jit
    def plain(x: Any, *, power: int) -> Any:
        return x**power

    assert float(plain(3.0, power=2)) == 9.0  # traced as a number

    def chosen(x: Any, mode: str, power: int = 2) -> Any:
        return jnp.sin(x) if mode == "sin" else x**power

    f = pf.jit(chosen, static_argnames=("mode", "power"))
    assert float(f(0.5, "sin")) == pytest.approx(np.sin(0.5))
    assert float(f(0.5, mode="power", power=3)) == 0.125
    assert float(jax.grad(f)(0.5, "power")) == 1.0
    assert float(pf.jit(chosen)(0.5, "sin")) == pytest.approx(np.sin(0.5))  # a text is no array


def test_closed_over_tracers_are_differentiated_and_do_not_leak() -> None:
    def outer(a: Any) -> Any:
        inner = pf.jit(lambda x: jnp.sum(a * x**2))
        return inner(jnp.arange(3.0))

    with jax.checking_leaks():
        assert float(jax.grad(outer)(2.0)) == 5.0
        assert float(jax.jit(jax.grad(outer))(2.0)) == 5.0
        assert jax.vmap(jax.grad(outer))(jnp.ones(2)).tolist() == [5.0, 5.0]


def test_keys_go_in_and_out() -> None:
    def draw(key: Any, scale: Any) -> tuple[Any, Any]:
        key, own = jax.random.split(key)
        return scale * jax.random.normal(own, (3,)), key

    key = jax.random.key(7)
    found, wanted = pf.jit(draw)(key, 2.0), draw(key, 2.0)
    assert jnp.array_equal(jax.random.key_data(found[1]), jax.random.key_data(wanted[1]))
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-6)
    gradient = jax.grad(lambda s: jnp.sum(pf.jit(draw)(key, s)[0]))(2.0)
    np.testing.assert_allclose(gradient, jnp.sum(wanted[0]) / 2, rtol=1e-6)


def test_modules_of_equinox_are_arguments() -> None:
    import equinox as eqx

    layer = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    x = jnp.arange(3.0)

    def f(layer: Any, x: Any) -> Any:
        return jnp.sum(layer(x) ** 2)

    same(pf.grad(f)(layer, x), jax.grad(f)(layer, x))
    same(jax.grad(pf.jit(f))(layer, x), jax.grad(f)(layer, x))


def test_sixty_four_bits_are_not_rounded_inside_a_thirty_two_bit_trace() -> None:
    program = pf.trace(lambda x: x * x, np.ones(2))
    with pytest.raises(pf.DiagnosticError, match="E142"):
        jax.jit(program.to_jax())(jnp.ones(2))
    narrow = program.astype("f32").to_jax()
    assert jax.jit(narrow)(jnp.full(2, 3.0)).tolist() == [9.0, 9.0]
    with pytest.raises(pf.DiagnosticError, match="E164"):
        narrow(np.full(2, 3.0))


def test_nothing_of_ours_asks_jax_for_a_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    params, x = arguments()
    wanted = jax.value_and_grad(loss)(params, x)

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a derivative of JAX was asked for")

    for name in "grad value_and_grad jvp vjp linearize jacfwd jacrev hessian linear_transpose".split():
        monkeypatch.setattr(jax, name, refused)
    same(pf.value_and_grad(loss)(params, x), wanted)


def test_what_is_no_function_is_refused() -> None:
    for transform in (pf.grad, pf.vmap, pf.forward, pf.reverse):
        with pytest.raises(pf.DiagnosticError, match="E186"):
            transform(3)  # type: ignore[type-var]
    with pytest.raises(pf.DiagnosticError, match="E186"):
        pf.jit(loss, backend="reference")  # type: ignore[call-overload]


def test_arms_and_loops_with_constants_keep_their_types_inside_shard_map() -> None:
    def chosen(w: Any, x: Any) -> Any:
        v = w * x
        arms = jax.lax.cond(x[0] > 0, lambda: jnp.sum(jnp.exp(jnp.sin(v)) * v), lambda: jnp.sum(v))
        reset = jax.lax.scan(lambda c, a: (jnp.where(a > 9, c, 1.0), c * a), x[0], v)
        return arms + jnp.sum(reset[1])

    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("d",))
    here, split = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec("d")

    def spread(f: Any) -> Any:
        rows = jax.shard_map(
            lambda w, x: jax.vmap(lambda row: f(w, row))(x), mesh=mesh, in_specs=(here, split), out_specs=split
        )
        return jax.value_and_grad(lambda w, x: jnp.sum(rows(w, x)))

    with jax.enable_x64(True):
        w, x = jnp.array([0.3, 0.5]), jnp.array([[1.0, 2.0]])
        ours, theirs = spread(pf.jit(chosen))(w, x), spread(chosen)(w, x)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-14)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-14)
