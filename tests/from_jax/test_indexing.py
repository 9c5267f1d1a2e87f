"""Gathers, scatters and dynamic slices traced from JAX, which is the oracle of these tests only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pushforward.ad.reverse import reverse
from pushforward.lang.diagnostics import DiagnosticError

from .agreement import agree, traced

RNG = np.random.default_rng(0)
X, CUBE, VECTOR = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4, 5)), RNG.normal(size=6)
ROWS, ONE, FAR = np.array([0, 2, 1, 2]), np.int64(1), np.int64(9)

READS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "computed row": (lambda x, s: x[s] * x[s], (X, ONE)),
    "computed column": (lambda x, s: x[:, s], (X, ONE)),
    "rows": (lambda x, i: x[i] * x[i], (X, ROWS)),
    "columns": (lambda x, i: jnp.sin(x[:, i]), (X, ROWS)),
    "elements": (lambda x, i: x[i, i], (X, ROWS)),
    "elements of a row": (lambda x, s, i: x[s, i], (X, ONE, ROWS)),
    "outer indices": (lambda x, i: x[i[:, None], i[None, :]], (X, ROWS)),
    "middle axis": (lambda x, i: x[:, i], (CUBE, ROWS)),
    "first and last axis": (lambda x, i: x[i, :, i], (CUBE, ROWS)),
    "part of an axis beside": (lambda x, i: x[:, i, 1:3], (CUBE, ROWS)),
    "axis of length 1": (lambda x, i: x[i], (X[:1], np.array([0, 0]))),
    "no index at all": (lambda x, i: x[i], (X, np.zeros(0, int))),
    "mask known in advance": (lambda x: x[np.array([True, False, True])], (X,)),
    "along an axis": (lambda x, i: jnp.take_along_axis(x, i, axis=1), (X, np.array([[0, 1], [3, 3], [2, 9]]))),
    "along the middle": (lambda x, i: jnp.take_along_axis(x, i, axis=1), (CUBE, RNG.integers(0, 4, (3, 2, 5)))),
    "places that a sort found": (lambda x: jnp.take_along_axis(x, jnp.argsort(x, axis=1), axis=1), (X,)),
    "lane by lane": (lambda x, i: jax.vmap(lambda a, j: a[j])(x, i), (X, np.array([0, 1, 2]))),
    "lanes in the middle": (lambda x, i: jax.vmap(lambda a, j: a[j], (1, 0))(x, i), (CUBE, ROWS)),
    "windows of lanes": (
        lambda x, i: jax.vmap(lambda a, j: lax.dynamic_slice(a, (j, j), (2, 3)))(x, i),
        (CUBE, np.array([0, 1, 9])),
    ),
    "windows of one array": (
        lambda x, i: jax.vmap(lambda j: lax.dynamic_slice(x, (j, j), (2, 2)))(i),
        (X, np.array([0, 1, 9])),
    ),
    "block": (lambda x, s: lax.dynamic_slice(x, (s, s), (2, 2)), (X, ONE)),
    "block moved inside": (lambda x, s: lax.dynamic_slice(x, (s, s), (1, 2)), (X, FAR)),
    "block known in advance": (lambda x: lax.dynamic_slice(x, (1, 2), (1, 2)), (X,)),
    "row from the end": (lambda x, s: lax.dynamic_index_in_dim(x, s, 1, False), (X, np.int64(-1))),
    "block written": (lambda x, u, s: lax.dynamic_update_slice(x, u, (s, s)), (X, X[:2, :2], ONE)),
    "row written": (lambda x, u, s: lax.dynamic_update_slice(x, u, (s, 0)), (X, X[:1], FAR)),
    "known block written": (lambda x, u: lax.dynamic_update_slice(x, u, (1, 2)), (X, X[:2, :2])),
    "everything written": (lambda x, u, s: lax.dynamic_update_slice(x, u, (s, 0)), (X, X * 2, ONE)),
    "blocks written lane by lane": (
        lambda x, u, i: jax.vmap(lambda a, u, j: lax.dynamic_update_slice(a, u, (j,)))(x, u, i),
        (X, X[:, :2], np.array([0, 1, 9])),
    ),
}


@pytest.mark.parametrize("name", READS)
def test_reads_and_blocks(name: str) -> None:
    function, arguments = READS[name]
    agree(function, *arguments)


OUTSIDE = np.array([0, 5, -1, -7, 2])


@pytest.mark.parametrize("mode", ["fill", "clip", "wrap"])
@pytest.mark.parametrize("axis", [0, 1])
def test_indices_outside(mode: str, axis: int) -> None:
    agree(lambda x, i: jnp.take(x, i, axis=axis, mode=mode), X, OUTSIDE)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float32", "float16"])
def test_what_fills(dtype: str) -> None:
    agree(lambda x, i: jnp.take(x, i, mode="fill"), np.arange(3).astype(dtype), OUTSIDE, derivatives=False)


def test_asked_for_filling() -> None:
    agree(lambda x, i: jnp.take(x, i, fill_value=7.0), VECTOR, OUTSIDE)
    agree(lambda x, s: jnp.take(x, s, fill_value=7.0), VECTOR, np.int64(50))


MODES = [None, "clip", "promise_in_bounds"]
Update = tuple[Callable[[Any], Any], tuple[int, ...], Any]
WRITES: dict[str, Update] = {
    "rows": (lambda i: i, (3, 4), np.array([0, 2, 1])),
    "rows and outside": (lambda i: i, (3, 4), np.array([0, 2, 5])),
    "repeated rows": (lambda i: i, (4, 4), np.array([0, 2, 2, 0])),
    "columns": (lambda i: (slice(None), i), (3, 3), np.array([0, 2, 1])),
    "elements": (lambda i: (i, i), (4,), ROWS),
    "elements of a column": (lambda i: (i, 0), (4,), ROWS),
    "row": (lambda s: s, (4,), ONE),
    "row outside": (lambda s: s, (4,), FAR),
    "column": (lambda s: (slice(None), s), (3,), ONE),
    "element": (lambda s: (s, s), (), ONE),
}


def _written(place: Callable[[Any], Any], *ways: str, **options: Any) -> Callable[..., Any]:
    return lambda x, u, i: [getattr(x.at[place(i)], how)(u, **options) for how in ways]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WRITES)
def test_writes_and_sums(name: str, mode: str | None) -> None:
    place, shape, index = WRITES[name]
    if mode == "promise_in_bounds" and "outside" in name:
        return
    agree(_written(place, "set", "add", "subtract", mode=mode), X, RNG.normal(size=shape), index)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["rows", "repeated rows", "columns", "elements", "row", "column", "element"])
def test_extrema_at_indices(name: str, mode: str | None) -> None:
    place, shape, index = WRITES[name]
    agree(_written(place, "max", "min", mode=mode), X, RNG.normal(size=shape), index)


@pytest.mark.parametrize("name", ["rows", "columns", "row", "column", "element"])
def test_products_at_distinct_indices(name: str) -> None:
    place, shape, index = WRITES[name]
    agree(_written(place, "multiply", unique_indices=True), X, RNG.normal(size=shape), index)


def test_products_at_repeated_indices_have_values_and_a_diagnostic() -> None:
    place, shape, index = WRITES["repeated rows"]
    function, updates = _written(place, "multiply"), RNG.normal(size=shape)
    agree(function, X, updates, index, derivatives=False)
    agree(lambda x, i: function(x, updates, i), X, index)
    with pytest.raises(DiagnosticError, match="E112"):
        reverse(traced(function, X, updates, index))


def test_distinct_writes_outside_are_dropped() -> None:
    agree(_written(lambda i: i, "set", unique_indices=True), X, RNG.normal(size=(3, 4)), np.array([0, 9, 5]))


def test_ties_of_extrema_share() -> None:
    x, u, i = np.zeros(3), np.array([0.0, 0.0, 1.0, 1.0, -1.0]), np.array([0, 0, 1, 1, 2])
    agree(lambda x, u: x.at[i].max(u), x, u)


SLICES: dict[str, tuple[Callable[[Any, Any], Any], tuple[int, ...]]] = {
    "rows set": (lambda x, u: x.at[1:3].set(u), (2, 4)),
    "steps set": (lambda x, u: x.at[1:3, ::2].set(u), (2, 2)),
    "block added": (lambda x, u: x.at[1:3, 1:2].add(u), (2, 1)),
    "steps added": (lambda x, u: x.at[1:3, ::2].add(u), (2, 2)),
    "first row set": (lambda x, u: x.at[0].set(u), (4,)),
    "known rows set": (lambda x, u: x.at[np.array([0, 2])].set(u), (2, 4)),
    "known rows multiplied": (lambda x, u: x.at[np.array([0, 2])].multiply(u, unique_indices=True), (2, 4)),
}


@pytest.mark.parametrize("name", SLICES)
def test_writes_at_known_places(name: str) -> None:
    function, shape = SLICES[name]
    program = agree(function, X, RNG.normal(size=shape))
    assert not {"clip", "scatter_last"} & {getattr(step.op, "primitive", "") for step in program.steps}


def test_lanes_written_at_their_own_places() -> None:
    def lane(a: Any, j: Any) -> list[Any]:
        return [a.at[j].set(a[0]), a.at[j].add(a[0]), a.at[j].max(a[0])]

    agree(jax.vmap(lane), X, np.array([0, 1, 2]))
    twice = np.array([[0, 1], [1, 2], [2, 2]])
    agree(lambda x, i: jax.vmap(lambda a, j: a.at[j].set(a[:2]))(x, i), X, twice)


@pytest.mark.parametrize("segments", [1, 2, 4])
def test_segments(segments: int) -> None:
    i = np.array([0, 1, 1])
    inside = np.minimum(i, segments - 1)
    agree(lambda x: [jax.ops.segment_sum(x, i, segments), jax.ops.segment_max(x, inside, segments)], X)


def test_compiled_programs_agree() -> None:
    def function(x: Any, u: Any, i: Any) -> Any:
        y = x.at[i].set(u).at[:, 1].max(0.1)
        z = jnp.take(y, i + 1, axis=1, fill_value=0.5) + lax.dynamic_slice(y, (i[0], i[1]), (3, 1))
        return jax.vmap(lambda a, j: lax.dynamic_update_slice(a, a[:2] * 2.0, (j,)))(z, i[:3])

    agree(function, X, RNG.normal(size=(4, 4)), ROWS, compiled=True)


def test_functions_at_indices_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="E202"):
        traced(lambda x, i: x.at[i].apply(jnp.sin), X, ROWS)
