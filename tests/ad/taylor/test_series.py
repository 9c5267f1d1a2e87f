"""Series of high order: accurate against many digits, with few steps, and in a form that XLA computes once."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import pushforward as pf
from pushforward.ad.taylor import jet
from pushforward.ad.taylor.divide import fraction_of
from pushforward.lang.builder import Builder, body
from pushforward.lang.ir import F64, Apply, ArrayType, Program
from pushforward.lang.passes import normalise
from pushforward.semantics.reference import evaluate

ROW = ArrayType("f64", (3,))
LINE = (0.3, 0.7)
CURVE = (0.3, 0.7, -0.4, 0.2, 0.1)


def unary(name: str) -> Program:
    return body(name, [F64], lambda b, x: [b.apply(name, x[0])])


def power(exponent: float) -> Program:
    return body("power", [F64], lambda b, x: [b.apply("pow", x[0], b.constant(exponent))])


FUNCTIONS: dict[str, tuple[Program, Callable[[Any], Any]]] = {
    **{name: (unary(name), getattr(mpmath, name)) for name in ("tanh", "exp", "sin", "log", "sqrt", "atan", "erf")},
    "logistic": (unary("logistic"), lambda x: 1 / (1 + mpmath.exp(-x))),
    "x^-1.5": (power(-1.5), lambda x: x ** mpmath.mpf("-1.5")),
    "x^2.5": (power(2.5), lambda x: x ** mpmath.mpf("2.5")),
}


@pytest.mark.parametrize("curve", [LINE, CURVE], ids=["line", "curve"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_order_ten_against_many_digits(name: str, curve: tuple[float, ...]) -> None:
    program, function = FUNCTIONS[name]
    order = 10
    found = evaluate(jet(program, order, (tuple(range(1, len(curve))),)), [np.asarray(c) for c in curve])
    with mpmath.workdps(60):
        exact = [mpmath.mpf(c) for c in curve]
        wanted = mpmath.taylor(lambda t: function(mpmath.polyval(exact[::-1], t)), 0, order)
    np.testing.assert_array_equal(found[0], evaluate(program, [np.asarray(curve[0])])[0])
    for actual, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(actual, float(right), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["tanh", "logistic", "log", "x^-1.5", "x^2.5"])
def test_steps_grow_with_the_square_of_the_order(name: str) -> None:
    few, many = (len(normalise(jet(FUNCTIONS[name][0], order)).steps) for order in (8, 32))
    assert many < 20 * few  # the square of the order makes it about 16 times as many, the cube 64 times


# --- fractions of sums ------------------------------------------------------------------------------------------------


ADDED = ("add", "sub")


def _product(b: Builder) -> int:
    return b.apply("mul", b.apply("mul", 0, b.constant(3.0)), 1)


def _negative_double(b: Builder) -> int:
    return b.apply("neg", b.apply("mul", b.apply("add", b.apply("mul", 0, 1), 2), b.constant(2.0)))


SUMS: dict[str, tuple[Callable[[Builder], int], tuple[str, ...]]] = {
    "sum": (lambda b: b.apply("add", _product(b), b.apply("mul", 1, 2)), ADDED),
    "difference": (lambda b: b.apply("sub", 2, _product(b)), ADDED),
    "multiple of a sum": (_negative_double, ADDED),
    "product with a sum": (lambda b: b.apply("mul", 2, b.apply("sub", 0, _product(b))), ADDED),
    "sum times a value": (lambda b: b.apply("mul", _negative_double(b), 0), ADDED),
    "product": (_product, ("mul",)),
    "value": (lambda b: 0, ()),
    "function": (lambda b: b.apply("exp", 0), ()),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_fraction_of_a_sum_is_a_sum(name: str) -> None:
    write, last = SUMS[name]
    b = Builder("fraction", [ROW, ROW, ROW])
    whole = write(b)
    found = fraction_of(b, whole, Fraction(1, 3))
    if not last:
        assert found is None
        return
    assert found is not None
    step = b.definition(found)
    assert step is not None and isinstance(step.op, Apply)
    assert step.op.primitive in last
    x = list(np.random.default_rng(0).normal(size=(3, 3)))
    left, right = evaluate(b.build([whole, found]), x)
    np.testing.assert_allclose(right, np.asarray(left) / 3, rtol=1e-14)


@pytest.mark.parametrize("orders", [(1,), (1, 2, 3, 4, 5, 6)], ids=["line", "curve"])
def test_coefficients_of_tanh_add_two_arrays(orders: tuple[int, ...]) -> None:
    tanh = body("tanh", [ROW], lambda b, x: [b.apply("tanh", x[0])])
    program = normalise(jet(tanh, 6, (orders,)))
    made = {len(program.inputs) + k: step for k, step in enumerate(program.steps)}
    last = [made[slot].op for slot in program.outputs[3:]]
    assert all(isinstance(op, Apply) and op.primitive in ("add", "sub") for op in last)


# --- compiled ---------------------------------------------------------------------------------------------------------


def _network(parameters: Any, x: Any) -> Any:
    rows = x[:, None]
    for weight, bias in parameters[:-1]:
        rows = jnp.tanh(rows @ weight + bias)
    weight, bias = parameters[-1]
    return (rows @ weight + bias)[:, 0]


def _arguments() -> tuple[Any, Any]:
    rng, widths = np.random.default_rng(0), (1, 16, 16, 1)
    parameters = [
        (rng.normal(size=(m, n)) / np.sqrt(m), 0.1 * rng.normal(size=n))
        for m, n in zip(widths, widths[1:], strict=False)
    ]
    return parameters, rng.uniform(-1, 1, 9)


@pytest.mark.parametrize("order", [1, 4, 10])
def test_value_of_a_network_is_the_plain_one_within_four_ulp(order: int) -> None:
    with jax.enable_x64(True):
        parameters, x = jax.tree_util.tree_map(jnp.asarray, _arguments())

        def value(parameters: Any, x: Any) -> Any:
            line = (jnp.ones_like(x), *[None] * (order - 1))
            return pf.jet(lambda points: _network(parameters, points), (x,), (line,))

        found, series = jax.jit(value)(parameters, x)
        plain = np.asarray(jax.jit(_network)(parameters, x))
        assert len(series) == order
        apart = np.linalg.norm(np.asarray(found) - plain)
        assert apart <= 4 * np.finfo(np.float64).eps * np.linalg.norm(plain)


def test_xla_computes_coefficients_once() -> None:
    order = 10
    with jax.enable_x64(True):
        parameters, x = jax.tree_util.tree_map(jnp.asarray, _arguments())

        def top(parameters: Any, x: Any) -> Any:
            line = (jnp.ones_like(x), *[None] * (order - 1))
            return pf.jet(lambda points: _network(parameters, points), (x,), (line,))[1][-1]

        text = jax.jit(top).lower(parameters, x).compile().as_text() or ""
    assert text.count(" dot(") <= 2 * order + 3  # none for zeros, none for what is not asked for
    assert text.count(" multiply(") < 280  # 205; coefficients that are multiples of sums take 367
