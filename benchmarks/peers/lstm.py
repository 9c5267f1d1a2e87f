"""The diagonal LSTM loss, in JAX (ADBench's LSTM objective).

main [l,2,4,b] (weights and biases by layer), extra [3,b], state [l,2,b] (hidden, cell by layer), sequence
[c,b] -> the mean negative log-likelihood, a scalar. Forget and output gates see the layer's input, input
gate and change see its hidden state, all element by element; the normaliser adds a literal 2, as the
published objective does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid

Carry = tuple[Array, Array]


def cell_step(weight: Array, bias: Array, hidden: Array, cell: Array, x: Array) -> tuple[Array, Array]:
    """One layer at one time: weight, bias [4,b]; hidden, cell, x [b]."""
    forget = sigmoid(x * weight[0] + bias[0])
    ingate = sigmoid(hidden * weight[1] + bias[1])
    outgate = sigmoid(x * weight[2] + bias[2])
    change = jnp.tanh(hidden * weight[3] + bias[3])
    cell = cell * forget + ingate * change
    return outgate * jnp.tanh(cell), cell


def layers_step(main: Array, state: Array, x: Array) -> tuple[Array, Array]:
    """All layers at one time: main [l,2,4,b], state [l,2,b], x [b] -> new state, output [b]."""
    rows = []
    for layer in range(main.shape[0]):
        x, cell = cell_step(main[layer, 0], main[layer, 1], state[layer, 0], state[layer, 1], x)
        rows.append(jnp.stack([x, cell]))
    return jnp.stack(rows), x


def log_score(prediction: Array, gold: Array) -> Array:
    """Sum of gold times normalised prediction over the last axis and any leading ones."""
    normaliser = jnp.log(2.0 + jnp.exp(prediction).sum(axis=-1, keepdims=True))
    return (gold * (prediction - normaliser)).sum()


def plain_scan(main: Array, extra: Array, state: Array, sequence: Array) -> Array:
    """One scan that carries the state and the running loss."""
    length, width = sequence.shape

    def step(carry: tuple[Array, Array], pair: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        states, total = carry
        x, gold = pair
        states, out = layers_step(main, states, x * extra[0])
        return (states, total + log_score(out * extra[1] + extra[2], gold)), None

    (_, total), _ = jax.lax.scan(step, (state, jnp.zeros(())), (sequence[:-1], sequence[1:]))
    return -total / ((length - 1) * width)


def batched_scan(main: Array, extra: Array, state: Array, sequence: Array) -> Array:
    """Scale all inputs before the scan and score all outputs after it."""
    length, width = sequence.shape
    _, outputs = jax.lax.scan(partial(layers_step, main), state, sequence[:-1] * extra[0])
    return -log_score(outputs * extra[1] + extra[2], sequence[1:]) / ((length - 1) * width)


def layer_by_layer(main: Array, extra: Array, state: Array, sequence: Array) -> Array:
    """One scan per layer over the whole sequence; gates that only see the layer's input leave the loop."""
    length, width = sequence.shape
    x = sequence[:-1] * extra[0]
    for layer in range(main.shape[0]):
        weight, bias = main[layer]

        def step(carry: Carry, gates: Carry, weight: Array = weight, bias: Array = bias) -> tuple[Carry, Array]:
            (hidden, cell), (forget, outgate) = carry, gates
            ingate = sigmoid(hidden * weight[1] + bias[1])
            cell = cell * forget + ingate * jnp.tanh(hidden * weight[3] + bias[3])
            hidden = outgate * jnp.tanh(cell)
            return (hidden, cell), hidden

        gates = sigmoid(x * weight[0] + bias[0]), sigmoid(x * weight[2] + bias[2])
        _, x = jax.lax.scan(step, (state[layer, 0], state[layer, 1]), gates)
    return -log_score(x * extra[1] + extra[2], sequence[1:]) / ((length - 1) * width)


FORMULATIONS: dict[str, Callable[..., Array]] = {
    "jax plain scan": plain_scan,
    "jax batched scan": batched_scan,
    "jax layer by layer": layer_by_layer,
}
