"""Custom rules, linear systems, kinks and edges against nested forward mode; known series against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax

import pushforward as pf
from pushforward.ad.taylor import jet
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import F64, I64, ArrayType, Program
from pushforward.semantics.reference import evaluate
from tests.ad.taylor.agreement import check
from tests.ad.taylor.oracle import nested

ORDER = 4


def ruled(kind: str, rule: Program, value: Program) -> Program:
    inner = replace(value, rules=((kind, rule),))
    return body("f", value.inputs, lambda b, x: b.call(inner, [b.apply("sin", slot) for slot in x]))


def _bent(b: Builder, x: tuple[int, ...]) -> list[int]:
    """Not the derivative of anything, which shows that the rule is used at every order."""
    return [b.apply("mul", b.apply("exp", b.apply("mul", x[0], x[0])), x[1])]


def _looped(b: Builder, x: tuple[int, ...]) -> list[int]:
    """A rule with a loop whose carry starts at zero, and a branch."""
    up = body(
        "up", [F64, F64, F64, I64], lambda b, s: [b.apply("add", s[2], b.apply("mul", b.apply("sin", s[0]), s[1]))]
    )
    (total,) = b.fold(3, [x[0], x[1]], [], [b.constant(0.0)], up)
    arms = [body(name, [F64, F64], lambda b, s, n=name: [b.apply(n, s[0], s[1])]) for name in ("add", "sub")]
    return list(b.branch(b.apply("lt", x[0], b.constant(0.1)), [total, x[1]], arms))


@pytest.mark.parametrize(("kind", "write"), [("jvp", _bent), ("vjp", _bent), ("jvp", _looped)])
def test_custom_rules_decide_every_order(kind: str, write: Callable[[Builder, tuple[int, ...]], list[int]]) -> None:
    program = ruled(kind, body("rule", [F64, F64], write), body("value", [F64], lambda b, x: [b.apply("cosh", x[0])]))
    check(program, [np.array(0.4)])


def test_custom_rules_of_jax_with_rules_of_their_own() -> None:
    @jax.custom_jvp
    def outer(x: jax.Array, n: jax.Array) -> jax.Array:
        return jnp.sin(x) * n

    @jax.custom_jvp
    def inner(x: jax.Array) -> jax.Array:
        return x**3

    inner.defjvp(lambda primals, tangents: (inner(*primals), 2.0 * inner(primals[0]) * tangents[0]))
    outer.defjvp(lambda primals, tangents: (outer(*primals), inner(primals[0]) * tangents[0] * primals[1]))
    with jax.enable_x64(True):
        program = pf.trace(lambda x: outer(x * x, 2.0) + jax.nn.relu(x) + jnp.logaddexp(x, 0.5), 0.7)
    check(program.first(), [np.array(0.7)])


@pytest.mark.parametrize("transposed", [False, True])
def test_linear_systems_with_solvers_of_their_own(transposed: bool) -> None:
    def richardson(matvec: Callable[[jax.Array], jax.Array], b: jax.Array) -> jax.Array:
        return lax.fori_loop(0, 80, lambda _, x: x + 0.1 * (b - matvec(x)), jnp.zeros_like(b))

    def solve(a: jax.Array, b: jax.Array) -> jax.Array:
        def matvec(x: jax.Array) -> jax.Array:
            rows = jnp.sin(a.T if transposed else a) + 8 * jnp.eye(3)
            return lax.fori_loop(0, 3, lambda i, y: y.at[i].set(rows[i] @ x), jnp.zeros_like(x))

        return lax.custom_linear_solve(matvec, b, richardson, richardson)

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=3)
    with jax.enable_x64(True):
        program = pf.trace(solve, a, b).first()
    check(program, [a, b], order=3)


def test_matrices_of_jax() -> None:
    def f(a: jax.Array, b: jax.Array) -> jax.Array:
        c = a @ a.T + 3 * jnp.eye(3)
        q = jnp.linalg.qr(a)[0]
        return (
            jnp.linalg.solve(c, b) + jnp.linalg.cholesky(c) @ b + jnp.linalg.slogdet(a)[1] + q @ jnp.linalg.eigvalsh(c)
        )

    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=3)
    with jax.enable_x64(True):
        program = pf.trace(f, a, b).first()
    check(program, [a, b], order=3)


# --- edges -----------------------------------------------------------------------------------------------------------

KINKS = [
    ("abs", (0.0,)), ("relu", (0.0,)), ("maximum", (1.0, 1.0)), ("minimum", (0.0, 0.0)), ("clip", (0.0, 0.0, 1.0)),
    ("clip", (1.0, 0.0, 1.0)), ("clip", (0.5, 0.0, 1.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x"), KINKS)
def test_kinks_follow_the_rows(name: str, x: tuple[float, ...]) -> None:
    program = body(
        name, [F64] * len(x), lambda b, s: [b.apply("sin", b.apply(name, *(b.apply("mul", k, k) for k in s)))]
    )
    check(program, [np.array(np.sqrt(value)) for value in x])


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 5.0, -1.0, -3.0, 0.5, 1.5])
@pytest.mark.parametrize("base", [-1.3, 0.0, 0.8])
@pytest.mark.parametrize("known", [True, False])
def test_powers(base: float, exponent: float, known: bool) -> None:
    if base <= 0 and (exponent != int(exponent) or (base == 0 and exponent < 0)):
        return
    if known:
        program = body("pow", [F64], lambda b, x: [b.apply("pow", x[0], b.constant(exponent))])
        x = [np.array(base)]
    else:  # an exponent that only the run knows, and that does not move
        program = body("pow", [F64, I64], lambda b, x: [b.apply("pow", x[0], b.apply("convert", x[1], dtype="f64"))])
        x = [np.array(base), np.array(int(exponent))]
        if exponent != int(exponent):
            return
    series = [np.array(c) for c in (0.7, -0.2, 0.4, 0.1)]
    found = evaluate(jet(program, ORDER), [*x, *series])[1:]
    with mpmath.workdps(40):
        power = exponent if exponent != int(exponent) else int(exponent)
        wanted = mpmath.taylor(
            lambda t: mpmath.power(base + sum(c * t ** (k + 1) for k, c in enumerate(map(float, series))), power),
            0,
            ORDER,
        )
    np.testing.assert_allclose(np.array(found, float), np.array(wanted[1:], float), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("point", [(0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-2.0, 0.0), (0.3, -0.4), (1e200, -1e200)])
def test_angles(point: tuple[float, float]) -> None:
    program = body("atan2", [F64, F64], lambda b, x: [b.apply("atan2", *x)])
    scale = max(map(abs, point))
    series = [np.array(c * scale) for c in (0.5, -0.25, 0.125, 1.0, -0.5, 0.25)]
    found = evaluate(jet(program, 3), [*map(np.array, point), *series])[1:]
    unit = [np.array(p / scale) for p in point]
    wanted = [nested(program, (k,), unit, [s / scale for s in series], 3)[0] for k in (1, 2, 3)]
    np.testing.assert_allclose(np.array(found, float), np.array(wanted, float), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["tanh", "logistic", "softplus", "expm1", "erf", "asinh"])
@pytest.mark.parametrize("x", [-30.0, 30.0, 1e-9, -1e200])
def test_tails_keep_their_digits(name: str, x: float) -> None:
    """First and second coefficients where one minus a square would leave nothing."""
    program = body(name, [F64], lambda b, s: [b.apply(name, *s)])
    found = evaluate(jet(program, 2), [np.array(x), np.array(1.0), np.array(0.0)])
    slope = nested(program, (1,), [np.array(x)], [np.array(1.0), np.array(0.0)], 2)[0]
    np.testing.assert_allclose(found[1], slope, rtol=1e-13)
    assert np.isfinite(float(found[2]))


def test_series_of_exp_sin_by_mpmath() -> None:
    program = body("f", [F64], lambda b, x: [b.apply("exp", b.apply("sin", x[0]))])
    found = evaluate(jet(program, 12), [np.array(0.0), np.array(1.0), *[np.array(0.0)] * 11])
    with mpmath.workdps(40):
        wanted = mpmath.taylor(lambda t: mpmath.exp(mpmath.sin(t)), 0, 12)
    np.testing.assert_allclose(np.array(found, float), np.array(wanted, float), rtol=1e-14, atol=1e-17)
    assert found[6] == pytest.approx(-1 / 240, rel=1e-14)


def test_wide_types_are_kept() -> None:
    program = body("f", [ArrayType("f32", (2,))], lambda b, x: [b.apply("tanh", b.apply("sqrt", x[0]))])
    found = evaluate(jet(program, 3), [np.ones(2, np.float32)] * 4)
    assert all(np.asarray(y).dtype == np.float32 for y in found)
