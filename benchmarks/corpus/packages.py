"""Twenty programs written with packages that build on JAX; each imports its package when it is made.

Models are split into arrays, which are arguments, and the rest, which stands inside the function. A program whose
package is not installed raises ImportError when it is made and is reported as not measured.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .entry import Build, Draw, Entry

GROUP = "packages"


def with_arrays(model: Any, function: Any, *arguments: Any) -> tuple[Any, ...]:
    """A function of an Equinox model as a function of the arrays of the model."""
    import equinox as eqx

    arrays, rest = eqx.partition(model, eqx.is_inexact_array)
    return lambda w, *x: function(eqx.combine(w, rest), *x), arrays, *arguments


def equinox_mlp(r: Draw) -> tuple[Any, ...]:
    """Squared error of a two-layer network."""
    import equinox as eqx

    model = eqx.nn.MLP(3, 2, 4, 2, activation=jax.nn.gelu, key=jax.random.key(0))
    return with_arrays(model, lambda m, x, y: jnp.mean((jax.vmap(m)(x) - y) ** 2), r.normal(5, 3), r.normal(5, 2))


def equinox_conv(r: Draw) -> tuple[Any, ...]:
    """Convolution, max pooling and a dense layer."""
    import equinox as eqx

    one, two = jax.random.split(jax.random.key(1))
    model = eqx.nn.Sequential(
        [
            eqx.nn.Conv2d(2, 3, 3, padding=1, key=one),
            eqx.nn.Lambda(jax.nn.relu),
            eqx.nn.MaxPool2d(2, 2),
            eqx.nn.Lambda(jnp.ravel),
            eqx.nn.Linear(12, 2, key=two),
        ]
    )
    return with_arrays(model, lambda m, x: jax.vmap(m)(x), r.normal(2, 2, 4, 4))


def equinox_gru(r: Draw) -> tuple[Any, ...]:
    """A GRU cell over time."""
    import equinox as eqx

    cell = eqx.nn.GRUCell(2, 3, key=jax.random.key(2))

    def function(m: Any, x: Any) -> Any:
        return lax.scan(lambda h, u: (m(u, h),) * 2, jnp.zeros(3), x)[1]

    return with_arrays(cell, function, r.normal(4, 2))


def equinox_layer_norm(r: Draw) -> tuple[Any, ...]:
    """A dense layer, a layer norm and a softmax."""
    import equinox as eqx

    model = (eqx.nn.Linear(3, 4, key=jax.random.key(3)), eqx.nn.LayerNorm(4))
    return with_arrays(model, lambda m, x: jax.vmap(lambda row: jax.nn.softmax(m[1](m[0](row))))(x), r.normal(3, 3))


def equinox_attention(r: Draw) -> tuple[Any, ...]:
    """Multi-head attention with a mask."""
    import equinox as eqx

    model = eqx.nn.MultiheadAttention(2, 4, use_query_bias=True, key=jax.random.key(4))
    return with_arrays(model, lambda m, x: m(x, x, x, mask=jnp.tril(jnp.ones((3, 3), bool))), r.normal(3, 4))


def with_state(model: Any, function: Any, *arguments: Any) -> tuple[Any, ...]:
    """A function of a Flax module as a function of its state."""
    from flax import nnx

    graph, state = nnx.split(model)
    return lambda s, *x: function(nnx.merge(graph, s), *x), state, *arguments


def flax_mlp(r: Draw) -> tuple[Any, ...]:
    """Cross entropy of a two-layer network."""
    from flax import nnx

    keys = nnx.Rngs(0)
    model = nnx.Sequential(nnx.Linear(3, 4, rngs=keys, param_dtype=jnp.float64), jnp.tanh)
    last = r.normal(4, 2)

    def function(m: Any, x: Any, y: Any) -> Any:
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(m(x) @ last) * jax.nn.one_hot(y, 2), axis=-1))

    return with_state(model, function, r.normal(5, 3), r.integers(0, 2, 5))


def flax_layer_norm(r: Draw) -> tuple[Any, ...]:
    """A layer norm with scale and bias."""
    from flax import nnx

    model = nnx.LayerNorm(4, rngs=nnx.Rngs(1), param_dtype=jnp.float64)
    return with_state(model, lambda m, x: jnp.sin(m(x)), r.normal(3, 4))


def flax_attention(r: Draw) -> tuple[Any, ...]:
    """Multi-head attention without dropout."""
    from flax import nnx

    model = nnx.MultiHeadAttention(2, 4, decode=False, rngs=nnx.Rngs(2), param_dtype=jnp.float64)
    return with_state(model, lambda m, x: m(x), r.normal(1, 3, 4))


def flax_conv(r: Draw) -> tuple[Any, ...]:
    """A convolution and average pooling."""
    from flax import nnx

    model = nnx.Conv(2, 3, (3, 3), rngs=nnx.Rngs(3), param_dtype=jnp.float64)
    return with_state(model, lambda m, x: nnx.avg_pool(nnx.relu(m(x)), (2, 2), (2, 2)), r.normal(1, 4, 4, 2))


def field(_: Any, y: Any, theta: Any) -> Any:
    """A damped pendulum."""
    return jnp.stack([y[1], -theta[0] * jnp.sin(y[0]) - theta[1] * y[1]])


def diffrax_direct(r: Draw) -> tuple[Any, ...]:
    """Fixed steps of Tsitouras' method, differentiated step by step."""
    import diffrax

    def function(theta: Any, y: Any) -> Any:
        solution = diffrax.diffeqsolve(
            *(diffrax.ODETerm(field), diffrax.Tsit5(), 0.0, 1.0, 0.1, y, theta),
            adjoint=diffrax.DirectAdjoint(),
            max_steps=16,
        )
        return jnp.asarray(solution.ys)[-1]

    return function, r.positive(2), r.normal(2)


