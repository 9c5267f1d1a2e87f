"""Tracing with open sizes: one program for arrays of all sizes, equal to JAX at each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.lang.diagnostics import DiagnosticError

Shapes = list[tuple[int, ...]]


def centred(x: Any) -> Any:
    return (x - x.mean(axis=0)) / (x.std(axis=0) + 1.0)


def layers(w: Any, b: Any, x: Any) -> Any:
    return jax.nn.softmax(jnp.tanh(x @ w) + b, axis=-1)


def squared_distances(x: Any, y: Any) -> Any:
    return jnp.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=-1)


def recurrence(x: Any) -> Any:
    return jax.lax.scan(lambda state, row: (jnp.tanh(state + row), state), jnp.zeros(x.shape[1]), x)


def by_lanes(x: Any) -> Any:
    return jax.vmap(lambda row: jax.lax.scan(lambda c, a: (jnp.sin(c + a), c), jnp.zeros(()), row)[0])(x)


def counted(x: Any) -> Any:
    return jax.lax.fori_loop(0, x.shape[0], lambda i, total: total + jnp.sin(x[i]) * i, 0.0)


def solved(x: Any) -> Any:
    return jnp.linalg.solve(x @ x.T + jnp.eye(x.shape[0]), x[:, 0])


def cholesky(x: Any) -> Any:
    return jnp.linalg.cholesky(x @ x.T + 3 * jnp.eye(x.shape[0]))


V, M = ("[n]f64",), ("[n, m]f64",)
VS: list[Shapes] = [[(1,)], [(5,)]]
MS: list[Shapes] = [[(1, 2)], [(3, 4)]]
CASES: list[tuple[Callable[..., Any], tuple[str, ...], list[Shapes]]] = [
    (layers, ("[m, k]f64", "[k]f64", "[n, m]f64"), [[(2, 3), (3,), (4, 2)], [(1, 1), (1,), (1, 1)]]),
    (squared_distances, ("[n, d]f64", "[m, d]f64"), [[(2, 3), (4, 3)], [(1, 1), (1, 1)]]),
    (centred, M, [[(3, 4)], [(5, 1)]]),
    (recurrence, M, MS),
    (by_lanes, M, MS),
    (solved, M, MS),
    (cholesky, M, MS),
    (lambda x: jnp.concatenate([x, 2 * x]).reshape(2, -1), V, VS),
    (lambda x: x[1:] - x[:-1], V, [[(2,)], [(5,)]]),
    (lambda x: x[0] * x[-1] + x[:, None][0], V, VS),
    (lambda x: x.at[0].set(1.0).at[-1].add(x[0]), V, [[(2,)], [(5,)]]),
    (lambda x: jnp.arange(x.shape[0]) * x / x.shape[0], V, VS),
    (lambda x: jnp.cumsum(jnp.sort(x)), V, VS),
    (lambda x: jnp.max(x) + jnp.prod(x), V, VS),
    (lambda x: jnp.pad(x, (1, 2)) @ jnp.pad(x, (2, 1)), V, VS),
    (lambda x: x[::-1] * jnp.outer(x, x), V, VS),
    (lambda x: jnp.repeat(x, 2) + jnp.tile(x, 2), V, VS),
    (lambda x: jnp.where(x > 0, x, 0) + jax.nn.gelu(x), V, VS),
    (lambda x: jnp.linalg.norm(x.reshape(-1)), M, MS),
    (lambda x: jnp.einsum("ij,kj->ik", x, x), M, MS),
    (lambda x: jax.nn.one_hot(jnp.arange(3), x.shape[0]) @ x, V, VS),
]


def arrays(shapes: Shapes) -> list[np.ndarray]:
    random = np.random.default_rng(len(shapes))
    return [random.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].__name__}-{CASES.index(case)}")
def test_one_program_has_the_values_and_gradients_of_jax_at_every_size(case: Any) -> None:
    function, specs, sizes = case

    def total(*x: Any) -> Any:
        return sum(jnp.sum(jnp.sin(part)) for part in jax.tree.leaves(function(*x)))

    examples = [pf.spec(text) for text in specs]
    program, scalar = pf.trace(function, *examples), pf.trace(total, *examples)
    gradient = pf.grad(scalar, wrt=tuple(range(len(specs))) if len(specs) > 1 else 0)
    for shapes in sizes:
        x = arrays(shapes)
        with jax.enable_x64(True):
            wanted = function(*map(jnp.asarray, x))
            bars = jax.grad(total, tuple(range(len(x))))(*map(jnp.asarray, x))
        for backend in ("reference", "xla"):
            close(program.compile(backend=backend)(*x), wanted)
        found = gradient(*x)
        close(found if isinstance(found, tuple) else (found,), bars)


def test_a_loop_over_an_open_size_runs_to_its_end() -> None:
    program = pf.trace(counted, pf.spec("[n]f64"))
    for size in (1, 6):
        x = np.linspace(0.1, 1.0, size)
        with jax.enable_x64(True):
            wanted = counted(jnp.asarray(x))
        for backend in ("reference", "xla"):
            close(program.compile(backend=backend)(x), wanted)


def close(found: Any, wanted: Any) -> None:
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-11)


def test_an_open_program_is_a_function_of_jax_at_each_size() -> None:
    program = pf.trace(lambda x: jnp.sum(jnp.sin(x) * x), pf.spec("[n]f64"))
    with jax.enable_x64(True):
        for size in (1, 4):
            x = jnp.linspace(0.1, 1.0, size)
            value, bar = jax.value_and_grad(program.to_jax())(x)
            np.testing.assert_allclose(value, jnp.sum(jnp.sin(x) * x), rtol=1e-14)
            np.testing.assert_allclose(bar, jnp.cos(x) * x + jnp.sin(x), rtol=1e-14)


def test_structures_and_names_of_sizes_are_kept() -> None:
    examples = pf.spec("{w: [n, m]f64, b: (f64, [n]f32)}"), pf.spec("[m + 1]f64")
    program = pf.trace(lambda p, x: p["w"] @ x[1:] + p["b"][0] + p["b"][1], *examples)
    assert str(program) == "function(p: {b: (f64, [n]f32), w: [n, m]f64}, x: [m + 1]f64): [n]f64"
    parameters = {"w": np.ones((2, 3)), "b": (np.float64(1.0), np.zeros(2, np.float32))}
    np.testing.assert_array_equal(program(parameters, np.ones(4)), [4.0, 4.0])


def test_arrays_that_disagree_or_are_empty_are_refused() -> None:
    program = pf.trace(lambda x, y: jnp.sum(x * y), pf.spec("[n]f64"), pf.spec("[n]f64"))
    assert refusal(program, np.ones(2), np.ones(3)) == "E165"
    for one in (program, pf.grad(program), program.compile(backend="reference"), program.to_jax()):
        assert refusal(one, np.ones(0), np.ones(0)) == "E106"


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (lambda x: x[::2], "E202"),
        (lambda x: jnp.linalg.qr(x[:, None] * x)[1], "E202"),
        (lambda x: jnp.bitwise_xor.reduce(x.astype(int)), "E202"),
        (lambda x: jnp.linspace(0, 1, x.shape[0]), "E205"),
        (lambda x: jnp.convolve(x, jnp.ones(3)), "E205"),
        (lambda x: x if x.shape[0] > 3 else -x, "E205"),
        (lambda x: x * float(x.shape[0]), "E205"),
    ],
)
def test_what_wants_a_known_size_says_so(function: Any, code: str) -> None:
    assert refusal(pf.trace, function, pf.spec("[n]f64")) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [("[n", "E117"), ("", "E117"), ("f64\nf64", "E117"), ("[n]f64 [n]f64", "E117"), ("[n]complex", "E186"),
     ("[n]float3", "E186"), ("(f64) -> f64", "E186"), ("data Option[f64]", "E186")],
)  # fmt: skip
def test_texts_that_are_no_types_of_arrays(text: str, code: str) -> None:
    assert refusal(pf.spec, text) == code


def refusal(call: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(DiagnosticError) as caught:
        call(*args)
    return caught.value.diagnostics[0].code
