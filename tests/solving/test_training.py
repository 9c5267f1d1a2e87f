"""Trained networks against exact solutions, the numbers that describe them, and what they refuse to start from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward._pinn_progress import progress_bar
from pushforward._residual import Parts
from pushforward.semantics.solving.networks import wrapped

from . import bending

ROOT = Path(__file__).parents[2]
LAPLACIAN = pf.operator("laplacian(u)", variables="x[n]")
HEAT = pf.operator("u_t - k*laplacian(u)", variables="x[n] t", parameters="k")


@pytest.fixture(scope="module")
def solution() -> pf.Solution:
    return pf.pinn(bending.PROBLEM, **bending.SETTINGS)


def test_a_boundary_value_problem(solution: pf.Solution) -> None:
    assert solution.error is not None and solution.error < 1e-2
    assert solution.trivial is not None and abs(solution.trivial - 1.0) < 1e-3  # the solution is odd, the weight even
    assert solution.skill == pytest.approx(1 - (solution.error / solution.trivial) ** 2)
    assert [row[0] for row in solution.history] == list(range(100, 2001, 100))
    assert solution.history[-1][2] == solution.error and solution.history[0][1] > 10 * solution.history[-1][1]


def test_a_solution_is_a_function(solution: pf.Solution) -> None:
    places = np.linspace(-1, 1, 9)
    values = solution(places)
    assert values.shape == (9,) and solution(0.3).shape == ()
    assert np.abs(values - bending.exact(places)).max() < 0.03
    assert values[0] == values[-1] == 0.0 and values[3] == pytest.approx(float(solution(places[3])), abs=1e-6)


def test_a_solution_is_drawn_and_saved(solution: pf.Solution, tmp_path: Path) -> None:
    solution.picture(tmp_path / "new" / "u.png")
    assert (tmp_path / "new" / "u.png").read_bytes()[:4] == b"\x89PNG"
    solution.save(tmp_path / "u.npz")
    with np.load(tmp_path / "u.npz", allow_pickle=False) as archive:
        assert np.array_equal(archive["first/0"], solution.parameters["first"][0])
        assert json.loads(archive["words"].tobytes())["error"] == solution.error
    with pytest.raises(pf.DiagnosticError, match="E180"):
        solution.picture(tmp_path / "u.npz" / "u.png")


def test_two_devices_train_alike(solution: pf.Solution) -> None:
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tests.solving.bending"]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **flags}, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["devices"] == 2 and found["refused"] == "E239"
    assert found["history"][0][1] == pytest.approx(solution.history[0][1], rel=1e-4)
    assert found["history"][-1][2] == pytest.approx(solution.error, rel=0.5)


def test_a_network_of_the_user_with_an_initial_value_and_parameters() -> None:
    """The heat equation in f64: a pair of a function and parameters, a weight that is 0 at the start, a program."""

    def apply(parameters: Any, x: Any, t: Any) -> Any:
        h = jnp.tanh(parameters["a"] @ jnp.append(x, t) + parameters["b"])
        return parameters["c"] @ jnp.tanh(parameters["d"] @ h)

    keys = jax.random.split(jax.random.key(1), 3)
    parameters = {
        name: jax.random.normal(key, (24, size)) for name, key, size in zip("abd", keys, (3, 1, 24), strict=True)
    }
    parameters |= {"b": parameters["b"][:, 0], "c": jnp.zeros(24), "d": parameters["d"] / 5}
    cosine = pf.parse("def f(x: [2]f64, t: f64): f64 = exp(-t) * cos(1.5707963267948966 * x[0]) * (1.0 - x[1]^2)")["f"]
    problem = pf.Problem(
        HEAT,
        pf.Box([(-1, 1, 2), (0, 1)]),
        exact=cosine,
        weight=lambda x, t: t * jnp.prod(1 - x**2),
        boundary=lambda x, t: cosine.to_jax()(x, 0.0 * t),
        parameters={"k": 0.5},
    )
    found = pf.pinn(problem, network=(apply, parameters), steps=1500, batch=16, dtype="f64")
    assert found.error is not None and found.error < 1e-2 and found.skill is not None and found.skill > 0.9
    assert found.parameters["a"].dtype == np.float64 and jnp.zeros(1).dtype == np.float32


def test_a_module_of_equinox_in_a_domain_of_the_user() -> None:
    """Its float arrays are what is trained; the rest of it, an activation for one, stays."""
    eqx = pytest.importorskip("equinox")
    module = eqx.nn.MLP(2, "scalar", 8, 2, activation=jnp.sin, key=jax.random.key(0))
    problem = pf.Problem(LAPLACIAN, lambda key: 1.0 + jax.random.uniform(key, (2,)), boundary=lambda x: x[0])
    network = wrapped(module)
    parts = Parts(problem, network, "f32", None, "sampled")
    (point,) = parts.draw(jax.random.key(1))
    assert len(network.parameters) == 6 and point.shape == (2,) and 1.0 <= point.min() <= point.max() <= 2.0
    assert float(parts.trial(network.parameters, point)) == pytest.approx(float(module(point) + point[0]))

    def by_jax(parameters: Any) -> Any:
        return jnp.trace(jax.hessian(lambda x: network.apply(parameters, x))(point)) ** 2

    both = jax.jit(lambda p: [jax.value_and_grad(f)(p) for f in (lambda p: parts.loss(p, None, (point,)), by_jax)])
    found, wanted = map(jax.tree_util.tree_leaves, both(network.parameters))
    assert all(np.allclose(x, y, rtol=1e-3, atol=1e-6) for x, y in zip(found, wanted, strict=True))


def test_the_loss_of_random_lanes_is_unbiased() -> None:
    """The mean over draws is the squared residual, source included; the square of the estimate is far from it."""
    problem = pf.Problem(LAPLACIAN, pf.Ball(12), source=lambda x: 60.0 + x[0], weight=lambda x: 1.0 + x[1])
    network = wrapped(
        (lambda p, x: jnp.sum(p * x**4) + jnp.sum(x[:-1] ** 2 * x[1:]), np.arange(12.0, dtype=np.float32))
    )
    point = (jnp.linspace(-0.5, 0.6, 12),)
    parts, whole = (Parts(problem, network, "f32", probes, "sampled") for probes in (4, None))
    losses = jax.jit(jax.vmap(lambda key: parts.loss(network.parameters, key, point)))
    found = np.asarray(losses(jax.random.split(jax.random.key(0), 20_000)), np.float64)
    wanted, width = float(whole.loss(network.parameters, None, point)), found.std() / len(found) ** 0.5
    diagonal = np.diag(jax.hessian(lambda x: whole.trial(network.parameters, x))(*point))
    excess = 12**2 * diagonal.var() / 4 * (12 - 4) / (12 - 1)  # the variance of a mean of 4 of 12, times 12
    assert abs(found.mean() - wanted) < 4 * width < 0.1 * excess and found.min() < 0


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    optax = pytest.importorskip("optax")
    rate = optax.sgd(lambda count: jnp.where(count < 24, 1e-4, 1e30))
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.pinn(bending.PROBLEM, **bending.SETTINGS, optimizer=rate, every=10, checkpoint=tmp_path)
    (found,) = caught.value.diagnostics
    assert found.code == "E238" and "of step 20, is in" in found.message and found.hint
    assert any(f"step {step} " in found.message for step in (26, 27, 28))


PAIR = pf.operator("u_x + v", variables="x", fields="u v")


def _problem(**words: Any) -> pf.Problem:
    return pf.Problem(**{"operator": LAPLACIAN, "domain": pf.Ball(3), **words})


def _train(**words: Any) -> pf.Solution:
    return pf.pinn(_problem(), **{"steps": 10, **words})


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: pf.Ball(0), "E235"),
    (lambda: pf.Ball(3, radius=-1.0), "E235"),
    (lambda: pf.Box([]), "E235"),
    (lambda: pf.Box([(1, 0)]), "E235"),
    (lambda: pf.Box([(0, 1, 0)]), "E235"),
    (lambda: _problem(operator=PAIR), "E235"),
    (lambda: _problem(operator=HEAT, parameters={"k": 1.0}), "E235"),
    (lambda: _problem(domain=pf.Box([(0, 1)])), "E235"),
    (lambda: _problem(domain=3), "E235"),
    (lambda: _problem(domain=lambda key: jax.random.normal(key, (3, 2))), "E235"),
    (lambda: _problem(operator=pf.operator("laplacian(u)", variables="x[4]")), "E235"),
    (lambda: _problem(source=1.0), "E235"),
    (lambda: pf.pinn(_problem(exact=lambda x: 0.0 * x[0])), "E235"),
    (lambda: _problem(operator=HEAT, domain=pf.Box([(0, 1, 2), (0, 1)])), "E218"),
    (lambda: _train(network=lambda x: x[0]), "E236"),
    (lambda: _train(network=3), "E236"),
    (lambda: _train(network=(lambda p, x: x, [np.ones(2)])), "E236"),
    (lambda: _train(steps=0), "E237"),
    (lambda: _train(batch=1.5), "E237"),
    (lambda: _train(depth=1), "E237"),
    (lambda: _train(dtype="f16"), "E237"),
    (lambda: _train(optimizer=1e-3), "E237"),
    (lambda: _train(checkpoint="/dev/null/here"), "E180"),
    (lambda: _train(probes=1), "E226"),
    (lambda: _train(probes=4), "E221"),
    (lambda: _train(probes=2, law="cauchy"), "E229"),
    (lambda: _train(probes=2, law="auto"), "E221"),
]


@pytest.mark.parametrize(("call", "code"), BAD, ids=[f"{number}-{code}" for number, (_, code) in enumerate(BAD)])
def test_bad_problems_and_settings(call: Callable[[], object], code: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        call()
    (found,) = caught.value.diagnostics
    assert found.code == code and found.hint


def test_a_bar_shows_steps_loss_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(10, wanted=True) as watch:
        watch(5, 0.125, 0.002)
    shown = capsys.readouterr().err
    assert all(part in shown for part in ("5/10", "loss 1.250e-01", "2.00 ms a step")), shown
    with progress_bar(10, wanted=None) as watch:
        watch(5, 0.125, 0.002)
    assert capsys.readouterr().err == ""


def test_missing_packages(solution: pf.Solution, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "optax", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(pf.DiagnosticError, match=r"(?s)E234.*pip install 'pushforward\[opt\]'"):
        _train()
    with pytest.raises(pf.DiagnosticError, match=r"(?s)E234.*pip install 'pushforward\[plot\]'"):
        solution.picture(tmp_path / "u.png")
