"""Primitives that move elements, traced from JAX, which is the oracle of these tests only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from .agreement import agree, traced

RNG = np.random.default_rng(0)
X, CUBE, VECTOR = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4, 5)), RNG.normal(size=6)

OF_MATRIX: dict[str, Callable[[Any], Any]] = {
    "reshape": lambda x: x.reshape(4, 3),
    "reshape in another order": lambda x: lax.reshape(x, (4, 3), (1, 0)),
    "transpose": lambda x: x.T,
    "broadcast in front": lambda x: jnp.broadcast_to(x, (2, 3, 4)),
    "broadcast between": lambda x: jnp.broadcast_to(x[:, None], (3, 2, 4)),
    "axis of length 1 repeated": lambda x: lax.broadcast_in_dim(x[:1], (3, 2, 4), (0, 2)),
    "axis of length 1 kept": lambda x: lax.broadcast_in_dim(x[:1], (1, 5, 4), (0, 2)),
    "scalar repeated": lambda x: jnp.full((2, 3), x.sum()),
    "squeeze": lambda x: jnp.squeeze(x[None, :, :1]),
    "expand_dims": lambda x: jnp.expand_dims(x, (0, 2)),
    "rev of all": jnp.flip,
    "rev of one": lambda x: jnp.flip(x, 0),
    "concatenate": lambda x: jnp.concatenate([x, x * 2.0, x[:1]]),
    "stack": lambda x: jnp.stack([x, x * 2.0], 1),
    "unstack": lambda x: [a * b for a, b in zip(jnp.unstack(x), jnp.unstack(x[::-1]), strict=True)],
    "unstack along columns": lambda x: list(jnp.unstack(x, axis=1)),
    "split": lambda x: jnp.split(x, [1, 3], 1),
    "tile": lambda x: jnp.tile(x, (2, 1, 3)),
    "tile of the last axis": lambda x: jnp.tile(x, 2),
    "repeat": lambda x: jnp.repeat(x, 3, axis=1),
    "iota": lambda x: x + lax.broadcasted_iota("float64", (3, 4), 1),
    "copy": jnp.copy,
    "triangles": lambda x: jnp.tril(x) + jnp.triu(x, 1) * 2.0,
    "slice": lambda x: x[1:2, 2:3],
    "first row": lambda x: x[0] * x[0],
    "last column": lambda x: x[:, -1],
    "part of a row": lambda x: x[1, 1:3],
    "every second row": lambda x: x[::2],
    "backwards in steps": lambda x: x[::-1, 1::2],
    "roll": lambda x: jnp.roll(x, 2, 1),
    "kron": lambda x: jnp.kron(x, x[:2, :2]),
}
PADDINGS: dict[str, tuple[float, tuple[tuple[int, int, int], ...]]] = {
    "zeros": (0.0, ((1, 2, 0), (0, 3, 0))),
    "zeros between, cut": (0.0, ((-1, 1, 2), (-1, -2, 0))),
    "numbers": (7.0, ((1, 2, 0), (0, 3, 0))),
    "numbers along one axis": (7.0, ((0, 0, 0), (2, 3, 0))),
    "numbers between": (1.0, ((1, -1, 1), (-1, 2, 0))),
    "cut beyond the array": (3.0, ((-5, 7, 0), (-1, -2, 0))),
    "only cut": (-np.inf, ((-1, 0, 0), (0, -2, 0))),
    "infinities": (-np.inf, ((1, 0, 1), (0, 2, 3))),
    "nothing left": (1.0, ((0, 0, 0), (-2, -2, 0))),
}


@pytest.mark.parametrize("name", OF_MATRIX)
def test_functions_of_a_matrix(name: str) -> None:
    agree(OF_MATRIX[name], X)


@pytest.mark.parametrize("name", PADDINGS)
def test_padding(name: str) -> None:
    value, widths = PADDINGS[name]
    agree(lambda x: lax.pad(x, value, widths), X)
    agree(lambda x, v: lax.pad(x, v, widths), X, np.float64(2.5))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_padding_of_numpy(mode: str) -> None:
    agree(lambda x: jnp.pad(x, 1, mode=mode), X)
    agree(lambda x: jnp.pad(x, 1, mode=mode), np.arange(4), derivatives=False)


@pytest.mark.parametrize(
    ("starts", "limits", "strides"),
    [((0, 1, 0), (3, 4, 5), (2, 3, 1)), ((1, 1, 0), (2, 4, 5), (2, 1, 4)), ((1, 1, 2), (2, 1, 2), (2, 3, 4))],
)
def test_slices_in_steps(starts: tuple[int, ...], limits: tuple[int, ...], strides: tuple[int, ...]) -> None:
    agree(lambda x: lax.slice(x, starts, limits, strides), CUBE)


def test_axes_of_three() -> None:
    agree(lambda x: jnp.transpose(x, (2, 0, 1)), CUBE)
    agree(lambda x: jnp.moveaxis(x, 0, -1), CUBE)
    agree(lambda x: x.ravel()[::5], CUBE)
    agree(lambda x: list(jnp.meshgrid(x, x)), VECTOR)


def test_whole_numbers_keep_their_width() -> None:
    agree(lambda x: lax.broadcasted_iota("int32", (3, 4), 0) * x, np.arange(4, dtype="int32"), derivatives=False)


def test_compiled_programs_agree() -> None:
    agree(lambda x: lax.pad(x[::2, 1::2], 1.0, ((1, -1, 1), (0, 2, 0))), X, compiled=True)


def test_arrays_of_keys() -> None:
    def draws(seed: Any) -> Any:
        keys = jax.random.split(jax.random.key(seed), 4)
        chosen = jnp.concatenate([keys.reshape(2, 2).T[1], jnp.tile(keys[::-1], 2)[:1], jnp.stack([keys[0]])])
        return jax.vmap(lambda key: jax.random.bits(key, (2,)))(jnp.broadcast_to(chosen[:, None], (4, 2))[:, 1])

    agree(draws, np.uint32(3), derivatives=False)


def test_places_known_in_advance_are_read_without_steps_that_guard() -> None:
    program = traced(lambda x: x[2, 1] + x[-1, 0] + jnp.diagonal(x).sum(), X)
    names = [getattr(step.op, "primitive", "literal") for step in program.steps]
    assert not {"clip", "where", "eq"} & set(names)
