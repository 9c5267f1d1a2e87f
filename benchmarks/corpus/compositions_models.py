"""Probability models, losses, solvers and functions with rules of their own, as plain JAX functions with arguments."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
from jax import lax

from .entry import Build

Pair = tuple[Any, Any]


def rk4(theta: Any, start: Any) -> Any:
    """Twelve Runge-Kutta steps of a predator and its prey."""

    def field(y: Any) -> Any:
        return jnp.stack([theta[0] * y[0] - theta[1] * y[0] * y[1], theta[2] * y[0] * y[1] - theta[3] * y[1]])

    def step(_: Any, y: Any) -> Any:
        k1 = field(y)
        k2 = field(y + 0.05 * k1)
        k3 = field(y + 0.05 * k2)
        k4 = field(y + 0.1 * k3)
        return y + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return lax.fori_loop(0, 12, step, start)


def leapfrog(mass: Any, place: Any, speed: Any) -> Pair:
    """Bodies that attract each other: kicks and drifts, and the path of the first."""

    def pull(q: Any) -> Any:
        apart = q[None] - q[:, None]
        return jnp.einsum("j,ijd->id", mass, apart * (jnp.sum(apart**2, axis=-1, keepdims=True) + 0.3) ** -1.5)

    def step(state: Pair, _: Any) -> tuple[Pair, Any]:
        q, v = state
        v = v + 0.05 * pull(q)
        q = q + 0.1 * v
        return (q, v + 0.05 * pull(q)), q[0]

    return lax.scan(step, (place, speed), None, length=6)


def kalman(a: Any, c: Any, q: Any, s: Any, y: Any) -> Any:
    """Log likelihood of observations under a linear model with Gaussian noise."""

    def step(state: Pair, seen: Any) -> tuple[Pair, Any]:
        mean, cov = a @ state[0], a @ state[1] @ a.T + q
        spread = c @ cov @ c.T + s
        gain = jnp.linalg.solve(spread, c @ cov).T
        off = seen - c @ mean
        score = -0.5 * (off @ jnp.linalg.solve(spread, off) + jnp.linalg.slogdet(2 * jnp.pi * spread)[1])
        return (mean + gain @ off, cov - gain @ c @ cov), score

    start = (jnp.zeros(a.shape[0]), jnp.eye(a.shape[0]))
    return jnp.sum(lax.scan(step, start, y)[1])


def hmm_forward(start: Any, moves: Any, emits: Any, seen: Any) -> Any:
    """Log likelihood of symbols under a hidden Markov model, from logits."""
    moves, emits = jax.nn.log_softmax(moves), jax.nn.log_softmax(emits)
    first = jax.nn.log_softmax(start) + emits[:, seen[0]]

    def step(alpha: Any, symbol: Any) -> tuple[Any, None]:
        return jax.nn.logsumexp(alpha[:, None] + moves, axis=0) + emits[:, symbol], None

    return jax.nn.logsumexp(lax.scan(step, first, seen[1:])[0])


def crf(scores: Any, moves: Any, labels: Any) -> Any:
    """Negative log likelihood of a chain of labels."""

    def step(alpha: Any, score: Any) -> Pair:
        return jax.nn.logsumexp(alpha[:, None] + moves, axis=0) + score, None

    total = jax.nn.logsumexp(lax.scan(step, scores[0], scores[1:])[0])
    path = jnp.sum(scores[jnp.arange(labels.shape[0]), labels]) + jnp.sum(moves[labels[:-1], labels[1:]])
    return total - path


def k_means(centres: Any, points: Any) -> Any:
    """Mean squared distance to the nearest centre."""
    return jnp.mean(jnp.min(jnp.sum((points[:, None] - centres[None]) ** 2, axis=-1), axis=1))


def gaussian_process(theta: Any, x: Any, y: Any) -> Any:
    """Log marginal likelihood with a squared exponential kernel."""
    scale, size, noise = jnp.exp(theta)
    kernel = size * jnp.exp(-0.5 * ((x[:, None] - x) / scale) ** 2) + (noise + 0.1) * jnp.eye(x.shape[0])
    factor = jnp.linalg.cholesky(kernel)
    white = jsp.linalg.solve_triangular(factor, y, lower=True)
    return -0.5 * white @ white - jnp.sum(jnp.log(jnp.diagonal(factor))) - 0.5 * x.shape[0] * jnp.log(2 * jnp.pi)


def mixture(logits: Any, means: Any, factors: Any, x: Any) -> Any:
    """Log likelihood of a mixture of Gaussians with triangular precision factors."""
    white = jnp.einsum("kij,nkj->nki", jnp.tril(factors), x[:, None] - means)
    size = jnp.sum(jnp.log(jnp.abs(jnp.diagonal(factors, axis1=-2, axis2=-1))), axis=-1)
    return jnp.sum(jsp.special.logsumexp(jax.nn.log_softmax(logits) + size - 0.5 * jnp.sum(white**2, -1), axis=1))


def real_nvp(w: list[Any], x: Any) -> Pair:
    """Coupling layers of a normalising flow and the log determinant."""
    total = jnp.zeros(x.shape[0])
    for turn, layer in enumerate(w):
        kept, moved = jnp.split(x if turn % 2 == 0 else x[:, ::-1], 2, axis=1)
        scale, shift = jnp.split(jnp.tanh(kept @ layer), 2, axis=1)
        x = jnp.concatenate([kept, moved * jnp.exp(scale) + shift], axis=1)
        total = total + jnp.sum(scale, axis=1)
    return x, total


def vae(w: dict[str, Any], key: Any, x: Any) -> Any:
    """Evidence lower bound of a variational autoencoder with one reparameterised sample."""
    mean, log_size = jnp.split(jnp.tanh(x @ w["encode"]), 2, axis=-1)
    z = mean + jnp.exp(log_size) * jax.random.normal(jax.random.wrap_key_data(key), mean.shape)
    logits = z @ w["decode"]
    fit = jnp.sum(x * jax.nn.log_sigmoid(logits) + (1 - x) * jax.nn.log_sigmoid(-logits))
    return fit + 0.5 * jnp.sum(1 + 2 * log_size - mean**2 - jnp.exp(2 * log_size))


def info_nce(u: Any, v: Any) -> Any:
    """Contrastive loss of matching rows against all others."""
    u, v = (x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (u, v))
    scores = u @ v.T / 0.3
    return -jnp.mean(
        jnp.diagonal(jax.nn.log_softmax(scores, axis=1)) + jnp.diagonal(jax.nn.log_softmax(scores, axis=0))
    )


def robust_losses(predicted: Any, wanted: Any) -> dict[str, Any]:
    """Huber and quantile losses."""
    off = wanted - predicted
    huber = jnp.where(jnp.abs(off) < 1, 0.5 * off**2, jnp.abs(off) - 0.5)
    return {"huber": jnp.mean(huber), "quantile": jnp.mean(jnp.maximum(0.8 * off, -0.2 * off))}


def sinkhorn(x: Any, y: Any) -> Any:
    """Entropic cost of moving one cloud of points onto another."""
    cost = jnp.sum((x[:, None] - y) ** 2, axis=-1)
    n, m = cost.shape

    def step(_: Any, g: Any) -> Any:
        f = -0.5 * (jax.nn.logsumexp(2 * (g - cost), axis=1) - jnp.log(n))
        return -0.5 * (jax.nn.logsumexp(2 * (f[:, None] - cost), axis=0) - jnp.log(m))

    g = lax.fori_loop(0, 8, step, jnp.zeros(m))
    return jnp.sum(jax.nn.softmax(2 * (g - cost), axis=1) * cost) / n


def policy_gradient(w: Any, states: Any, actions: Any, rewards: Any) -> Any:
    """Surrogate loss of a softmax policy with discounted returns and an entropy bonus."""
    returns = lax.scan(lambda g, reward: (reward + 0.9 * g,) * 2, jnp.zeros(()), rewards, reverse=True)[1]
    logs = jax.nn.log_softmax(states @ w)
    gained = jnp.take_along_axis(logs, actions[:, None], axis=1)[:, 0] * lax.stop_gradient(returns - returns.mean())
    return -jnp.mean(gained) + 0.01 * jnp.sum(jnp.exp(logs) * logs)


def spectral_norm(w: Any, u: Any) -> Any:
    """A matrix divided by its largest singular value, from power iteration."""

    def step(_: Any, x: Any) -> Any:
        return jnp.linalg.norm(w.T @ (w @ x)) ** -1 * (w.T @ (w @ x))

    right = lax.stop_gradient(lax.fori_loop(0, 10, step, u))
    left = lax.stop_gradient(w @ right / jnp.linalg.norm(w @ right))
    return w / (left @ w @ right)


def newton_root(a: Any) -> Any:
    """The root of x^3 + x = a by a fixed number of Newton steps."""
    return lax.fori_loop(0, 20, lambda _, x: x - (x**3 + x - a) / (3 * x**2 + 1), jnp.ones_like(a))


def state_space(a: Any, b: Any, c: Any, u: Any) -> Any:
    """A diagonal state space layer by an associative scan over time."""
    decay = jnp.broadcast_to(jnp.exp(-jnp.exp(a)), (u.shape[0], a.shape[0]))
    states = lax.associative_scan(lambda p, q: (p[0] * q[0], q[0] * p[1] + q[1]), (decay, u[:, None] * b))[1]
    return states @ c + u


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def soft_threshold(size: float, x: Any) -> Any:
    """A threshold whose derivative is a smooth surrogate."""
    return jnp.where(x > size, 1.0, 0.0)


@soft_threshold.defjvp
def _(size: float, primals: Any, tangents: Any) -> Pair:
    return soft_threshold(size, *primals), jax.nn.sigmoid(3 * (primals[0] - size)) * tangents[0]


def spiking(w: Any, x: Any) -> Any:
    """A leaky neuron with surrogate derivatives over time."""

    def step(v: Any, u: Any) -> Pair:
        spike = soft_threshold(0.6, v)
        return 0.8 * v * (1 - spike) + w @ u, spike

    return lax.scan(step, jnp.zeros(w.shape[0]), x)


@jax.custom_vjp
def reversed_sign(x: Any) -> Any:
    """The identity, with the cotangent turned round."""
    return x


reversed_sign.defvjp(lambda x: (x, jnp.cos(x)), lambda kept, g: (-g * kept,))


def adversarial(w: Any, x: Any) -> Any:
    """A recurrent network with a reversed gradient in every step."""

    def step(h: Any, u: Any) -> Pair:
        h = jnp.tanh(w @ reversed_sign(h) + u)
        return h, jnp.sum(h**2)

    return lax.scan(step, jnp.zeros(w.shape[0]), x)[1]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def clipped(low: float, high: float, x: Any) -> Any:
    """The identity, with cotangents kept between bounds."""
    return x


clipped.defvjp(lambda low, high, x: (x, None), lambda low, high, _, g: (jnp.clip(g, low, high),))


def clipped_loss(w: Any, x: Any) -> Any:
    """A loss whose hidden gradients are clipped."""
    return jnp.sum(jnp.exp(clipped(-0.5, 0.5, jnp.tanh(w @ x))) ** 2)


def heat(diffusion: Any, start: Any) -> Any:
    """Implicit steps of the heat equation with a coefficient per cell."""
    n = start.shape[0]
    inner = jnp.concatenate([jnp.zeros(1), diffusion[:-1]])
    outer = jnp.concatenate([diffusion[:-1], jnp.zeros(1)])

    def step(_: Any, y: Any) -> Any:
        return lax.linalg.tridiagonal_solve(-inner, 1 + inner + outer, -outer, jnp.reshape(y, (n, 1)))[:, 0]

    return lax.fori_loop(0, 4, step, start)


MODELS: dict[str, Build] = {
    "rk4_ode": lambda r: (rk4, r.positive(4) / 2, r.positive(2)),
    "leapfrog_n_body": lambda r: (leapfrog, r.positive(3), r.normal(3, 2), 0.3 * r.normal(3, 2)),
    "kalman_filter": lambda r: (
        kalman,
        *(0.4 * r.normal(2, 2), r.normal(2, 2), r.definite(2, 2), r.definite(2, 2), r.normal(4, 2)),
    ),
    "hmm_forward": lambda r: (hmm_forward, r.normal(3), r.normal(3, 3), r.normal(3, 4), r.integers(0, 4, 5)),
    "linear_chain_crf": lambda r: (crf, r.normal(5, 3), r.normal(3, 3), r.integers(0, 3, 5)),
    "k_means_loss": lambda r: (k_means, r.normal(3, 2), r.normal(6, 2)),
    "gaussian_process": lambda r: (gaussian_process, 0.4 * r.normal(3), r.increasing(5), r.normal(5)),
    "gaussian_mixture": lambda r: (mixture, r.normal(3), r.normal(3, 2), r.matrix(3, 2, 2), r.normal(5, 2)),
    "real_nvp": lambda r: (real_nvp, [0.5 * r.normal(2, 4), 0.5 * r.normal(2, 4)], r.normal(3, 4)),
    "vae_elbo": lambda r: (
        vae,
        {"encode": 0.3 * r.normal(4, 4), "decode": 0.5 * r.normal(2, 4)},
        jax.random.key_data(jax.random.key(5)),
        r.unit(3, 4),
    ),
    "info_nce": lambda r: (info_nce, r.normal(4, 3), r.normal(4, 3)),
    "robust_losses": lambda r: (robust_losses, r.normal(5), r.normal(5)),
    "sinkhorn": lambda r: (sinkhorn, r.normal(4, 2), r.normal(3, 2)),
    "policy_gradient": lambda r: (policy_gradient, r.normal(3, 2), r.normal(5, 3), r.integers(0, 2, 5), r.normal(5)),
    "spectral_norm": lambda r: (spectral_norm, r.normal(3, 4), r.normal(4)),
    "newton_root": lambda r: (newton_root, r.positive(3)),
    "state_space_associative_scan": lambda r: (state_space, r.normal(3), r.normal(3), r.normal(3), r.normal(6)),
    "custom_jvp_in_scan": lambda r: (spiking, r.normal(3, 2), r.normal(5, 2)),
    "custom_vjp_in_scan": lambda r: (adversarial, 0.5 * r.normal(3, 3), r.normal(4, 3)),
    "gradient_clipping": lambda r: (clipped_loss, r.normal(3, 3), r.normal(3)),
    "tridiagonal_heat_step": lambda r: (heat, r.positive(5), r.normal(5)),
}
