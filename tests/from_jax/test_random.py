"""Random numbers traced from JAX: bits equal to those of `jax.random`, and derivatives of draws of the gamma family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry2x32_p
from scipy.special import digamma

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.codegen.xla.compile import compile_xla
from pushforward.lang.builder import body
from pushforward.lang.diagnostics import DiagnosticError
from pushforward.lang.from_jax import trace_program
from pushforward.lang.ir import ArrayType, Program
from pushforward.semantics.exact import evaluate_exact
from pushforward.semantics.random_numpy import cipher
from pushforward.semantics.reference import evaluate

from .agreement import agree, traced


def words(seed: int, *shape: int) -> np.ndarray:
    """Keys as programs take them: arrays of pairs of words."""
    return np.random.default_rng(seed).integers(0, 2**32, (*shape, 2), dtype=np.uint32)


def of_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of keys as one of their words; keys among its results become words, too."""

    def inner(keys: Any, *rest: Any) -> list[Any]:
        results = function(jax.random.wrap_key_data(keys), *rest)
        results = results if isinstance(results, list) else [results]
        return [jax.random.key_data(y) if jnp.issubdtype(y.dtype, jax.dtypes.prng_key) else y for y in results]

    return inner


def agree_bit_by_bit(function: Callable[..., Any], *x: Any, compiled: bool = True) -> Program:
    return agree(of_words(function), *x, rtol=0, atol=0, derivatives=False, compiled=compiled)


# --- the cipher ------------------------------------------------------------------------------------------------------

# Known answers of Threefry-2x32-20 from the test vectors that the authors distribute: key, counter, result.
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "wanted"), KNOWN)
def test_known_answers_of_the_cipher(key: tuple[int, int], counter: tuple[int, int], wanted: tuple[int, int]) -> None:
    pair = tuple(np.uint32(word) for word in key), tuple(np.uint32(word) for word in counter)
    assert tuple(int(word[0]) for word in cipher(*pair)) == wanted  # type: ignore[arg-type]


def test_all_evaluators_agree_on_the_cipher() -> None:
    vector, scalar = ArrayType("uint32", (5,)), ArrayType("uint32")
    types = [scalar, vector, vector, scalar]
    program = body("cipher", types, lambda b, x: [b.apply("threefry2x32", *x, word=word) for word in (0, 1)])
    rng = np.random.default_rng(0)
    operands = [rng.integers(0, 2**32, shape, dtype=np.uint32) for shape in ((), (5,), (5,), ())]
    wanted = evaluate(program, operands)
    for found in (evaluate_exact(program, operands), compile_xla(program)(operands)):
        np.testing.assert_array_equal(found, wanted)


def test_the_cipher_as_a_primitive_of_jax() -> None:
    def function(k0: Any, k1: Any, x0: Any, x1: Any) -> list[Any]:
        return list(threefry2x32_p.bind(k0, k1, x0, x1))

    key, counter = words(1), words(2, 4)
    agree(function, key[0], key[1], counter[:, 0], counter[:, 1], rtol=0, atol=0, derivatives=False)


# --- keys ------------------------------------------------------------------------------------------------------------

SEEDS = [np.int32(7), np.int32(-3), np.uint32(2**32 - 1), np.int64(-5), np.int64(2**40 + 3), np.uint64(2**63 + 9)]


@pytest.mark.parametrize("seed", SEEDS)
def test_seeding(seed: Any) -> None:
    agree(lambda s: jax.random.key_data(jax.random.key(s)), seed, derivatives=False)
    agree(jax.random.PRNGKey, seed, derivatives=False)


def test_splitting_and_folding_in() -> None:
    key = words(3)
    agree_bit_by_bit(lambda k: [jax.random.split(k), jax.random.split(k, 5), jax.random.split(k, (2, 3))], key)
    agree_bit_by_bit(lambda k: [jax.random.fold_in(k, 0), jax.random.fold_in(k, 2**32 - 1)], key)
    agree_bit_by_bit(jax.random.fold_in, key, np.int32(-9))
    agree_bit_by_bit(lambda k: jax.random.clone(jax.random.split(k)[1]), key)


def test_keys_in_batches() -> None:
    keys, numbers = words(4, 3), np.arange(3)
    agree_bit_by_bit(lambda k: jax.vmap(jax.random.split)(k), keys)
    agree_bit_by_bit(lambda k, n: jax.vmap(jax.random.fold_in)(k, n), keys, numbers)
    agree_bit_by_bit(lambda k, n: jax.vmap(jax.random.fold_in, (None, 0))(k[0], n), keys, numbers)
    agree_bit_by_bit(lambda k: jax.vmap(lambda k: jax.random.bits(k, (2, 2)))(k), keys)


def test_keys_are_compared_and_chosen_as_wholes() -> None:
    keys = words(5, 4)
    keys[2] = keys[0]
    keys[3, 1] = keys[1, 1]
    agree_bit_by_bit(lambda k: [k[:2] == k[2:], k[:2] != k[2:]], keys)
    agree_bit_by_bit(lambda k: jnp.where(jnp.array([True, False]), k[:2], k[2:]), keys)


