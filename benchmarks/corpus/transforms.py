"""Compositions of JAX transformations: a function of (w, x) and its arguments enter, a structure of arrays leaves.

Each entry applies a composition to a function ``f(w, x) -> scalar`` with float arrays w and x. The same composition is
applied to a function of JAX and to the same function carried by Pushforward, and the results are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

Function = Callable[[Any, Any], Any]
Composition = Callable[[Function, Any, Any], Any]


def _two(x: Any) -> Any:
    return jnp.stack([x, 0.9 * x])


def _hvp(f: Function, w: Any, x: Any) -> Any:
    return jax.jvp(lambda v: jax.grad(f)(v, x), (w,), (jnp.ones_like(w),))[1]


def _scan(f: Function, w: Any, x: Any) -> Any:
    return jax.lax.scan(lambda c, k: (c + 0.01 * k * f(w, x), f(c * w, x)), jnp.ones((), w.dtype), jnp.arange(3.0))


def _grad_scan(f: Function, w: Any, x: Any) -> Any:
    def loss(v: Any) -> Any:
        return jax.lax.scan(lambda c, k: (0.1 * c + f(v * (1 + 0.1 * k), x), None), 0.0 * v.sum(), jnp.arange(3.0))[0]

    return jax.grad(loss)(w)


def _grad_fori(f: Function, w: Any, x: Any) -> Any:
    def loss(v: Any) -> Any:
        return jax.lax.fori_loop(0, 3, lambda k, c: 0.5 * c + f(v, x), 0.0 * v.sum())

    return jax.grad(loss)(w)


def _cond(f: Function, w: Any, x: Any) -> Any:
    return jax.value_and_grad(lambda v: jax.lax.cond(v.sum() > -1e9, lambda: f(v, x), lambda: v.sum()))(w)


def _vmap_cond(f: Function, w: Any, x: Any) -> Any:
    def one(v: Any, flag: Any) -> Any:
        return jax.lax.cond(flag, lambda: f(v, x), lambda: 2.0 * f(v, 0.5 * x))

    return jax.vmap(jax.grad(one), (None, 0))(w, jnp.array([True, False, True]))


def _checkpoint_scan(f: Function, w: Any, x: Any) -> Any:
    def loss(v: Any) -> Any:
        step = jax.checkpoint(lambda c, k: (0.1 * c + f(v * (1 + 0.1 * k), x), None))
        return jax.lax.scan(step, 0.0 * v.sum(), jnp.arange(3.0))[0]

    return jax.grad(loss)(w)


def _devices(count: int) -> Any:
    return jax.sharding.Mesh(np.array(jax.devices()[:count]), ("d",))


def _shard_map(f: Function, w: Any, x: Any) -> Any:
    """Every device computes its own rows; the sum over devices is one value."""
    count = min(2, len(jax.devices()))
    batch = jnp.stack([x * (1 - 0.1 * k) for k in range(2 * count)])

    def part(v: Any, rows: Any) -> Any:
        return jax.lax.psum(jnp.sum(jax.vmap(lambda row: f(v, row))(rows)), "d")

    spread = jax.shard_map(
        part, mesh=_devices(count), in_specs=(PartitionSpec(), PartitionSpec("d")), out_specs=PartitionSpec()
    )
    return jax.jit(jax.value_and_grad(lambda v: spread(v, batch)))(w)


def _sharded(f: Function, w: Any, x: Any) -> Any:
    """A batch split over devices under `jit`."""
    count = min(2, len(jax.devices()))
    batch = jnp.stack([x * (1 - 0.1 * k) for k in range(2 * count)])
    split = jax.device_put(batch, NamedSharding(_devices(count), PartitionSpec("d")))
    return jax.jit(jax.grad(lambda v, rows: jnp.mean(jax.vmap(lambda row: f(v, row))(rows))))(w, split)


def _export(f: Function, w: Any, x: Any) -> Any:
    exported = jax.export.export(jax.jit(jax.value_and_grad(f)))(w, x)
    return exported.call(w, x)


COMPOSITIONS: Mapping[str, Composition] = {
    "call": lambda f, w, x: f(w, x),
    "jit": lambda f, w, x: jax.jit(f)(w, x),
    "grad": lambda f, w, x: jax.grad(f, (0, 1))(w, x),
    "value_and_grad": lambda f, w, x: jax.value_and_grad(f)(w, x),
    "jit(grad)": lambda f, w, x: jax.jit(jax.grad(f))(w, x),
    "grad(jit)": lambda f, w, x: jax.grad(jax.jit(f))(w, x),
    "jvp": lambda f, w, x: jax.jvp(f, (w, x), (0.5 * w, jnp.ones_like(x))),
    "jvp by one": lambda f, w, x: jax.jvp(lambda v: f(w, v), (x,), (jnp.ones_like(x),)),
    "vjp": lambda f, w, x: jax.vjp(f, w, x)[1](jnp.asarray(2.0, w.dtype)),
    "linearize": lambda f, w, x: jax.linearize(f, w, x)[1](jnp.ones_like(w), jnp.ones_like(x)),
    "linear_transpose": lambda f, w, x: jax.linear_transpose(jax.linearize(lambda v: f(v, x), w)[1], w)(
        jnp.asarray(1.0, w.dtype)
    ),
    "jacfwd": lambda f, w, x: jax.jacfwd(f)(w, x),
    "jacrev": lambda f, w, x: jax.jacrev(f, (0, 1))(w, x),
    "hessian": lambda f, w, x: jax.hessian(f)(w, x),
    "forward over forward": lambda f, w, x: jax.jacfwd(jax.jacfwd(f))(w, x),
    "reverse over reverse": lambda f, w, x: jax.jacrev(jax.jacrev(f))(w, x),
    "reverse over forward": lambda f, w, x: jax.jacrev(jax.jacfwd(f))(w, x),
    "hessian-vector product": _hvp,
    "grad of a directional derivative": lambda f, w, x: jax.grad(
        lambda v: jax.jvp(lambda u: f(v, u), (x,), (jnp.ones_like(x),))[1]
    )(w),
    "vmap": lambda f, w, x: jax.vmap(f, (None, 0))(w, _two(x)),
    "vmap of both": lambda f, w, x: jax.vmap(f)(_two(w), _two(x)),
    "vmap of an inner axis": lambda f, w, x: jax.vmap(f, (None, -1))(w, jnp.stack([x, 0.9 * x], axis=-1)),
    "nested vmap": lambda f, w, x: jax.vmap(jax.vmap(f, (None, 0)), (0, None))(_two(w), _two(x)),
    "vmap(grad)": lambda f, w, x: jax.vmap(jax.grad(f), (None, 0))(w, _two(x)),
    "grad(vmap) with shared weights": lambda f, w, x: jax.grad(
        lambda v: jnp.sum(jax.vmap(f, (None, 0))(v, _two(x)))
    )(w),
    "grad(vmap(grad))": lambda f, w, x: jax.grad(
        lambda v: jnp.sum(jax.vmap(jax.grad(f), (None, 0))(v, _two(x)) ** 2)
    )(w),
    "scan": _scan,
    "grad(scan)": _grad_scan,
    "grad(fori_loop)": _grad_fori,
    "grad(cond)": _cond,
    "vmap(grad(cond))": _vmap_cond,
    "checkpoint": lambda f, w, x: jax.grad(jax.checkpoint(f))(w, x),
    "grad(scan(checkpoint))": _checkpoint_scan,
    "shard_map": _shard_map,
    "sharded jit": _sharded,
    "export": _export,
}
