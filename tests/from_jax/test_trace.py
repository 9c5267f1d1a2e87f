"""Tracing: functions of JAX become programs with their structure, names and places; what cannot be one is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pushforward as pf
from pushforward.lang.check_ir import check_program
from pushforward.lang.passes import normalise
from pushforward.lang.text.parse_ir import parse_program
from pushforward.lang.text.print_ir import show_program


def energy(w: Any, state: Any) -> Any:
    return jnp.sum(jnp.sin(w) * state["x"]) + state["c"]


ARGUMENTS = (np.array([0.5, 1.0]), {"x": np.array([2.0, 3.0]), "c": 1.5})


def test_a_program_has_the_names_and_structure_of_the_function() -> None:
    program = pf.trace(energy, *ARGUMENTS)
    assert str(program) == "energy(w: [2]f64, state: {c: f64, x: [2]f64}): f64"
    assert program(*ARGUMENTS) == pytest.approx(float(energy(*ARGUMENTS)), rel=1e-6)
    gradient = pf.grad(program, wrt="state")(*ARGUMENTS)
    assert gradient["c"] == 1.0
    np.testing.assert_allclose(gradient["x"], np.sin(ARGUMENTS[0]), rtol=1e-14)
    assert pf.hessian(program)(*ARGUMENTS).shape == (2, 2)
    check_program(program.ir)
    assert parse_program(show_program(program.ir)) == program.ir


def test_results_keep_their_containers() -> None:
    def f(x: Any) -> Any:
        return [x, (2.0 * x, None)], {"text": "kept", "sum": jnp.sum(x)}

    (one, (two, nothing)), rest = pf.trace(f, np.ones(2))(np.array([1.0, 2.0]))
    assert isinstance(one, np.ndarray) and two.tolist() == [2.0, 4.0] and nothing is None
    assert rest == {"text": "kept", "sum": 3.0}


def test_the_readable_form_has_the_names_of_the_user() -> None:
    text = pf.trace(energy, *ARGUMENTS).show("readable")
    assert text == (
        "def energy(w: [2]f64, state: {c: f64, x: [2]f64}): f64 =\n  sum(sin(w) * state.x) + state.c"
    )
    loop = pf.trace(lambda x: jax.lax.fori_loop(0, 5, lambda k, y: jnp.sin(y) * x, x), 1.0).show("readable")
    assert "for" in loop and "sin(" in loop


def test_calls_keep_the_names_of_functions() -> None:
    @jax.jit
    def smooth_step(x: Any) -> Any:
        for _ in range(6):
            x = jnp.sin(x) + x**2
        return x

    program = pf.trace(lambda x: smooth_step(x) + smooth_step(2 * x), 0.1)
    assert "smooth_step(" in program.show("readable")
    assert program(0.1) == pytest.approx(float(smooth_step(0.1) + smooth_step(0.2)), rel=1e-6)


def test_closed_over_arrays_are_inputs_of_their_own() -> None:
    table = np.arange(200.0)
    program = pf.trace(lambda x: jnp.sum(x * jnp.asarray(table)), np.ones(200))
    assert len(program.captured) == 1 and len(program.ir.inputs) == 2
    assert program(np.ones(200)) == table.sum()
    assert pf.grad(program)(np.ones(200)).tolist() == table.tolist()
    value, slope = pf.jvp(program, (np.ones(200),), (np.ones(200),))
    assert value == slope == table.sum()
    batch = pf.vmap(program)(np.ones((3, 200)))
    assert batch.tolist() == [table.sum()] * 3
    assert jax.grad(lambda x: program.astype("f32").to_jax()(x))(jnp.ones(200)).tolist() == table.tolist()
    small = pf.trace(lambda x: jnp.sum(x * jnp.arange(3.0)), np.ones(3))
    assert small.captured == ()


def test_width_follows_the_arguments() -> None:
    def f(x: Any) -> Any:
        return x * 2

    wide: tuple[Any, ...] = (1.0, np.ones(1), np.float64(2))
    narrow: tuple[Any, ...] = (np.float32(1), jnp.ones(1))
    for dtype, arguments in (("f64", wide), ("f32", narrow), ("int32", (3,))):
        for argument in arguments:
            assert str(pf.trace(f, argument)).endswith(dtype), (argument, dtype)
    assert pf.trace(f, jax.ShapeDtypeStruct((2,), np.float64))(np.ones(2)).dtype == np.float64
    indices = pf.trace(lambda x, i: x[i], np.ones(3, np.float32), np.array([0, 2]))
    assert indices(np.arange(3, dtype=np.float32), np.array([2, 1])).tolist() == [2.0, 1.0]


def test_tracing_a_program_gives_it_back() -> None:
    program = pf.trace(energy, *ARGUMENTS)
    with jax.enable_x64(True):
        again = pf.trace(program.to_jax(), *ARGUMENTS)
    assert normalise(again.first()).digest == normalise(program.first()).digest
    assert pf.trace(program) is program


def test_equal_functions_are_equal_programs() -> None:
    one, other = (pf.trace(lambda x, k=k: jnp.sin(x) * k, 1.0) for k in (2.0, 2.0))
    assert one == other and hash(one) == hash(other)
    assert one != pf.trace(lambda x: jnp.sin(x) * 3.0, 1.0)


REFUSED = {
    "E200": lambda x: jax.lax.approx_max_k(x, 1)[0] if False else jax.lax.rng_uniform(0.0, 1.0, (2,)) + x,
    "E202": lambda x: jax.pure_callback(np.sin, x, x),
    "E203": lambda x: jnp.abs(jnp.fft.fft(x)),
    "E204": lambda x: (jax.debug.print("{}", x), x)[1],
    "E205": lambda x: x if x[0] > 0 else -x,
    "E206": lambda x: x + jax.random.normal(jax.random.key(0, impl="rbg"), x.shape),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_a_program_is_a_diagnostic(code: str) -> None:
    with pytest.raises(pf.DiagnosticError) as caught:
        pf.trace(REFUSED[code], np.ones(2))
    (found,) = caught.value.diagnostics
    assert found.code == code and found.hint
    if code not in ("E204", "E205"):  # those are found before there are steps
        assert found.span is not None and "test_trace.py" in found.span.source.name
        assert "lambda x:" in found.span.text


def test_a_parameter_that_is_not_known_is_refused() -> None:
    from pushforward.lang.from_jax.read import read_jaxpr

    closed = jax.make_jaxpr(jnp.sin)(1.0)
    (equation,) = closed.jaxpr.eqns
    strange = closed.jaxpr.replace(eqns=[equation.replace(params={**equation.params, "mood": "dark"})])
    with pytest.raises(pf.DiagnosticError, match="E201.*`mood`"):
        read_jaxpr(strange, [], "strange")


def test_explaining_what_is_not_finite() -> None:
    bad = pf.explain_nan(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0), 0.0)
    assert bad and bad.where == "gradient" and "`sqrt`" in bad.what
    assert bad.rewrite is not None and "jnp.where(ok, jnp.sqrt(safe), fallback)" in bad.rewrite
    assert bad.span is not None and "test_trace.py" in bad.span.source.name
    assert pf.explain_nan(lambda x: jnp.log(x), -1.0).where == "value"
    good = pf.explain_nan(lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0), 0.0)
    assert not good and str(good) == "value and gradient are finite here"
