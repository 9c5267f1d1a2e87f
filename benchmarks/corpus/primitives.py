"""A function for every primitive that JAX has a derivative rule for.

The names come from JAX's own table, which is read to enumerate and for nothing else. Most primitives are reached by a
callable of `callables`; the others have a function here. Each entry is checked to hold its primitive.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.ref
import numpy as np
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.custom_batching import custom_vmap
from jax.custom_derivatives import linear_call

from . import callables
from .entry import Entry, Make, equations, made

GROUP = "primitives"

SAME = """
    abs acos acosh add argmax argmin asin asinh atan atan2 atanh bessel_i0e bessel_i1e bitcast_convert_type
    broadcast_in_dim cbrt ceil clamp complex composite concatenate cond conj conv_general_dilated
    convert_element_type cos cosh cumlogsumexp cummax cummin cumprod cumsum custom_linear_solve dce_sink digamma div
    dot_general dynamic_slice dynamic_update_slice eq erf erf_inv erfc exp exp2 expm1 fft floor gather ge gt igamma
    igammac integer_pow is_finite le lgamma log log1p logistic lt max min mul ne neg optimization_barrier pad
    polygamma pow psum ragged_dot_general reduce reduce_max reduce_min reduce_precision reduce_prod reduce_sum rem
    reshape rev round rsqrt scan scatter scatter_add scatter_max scatter_min scatter_mul scatter_sub select_n sign
    sin sinh slice sort split sqrt square squeeze stack stop_gradient sub tan tanh tile top_k transpose unstack
""".split()

BY_CALLABLE: dict[str, str] = {
    **{name.replace("scatter_", "scatter-"): f"lax.{name}" for name in SAME},
    "and": "numpy.mod",
    "approx_top_k": "lax.approx_max_k",
    "cholesky": "numpy.linalg.cholesky",
    "copy": "numpy.copy",
    "eig": "numpy.linalg.eig",
    "eigh": "numpy.linalg.eigh",
    "imag": "scipy.special.wofz",
    "jit": "nn.elu",
    "le_to": "numpy.searchsorted",
    "lt_to": "numpy.interp",
    "lu": "numpy.linalg.inv",
    "or": "numpy.fmax",
    "qr": "numpy.linalg.qr",
    "real": "scipy.special.wofz",
    "reduce_window_max": "lax.reduce_window",
    "regularized_incomplete_beta": "lax.betainc",
    "svd": "numpy.linalg.svd",
    "triangular_solve": "numpy.linalg.inv",
    "while": "lax.while_loop",
}
"""The callable whose entry holds a primitive."""


def max_pool(x: Any) -> Any:
    """Maxima of windows of three."""
    return lax.reduce_window(x, -jnp.inf, lax.max, (3,), (2,), "VALID")


@custom_vmap
def doubled(x: Any) -> Any:
    """A function with a batching rule of its own."""
    return 2 * jnp.sin(x)


@doubled.def_vmap
def _(size: int, batched: Any, x: Any) -> tuple[Any, Any]:
    return 2 * jnp.sin(x), batched[0]


@jax.custom_vjp
def remembered(x: Any) -> Any:
    """A function with a reverse rule whose forward half is simplified when nobody differentiates."""
    return jnp.sin(x)


remembered.defvjp(lambda x: (jnp.sin(x), jnp.cos(x)), lambda c, g: (c * g,), optimize_remat=True)


def accumulated(x: Any) -> Any:
    """Reads, writes and adds to a mutable array."""
    place = jax.new_ref(jnp.zeros(2))
    place[0] = jnp.sin(x[0])
    place[1] = x[1] * place[0]
    jax.ref.addupdate(place, 1, x[2])
    return jax.freeze(place)


def printed(x: Any) -> Any:
    """Prints and goes on."""
    jax.debug.callback(lambda _: None, x)
    return jnp.sin(x)


def announced(x: Any) -> Any:
    """Prints when a number is large, which it is not."""
    lax.cond(x[0] > 100, lambda: jax.debug.print("large"), lambda: None)
    return jnp.sin(x)


def on_one_device(x: Any) -> Any:
    """Asks for a placement on a mesh of one device."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("x",))
    return lax.with_sharding_constraint(x * x, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))


def words(f: Any, x: Any, n: Any) -> Any:
    """A function of integers next to one of floats."""
    return x * f(n).astype(x.dtype)


def with_integers(function: Any) -> Make:
    """An entry that scales floats by a function of positive integers."""
    return lambda _, r: (partial(words, function), r.normal(4), r.integers(1, 2**20, 4))


def keyed(function: Any) -> Make:
    """An entry that scales floats by what a random key gives."""
    return lambda _, r: (lambda x: x * function(jax.random.key(3)), r.normal(3))


