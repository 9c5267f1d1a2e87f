"""Elementwise primitives traced from JAX: values, derivatives and dtypes against JAX, the oracle of these tests only."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import ml_dtypes
import numpy as np
import pytest
from jax import lax

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.codegen.xla.compile import compile_xla
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.semantics.exact import evaluate_exact
from pushforward.semantics.reference import evaluate

from .agreement import agree, traced

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float64", "float32", "float16", "bfloat16")
REAL = np.array([-2.5, -1.0, -0.3, 0.4, 1.0, 1.7, 3.2])
UNIT = np.array([-0.9, -0.5, -0.1, 0.2, 0.6, 0.95])
POSITIVE = np.array([0.1, 0.5, 1.0, 1.3, 2.7, 9.0])

UNARY: dict[str, np.ndarray] = {
    **dict.fromkeys("exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh logistic cbrt square neg abs".split(), REAL),
    **dict.fromkeys("sign floor ceil is_finite erf erfc bessel_i0e bessel_i1e integer_power".split(), REAL),
    **dict.fromkeys("log log1p sqrt rsqrt lgamma digamma".split(), POSITIVE),
    **dict.fromkeys("asin acos atanh erf_inv".split(), UNIT),
    "acosh": POSITIVE + 1.0,
}


def integer_power(x: Any) -> Any:
    return lax.integer_pow(x, 3) + lax.integer_pow(x, -2) + lax.integer_pow(x, 0)


def unary(name: str) -> Callable[..., Any]:
    return integer_power if name == "integer_power" else getattr(lax, name)


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_float(name: str) -> None:
    agree(unary(name), UNARY[name], rtol=1e-11, compiled=True)


@pytest.mark.parametrize(("name", "dtype"), list(product(UNARY, ("float32", "float16", "bfloat16"))))
def test_functions_of_one_narrow_float(name: str, dtype: str) -> None:
    x = UNARY[name].astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    close = {"float32": 2e-5, "float16": 2e-2, "bfloat16": 1e-1}[dtype]
    agree(unary(name), x, rtol=close, atol=close, derivatives=dtype == "float32")


BINARY: dict[str, tuple[np.ndarray, np.ndarray]] = {
    **dict.fromkeys("add sub mul div max min atan2".split(), (REAL, REAL[::-1] + 0.1)),
    "rem": (np.array([5.5, -5.5, 5.5, -5.5, 1e4, 0.3]), np.array([2.0, 2.0, -2.0, -2.0, 0.3, 1.0])),
    "pow": (POSITIVE, REAL[:6]),
    **dict.fromkeys("igamma igammac".split(), (POSITIVE, POSITIVE[::-1] + 0.2)),
}


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_floats(name: str) -> None:
    agree(getattr(lax, name), *BINARY[name], rtol=1e-11, compiled=True)


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_are_shared_as_in_jax(name: str) -> None:
    agree(getattr(lax, name), np.array([0.0, 1.0, 2.0, -0.0]), np.array([0.0, 1.0, 1.0, 0.0]))


@pytest.mark.parametrize("point", [0.0, -0.0])
def test_kinks_are_those_of_jax(point: float) -> None:
    x = np.array([point])
    for function in (lax.abs, lax.sign, lax.bessel_i0e, lax.bessel_i1e, jax.nn.relu, jax.nn.relu6, jax.nn.leaky_relu):
        agree(function, x)


BOUNDS = [(-1.0, 0.0, 1.0), (0.0, 0.0, 1.0), (0.5, 0.0, 1.0), (1.0, 0.0, 1.0), (2.0, 0.0, 1.0)]


@pytest.mark.parametrize(("x", "low", "high"), [*BOUNDS, (-1.0, 2.0, 1.0), (1.5, 2.0, 1.0), (3.0, 2.0, 1.0)])
def test_clamp_follows_jax_also_for_crossed_bounds(x: float, low: float, high: float) -> None:
    agree(lambda low, x, high: lax.clamp(low, x, high), np.float64(low), np.array([x, 0.3]), np.float64(high))


def test_clamp_of_integers_and_truth_values() -> None:
    agree(lambda x: lax.clamp(np.int32(-2), x, np.int32(3)), np.arange(-5, 6, dtype=np.int32))
    flags = np.array([False, True])
    for low, high in product((False, True), repeat=2):
        agree(lambda x, low=low, high=high: lax.clamp(jnp.bool_(low), x, jnp.bool_(high)), flags, compiled=True)


@pytest.mark.parametrize("dtype", FLOATS)
def test_rounding(dtype: str) -> None:
    x = np.array([0.5, -0.5, 1.5, 2.5, -2.5, 0.49999999999999994, -0.2, 3.7, np.inf, 0.0])
    x = x.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    for method in lax.RoundingMethod:
        agree(lambda x, method=method: lax.round(x, method), x, compiled=True)


@pytest.mark.parametrize(("exponent", "mantissa"), [(5, 10), (8, 7), (8, 23), (11, 10), (4, 3), (11, 52), (2, 1), (1, 0)])
def test_reduced_precision(exponent: int, mantissa: int) -> None:
    x = np.array([1e-310, 1e-300, 1e300, 65519.0, 65520.0, 1e-5, 6e-8, 1.0009765625, 1.00146484375, -1e9, np.inf])
    agree(lambda x: lax.reduce_precision(x, exponent, mantissa), x, rtol=0, atol=0, compiled=True)
    narrow = x[3:].astype(np.float32)
    agree(lambda x: lax.reduce_precision(x, exponent, mantissa), narrow, rtol=0, atol=0, compiled=True)


def test_reduced_precision_keeps_nan() -> None:
    program = traced(lambda x: lax.reduce_precision(x, 5, 3), np.array([np.nan, 1.03]))
    for run in (evaluate, lambda program, arrays: compile_xla(program)(arrays)):
        assert np.isnan(run(program, [np.array([np.nan, 1.03])])[0][0])


def test_powers_with_integer_exponents() -> None:
    base = np.array([-2.0, -1.0, 0.0, 0.0, 3.0, 0.5])
    agree(lax.pow, base, np.array([3, 2, 0, 1, -2, 7]), compiled=True)
    agree(lambda x: x ** jnp.arange(6, dtype=jnp.int32), base.astype(np.float32), rtol=1e-6)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_powers_wrap(dtype: str) -> None:
    ends = np.iinfo(dtype)
    x = np.array([ends.min, ends.max, 3, 7, 0, 1], dtype)
    agree(lambda x: lax.integer_pow(x, 5) + lax.integer_pow(x, 200) * lax.integer_pow(x, 0), x, compiled=True)


# --- special functions -----------------------------------------------------------------------------------------------


def test_polygamma_of_literal_orders() -> None:
    x = np.array([0.3, 1.0, 2.5, 9.0])
    for order in range(4):
        agree(lambda x, order=order: jsp.polygamma(order, x), x, rtol=1e-10, compiled=True)
    agree(jax.jit(lambda x: jsp.polygamma(jnp.full(4, 2.0), x)), x, rtol=1e-10)


def test_polygamma_of_an_unknown_order_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="order"):
        traced(lambda n, x: lax.polygamma(n, x), np.float64(1.0), np.float64(2.0))


def test_incomplete_beta_function() -> None:
    a, b, x = np.array([0.5, 2.0, 3.5]), np.array([1.5, 0.7, 4.0]), np.array([0.1, 0.5, 0.9])
    agree(lambda x: jsp.betainc(a, b, x), x, rtol=1e-10, compiled=True)
    agree(lambda a, b, x: jsp.betainc(a, b, x), a, b, x, rtol=1e-10, derivatives=False)


def test_zeta_has_the_derivative_that_jax_lacks() -> None:
    program = agree(lambda q: lax.zeta(jnp.full(3, 3.0), q), np.array([0.5, 1.0, 4.0]), rtol=1e-10, derivatives=False)
    q = np.array([0.5, 1.0, 4.0])
    slope = evaluate(reverse(program), [q, np.ones(3)])[1]
    with jax.enable_x64(True):
        np.testing.assert_allclose(slope, -3.0 * np.asarray(lax.zeta(jnp.full(3, 4.0), jnp.asarray(q))), rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda a: lax.betainc(a, jnp.float64(2.0), jnp.float64(0.5)), 1),
        (lambda x: lax.zeta(x, jnp.float64(2.0)), 1),
        (lambda a: lax.igamma_grad_a(a, jnp.float64(2.0)), 1),
        (lambda x, y: lax.nextafter(x, y), 2),
    ],
)
def test_unknown_derivatives_are_refused_and_never_zero(function: Callable[..., Any], count: int) -> None:
    program = traced(function, *[np.float64(1.5)] * count)
    for mode in (forward, reverse):
        with pytest.raises(DiagnosticError) as found:
            mode(program)
        assert found.value.diagnostics[0].code == "E112"


def test_mixed_second_derivative_of_the_incomplete_gamma_function() -> None:
    program = traced(lambda x: lax.igamma_grad_a(jnp.float64(1.7), x), np.float64(0.9))
    slope = evaluate(reverse(program), [np.float64(0.9), np.float64(1.0)])[1]
    step = 1e-5
    high, low = (evaluate(program, [np.float64(0.9 + s)])[0] for s in (step, -step))
    assert float(slope) == pytest.approx(float(high - low) / (2 * step), rel=1e-8)


def test_edges_of_the_incomplete_gamma_functions() -> None:
    a = np.array([1.0, 2.0, 0.5, -1.0, 1.0, np.nan, 3.0])
    x = np.array([0.0, np.inf, 0.0, 1.0, -1.0, 1.0, 1e3])
    for function in (lax.igamma, lax.igammac, lax.igamma_grad_a):
        agree(function, a, x, derivatives=False, compiled=True)


@pytest.mark.parametrize("dtype", FLOATS)
def test_neighbours(dtype: str) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    x, y = np.array([1.0, 1.0, 0.0, -0.0, 2.5]).astype(kind), np.array([2.0, 0.0, 1.0, -1.0, 2.5]).astype(kind)
    agree(lax.nextafter, x, y, derivatives=False, rtol=0, atol=0, compiled=True)


# --- integers --------------------------------------------------------------------------------------------------------


def corners(dtype: str) -> np.ndarray:
    ends = np.iinfo(dtype)
    middle = [-7, -1] if ends.min else [9, ends.max // 3]
    return np.array([ends.min, ends.min + 1, *middle, 0, 1, 2, 5, ends.max - 1, ends.max], dtype)


def pairs(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(corners(dtype), corners(dtype))
    return x.ravel(), y.ravel()


ARITHMETIC = "add sub mul div rem max min bitwise_and bitwise_or bitwise_xor mulhi eq ne lt le gt ge".split()


@pytest.mark.parametrize(("name", "dtype"), list(product(ARITHMETIC, INTEGERS)))
def test_integer_operations(name: str, dtype: str) -> None:
    operands = pairs(dtype)
    program = agree(getattr(lax, name), *operands, compiled=True)
    assert np.array_equal(evaluate_exact(program, operands)[0], evaluate(program, operands)[0])


@pytest.mark.parametrize(("name", "dtype"), list(product(["neg", "bitwise_not", "population_count", "clz", "sign"], INTEGERS)))
def test_functions_of_one_integer(name: str, dtype: str) -> None:
    x = corners(dtype)
    program = agree(getattr(lax, name), x, compiled=True)
    assert np.array_equal(evaluate_exact(program, [x])[0], evaluate(program, [x])[0])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_absolute_values_and_squares_of_integers(dtype: str) -> None:
    agree(jnp.abs, corners(dtype), compiled=True)
    agree(jnp.square, corners(dtype), compiled=True)


SHIFTS = ("shift_left", "shift_right_logical", "shift_right_arithmetic")


@pytest.mark.parametrize(("name", "dtype"), list(product(SHIFTS, INTEGERS)))
def test_shifts_by_any_distance(name: str, dtype: str) -> None:
    bits = np.iinfo(dtype).bits
    distances = [0, 1, 3, bits - 1, bits, bits + 1, 100] + ([-1, -100] if np.iinfo(dtype).min else [])
    x, by = (part.ravel() for part in np.meshgrid(corners(dtype), np.array(distances, dtype)))
    program = agree(getattr(lax, name), x, by, compiled=True)
    assert np.array_equal(evaluate_exact(program, [x, by])[0], evaluate(program, [x, by])[0])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_quotients_of_numpy_functions(dtype: str) -> None:
    """``//`` and ``%`` of JAX arrays are choices around truncating division, whose arms may divide by zero."""
    agree(lambda x, y: [x // y, x % y, jnp.where(y == 0, 0, x // jnp.where(y == 0, 1, y))], *pairs(dtype))


# --- truth values ----------------------------------------------------------------------------------------------------

LOGIC = "bitwise_and bitwise_or bitwise_xor max min eq ne lt le gt ge".split()


@pytest.mark.parametrize("name", LOGIC)
def test_operations_on_truth_values(name: str) -> None:
    left, right = np.array([False, False, True, True]), np.array([False, True, False, True])
    agree(getattr(lax, name), left, right, compiled=True)


def test_negation_of_truth_values() -> None:
    agree(lax.bitwise_not, np.array([False, True]), compiled=True)


# --- comparisons and choices -----------------------------------------------------------------------------------------

STRANGE = np.array([-np.nan, -np.inf, -1.0, -0.0, 0.0, 5e-324, 1.0, np.inf, np.nan])


@pytest.mark.parametrize("dtype", FLOATS)
def test_total_order_of_floats(dtype: str) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    x, y = (part.ravel().astype(kind) for part in np.meshgrid(STRANGE, STRANGE))
    for name in ("eq_to", "lt_to", "le_to"):
        agree(getattr(lax.lax if hasattr(lax, "lax") else lax, name, None) or _primitive(name), x, y, compiled=True)


def _primitive(name: str) -> Callable[..., Any]:
    from jax._src.lax import lax as internal

    return getattr(internal, f"{name}_p").bind


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_of_floats(name: str) -> None:
    x, y = (part.ravel() for part in np.meshgrid(STRANGE, STRANGE))
    agree(getattr(lax, name), x, y, compiled=True)


def test_selection_by_truth_values_and_numbers() -> None:
    x, y = np.array([1.0, 2.0, np.nan]), np.array([-1.0, np.inf, 3.0])
    agree(lambda x, y: jnp.where(x > y, x, y), x, y)
    agree(lambda x, y: lax.select_n(jnp.array([False, True, True]), x, y), x, y, compiled=True)
    agree(lambda x: lax.select_n(jnp.array([True, True, False]), x), y[::2][[0, 0, 1]])
    which = np.array([-1, 0, 1, 2, 3], np.int32)
    cases = [np.full(5, 10.0 * k) for k in range(4)]
    for count in (1, 2, 3, 4):
        agree(lambda which, *cases: lax.select_n(which, *cases), which, *cases[:count], compiled=True)
    agree(lambda which, *cases: lax.select_n(which, *cases), np.int32(2), *cases, compiled=True)


def test_operands_of_length_one_stand_for_any_length() -> None:
    def function(x: Any) -> Any:
        with jax.numpy_rank_promotion("allow"):
            return lax.mul_p.bind(x, jnp.ones((1, 3)), out_dtype=None)

    agree(function, np.array([[2.0], [3.0]]), compiled=True)


def test_stopped_gradients() -> None:
    agree(lambda x: x * lax.stop_gradient(x), np.array([1.0, 2.0]))
    agree(lambda x: lax.stop_gradient(x) + 1, np.array([1, 2]))


# --- conversions -----------------------------------------------------------------------------------------------------

EDGES = np.array([0.0, -0.0, 1.5, -1.5, 127, 128, 256, -129, 65536, 2.0**31, -(2.0**33), 2.0**63, 2.0**64, -1e300])


def examples(dtype: str) -> np.ndarray:
    if dtype == "bool":
        return np.array([False, True])
    if dtype in INTEGERS:
        return corners(dtype)
    with np.errstate(all="ignore"):
        return np.array([*EDGES, np.inf, -np.inf, np.nan]).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


KINDS = (*FLOATS, *INTEGERS, "bool")


@pytest.mark.parametrize("source", KINDS)
def test_conversions(source: str) -> None:
    for target in KINDS:
        derivatives = source in FLOATS and target in FLOATS
        x = examples(source)
        x = x[np.isfinite(x.astype(float))] if derivatives else x
        agree(lambda x, t=target: lax.convert_element_type(x, t), x, rtol=0, atol=0, derivatives=False, compiled=True)


def test_tangents_keep_their_precision_through_conversions() -> None:
    x = np.array([1.0, 2.0, 3.0])
    agree(lambda x: lax.convert_element_type(x, jnp.float32) * 2, x, rtol=1e-6)
    agree(lambda x: lax.convert_element_type(lax.convert_element_type(x, jnp.int32), jnp.float64) * x, x)


@pytest.mark.parametrize(
    ("source", "target"),
    [("float64", "int64"), ("float32", "uint32"), ("float16", "int16"), ("uint8", "int8"), ("uint64", "float64")],
)
def test_bits_read_as_another_dtype(source: str, target: str) -> None:
    x = examples(source)
    agree(lambda x: lax.bitcast_convert_type(x, target), x, rtol=0, atol=0, derivatives=False, compiled=True)


def test_bits_of_another_width_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="width"):
        traced(lambda x: lax.bitcast_convert_type(x, jnp.uint8), np.ones(3))


def test_products_into_another_dtype_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="dtype"):
        traced(lambda x: lax.mul(x, x, out_dtype=jnp.float32), np.ones(3, np.float16))


@pytest.mark.parametrize("function", [lax.conj, lambda x: lax.complex(x, x)])
def test_complex_numbers_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(DiagnosticError, match="complex"):
        traced(function, np.ones(3))
