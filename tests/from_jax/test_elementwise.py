"""Elementwise primitives traced from JAX: values, derivatives and dtypes against JAX, the oracle of tests only."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
import pytest
from jax import lax
from jax._src.lax import lax as internal  # the comparisons by total order have no public name

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.codegen.xla.compile import compile_xla
from pushforward.lang.constants import numpy_dtype
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


def all_unary(*x: Any) -> list[Any]:
    """Every function of one float, each of its own operand: one program, so that it compiles once."""
    functions = [integer_power if name == "integer_power" else getattr(lax, name) for name in UNARY]
    return [function(each) for function, each in zip(functions, x, strict=True)]


@pytest.mark.parametrize(
    ("dtype", "close"), [("float64", 1e-11), ("float32", 2e-5), ("float16", 2e-2), ("bfloat16", 1e-1)]
)
def test_functions_of_one_float(dtype: str, close: float) -> None:
    x = [each.astype(numpy_dtype(dtype)) for each in UNARY.values()]
    wide = dtype in ("float64", "float32")
    agree(all_unary, *x, rtol=close, atol=close, derivatives=wide, compiled=dtype == "float64")


BINARY: dict[str, tuple[np.ndarray, np.ndarray]] = {
    **dict.fromkeys("add sub mul div max min atan2".split(), (REAL, REAL[::-1] + 0.1)),
    "rem": (np.array([5.5, -5.5, 5.5, -5.5, 1e4, 0.3]), np.array([2.0, 2.0, -2.0, -2.0, 0.3, 1.0])),
    "pow": (POSITIVE, REAL[:6]),
}


def all_binary(*x: Any) -> list[Any]:
    return [getattr(lax, name)(x[2 * k], x[2 * k + 1]) for k, name in enumerate(BINARY)]


@pytest.mark.parametrize(("dtype", "close"), [("float64", 1e-11), ("float32", 5e-5)])
def test_functions_of_two_floats(dtype: str, close: float) -> None:
    x = [each.astype(dtype) for both in BINARY.values() for each in both]
    agree(all_binary, *x, rtol=close, atol=close, compiled=True)


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_are_shared_as_in_jax(name: str) -> None:
    agree(getattr(lax, name), np.array([0.0, 1.0, 2.0, -0.0]), np.array([0.0, 1.0, 1.0, 0.0]))


def test_kinks_are_those_of_jax() -> None:
    functions = (lax.abs, lax.sign, lax.bessel_i0e, lax.bessel_i1e, jax.nn.relu, jax.nn.relu6, jax.nn.leaky_relu)
    agree(lambda x: [function(x) for function in functions], np.array([0.0, -0.0, 6.0]))


BOUNDS = [(-1.0, 0.0, 1.0), (0.0, 0.0, 1.0), (0.5, 0.0, 1.0), (1.0, 0.0, 1.0), (2.0, 0.0, 1.0)]


def test_clamp_follows_jax_also_for_crossed_bounds() -> None:
    points = [*BOUNDS, (-1.0, 2.0, 1.0), (1.5, 2.0, 1.0), (3.0, 2.0, 1.0)]
    x, low, high = (np.array(column) for column in zip(*points, strict=True))
    agree(lambda low, x, high: lax.clamp(low, x, high), low, x, high, compiled=True)
    agree(lambda x: lax.clamp(jnp.float64(0.0), x, jnp.float64(1.0)), x)


def test_clamp_of_integers_and_truth_values() -> None:
    whole = np.arange(-5, 6, dtype=np.int32)
    agree(lambda x: lax.clamp(np.int32(-2), x, np.int32(3)), whole, derivatives=False)
    flags = np.array(list(product((False, True), repeat=3))).T
    agree(lambda *x: lax.clamp(*x), *flags, derivatives=False, compiled=True)


@pytest.mark.parametrize("dtype", FLOATS)
def test_rounding(dtype: str) -> None:
    x = np.array([0.5, -0.5, 1.5, 2.5, -2.5, 0.49999999999999994, -0.2, 3.7, np.inf, 0.0])
    x = x.astype(numpy_dtype(dtype))
    agree(lambda x: [lax.round(x, method) for method in lax.RoundingMethod], x, derivatives=False, compiled=True)


FORMATS = ((5, 10), (8, 7), (8, 23), (11, 10), (4, 3), (11, 52), (2, 1), (1, 0))


@pytest.mark.parametrize("dtype", FLOATS)
def test_reduced_precision(dtype: str) -> None:
    x = np.array([65519.0, 65520.0, 1e-4, 1.0009765625, 1.00146484375, -1e4, np.inf, 1e-7, 1e300, 1e-300])
    x = x[1 if dtype == "float16" else 0 : {"float64": 10, "float32": 8}.get(dtype, 7)]
    x = np.minimum(x, 65504.0).astype(numpy_dtype(dtype)) if dtype == "float16" else x.astype(numpy_dtype(dtype))
    wide = dtype == "float64"
    agree(
        lambda x: [lax.reduce_precision(x, *bits) for bits in FORMATS],
        x,
        rtol=0,
        atol=0,
        derivatives=wide,
        compiled=True,
    )


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
    agree(lambda x: [lax.integer_pow(x, n) for n in (0, 1, 2, 5, 200)], x, derivatives=False, compiled=True)


# --- special functions -----------------------------------------------------------------------------------------------


def test_incomplete_gamma_functions() -> None:
    place = np.array([1.3, 2.9, 1.2, 1.5, 0.7, 0.3])
    agree(lambda a, x: [lax.igamma(a, x), lax.igammac(a, x)], POSITIVE, place, rtol=1e-11)
    narrow = (POSITIVE.astype(np.float32), place.astype(np.float32))
    agree(lambda a, x: [lax.igamma(a, x), lax.igammac(a, x)], *narrow, rtol=1e-4, derivatives=False)
    derivative = reverse(traced(lax.igamma, POSITIVE, place))
    inputs = [POSITIVE, place, np.ones(6)]
    for compiled, wanted in zip(compile_xla(derivative)(inputs), evaluate(derivative, inputs), strict=True):
        np.testing.assert_allclose(compiled, wanted, rtol=1e-11)


def test_polygamma_of_literal_orders() -> None:
    x = np.array([0.3, 1.0, 2.5, 9.0])
    agree(lambda x: [jsp.polygamma(order, x) for order in range(4)], x, rtol=1e-10, compiled=True)
    agree(lambda x: lax.polygamma(jnp.full(4, 2.0), x), x, rtol=1e-10)


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
    agree(lambda a, x: [lax.igamma(a, x), lax.igammac(a, x)], a, x, derivatives=False)
    finite = np.isfinite(x)  # the derivative tends to 0 at infinity, where JAX has NaN
    agree(lax.igamma_grad_a, a[finite], x[finite], derivatives=False)


@pytest.mark.parametrize("dtype", FLOATS)
def test_neighbours(dtype: str) -> None:
    kind = numpy_dtype(dtype)
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
SHIFTS = ("shift_left", "shift_right_logical", "shift_right_arithmetic")
OF_ONE = ("neg", "bitwise_not", "population_count", "clz", "sign", "square")


def agree_exactly(function: Callable[..., Any], *x: np.ndarray) -> None:
    """The reference, compiled code, JAX and Python's integers all agree."""
    program = agree(function, *x, derivatives=False, compiled=True)
    for exact, reference in zip(evaluate_exact(program, x), evaluate(program, x), strict=True):
        np.testing.assert_array_equal(exact, reference)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_operations(dtype: str) -> None:
    agree_exactly(lambda x, y: [getattr(lax, name)(x, y) for name in ARITHMETIC], *pairs(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_functions_of_one_integer(dtype: str) -> None:
    agree_exactly(lambda x: [*(getattr(lax, name)(x) for name in OF_ONE), jnp.abs(x)], corners(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts_by_any_distance(dtype: str) -> None:
    bits = np.iinfo(dtype).bits
    distances = [0, 1, 3, bits - 1, bits, bits + 1, 100] + ([-1, -100] if np.iinfo(dtype).min else [])
    x, by = (part.ravel() for part in np.meshgrid(corners(dtype), np.array(distances, dtype)))
    agree_exactly(lambda x, by: [getattr(lax, name)(x, by) for name in SHIFTS], x, by)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_quotients_of_numpy_functions(dtype: str) -> None:
    """``//`` and ``%`` of JAX arrays are choices around truncating division, whose arms may divide by zero."""
    agree(lambda x, y: [x // y, x % y, jnp.where(y == 0, 0, x // y)], *pairs(dtype), derivatives=False)


# --- truth values ----------------------------------------------------------------------------------------------------

LOGIC = "bitwise_and bitwise_or bitwise_xor max min eq ne lt le gt ge".split()


def test_operations_on_truth_values() -> None:
    left, right = np.array([False, False, True, True]), np.array([False, True, False, True])
    agree_exactly(lambda x, y: [*(getattr(lax, name)(x, y) for name in LOGIC), lax.bitwise_not(x)], left, right)


# --- comparisons and choices -----------------------------------------------------------------------------------------

STRANGE = np.array([-np.nan, -np.inf, -1.0, -0.0, 0.0, 1e-300, 1.0, np.inf, np.nan])


COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
IN_TOTAL_ORDER = tuple(getattr(internal, f"{name}_to_p").bind for name in ("eq", "lt", "le"))


@pytest.mark.parametrize("dtype", FLOATS)
def test_comparisons_of_floats(dtype: str) -> None:
    x, y = (part.ravel().astype(numpy_dtype(dtype)) for part in np.meshgrid(STRANGE, STRANGE))

    def function(x: Any, y: Any) -> list[Any]:
        return [*(getattr(lax, name)(x, y) for name in COMPARISONS), *(compare(x, y) for compare in IN_TOTAL_ORDER)]

    agree(function, x, y, derivatives=False, compiled=True)


def test_total_order_of_integers_and_truth_values_is_the_usual_one() -> None:
    for x, y in (pairs("int8"), (np.array([False, False, True]), np.array([False, True, True]))):
        agree(lambda x, y: [compare(x, y) for compare in IN_TOTAL_ORDER], x, y, derivatives=False)


def test_selection_by_truth_values_and_numbers() -> None:
    x, y = np.array([1.0, 2.0, np.nan]), np.array([-1.0, np.inf, 3.0])
    agree(lambda x, y: jnp.where(x > y, x, y), x, y)
    agree(lambda x, y: lax.select_n(jnp.array([False, True, True]), x, y), x, y, compiled=True)
    agree(lambda x: lax.select_n(jnp.array([True, True, False]), x), x, derivatives=False)
    which = np.array([-1, 0, 1, 2, 3], np.int32)
    cases = [np.full(5, 10.0 * k) for k in range(4)]
    for count in (2, 3, 4):
        inside = np.clip(which, 0, count - 1)  # JAX transposes a choice outside to nothing
        agree(lambda which, *cases: lax.select_n(which, *cases), which, *cases[:count], derivatives=False)
        agree(lambda which, *cases: lax.select_n(which, *cases), inside, *cases[:count])
    agree(lambda which, *cases: lax.select_n(which, *cases), np.int32(2), *cases, derivatives=False, compiled=True)
    agree(lambda which, x: lax.select_n(which, x), which, cases[0], derivatives=False)


def test_operands_of_length_one_stand_for_any_length() -> None:
    def function(x: Any) -> Any:
        with jax.numpy_rank_promotion("allow"):
            return lax.mul_p.bind(x, jnp.ones((1, 3)), out_dtype=None)

    agree(function, np.array([[2.0], [3.0]]), compiled=True)


def test_stopped_gradients() -> None:
    agree(lambda x: x * lax.stop_gradient(x), np.array([1.0, 2.0]))
    agree(lambda x: lax.stop_gradient(x) + 1, np.array([1, 2]), derivatives=False)


# --- conversions -----------------------------------------------------------------------------------------------------

EDGES = np.array([0.0, -0.0, 1.5, -1.5, 127, 128, 256, -129, 65536, 2.0**31, -(2.0**33), 2.0**63, 2.0**64, -1e300])


def examples(dtype: str) -> np.ndarray:
    if dtype == "bool":
        return np.array([False, True])
    if dtype in INTEGERS:
        return corners(dtype)
    with np.errstate(all="ignore"):
        return np.array([*EDGES, np.inf, -np.inf, np.nan]).astype(numpy_dtype(dtype))


KINDS = (*FLOATS, *INTEGERS, "bool")


@pytest.mark.parametrize("source", KINDS)
def test_conversions(source: str) -> None:
    function = lambda x: [lax.convert_element_type(x, target) for target in KINDS]  # noqa: E731
    agree(function, examples(source), rtol=0, atol=0, derivatives=False, compiled=True)


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
