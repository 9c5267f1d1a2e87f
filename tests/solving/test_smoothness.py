"""Fields with kinks are warned of under operators of second order, wherever the kink comes from; others are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.cli.report import Report
from pushforward.cli.solve import warnings_as_diagnostics

LAPLACIAN = pf.operator("laplacian(u)", variables="x[n]")
POINT = np.array([0.3, 0.4], np.float32)


@jax.custom_vjp
def ramp(x: Any) -> Any:
    return x * (x > 0)


ramp.defvjp(lambda x: (ramp(x), x), lambda x, bar: (jnp.where(x > 0, bar, 0.0),))

KINKS: dict[str, Callable[[Any], Any]] = {
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "where": jax.nn.leaky_relu,
    "abs": jnp.abs,
    "maximum": lambda x: jax.lax.scan(lambda c, y: (jnp.maximum(c, y), None), jnp.float32(0.0), x)[0],
    "reduce_max": jnp.max,
    "sort": lambda x: jnp.sort(x)[0],
    "ramp": ramp,
    "minimum": lambda x: jax.lax.cond(x[0] > 0, lambda y: jnp.minimum(y, 1.0), lambda y: y, x),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_found(name: str) -> None:
    def field(x: Any) -> Any:
        return (1 - x @ x) * jnp.sum(KINKS[name](x * 2))

    with pytest.warns(pf.NotSmoothWarning, match=rf"(?s)warning\[E242\].*order 2.*`{name}`.*hint: "):
        LAPLACIAN(field)(POINT)


SMOOTH: dict[str, Callable[[Any], Any]] = {
    "tanh": jnp.tanh,
    "gelu": jax.nn.gelu,
    "softplus": jax.nn.softplus,
    "elu": jax.nn.elu,
    "logsumexp": jax.nn.logsumexp,
    "softmax": lambda x: jax.nn.softmax(x)[0],
    "norm": jnp.linalg.norm,
    "a number kept away from 0": lambda x: jnp.where(x @ x > 0, jnp.sqrt(jnp.where(x @ x > 0, x @ x, 1.0)), 0.0),
    "a maximum of constants": lambda x: x * jnp.max(jnp.arange(3.0)),
    "a kink behind stop_gradient": lambda x: x * jax.lax.stop_gradient(jnp.abs(x)),
}


RAMPS: dict[str, Callable[[Any], Any]] = {
    "numbers above 0": lambda x: jnp.where(x > 0, x, 0.0),
    "multiples, the other way round": lambda x: jnp.where(0 >= x, 0, 3 * x),
    "a branch": lambda x: jax.lax.cond(x[0] > 0, lambda y: y, lambda y: 0.0, x[0]),
}


@pytest.mark.parametrize("name", RAMPS)
def test_ramps_written_by_hand_are_found(name: str) -> None:
    with pytest.warns(pf.NotSmoothWarning, match=r"made by `(where|if)`"):
        LAPLACIAN(lambda x: jnp.sum(RAMPS[name](x * 2)))(POINT)


def test_a_ramp_of_the_language_is_found() -> None:
    program = pf.parse("def f(x: f64, t: f64): f64 = t + (if x > 0.0 then 2.0 * x else 0.0)")["f"]
    pf.operator("u_x", variables="x t")(program)
    with pytest.warns(pf.NotSmoothWarning, match="made by `if`"):
        pf.operator("u_xx", variables="x t")(program)


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_fields_are_not_warned_of(name: str) -> None:
    LAPLACIAN(lambda x: jnp.sum(SMOOTH[name](x * 2)))(POINT)  # warnings are errors here


def test_only_second_derivatives_matter() -> None:
    pf.operator("grad(u) @ grad(u)", variables="x[n]")(lambda x: jnp.sum(jnp.abs(x)))(POINT)
    program = pf.parse("def f(x: f64, t: f64): f64 = t * abs(x)")["f"]
    pf.operator("u_t", variables="x t")(program)
    with pytest.warns(pf.NotSmoothWarning, match=r"(?s)`abs`.*t \* abs\(x\)"):
        pf.operator("u_xx", variables="x t")(program)


def test_the_command_says_it_as_a_finding() -> None:
    report = Report("solve", as_json=True)
    with pytest.warns(UserWarning, match="other"), warnings_as_diagnostics(report):
        for _ in range(2):
            LAPLACIAN(lambda x: jnp.sum(jnp.abs(x)))(POINT)
        warnings.warn("other", stacklevel=1)
    assert [(item.code, item.severity) for item in report.diagnostics] == [("E242", "warning")]
