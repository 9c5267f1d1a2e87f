"""Training problems for comparing derivatives: a seed enters, parameters, batches and a loss function of JAX leave.

Each problem is what a user of equinox or plain JAX writes; nothing in it knows Pushforward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Loss = Callable[..., Any]


@dataclass(frozen=True)
class Training:
    """``loss(parameters, *batch)`` with its first parameters, batches and learning rate."""

    loss: Loss
    parameters: Any
    batches: Sequence[tuple[Any, ...]]
    rate: float


def equinox_mlp(seed: int) -> Training:
    """An equinox MLP 16-128-128-1 that learns a smooth function; batches of 256."""
    import equinox as eqx

    model = eqx.nn.MLP(16, 1, 128, 2, activation=jax.nn.gelu, key=jax.random.key(seed))
    parameters, static = eqx.partition(model, eqx.is_array)

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        found = jax.vmap(eqx.combine(parameters, static))(x)
        return jnp.mean((found[:, 0] - y) ** 2)

    rng = np.random.default_rng(seed)
    batches = []
    for _ in range(50):
        x = rng.normal(size=(256, 16))
        batches.append((jnp.asarray(x), jnp.asarray(np.sin(x.sum(1)) + 0.1 * x[:, 0] ** 2)))
    return Training(loss, parameters, batches, 1e-3)


WIDTH, HEADS, LAYERS, VOCABULARY, LENGTH = 64, 4, 2, 128, 32


def _normal(rng: np.random.Generator, *shape: int) -> Any:
    return jnp.asarray(rng.normal(size=shape) / np.sqrt(shape[0]))


def _layer(rng: np.random.Generator) -> Mapping[str, Any]:
    return {
        "qkv": _normal(rng, WIDTH, 3 * WIDTH),
        "out": _normal(rng, WIDTH, WIDTH),
        "up": _normal(rng, WIDTH, 4 * WIDTH),
        "down": _normal(rng, 4 * WIDTH, WIDTH),
        "scale1": jnp.ones(WIDTH),
        "scale2": jnp.ones(WIDTH),
    }


def _norm(x: Any, scale: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return scale * centred * jax.lax.rsqrt(jnp.mean(centred**2, -1, keepdims=True) + 1e-5)


def _attention(layer: Mapping[str, Any], x: Any) -> Any:
    parts = (x @ layer["qkv"]).reshape(*x.shape[:2], 3, HEADS, WIDTH // HEADS)
    q, k, v = (parts[:, :, part] for part in range(3))
    scores = jnp.einsum("bthd,bshd->bhts", q, k) / np.sqrt(WIDTH // HEADS)
    causal = jnp.tril(jnp.ones((x.shape[1], x.shape[1]), bool))
    weights = jax.nn.softmax(jnp.where(causal, scores, -1e9), axis=-1)
    return jnp.einsum("bhts,bshd->bthd", weights, v).reshape(x.shape) @ layer["out"]


def transformer_loss(parameters: Mapping[str, Any], tokens: Any) -> Any:
    """Cross entropy of the next token under a small causal transformer."""
    x = parameters["embed"][tokens[:, :-1]] + parameters["place"]
    for layer in parameters["layers"]:
        x = x + _attention(layer, _norm(x, layer["scale1"]))
        x = x + jax.nn.gelu(_norm(x, layer["scale2"]) @ layer["up"]) @ layer["down"]
    scores = jax.nn.log_softmax(x @ parameters["embed"].T)
    return -jnp.mean(jnp.take_along_axis(scores, tokens[:, 1:, None], axis=-1))


def transformer(seed: int) -> Training:
    """A transformer of two layers on sequences that follow a rule; batches of 16."""
    rng = np.random.default_rng(seed)
    parameters = {
        "embed": _normal(rng, VOCABULARY, WIDTH),
        "place": 0.02 * _normal(rng, LENGTH, WIDTH),
        "layers": [_layer(rng) for _ in range(LAYERS)],
    }
    batches = []
    for _ in range(30):
        start, stride = rng.integers(0, VOCABULARY, (16, 1)), rng.integers(1, 5, (16, 1))
        batches.append((jnp.asarray((start + stride * np.arange(LENGTH + 1)) % VOCABULARY),))
    return Training(transformer_loss, parameters, batches, 1e-3)


PROBLEMS: Mapping[str, Callable[[int], Training]] = {"equinox MLP": equinox_mlp, "transformer": transformer}


def update(training: Training) -> tuple[Any, Callable[[Any, Any, Any], tuple[Any, Any]]]:
    """The first state of Adam, and its step (parameters, state, gradient) -> (parameters, state)."""
    import optax

    adam = optax.adam(training.rate)

    def step(parameters: Any, state: Any, gradient: Any) -> tuple[Any, Any]:
        changes, state = adam.update(gradient, state, parameters)
        return optax.apply_updates(parameters, changes), state

    return adam.init(training.parameters), step


def trainer(training: Training, value_and_grad: Callable[[Loss], Callable[..., Any]]) -> Callable[..., Any]:
    """One compiled step of training; the rule for derivatives is what is swapped."""
    differentiated = value_and_grad(training.loss)
    _, step = update(training)

    @jax.jit
    def run(parameters: Any, state: Any, *batch: Any) -> tuple[Any, Any, Any]:
        value, gradient = differentiated(parameters, *batch)
        return *step(parameters, state, gradient), value

    return run