WRITTEN: dict[str, Make] = {
    "add_any": lambda _, r: (jax.grad(lambda x: jnp.sum(jnp.sin(x) * x)), r.normal(3)),
    "addupdate": lambda _, r: (accumulated, r.normal(3)),
    "custom_vmap_call": lambda _, r: (doubled, r.normal(3)),
    "debug_callback": lambda _, r: (printed, r.normal(3)),
    "debug_print": lambda _, r: (announced, r.normal(3)),
    "device_put": lambda _, r: (lambda x: x * jax.device_put(x), r.normal(3)),
    "freeze": lambda _, r: (accumulated, r.normal(3)),
    "get": lambda _, r: (accumulated, r.normal(3)),
    "linear_call": lambda _, r: (
        lambda x: linear_call(lambda c, v: c * v, lambda c, v: c * v, jnp.array([2.0, 3.0, 5.0]), jnp.sin(x)),
        r.normal(3),
    ),
    "log2": lambda _, r: (jnp.log2, r.positive(3)),
    "mulhi": with_integers(lambda n: lax.mulhi(n, n << 20)),
    "name": lambda _, r: (lambda x: jnp.sin(checkpoint_name(x * x, "squared")), r.normal(3)),
    "new_ref": lambda _, r: (accumulated, r.normal(3)),
    "nextafter": lambda _, r: (lambda x: lax.nextafter(x, 2.0 * x), r.normal(3)),
    "not": with_integers(lambda n: ~n),
    "one_minus_square": lambda _, r: (vars(lax)["one_minus_square"], r.normal(3)),
    "polynomial": lambda _, r: (lambda x: vars(lax)["polynomial"](x, [1.0, 5.0, 2.0]), r.normal(3)),
    "random_bits": keyed(lambda key: jax.random.bits(key, (3,), jnp.uint32).astype(jnp.float64)),
    "random_fold_in": keyed(lambda key: jax.random.uniform(jax.random.fold_in(key, 5), (3,))),
    "random_gamma": lambda _, r: (lambda a: jax.random.gamma(jax.random.key(3), a), r.positive(3)),
    "random_seed": keyed(lambda key: jax.random.normal(jax.random.key(7), (3,))),
    "random_split": keyed(lambda key: jax.random.normal(jax.random.split(key)[1], (3,))),
    "random_unwrap": keyed(lambda key: jax.random.key_data(key)[0].astype(jnp.float64)),
    "random_wrap": keyed(lambda key: jax.random.normal(jax.random.wrap_key_data(jax.random.key_data(key)), (3,))),
    "reduce_window": lambda _, r: (
        lambda x: lax.reduce_window(x, 1.0, lambda a, b: a * b, (2,), (1,), "VALID"),
        r.positive(5),
    ),
    "reduce_window_min": lambda _, r: (
        lambda x: lax.reduce_window(x, jnp.inf, lax.min, (2,), (2,), "SAME"),
        r.normal(5),
    ),
    "reduce_window_sum": lambda _, r: (
        lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2), (1, 2), ((1, 0), (0, 1))),
        r.normal(3, 4),
    ),
    "remat2": lambda _, r: (jax.checkpoint(lambda x: jnp.sin(jnp.exp(x))), r.normal(3)),
    "remat_opt": lambda _, r: (jax.grad(lambda x: jnp.sum(remembered(x) * x)), r.normal(3)),
    "select_and_gather_add": lambda _, r: (
        lambda x, t: jax.jvp(max_pool, (x,), (t,))[1],
        *(r.normal(7), r.normal(7)),
    ),
    "select_and_scatter_add": lambda _, r: (
        lambda x, u: jax.vjp(max_pool, x)[1](u)[0],
        *(r.normal(7), r.normal(3)),
    ),
    "sharding_constraint": lambda _, r: (on_one_device, r.normal(3)),
    "shift_left": with_integers(lambda n: n << 3),
    "shift_right_arithmetic": with_integers(lambda n: n >> 2),
    "shift_right_logical": with_integers(lambda n: lax.shift_right_logical(n, jnp.full(n.shape, 3, n.dtype))),
    "swap": lambda _, r: (accumulated, r.normal(3)),
    "tridiagonal_solve": lambda _, r: (
        lax.linalg.tridiagonal_solve,
        *(0.3 * r.normal(4), 2 + r.positive(4), 0.3 * r.normal(4), r.normal(4, 2)),
    ),
    "xor": with_integers(lambda n: n ^ 0b1011),
}


def holds(entry: Entry, primitive: str) -> bool:
    """Whether the traced function applies a primitive, at any depth."""
    jaxpr = jax.make_jaxpr(entry.function)(*entry.arguments)
    return any(equation.primitive.name == primitive for equation in equations(jaxpr))


@cache
def names() -> tuple[str, ...]:
    """The primitives in JAX's table of forward rules, without those that other packages have put there."""
    from jax.interpreters import ad

    others = {primitive.name for primitive in ad.primitive_jvps if not _is_of_jax(ad.primitive_jvps[primitive])}
    return tuple(sorted({primitive.name for primitive in ad.primitive_jvps} - others))


def _is_of_jax(rule: Any) -> bool:
    """Whether a rule was written in JAX itself: packages that are imported add primitives of their own."""
    while isinstance(rule, partial):
        rule = rule.func
    return str(getattr(rule, "__module__", "jax")).split(".")[0] == "jax"


def entry(name: str) -> Entry | None:
    """The entry of a primitive; None when there is none or it does not hold the primitive."""
    if name in WRITTEN:
        found = made(GROUP, name, None, WRITTEN[name])
    elif name in BY_CALLABLE:
        there = callables.entry(BY_CALLABLE[name])
        if there is None:
            return None
        found = Entry(GROUP, name, there.function, there.arguments)
    else:
        return None
    return found if holds(found, name) else None
