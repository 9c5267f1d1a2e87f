"""Arguments for the callables of jax.lax that need more than arrays of one shape.

Each row makes ``(function, *arguments)`` from the callable and draws; dimension numbers and functions stand inside the
function.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .entry import Draw, Make

NHWC = ("NHWC", "HWIO", "NHWC")
ROWS = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
INTO_ROWS = lax.ScatterDimensionNumbers(
    update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
)
RAGGED = lax.RaggedDotDimensionNumbers(
    dot_dimension_numbers=(((1,), (1,)), ((), ())), lhs_ragged_dimensions=(0,), rhs_group_dimensions=(0,)
)


def scatters(f: Any, r: Draw) -> tuple[Any, ...]:
    """Rows of updates into two rows of an operand, named once each."""
    return lambda x, n, u: f(x, n, u, INTO_ROWS), r.positive(4, 3), np.array([[2], [0]]), r.positive(2, 3)


SHAPES: dict[str, Make] = {
    "bitcast_convert_type": lambda f, r: (lambda x: f(x, jnp.int64), r.normal(3)),
    "broadcast": lambda f, r: (lambda x: f(x, (2, 1)), r.normal(3)),
    "broadcast_in_dim": lambda f, r: (lambda x: f(x, (2, 3, 4), (0, 2)), r.normal(2, 4)),
    "broadcast_like": lambda f, r: (f, r.normal(3), r.normal(2, 3)),
    "broadcast_to_rank": lambda f, r: (lambda x: f(x, 3), r.normal(3)),
    "collapse": lambda f, r: (lambda x: f(x, 1, 3), r.normal(2, 3, 2)),
    "concatenate": lambda f, r: (lambda x, y: f((x, y), 1), r.normal(2, 1), r.normal(2, 3)),
    "convert_element_type": lambda f, r: (lambda x: f(x, jnp.float32), r.normal(4)),
    "expand_dims": lambda f, r: (lambda x: f(x, (0, 2)), r.normal(2, 3)),
    "full": lambda f, r: (lambda x: f((2, 3), x), r.normal()),
    "full_like": lambda f, r: (f, r.normal(2, 3), r.normal()),
    "pad": lambda f, r: (lambda x, p: f(x, p, ((1, 2, 1), (-1, 0, 0))), r.normal(3, 4), r.normal()),
    "reduce_precision": lambda f, r: (lambda x: f(x, 8, 23), r.normal(4)),
    "reshape": lambda f, r: (lambda x: f(x, (3, 4), dimensions=(1, 0)), r.normal(2, 6)),
    "rev": lambda f, r: (lambda x: f(x, (1,)), r.normal(2, 3)),
    "slice": lambda f, r: (lambda x: f(x, (1, 0), (4, 5), (2, 3)), r.normal(4, 6)),
    "slice_in_dim": lambda f, r: (lambda x: f(x, 1, 4, 2, axis=1), r.normal(2, 5)),
    "split": lambda f, r: (lambda x: f(x, (1, 3), axis=1), r.normal(2, 4)),
    "squeeze": lambda f, r: (lambda x: f(x, (1,)), r.normal(2, 1, 3)),
    "stack": lambda f, r: (lambda x, y: f((x, y), axis=1), r.normal(2, 3), r.normal(2, 3)),
    "tile": lambda f, r: (lambda x: f(x, (2, 3)), r.normal(2, 3)),
    "transpose": lambda f, r: (lambda x: f(x, (2, 0, 1)), r.normal(2, 3, 4)),
    "unstack": lambda f, r: (partial(f, axis=1), r.normal(2, 3)),
}

PLACES: dict[str, Make] = {
    "dynamic_index_in_dim": lambda f, r: (lambda x, n: f(x, n, axis=1), r.normal(2, 4), np.int64(2)),
    "dynamic_slice": lambda f, r: (lambda x, n, m: f(x, (n, m), (2, 2)), r.normal(4, 5), np.int64(1), np.int64(4)),
    "dynamic_slice_in_dim": lambda f, r: (lambda x, n: f(x, n, 2, axis=1), r.normal(2, 5), np.int64(2)),
    "dynamic_update_index_in_dim": lambda f, r: (
        lambda x, u, n: f(x, u, n, axis=1),
        *(r.normal(2, 4), r.normal(2), np.int64(2)),
    ),
    "dynamic_update_slice": lambda f, r: (
        lambda x, u, n: f(x, u, (n, 1)),
        *(r.normal(4, 4), r.normal(2, 2), np.int64(3)),
    ),
    "dynamic_update_slice_in_dim": lambda f, r: (
        lambda x, u, n: f(x, u, n, axis=1),
        *(r.normal(2, 5), r.normal(2, 2), np.int64(2)),
    ),
    "gather": lambda f, r: (lambda x, n: f(x, n, ROWS, (1, 3)), r.normal(4, 3), np.array([[2], [0], [2]])),
    "index_in_dim": lambda f, r: (lambda x: f(x, 2, axis=1), r.normal(2, 4)),
    "index_take": lambda f, r: (lambda x, n, m: f(x, (n, m), (0, 1)), r.normal(3, 4), *r.integers(0, 3, 2, 2)),
    "scatter": scatters,
    "scatter_add": scatters,
    "scatter_apply": lambda f, r: (
        lambda x, n: f(x, n, jnp.sin, INTO_ROWS, update_shape=(2, 3)),
        *(r.normal(4, 3), np.array([[2], [0]])),
    ),
    "scatter_max": scatters,
    "scatter_min": scatters,
    "scatter_mul": lambda f, r: (
        lambda x, n, u: f(x, n, u, INTO_ROWS, unique_indices=True),
        *(r.normal(4, 3), np.array([[2], [0]]), r.normal(2, 3)),
    ),
    "scatter_sub": scatters,
}

REDUCTIONS: dict[str, Make] = {
    "approx_max_k": lambda f, r: (lambda x: f(x, 2), r.normal(2, 5)),
    "approx_min_k": lambda f, r: (lambda x: f(x, 2), r.normal(2, 5)),
    "argmax": lambda f, r: (lambda x: f(x, 1, jnp.int32), r.normal(2, 4)),
    "argmin": lambda f, r: (lambda x: f(x, 0, jnp.int64), r.normal(3, 4)),
    "cumlogsumexp": lambda f, r: (partial(f, axis=1), r.normal(2, 4)),
    "cummax": lambda f, r: (partial(f, axis=1), r.normal(2, 4)),
    "cummin": lambda f, r: (partial(f, axis=0, reverse=True), r.normal(4, 2)),
    "cumprod": lambda f, r: (partial(f, axis=1), r.normal(2, 4)),
    "cumsum": lambda f, r: (partial(f, axis=1, reverse=True), r.normal(2, 4)),
    "reduce": lambda f, r: (lambda x: f(x, 1.0, lambda a, b: a * b, (1,)), r.normal(2, 3)),
    "reduce_max": lambda f, r: (lambda x: f(x, (1,)), r.normal(2, 4)),
    "reduce_min": lambda f, r: (lambda x: f(x, (0,)), r.normal(3, 4)),
    "reduce_prod": lambda f, r: (lambda x: f(x, (1,)), r.normal(2, 4)),
    "reduce_sum": lambda f, r: (lambda x: f(x, (0, 2)), r.normal(2, 3, 2)),
    "reduce_window": lambda f, r: (
        lambda x: f(x, -jnp.inf, lax.max, (1, 3), (1, 2), "SAME"),
        r.normal(2, 6),
    ),
    "sort": lambda f, r: (lambda x, y: f((x, y), dimension=1, num_keys=1), r.normal(2, 4), r.normal(2, 4)),
    "sort_key_val": lambda f, r: (f, r.normal(2, 4), r.normal(2, 4)),
    "top_k": lambda f, r: (lambda x: f(x, 3), r.normal(2, 5)),
}

PRODUCTS: dict[str, Make] = {
    "batch_matmul": lambda f, r: (f, r.normal(2, 3, 4), r.normal(2, 4, 2)),
    "conv": lambda f, r: (lambda x, w: f(x, w, (1, 2), "SAME"), r.normal(1, 2, 4, 5), r.normal(3, 2, 2, 3)),
    "conv_general_dilated": lambda f, r: (
        lambda x, w: f(
            *(x, w, (2, 1), ((1, 1), (0, 2))),
            lhs_dilation=(1, 2),
            rhs_dilation=(2, 1),
            dimension_numbers=NHWC,
            feature_group_count=2,
        ),
        *(r.normal(2, 5, 4, 4), r.normal(2, 2, 2, 4)),
    ),
    "conv_general_dilated_local": lambda f, r: (
        lambda x, w: f(x, w, (1,), "VALID", (2,)),
        *(r.normal(1, 2, 4), r.normal(3, 4, 3)),
    ),
    "conv_general_dilated_patches": lambda f, r: (lambda x: f(x, (2, 2), (1, 1), "VALID"), r.normal(1, 2, 3, 4)),
    "conv_transpose": lambda f, r: (lambda x, w: f(x, w, (2,), "SAME"), r.normal(1, 4, 2), r.normal(3, 2, 3)),
    "conv_with_general_padding": lambda f, r: (
        lambda x, w: f(x, w, (1, 1), ((1, 0), (0, 1)), None, None),
        *(r.normal(1, 2, 3, 4), r.normal(2, 2, 2, 2)),
    ),
    "dot": lambda f, r: (f, r.normal(2, 3), r.normal(3, 4)),
    "dot_general": lambda f, r: (
        lambda x, y: f(x, y, (((2,), (1,)), ((0,), (0,)))),
        *(r.normal(2, 3, 4), r.normal(2, 4, 2)),
    ),
    "ragged_dot": lambda f, r: (f, r.normal(5, 3), r.normal(2, 3, 2), np.array([2, 3], np.int32)),
    "ragged_dot_general": lambda f, r: (
        lambda x, y, n: f(x, y, n, RAGGED),
        *(r.normal(5, 3), r.normal(2, 3, 2), np.array([2, 3], np.int32)),
    ),
    "scaled_dot": lambda f, r: (
        partial(f, preferred_element_type=jnp.float32),
        *(r.normal(2, 4).astype(np.float32), r.normal(4, 3).astype(np.float32)),
    ),
}

CONTROL: dict[str, Make] = {
    "associative_scan": lambda f, r: (
        lambda a, b: f(lambda u, v: (u[0] * v[0], v[0] * u[1] + v[1]), (a, b)),
        *(r.normal(5), r.normal(5)),
    ),
    "composite": lambda f, r: (f(lambda x: jnp.sin(x) * x, "corpus.x_sin_x"), r.normal(3)),
    "cond": lambda f, r: (lambda c, x: f(c, jnp.sin, lambda t: t * t, x), np.bool_(True), r.normal(3)),
    "custom_linear_solve": lambda f, r: (
        lambda a, b: f(lambda v: a @ v, b, lambda _, v: jnp.linalg.solve(a, v), lambda _, v: jnp.linalg.solve(a.T, v)),
        *(r.matrix(3, 3), r.normal(3)),
    ),
    "custom_root": lambda f, r: (
        lambda a: f(
            lambda x: x**3 + x - a,
            jnp.float64(0.5),
            lambda g, x: lax.fori_loop(0, 40, lambda _, t: t - g(t) / (3 * t**2 + 1), x),
            lambda g, y: y / g(1.0),
        ),
        r.positive(),
    ),
    "dce_sink": lambda f, r: (lambda x: (f(x), 2 * x)[1], r.normal(3)),
    "fori_loop": lambda f, r: (lambda x, c: f(0, 4, lambda i, s: jnp.sin(s * c) + i, x), r.normal(3), r.normal(3)),
    "map": lambda f, r: (lambda x: f(lambda row: row @ row, x), r.normal(3, 2)),
    "optimization_barrier": lambda f, r: (f, r.normal(3)),
    "platform_dependent": lambda f, r: (lambda x: f(x, cpu=jnp.sin, default=jnp.cos), r.normal(3)),
    "scan": lambda f, r: (
        lambda s, x, w: f(lambda c, a: (jnp.tanh(w @ c + a), c * a), s, x),
        *(r.normal(2), r.normal(4, 2), r.normal(2, 2)),
    ),
    "select": lambda f, r: (f, r.booleans(4), r.normal(4), r.normal(4)),
    "select_n": lambda f, r: (
        f,
        *(r.integers(0, 3, 6).astype(np.int32), r.normal(6), r.normal(6), r.normal(6)),
    ),
    "stage": lambda f, r: (lambda x: f(x) * f(2.0), r.normal(3)),
    "stop_gradient": lambda f, r: (lambda x: x * f(x), r.normal(3)),
    "switch": lambda f, r: (lambda n, x: f(n, (jnp.sin, jnp.cos, jnp.exp), x), np.int32(1), r.normal(3)),
    "while_loop": lambda f, r: (
        lambda x: f(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.sin(s[1]) * x), (0, x)),
        r.normal(3),
    ),
}

NUMBERS: dict[str, Make] = {
    "betainc": lambda f, r: (partial(f, np.array([0.7, 1.6, 2.4]), np.array([1.3, 0.6, 2.1])), r.unit(3)),
    "acosh": lambda f, r: (f, r.beyond_one(4)),
    "clamp": lambda f, r: (f, -1.0 + 0 * r.unit(4), r.normal(4), r.unit(4)),
    "complex": lambda f, r: (f, r.normal(3), r.normal(3)),
    "fft": lambda f, r: (lambda x: f(x, "RFFT", (4,)), r.normal(2, 4)),
    "integer_pow": lambda f, r: (lambda x: f(x, 3), r.normal(4)),
    "nextafter": lambda f, r: (f, r.normal(4), r.normal(4)),
    "polygamma": lambda f, r: (lambda x: f(jnp.full(x.shape, 2.0), x), r.positive(4)),
    "random_gamma_grad": lambda f, r: (f, r.positive(4), r.positive(4)),
    "round": lambda f, r: (f, r.normal(4)),
    "zeta": lambda f, r: (f, r.beyond_one(4), r.positive(4)),
}


def over_rows(function: Any, *static: Any) -> Any:
    """A function that communicates along a named axis, here the rows of an array."""
    return jax.vmap(lambda row: function(row, "i", *static), axis_name="i")


NAMED: dict[str, Make] = {
    "all_gather": lambda f, r: (over_rows(f), r.normal(3, 2)),
    "all_to_all": lambda f, r: (over_rows(f, 0, 0), r.normal(3, 3, 2)),
    "pmax": lambda f, r: (over_rows(f), r.normal(3, 2)),
    "pmean": lambda f, r: (over_rows(f), r.normal(3, 2)),
    "pmin": lambda f, r: (over_rows(f), r.normal(3, 2)),
    "ppermute": lambda f, r: (over_rows(f, [(0, 1), (1, 2), (2, 0)]), r.normal(3, 2)),
    "pshuffle": lambda f, r: (over_rows(f, [1, 2, 0]), r.normal(3, 2)),
    "pswapaxes": lambda f, r: (over_rows(f, 0), r.normal(3, 3, 2)),
    "psum": lambda f, r: (over_rows(f), r.normal(3, 2)),
    "psum_scatter": lambda f, r: (over_rows(f), r.normal(3, 3, 2)),
}

LAX: dict[str, Make] = {**SHAPES, **PLACES, **REDUCTIONS, **PRODUCTS, **CONTROL, **NUMBERS, **NAMED}
