"""Probing functions of JAX: wrong custom rules are found with a witness, their corrected twins pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf

X = np.array([0.3, 1.1, 2.0])
Rule = Callable[..., Any]


def with_vjp(f: Rule, backward: Rule) -> Rule:
    made = jax.custom_vjp(f)
    made.defvjp(lambda *x: (f(*x), x), backward)
    return made


def with_jvp(f: Rule, forward: Rule) -> Rule:
    made = jax.custom_jvp(f)
    made.defjvp(lambda x, x_dot: (f(*x), forward(*x, *x_dot)))
    return made


def wave(x: Any) -> Any:
    return jnp.sin(x) * x


WRONG: dict[str, tuple[Rule, str]] = {
    "sign": (with_vjp(jnp.sin, lambda r, z: (-jnp.cos(r[0]) * z,)), "curve"),
    "dropped term": (with_vjp(wave, lambda r, z: (jnp.cos(r[0]) * r[0] * z,)), "curve"),
    "not linear": (with_jvp(jnp.sin, lambda x, v: jnp.cos(x) * v + 0.1 * v**2), "tangents"),
    "hidden float32": (
        with_vjp(jnp.sin, lambda r, z: ((jnp.cos(r[0]).astype("float32") * z.astype("float32")).astype(z.dtype),)),
        "precision",
    ),
}
RIGHT: dict[str, Rule] = {
    "sign": with_vjp(jnp.sin, lambda r, z: (jnp.cos(r[0]) * z,)),
    "dropped term": with_vjp(wave, lambda r, z: ((jnp.cos(r[0]) * r[0] + jnp.sin(r[0])) * z,)),
    "not linear": with_jvp(jnp.sin, lambda x, v: jnp.cos(x) * v),
    "hidden float32": with_vjp(jnp.sin, lambda r, z: (jnp.cos(r[0]) * z,)),
}


def probed(f: Rule, name: str) -> Any:
    program = pf.trace(lambda x: jnp.sum(f(x) ** 2), X)
    return pf.probe(program, X, properties=[name], samples=4)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_are_found_and_their_twins_pass(name: str) -> None:
    f, broken = WRONG[name]
    (finding,) = probed(f, broken).failures
    assert finding.witness is not None
    assert probed(RIGHT[name], broken).ok


def test_a_jitted_function_is_probed_as_its_program() -> None:
    f = pf.jit(lambda x: jnp.sum(WRONG["sign"][0](x)))
    with jax.enable_x64(True):
        report = pf.probe(f, X, properties="curve", samples=2)
    assert not report.ok and "pf.probe(program, " in str(report) and "test_jax_functions.py" in str(report)


def test_a_cotangent_of_the_wrong_shape_is_a_diagnostic() -> None:
    scale = with_vjp(lambda a, x: a * x, lambda r, z: (r[1] * z, r[0] * z))
    with pytest.raises(pf.DiagnosticError, match="E207"):
        pf.grad(lambda a, x: jnp.sum(scale(a, x)))(2.0, X)