def test_keys_of_other_generators_are_refused() -> None:
    key = jax.random.key(0, impl="rbg")
    with pytest.raises(DiagnosticError) as found:
        trace_program(lambda k: jax.random.normal(k), key)
    assert found.value.diagnostics[0].code == "E206"


def test_the_old_order_of_counters_is_refused() -> None:
    with jax.threefry_partitionable(False), pytest.raises(DiagnosticError) as found:
        traced(lambda k: jax.random.bits(jax.random.wrap_key_data(k)), words(6))
    assert found.value.diagnostics[0].code == "E206"


# --- draws -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_bits_of_every_width(dtype: str) -> None:
    shapes = [(), (1,), (7,), (3, 4), (0,)]
    agree_bit_by_bit(lambda k: [jax.random.bits(k, shape, dtype) for shape in shapes], words(7))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_uniform_numbers(dtype: str) -> None:
    agree_bit_by_bit(lambda k: jax.random.uniform(k, (5, 2), dtype), words(8))


def test_whole_numbers_and_orders() -> None:
    agree_bit_by_bit(lambda k: jax.random.randint(k, (9,), -3, 12), words(9))
    agree_bit_by_bit(lambda k: jax.random.randint(k, (9,), 0, 200, jnp.uint8), words(10))
    agree_bit_by_bit(lambda k: [jax.random.permutation(k, 9), jax.random.bernoulli(k, 0.3, (9,))], words(11))


def test_continuous_draws() -> None:
    def draws(key: Any) -> list[Any]:
        keys = jax.random.split(key, 4)
        return [
            jax.random.normal(keys[0], (6,)),
            jax.random.exponential(keys[1], (6,)),
            jax.random.truncated_normal(keys[2], -1.0, 2.0, (6,)),
            jax.random.categorical(keys[3], jnp.array([0.1, 2.0, 0.7]), shape=(6,)),
        ]

    agree(of_words(draws), words(12), rtol=1e-12, derivatives=False, compiled=True)


def test_draws_move_with_their_parameters() -> None:
    def draw(key: Any, mean: Any, scale: Any) -> Any:
        return mean + scale * jax.random.normal(key, (4,))

    agree(of_words(draw), words(13), np.float64(1.5), np.array([0.1, 1.0, 2.0, 3.0]))


# --- the gamma family ------------------------------------------------------------------------------------------------

SHAPES = np.array([0.02, 0.4, 0.99, 1.0, 2.5, 40.0, 300.0])


NARROW = pytest.param("float32", True, marks=pytest.mark.soak)


@pytest.mark.parametrize(("dtype", "compiled"), [("float64", True), ("float32", False), NARROW])
def test_gamma_draws_equal_those_of_jax(dtype: str, compiled: bool) -> None:
    close = 1e-11 if dtype == "float64" else 2e-5
    shapes = SHAPES.astype(dtype)
    both = of_words(lambda k, a: [draw(k, a, dtype=dtype) for draw in (jax.random.gamma, jax.random.loggamma)])
    agree(both, words(14), shapes, rtol=close, derivatives=False, compiled=compiled)
    batched = of_words(lambda k, a: jax.vmap(lambda k: jax.random.gamma(k, a, dtype=dtype))(k))
    agree(batched, words(15, 3), shapes, rtol=close, derivatives=False)


@pytest.mark.parametrize("draw", [jax.random.gamma, jax.random.loggamma])
def test_gamma_draws_move_with_their_shape_as_in_jax(draw: Callable[..., Any]) -> None:
    function = of_words(lambda k, a: draw(k, a))
    agree(function, words(16), SHAPES[1:], rtol=1e-9, compiled=draw is jax.random.gamma)


def test_beta_draws_have_the_derivative_of_jax() -> None:
    agree(of_words(lambda k, a: jax.random.beta(k, a, 2.0)), words(17), SHAPES[1:5], rtol=1e-9)


def test_logarithms_of_tiny_draws_keep_an_exact_derivative() -> None:
    """For small x, P(a, x) = x^a / gamma(a + 1), also where JAX has to put the least float in the place of x."""
    shape = np.array([1e-4])
    program = traced(of_words(lambda k, a: jax.random.loggamma(k, a)), words(19), shape)
    draw, slope = evaluate(forward(program, (False, True)), [words(19), shape, np.ones(1)])
    assert np.exp(draw) == 0
    np.testing.assert_allclose(slope, (digamma(shape + 1) - draw) / shape, rtol=1e-14)


def test_the_second_derivative_of_gamma_draws_is_refused() -> None:
    program = traced(of_words(lambda k, a: jax.random.gamma(k, a)), words(20), np.float64(1.5))
    with pytest.raises(DiagnosticError) as found:
        forward(reverse(program))
    assert found.value.diagnostics[0].code == "E112"


def test_gamma_draws_of_half_floats_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="f16"):
        traced(of_words(lambda k, a: jax.random.gamma(k, a, dtype=jnp.float16)), words(21), np.float16(1.5))