def diffrax_adaptive(r: Draw) -> tuple[Any, ...]:
    """Steps of Dormand and Prince whose size follows the error, with a checkpointed way back."""
    import diffrax

    def function(theta: Any, y: Any) -> Any:
        solution = diffrax.diffeqsolve(
            *(diffrax.ODETerm(field), diffrax.Dopri5(), 0.0, 1.0, 0.1, y, theta),
            stepsize_controller=diffrax.PIDController(rtol=1e-4, atol=1e-6),
            adjoint=diffrax.RecursiveCheckpointAdjoint(checkpoints=8),
            max_steps=32,
        )
        return jnp.asarray(solution.ys)[-1]

    return function, r.positive(2), r.normal(2)


def diffrax_saved(r: Draw) -> tuple[Any, ...]:
    """Heun's method with values in between steps."""
    import diffrax

    def function(theta: Any, y: Any) -> Any:
        return diffrax.diffeqsolve(
            *(diffrax.ODETerm(field), diffrax.Heun(), 0.0, 0.7, 0.1, y, theta),
            saveat=diffrax.SaveAt(ts=jnp.array([0.05, 0.33, 0.61])),
            adjoint=diffrax.DirectAdjoint(),
            max_steps=16,
        ).ys

    return function, r.positive(2), r.normal(2)


def optax_losses(r: Draw) -> tuple[Any, ...]:
    """Several losses at once."""
    import optax

    def function(x: Any, y: Any, n: Any) -> Any:
        return {
            "entropy": optax.softmax_cross_entropy_with_integer_labels(x, n),
            "binary": optax.sigmoid_binary_cross_entropy(x, jax.nn.sigmoid(y)),
            "huber": optax.huber_loss(x, y),
            "cosine": optax.cosine_distance(x, y),
        }

    return function, r.normal(4, 3), r.normal(4, 3), r.integers(0, 3, 4)


def optax_adam(r: Draw) -> tuple[Any, ...]:
    """A step of AdamW with a schedule, as a function of weights, gradients and moments."""
    import optax

    rule = optax.adamw(optax.cosine_decay_schedule(0.1, 100), weight_decay=0.01)
    w = {"w": r.normal(2, 3), "b": r.normal(3)}
    state = rule.init(jax.tree.map(jnp.asarray, w))

    def function(w: Any, g: Any, s: Any) -> Any:
        change, after = rule.update(g, s, w)
        return optax.apply_updates(w, change), after

    g = {"w": r.normal(2, 3), "b": r.normal(3)}
    return function, w, g, rule.update(jax.tree.map(jnp.asarray, g), state, w)[1]


def optax_clipped_momentum(r: Draw) -> tuple[Any, ...]:
    """Two steps of momentum with clipping by the global norm, gradients of a loss inside."""
    import optax

    rule = optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1, momentum=0.9, nesterov=True))

    def function(w: Any, x: Any) -> Any:
        state = rule.init(w)
        for _ in range(2):
            change, state = rule.update(jax.grad(lambda v: jnp.sum(jnp.tanh(x @ v) ** 2))(w), state)
            w = optax.apply_updates(w, change)
        return w

    return function, r.normal(3, 2), r.normal(4, 3)


