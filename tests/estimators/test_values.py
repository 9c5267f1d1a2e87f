"""Values: with all coordinates drawn an estimate is the operator itself; with fewer its mean is."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf

from .cases import LAPLACIAN, MODULE, POINT, exact

X, T = POINT, 0.4
WHOLE = [
    ("laplacian(u)", "x[n]", "quartic", (X,)),
    ("laplacian(u) - grad(u) @ grad(u)", "x[n]", "quotient", (X,)),
    ("sum(for i < n => partial(u, x[i], 4)) + u", "x[n]", "quartic", (X,)),
    ("u_t + u * laplacian(u) + sum(grad(u_t)^2)", "x[n] t", "waves", (X, T)),
    ("laplacian(u_tt) - 3.0 * sin(t) * laplacian(u)", "x[n] t", "waves", (X, T)),
    ("u_t + laplacian(u)^2", "x[n] t", "waves", (X, T)),
    ("(u - laplacian(u)) * laplacian(u_t) / 7.0", "x[n] t", "waves", (X, T)),
    ("let a = laplacian(u) in if t > 0.0 then a * (a - u) else u", "x[n] t", "waves", (X, T)),
]


@pytest.mark.parametrize(("text", "variables", "name", "point"), WHOLE)
def test_all_coordinates_give_the_operator_itself(text: str, variables: str, name: str, point: Any) -> None:
    operator, field = pf.operator(text, variables=variables), MODULE[name]
    found = operator.estimate(0, field, point, probes=len(X))
    assert found.value == pytest.approx(exact(operator, field, *point), rel=1e-10)
    assert found.error == 0.0 and len(found.samples) == len(X)
    assert found.samples.mean() == pytest.approx(found.value, rel=1e-10)
    mean = operator.estimate(0, field, point, probes=len(X), confidence=None)
    assert mean.value == pytest.approx(found.value, rel=1e-10) and mean.error is None and mean.samples is None


LAWS = [
    ("rademacher", "laplacian(u)"),
    ("gaussian", "laplacian(u)"),
    ("sphere", "laplacian(u)"),
    ("gaussian", "biharmonic(u)"),
    ("sphere", "biharmonic(u)"),
    ("sampled", "trace(C @ hessian(u))"),
    ("rademacher", "trace(C @ hessian(u))"),
    ("gaussian", "div(C @ grad(u))"),
    ("sphere", "trace(C @ hessian(u)) + u"),
    ("sampled", "laplacian(u)^2"),
    ("rademacher", "laplacian(u)^2"),
    ("gaussian", "laplacian(u)^2 + biharmonic(u)"),
]


@pytest.mark.parametrize(("law", "text"), LAWS)
def test_means_of_every_law(law: Any, text: str) -> None:
    """The mean over many keys is the operator, up to five standard errors of the mean; C is indefinite."""
    x, matrix = POINT[3:9], np.diag([1.0, -2.0, 0.5, 0.0, 3.0, 1.0]) + np.eye(6, k=1) + np.eye(6, k=-2)
    parameters = {"C": matrix} if "C" in text else {}
    operator = pf.operator(text, variables="x[n]", parameters="C[n, n]" if parameters else "")
    keys = jax.random.split(jax.random.key(3, impl="rbg"), 4000)  # compiles in a fraction of the time
    with jax.enable_x64(True):
        field = MODULE["quartic"].to_jax()

        def one(key: Any) -> Any:
            return operator.estimate(key, field, jnp.asarray(x), 4, law, None, **parameters).value

        values = np.asarray(jax.jit(jax.vmap(one))(keys))
    wanted = exact(operator, MODULE["quartic"], x, **parameters)
    assert abs(values.mean() - wanted) < 5 * values.std() / np.sqrt(len(values)) + 1e-9
    assert values.std() > 0 or law == "rademacher"


def test_two_fields_and_two_vectors() -> None:
    operator = pf.operator("u * laplacian(v) + v_t * laplacian(u)", variables="x[n] t", fields="u v")
    fields = (MODULE["waves"], MODULE["other"])
    found = operator.estimate(1, fields, (X, T), probes=len(X))
    assert found.value == pytest.approx(exact(operator, fields, X, T), rel=1e-11)
    both = pf.operator("laplacian(u, x) + 2.0 * laplacian(u, y)", variables="x[n] y[m]")
    point = (X[:5], X[4:9])
    found = both.estimate(1, MODULE["pair"], point, probes=5)
    assert found.value == pytest.approx(exact(both, MODULE["pair"], *point), rel=1e-11)


def test_keys_seeds_and_generators() -> None:
    field = MODULE["quartic"]
    with jax.enable_x64(True):
        typed = LAPLACIAN.estimate(jax.random.key(5), field, X, 4)
        words = LAPLACIAN.estimate(jax.random.PRNGKey(5), field.to_jax(), X, 4)
    assert typed.samples == pytest.approx(np.asarray(words.samples), rel=1e-12)
    assert isinstance(typed.samples, np.ndarray) and isinstance(words.samples, jax.Array)
    narrow = LAPLACIAN.estimate(jax.random.key(5), field, X, 4, "gaussian")  # lanes of an f64 program are f64
    with jax.enable_x64(True):
        wide = LAPLACIAN.estimate(jax.random.key(5), field.to_jax(), X, 4, "gaussian")
    assert narrow.samples == pytest.approx(np.asarray(wide.samples), rel=1e-12)
    seeded = [LAPLACIAN.estimate(7, field, X, 4).value, LAPLACIAN.estimate(np.random.default_rng(7), field, X, 4).value]
    assert seeded[0] == seeded[1]


def test_in_32_bits_as_jax_is_set_by_default() -> None:
    """Numbers of Python and lanes of NumPy become as wide as the arrays of JAX."""
    operator = pf.operator("laplacian(u) - f", variables="x[n]", parameters="f")
    x = jnp.linspace(0.0, 1.0, 6)
    for key in (3, jax.random.key(3)):
        found = operator.estimate(key, lambda x: jnp.sum(x**4), x, 6, f=2.0)
        assert found.value == pytest.approx(12 * float(jnp.sum(x**2)) - 2.0, rel=1e-5)
        assert found.samples.dtype == jnp.float32
    slope = jax.grad(lambda f: operator.squared(jax.random.key(3), lambda x: jnp.sum(x**4), x, 6, f=f))(2.0)
    assert slope == pytest.approx(-2 * float(found.value), rel=1e-5)


# --- in JAX ----------------------------------------------------------------------------------------------------------


def net(weights: Any, x: Any) -> Any:
    return jnp.tanh(jnp.tanh(x @ weights[0]) @ weights[1]).sum()


def network(n: int) -> Any:
    generator = np.random.default_rng(2)
    return [jnp.asarray(generator.standard_normal(shape)) / 2 for shape in ((n, 5), (5, 4))]


def test_under_the_transformations_of_jax() -> None:
    with jax.enable_x64(True):
        weights, points = network(9), jnp.stack([jnp.asarray(X), jnp.asarray(X) ** 2])
        key, keys = jax.random.key(0), jax.random.split(jax.random.key(1), 2)

        def value(weights: Any, key: Any, x: Any) -> Any:
            return LAPLACIAN.estimate(key, lambda x: net(weights, x), x, probes=4).value

        eager = [value(weights, key, x) for x in points]
        shared = jax.jit(jax.vmap(value, (None, None, 0)))(weights, key, points)
        assert np.asarray(shared) == pytest.approx([float(one) for one in eager], rel=1e-12)
        own = jax.jit(jax.vmap(value, (None, 0, 0)))(weights, keys, points)
        wanted = [float(value(weights, *pair)) for pair in zip(keys, points, strict=True)]
        assert np.asarray(own) == pytest.approx(wanted, rel=1e-12)

        def exactly(weights: Any, x: Any) -> Any:
            return LAPLACIAN(lambda x: net(weights, x))(x)

        def whole(weights: Any, x: Any) -> Any:
            return LAPLACIAN.estimate(key, lambda x: net(weights, x), x, probes=9).value

        for argument in (0, 1):
            found = jax.jit(jax.grad(whole, argument))(weights, points[0])
            wanted = jax.grad(exactly, argument)(weights, points[0])
            for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
                assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-10)


def test_an_estimate_is_a_pytree() -> None:
    found = jax.jit(lambda key, x: LAPLACIAN.estimate(key, lambda x: (x**4).sum(), x, probes=4))(
        jax.random.key(0), jnp.ones(9)
    )
    assert len(jax.tree.leaves(found)) == 3 and found.samples.shape == (4,)
    with pytest.raises(AttributeError):
        found.value = 1.0


def test_sampled_lanes_are_rows_of_the_first_layer() -> None:
    """Nothing in the program has the size of all lanes times all coordinates."""
    from pushforward import _lanes
    from pushforward.lang.ir import as_array
    from pushforward.semantics.estimators.draw import Vectors

    n, lanes = 1000, 7
    program = pf.trace(lambda x: net([np.ones((n, 5)), np.ones((5, 4))], x), np.ones(n))
    scheme = LAPLACIAN.plan({"n": n}, samples=lanes).scheme
    shape = Vectors("sampled", lanes, n, "float64").shape
    from pushforward.lang.ir import ArrayType

    joint, _ = LAPLACIAN.joint((program,), {}, [ArrayType("i64", shape)])
    for read in ("mean", "one"):
        found = _lanes.program(LAPLACIAN, joint, scheme, ("x",), (read,))
        shapes = {as_array(type_).shape for step in found.steps for type_ in step.types}
        assert (lanes, 5) in shapes and not any(n in shape for shape in shapes)
