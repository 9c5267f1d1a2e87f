"""Products summed over axes and convolutions traced from JAX, which is the oracle of these tests only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pushforward.lang.diagnostics import DiagnosticError

from .agreement import agree, traced

RNG = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


PRODUCTS: dict[str, tuple[Callable[..., Any], np.ndarray, np.ndarray]] = {
    "matrices": (jnp.matmul, drawn(3, 4), drawn(4, 2)),
    "matrix and vector": (jnp.matmul, drawn(3, 4), drawn(4)),
    "vectors": (jnp.matmul, drawn(4), drawn(4)),
    "batches": (jnp.matmul, drawn(2, 3, 4), drawn(2, 4, 5)),
    "batch axis given": (lambda x, y: lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,)))), drawn(2, 3, 4), drawn(2, 4)),
    "two sums": (lambda x, y: lax.dot_general(x, y, (((1, 2), (0, 1)), ((), ()))), drawn(2, 3, 4), drawn(3, 4, 2)),
    "nothing summed": (lambda x, y: lax.dot_general(x, y, (((), ()), ((0,), (0,)))), drawn(2, 3), drawn(2, 4)),
    "outer": (jnp.outer, drawn(3), drawn(4)),
    "einsum": (lambda x, y: jnp.einsum("ijk,ikl->jl", x, y), drawn(2, 3, 4), drawn(2, 4, 5)),
    "tensordot": (lambda x, y: jnp.tensordot(x, y, ((1, 2), (1, 0))), drawn(2, 3, 4), drawn(4, 3, 2)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str) -> None:
    function, x, y = PRODUCTS[name]
    agree(function, x, y)


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        ("int64", None),
        ("int8", "int32"),
        ("int8", None),
        ("bool", None),
        ("float32", "float64"),
        ("float16", "float32"),
    ],
)
def test_dtypes_of_products(dtype: str, result: str | None) -> None:
    x, y = (20 * np.arange(6).reshape(2, 3)).astype(dtype), (20 * np.arange(6).reshape(3, 2)).astype(dtype)

    def function(x: Any, y: Any) -> Any:
        wanted = None if result is None else np.dtype(result)
        return lax.dot_general(x, y, (((1,), (0,)), ((), ())), preferred_element_type=wanted)

    agree(function, x, y, derivatives=dtype.startswith("float"), rtol=1e-3)


def _conv(strides: tuple[int, ...], padding: Any, **options: Any) -> Callable[..., Any]:
    return lambda x, k: lax.conv_general_dilated(x, k, strides, padding, **options)


NHWC = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
CONVOLUTIONS: dict[str, tuple[Callable[..., Any], np.ndarray, np.ndarray]] = {
    "same": (_conv((1, 1), "SAME"), drawn(2, 2, 6, 5), drawn(3, 2, 2, 3)),
    "valid in steps": (_conv((2, 1), "VALID"), drawn(2, 2, 6, 5), drawn(3, 2, 2, 3)),
    "dilated and cut": (
        _conv((2, 1), ((1, -1), (0, 2)), lhs_dilation=(2, 1), rhs_dilation=(1, 2)),
        drawn(2, 2, 6, 5),
        drawn(3, 2, 2, 3),
    ),
    "channels last": (_conv((1, 2), "SAME", **NHWC), drawn(2, 6, 5, 2), drawn(3, 3, 2, 4)),
    "axes in any order": (
        _conv((1, 2), "SAME", dimension_numbers=("CHNW", "OWIH", "WNHC")),
        drawn(2, 6, 3, 5),
        drawn(4, 3, 2, 2),
    ),
    "feature groups": (_conv((1,), "SAME", feature_group_count=2), drawn(2, 4, 6), drawn(6, 2, 3)),
    "each channel alone": (_conv((1, 1), "SAME", feature_group_count=4, **NHWC), drawn(2, 6, 5, 4), drawn(3, 3, 1, 8)),
    "batch groups": (_conv((2,), "SAME", batch_group_count=2), drawn(4, 3, 6), drawn(6, 3, 3)),
    "no spatial axis": (_conv((), ()), drawn(4, 3), drawn(6, 3)),
    "three spatial axes": (_conv((1, 2, 1), "SAME"), drawn(1, 2, 4, 4, 3), drawn(2, 2, 2, 2, 2)),
    "transposed": (lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME"), drawn(1, 4, 3, 2), drawn(3, 3, 2, 2)),
    "of sequences": (jnp.convolve, drawn(6), drawn(3)),
    "lane by lane": (
        lambda x, k: jax.vmap(_conv((1, 1), "SAME"))(x, k),
        drawn(2, 2, 2, 4, 4),
        drawn(2, 3, 2, 2, 2),
    ),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str) -> None:
    function, x, k = CONVOLUTIONS[name]
    agree(function, x, k)


def test_convolutions_of_other_numbers() -> None:
    x, k = RNG.integers(-3, 3, (2, 4, 6)), RNG.integers(-3, 3, (6, 4, 3))
    agree(_conv((1,), "SAME"), x, k, derivatives=False)
    agree(_conv((1,), "SAME"), x.astype("float32"), k.astype("float32"), rtol=1e-4, atol=1e-4)


def test_a_derivative_that_jax_took_can_be_traced() -> None:
    def slope(x: Any, k: Any) -> Any:
        return jax.grad(lambda k: (_conv((2, 1), "SAME")(x, k) ** 2).sum())(k)

    agree(slope, drawn(2, 2, 6, 5), drawn(3, 2, 2, 3), rtol=1e-10, atol=1e-10)


def test_compiled_programs_agree() -> None:
    function, x, k = CONVOLUTIONS["each channel alone"]
    agree(function, x, k, compiled=True)
    function, x, k = CONVOLUTIONS["batch groups"]
    agree(function, x, k, compiled=True)


def test_products_of_groups_of_computed_sizes_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="E202"):
        traced(lax.ragged_dot, drawn(5, 4), drawn(2, 4, 3), np.array([2, 3], "int32"))