def optax_ctc(r: Draw) -> tuple[Any, ...]:
    """Connectionist temporal classification."""
    import optax

    labels, none = np.array([[1, 2]]), np.zeros((1, 2))
    return lambda x: optax.ctc_loss(x, np.zeros((1, 5)), labels, none), r.normal(1, 5, 3)


def density(model: Any, *data: Any, **values: Any) -> tuple[Any, ...]:
    """The log density of a NumPyro model as a function of its data and latent values."""
    from numpyro.infer.util import log_density

    def function(latent: Any, *data: Any) -> Any:
        return log_density(model, data, {}, latent)[0]

    return function, values, *data


def numpyro_regression(r: Draw) -> tuple[Any, ...]:
    """Linear regression with unknown noise."""
    import numpyro
    import numpyro.distributions as dist

    def model(x: Any, y: Any) -> None:
        w = numpyro.sample("w", dist.Normal(0.0, 1.0).expand([3]).to_event(1))
        size = numpyro.sample("size", dist.HalfCauchy(1.0))
        numpyro.sample("y", dist.Normal(x @ w, size), obs=y)

    return density(model, r.normal(5, 3), r.normal(5), w=r.normal(3), size=r.positive())


def numpyro_logistic(r: Draw) -> tuple[Any, ...]:
    """Logistic regression with a plate."""
    import numpyro
    import numpyro.distributions as dist

    seen = r.booleans(5).astype(np.int64)

    def model(x: Any) -> None:
        w = numpyro.sample("w", dist.MultivariateNormal(jnp.zeros(2), jnp.array([[1.0, 0.3], [0.3, 2.0]])))
        with numpyro.plate("rows", 5):
            numpyro.sample("y", dist.Bernoulli(logits=x @ w), obs=seen)

    return density(model, r.normal(5, 2), w=r.normal(2))


def numpyro_hierarchy(r: Draw) -> tuple[Any, ...]:
    """The potential energy of a hierarchical model in unconstrained space, counts with a gamma rate."""
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer.util import potential_energy

    counts = np.array([2, 0, 3, 1])

    def model() -> None:
        shape = numpyro.sample("shape", dist.Gamma(2.0, 1.0))
        share = numpyro.sample("share", dist.Dirichlet(jnp.array([1.5, 2.0, 2.5])))
        with numpyro.plate("rows", 4):
            rate = numpyro.sample("rate", dist.Gamma(shape, 1.0))
            numpyro.sample("count", dist.Poisson(rate * (1 + jnp.asarray(share)[0])), obs=counts)

    latent = {"shape": r.normal(), "share": r.normal(2), "rate": r.normal(4)}
    return lambda z: potential_energy(model, (), {}, z), latent


def numpyro_distributions(r: Draw) -> tuple[Any, ...]:
    """Log densities of several distributions."""
    import numpyro.distributions as dist

    def function(x: Any, u: Any, cov: Any) -> Any:
        return {
            "student": dist.StudentT(3.0 + u[0], x[1], u[1]).log_prob(x[0]),
            "beta": dist.Beta(1 + u[1], 1 + u[0]).log_prob(u),
            "weibull": dist.Weibull(1.0, 1.5).log_prob(u),
            "normal": dist.MultivariateNormal(jnp.zeros(3), cov).log_prob(x),
            "mixture": dist.MixtureSameFamily(
                dist.Categorical(logits=x), dist.Normal(jnp.array([-1.0, 0.0, 1.0]), u[0])
            ).log_prob(x[0]),
        }

    return function, r.normal(3), r.unit(3), r.definite(3, 3)


BUILDS: dict[str, Build] = {
    build.__name__: build
    for build in (
        *(equinox_mlp, equinox_conv, equinox_gru, equinox_layer_norm, equinox_attention),
        *(flax_mlp, flax_layer_norm, flax_attention, flax_conv),
        *(diffrax_direct, diffrax_adaptive, diffrax_saved),
        *(optax_losses, optax_adam, optax_clipped_momentum, optax_ctc),
        *(numpyro_regression, numpyro_logistic, numpyro_hierarchy, numpyro_distributions),
    )
}


def names() -> tuple[str, ...]:
    """All of them, whatever is installed."""
    return tuple(BUILDS)


def entry(name: str) -> Entry:
    """The function with its arguments; raises ImportError when the package is missing."""
    function, *arguments = BUILDS[name](Draw(name))
    return Entry(GROUP, name, function, tuple(arguments))
