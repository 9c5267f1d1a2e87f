"""Layers and networks as plain JAX functions of weights and data, each with arguments from draws."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .entry import Build, Draw

Weights = dict[str, Any]


def normalised(x: Any, axis: int | tuple[int, ...]) -> Any:
    """Mean 0 and variance 1 along some axes."""
    centred = x - jnp.mean(x, axis=axis, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred**2, axis=axis, keepdims=True) + 1e-5)


def attention(q: Any, k: Any, v: Any) -> Any:
    """Softmax attention of one head."""
    return jax.nn.softmax(q @ k.T / jnp.sqrt(q.shape[-1]), axis=-1) @ v


def causal_heads(w: Weights, x: Any) -> Any:
    """Multi-head attention in which a place sees itself and what stands before it; x is (time, width)."""
    time, width = x.shape
    q, k, v = (jnp.reshape(x @ w[name], (time, 2, width // 2)) for name in ("q", "k", "v"))
    scores = jnp.einsum("thd,shd->hts", q, k) / jnp.sqrt(width / 2)
    masked = jnp.where(jnp.tril(jnp.ones((time, time), bool)), scores, -jnp.inf)
    mixed = jnp.einsum("hts,shd->thd", jax.nn.softmax(masked, axis=-1), v)
    return jnp.reshape(mixed, (time, width)) @ w["o"]


def head_weights(r: Draw, width: int) -> Weights:
    """Weights of multi-head attention."""
    return {name: 0.5 * r.normal(width, width) for name in ("q", "k", "v", "o")}


def layer_norm(w: Weights, x: Any) -> Any:
    """Layer norm with gain and bias."""
    return normalised(x, -1) * w["gain"] + w["bias"]


def batch_norm(w: Weights, state: Weights, x: Any) -> tuple[Any, Weights]:
    """Batch norm in training: the result, and the running statistics after it."""
    mean, var = jnp.mean(x, axis=0), jnp.var(x, axis=0)
    running = {"mean": 0.9 * state["mean"] + 0.1 * mean, "var": 0.9 * state["var"] + 0.1 * var}
    return (x - mean) * lax.rsqrt(var + 1e-5) * w["gain"] + w["bias"], jax.tree.map(lax.stop_gradient, running)


def rms_norm(gain: Any, x: Any) -> Any:
    """Division by the root of the mean square."""
    return gain * x * lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)


def conv(x: Any, w: Any, stride: int = 1, groups: int = 1) -> Any:
    """A convolution of images (batch, height, width, channels) with padding."""
    return lax.conv_general_dilated(
        x, w, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups
    )


def pooled(x: Any, start: float, how: Any) -> Any:
    """Windows of 2 by 2 reduced to one number."""
    return lax.reduce_window(x, start, how, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def max_pool_net(w: Weights, x: Any) -> Any:
    """Convolution, relu, max pooling, dense."""
    hidden = pooled(jax.nn.relu(conv(x, w["conv"]) + w["bias"]), -jnp.inf, lax.max)
    return jnp.reshape(hidden, (x.shape[0], -1)) @ w["dense"]


def average_pool_net(w: Weights, x: Any) -> Any:
    """Convolution with stride, gelu, average pooling, dense."""
    hidden = pooled(jax.nn.gelu(conv(x, w["conv"]) + w["bias"]), 0.0, lax.add) / 4
    return jnp.reshape(hidden, (x.shape[0], -1)) @ w["dense"]


def conv_weights(r: Draw) -> Weights:
    """Weights of a small convolutional network for images of 4 by 4 with two channels."""
    return {"conv": 0.5 * r.normal(3, 3, 2, 3), "bias": r.normal(3), "dense": 0.5 * r.normal(12, 2)}


def separable_block(w: Weights, x: Any) -> Any:
    """A convolution of each channel on its own, then one over channels, with a residual."""
    deep = jax.nn.relu6(conv(x, w["depth"], groups=x.shape[-1]) + 0.3)
    return x + normalised(conv(deep, w["point"]), -1)


def decoder(w: Weights, z: Any) -> Any:
    """A dense layer and a transposed convolution to an image with values in (0, 1)."""
    small = jnp.reshape(jnp.tanh(z @ w["dense"]), (-1, 2, 2, 3))
    return jax.nn.sigmoid(lax.conv_transpose(small, w["conv"], (2, 2), "SAME"))


def rnn(w: Weights, x: Any) -> Any:
    """A tanh network over time; x is (time, width)."""

    def step(h: Any, u: Any) -> tuple[Any, Any]:
        h = jnp.tanh(w["h"] @ h + w["x"] @ u + w["b"])
        return h, h

    return lax.scan(step, jnp.zeros(w["b"].shape), x)[1]


def lstm(w: Weights, x: Any) -> Any:
    """A long short-term memory over time."""

    def step(state: tuple[Any, Any], u: Any) -> tuple[tuple[Any, Any], Any]:
        h, c = state
        i, f, g, o = jnp.split(w["h"] @ h + w["x"] @ u + w["b"], 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros(w["h"].shape[1])
    return lax.scan(step, (start, start), x)


def gru(w: Weights, x: Any) -> Any:
    """A gated recurrent unit, run backwards in time."""

    def step(h: Any, u: Any) -> tuple[Any, Any]:
        z, r = jnp.split(jax.nn.sigmoid(w["h"] @ h + w["x"] @ u + w["b"]), 2)
        candidate = jnp.tanh(w["c"] @ jnp.concatenate([r * h, u]))
        h = (1 - z) * h + z * candidate
        return h, h

    return lax.scan(step, jnp.zeros(w["c"].shape[0]), x, reverse=True)[1]


def recurrent_weights(r: Draw, hidden: int, inputs: int, gates: int) -> Weights:
    """Weights of a recurrent cell with some gates."""
    rows = gates * hidden
    return {"h": 0.5 * r.normal(rows, hidden), "x": 0.5 * r.normal(rows, inputs), "b": r.normal(rows)}


def transformer_block(w: Weights, x: Any) -> Any:
    """Attention and a two-layer network, each after a norm and with a residual."""
    x = x + causal_heads(w["heads"], layer_norm(w["first"], x))
    return x + jax.nn.gelu(layer_norm(w["second"], x) @ w["up"]) @ w["down"]


def block_weights(r: Draw, width: int) -> Weights:
    """Weights of a transformer block."""
    norms = {name: {"gain": r.positive(width), "bias": r.normal(width)} for name in ("first", "second")}
    return {
        "heads": head_weights(r, width),
        "up": 0.5 * r.normal(width, 6),
        "down": 0.5 * r.normal(6, width),
        **norms,
    }


def embedded_cross_entropy(w: Weights, tokens: Any, targets: Any) -> Any:
    """Rows of a table, a dense layer, and the mean cross entropy with targets."""
    logits = w["table"][tokens] @ w["dense"]
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, None], axis=1))


def mixture_of_experts(w: Weights, x: Any) -> Any:
    """Each row goes to the two experts with the largest gates."""
    gates, chosen = lax.top_k(x @ w["gate"], 2)
    shares = jax.nn.softmax(gates, axis=-1)
    every = jnp.tanh(jnp.einsum("nd,edk->nek", x, w["experts"]))
    return jnp.einsum("ns,nsk->nk", shares, jnp.take_along_axis(every, chosen[..., None], axis=1))


def rotary(q: Any, k: Any) -> Any:
    """Scores of queries and keys turned by angles that grow with their place."""
    time, width = q.shape
    angles = jnp.arange(time)[:, None] / 10000 ** (jnp.arange(0, width, 2) / width)

    def turned(x: Any) -> Any:
        even, odd = x[:, ::2], x[:, 1::2]
        pairs = (even * jnp.cos(angles) - odd * jnp.sin(angles), even * jnp.sin(angles) + odd * jnp.cos(angles))
        return jnp.reshape(jnp.stack(pairs, axis=-1), (time, width))

    return turned(q) @ turned(k).T


def checkpointed_mlp(w: list[Any], x: Any) -> Any:
    """Layers whose insides are computed again on the way back."""
    for layer in w:
        x = jax.checkpoint(lambda m, h: jnp.tanh(m @ h) * h)(layer, x)
    return x


def branching(w: Weights, x: Any) -> Any:
    """One of two networks, chosen by the data, row by row."""

    def one(row: Any) -> Any:
        return lax.cond(jnp.sum(row) > 0, lambda h: jnp.tanh(w["up"] @ h), lambda h: jnp.sin(w["down"] @ h) ** 2, row)

    return jnp.stack([one(row) for row in x])


def target_network(w: Any, old: Any, x: Any, reward: Any) -> Any:
    """A squared temporal difference to a target that is held fixed."""
    target = lax.stop_gradient(reward + 0.9 * jnp.max(jnp.tanh(x @ old), axis=-1))
    return jnp.mean((jnp.tanh(x @ w)[:, 0] - target) ** 2)


NETWORKS: dict[str, Build] = {
    "attention": lambda r: (attention, r.normal(3, 4), r.normal(5, 4), r.normal(5, 2)),
    "causal_multi_head_attention": lambda r: (causal_heads, head_weights(r, 4), r.normal(5, 4)),
    "layer_norm": lambda r: (layer_norm, {"gain": r.positive(4), "bias": r.normal(4)}, r.normal(3, 4)),
    "batch_norm": lambda r: (
        batch_norm,
        {"gain": r.positive(3), "bias": r.normal(3)},
        {"mean": r.normal(3), "var": r.positive(3)},
        r.normal(5, 3),
    ),
    "rms_norm": lambda r: (rms_norm, r.positive(4), r.normal(3, 4)),
    "conv_net_max_pooling": lambda r: (max_pool_net, conv_weights(r), r.normal(2, 4, 4, 2)),
    "conv_net_average_pooling": lambda r: (average_pool_net, conv_weights(r), r.normal(2, 4, 4, 2)),
    "depthwise_separable_block": lambda r: (
        separable_block,
        {"depth": 0.5 * r.normal(3, 3, 1, 4), "point": r.normal(1, 1, 4, 4)},
        r.normal(1, 4, 3, 4),
    ),
    "transposed_conv_decoder": lambda r: (
        decoder,
        {"dense": 0.5 * r.normal(3, 12), "conv": 0.5 * r.normal(3, 3, 3, 2)},
        r.normal(2, 3),
    ),
    "rnn": lambda r: (rnn, recurrent_weights(r, 3, 2, 1), r.normal(5, 2)),
    "lstm": lambda r: (lstm, recurrent_weights(r, 3, 2, 4), r.normal(4, 2)),
    "gru": lambda r: (gru, {**recurrent_weights(r, 3, 2, 2), "c": 0.5 * r.normal(3, 5)}, r.normal(4, 2)),
    "transformer_block": lambda r: (transformer_block, block_weights(r, 4), r.normal(4, 4)),
    "embedding_cross_entropy": lambda r: (
        embedded_cross_entropy,
        {"table": r.normal(5, 3), "dense": r.normal(3, 4)},
        r.integers(0, 5, 6),
        r.integers(0, 4, 6),
    ),
    "mixture_of_experts_top_k": lambda r: (
        mixture_of_experts,
        {"gate": r.normal(3, 4), "experts": 0.5 * r.normal(4, 3, 2)},
        r.normal(5, 3),
    ),
    "rotary_embeddings": lambda r: (rotary, r.normal(4, 6), r.normal(4, 6)),
    "checkpointed_mlp": lambda r: (checkpointed_mlp, [0.5 * r.normal(3, 3), 0.5 * r.normal(3, 3)], r.normal(3)),
    "cond_branching_network": lambda r: (branching, {"up": r.normal(2, 3), "down": r.normal(2, 3)}, r.normal(4, 3)),
    "stop_gradient_target_network": lambda r: (
        target_network,
        *(r.normal(3, 2), r.normal(3, 2), r.normal(4, 3), r.normal(4)),
    ),
}
