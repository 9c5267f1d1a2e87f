"""The two primitives that carry programs through every transformation of JAX, `pf_call` and `pf_linear`.

What they mean (how a program runs, is differentiated and batched) is handed in as `Meaning`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import jax
import jax.core
import jax.extend.core as jex
from jax.interpreters import ad, batching, mlir

from ..constants import numpy_dtype
from ..ir import ArrayType
from .jaxprs import is_wide


class LinearMap(Protocol):
    """What `pf_linear` applies: (residuals, v) -> w, linear in v, compared and hashed by content."""

    @property
    def residuals(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def output_types(self) -> tuple[ArrayType, ...]: ...
    def program(self) -> Any: ...
    def transposed(self) -> LinearMap: ...
    def batched(self, mapped: tuple[bool, ...], size: int) -> LinearMap: ...
    def derivative(self, active: tuple[bool, ...]) -> tuple[LinearMap, tuple[bool, ...]]: ...


class Meaning(Protocol):
    """What the primitives mean, from the packages above: how a program runs, is differentiated and batched.

    `native` is how it runs on one CPU, where that is another function.
    """

    def function(self, program: Any) -> Callable[..., Sequence[Any]]: ...
    def native(self, program: Any) -> Callable[..., Sequence[Any]] | None: ...
    def halves(self, program: Any, active: tuple[bool, ...]) -> tuple[Any, LinearMap, tuple[bool, ...]]: ...
    def batched(self, program: Any, mapped: tuple[bool, ...], size: int) -> Any: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """The primitives: `call` applies a program, `linear` a linear map."""

    call: Any
    linear: Any

    def apply(self, program: Any, arrays: Sequence[Any]) -> list[Any]:
        """The results of a program of `lang` on JAX arrays or tracers."""
        return self.call.bind(*alike(arrays), program=program)


def _results(types: Sequence[ArrayType], avals: Sequence[Any]) -> list[Any]:
    """JAX types of results; inside `shard_map` they vary over the axes that the operands vary over."""
    kept = next((aval for aval in avals if _varying(aval)), avals[0] if avals else None)
    found = []
    for type_ in types:
        dtype = jax.dtypes.canonicalize_dtype(numpy_dtype(type_.dtype))
        extra: dict[str, Any] = {}
        if kept is not None and _varying(kept):
            spec = jax.sharding.PartitionSpec(*[None] * type_.rank)
            extra["sharding"] = jax.sharding.NamedSharding(kept.sharding.mesh, spec)
            name = "manual_axis_type" if hasattr(kept, "manual_axis_type") else "vma"
            extra[name] = getattr(kept, name)
        found.append(jax.core.ShapedArray(type_.shape, dtype, **extra))
    return found


def _varying(aval: Any) -> frozenset[str]:
    manual = getattr(aval, "manual_axis_type", None)
    return frozenset(getattr(aval, "vma", ()) if manual is None else manual.varying)


def alike(arrays: Sequence[Any]) -> list[Any]:
    """Inside `shard_map`, operands that all vary over the same axes of the mesh."""
    varying = [_varying(jax.typeof(x)) for x in arrays]
    axes = frozenset().union(*varying)
    if not axes:
        return list(arrays)
    return [
        jax.lax.pcast(x, tuple(sorted(axes - own)), to="varying") if axes - own else x
        for x, own in zip(arrays, varying, strict=True)
    ]


def is_own(name: str) -> bool:
    """Whether a primitive of a jaxpr is one of the two."""
    return name in ("pf_call", "pf_linear")


def pair(meaning: Meaning) -> Pair:
    """Declare the primitives with what they mean."""
    call, linear = jex.Primitive("pf_call"), jex.Primitive("pf_linear")
    call.multiple_results = linear.multiple_results = True
    both = Pair(call, linear)
    _define_call(both, meaning)
    _define_linear(both, meaning)
    return both


@lru_cache(maxsize=1024)
def _compiled(call: Any, program: Any, wide: bool) -> Callable[..., Sequence[Any]]:
    return jax.jit(lambda *x: tuple(call.bind(*x, program=program)))


def _run(both: Pair, program: Any, x: Sequence[Any]) -> list[Any]:
    return list(_compiled(both.call, program, is_wide())(*x))


def _lower(primitive: Any, meaning: Meaning, program_of: Callable[..., Any]) -> None:
    """How a primitive runs: as code of JAX, or on one CPU as native code when the meaning has it."""

    def everywhere(*x: Any, **params: Any) -> list[Any]:
        return list(meaning.function(program_of(**params))(*x))

    def native(*x: Any, **params: Any) -> list[Any]:
        function = meaning.native(program_of(**params))
        return everywhere(*x, **params) if function is None else list(function(*x))

    anywhere = mlir.lower_fun(everywhere, multiple_results=True)
    here = mlir.lower_fun(native, multiple_results=True)

    def on_cpu(context: Any, *x: Any, **params: Any) -> Any:
        # Operands that are spread over devices are split by XLA, which cannot look into native code.
        devices = getattr(context.module_context.axis_context, "num_devices", None)
        return (here if devices == 1 else anywhere)(context, *x, **params)

    mlir.register_lowering(primitive, anywhere)
    mlir.register_lowering(primitive, on_cpu, platform="cpu")


def _is_zero(tangent: Any) -> bool:
    return type(tangent) is ad.Zero


def _zero(y: Any) -> Any:
    aval = jax.typeof(y)
    return ad.Zero(aval.to_tangent_aval() if hasattr(aval, "to_tangent_aval") else aval.at_least_vspace())


def _define_call(both: Pair, meaning: Meaning) -> None:
    def forward(x: Sequence[Any], x_dot: Sequence[Any], *, program: Any) -> tuple[list[Any], list[Any]]:
        active = tuple(not _is_zero(tangent) for tangent in x_dot)
        primal, tangent, on = meaning.halves(program, active)
        results = both.call.bind(*x, program=primal)
        outputs = results[: len(on)]
        moving = [tangent_ for tangent_ in x_dot if not _is_zero(tangent_)]
        dots = iter(_apply(both, tangent, [*x, *results[len(on) :]], moving) if any(on) else ())
        return outputs, [next(dots) if flag else _zero(y) for flag, y in zip(on, outputs, strict=True)]

    def batch(x: Sequence[Any], axes: Sequence[Any], *, program: Any) -> tuple[list[Any], list[int]]:
        moved, mapped, size = _in_front(x, axes)
        outputs = both.call.bind(*moved, program=meaning.batched(program, mapped, size))
        return outputs, [0] * len(outputs)

    both.call.def_impl(lambda *x, program: _run(both, program, x))
    both.call.def_abstract_eval(lambda *x, program: _results(program.output_types, x))
    ad.primitive_jvps[both.call] = forward
    batching.primitive_batchers[both.call] = batch
    _lower(both.call, meaning, lambda program: program)


def _apply(both: Pair, map_: LinearMap, residuals: Sequence[Any], v: Sequence[Any]) -> list[Any]:
    return both.linear.bind(*alike([*residuals, *v]), map=map_)


def _define_linear(both: Pair, meaning: Meaning) -> None:
    def forward(x: Sequence[Any], x_dot: Sequence[Any], *, map: LinearMap) -> tuple[list[Any], list[Any]]:
        count = map.residuals
        outputs = both.linear.bind(*x, map=map)
        total: list[Any] = [_zero(y) for y in outputs]
        if not all(_is_zero(tangent) for tangent in x_dot[count:]):
            v_dot = [ad.instantiate_zeros(tangent) for tangent in x_dot[count:]]
            total = _apply(both, map, x[:count], v_dot)
        active = tuple(not _is_zero(tangent) for tangent in x_dot[:count])
        if any(active):
            moving = [tangent for tangent in x_dot[:count] if not _is_zero(tangent)]
            change, on = map.derivative(active)
            dots = iter(_apply(both, change, x, moving) if any(on) else ())
            total = [ad.add_tangents(old, next(dots)) if flag else old for old, flag in zip(total, on, strict=True)]
        return outputs, total

    def batch(x: Sequence[Any], axes: Sequence[Any], *, map: LinearMap) -> tuple[list[Any], list[int]]:
        moved, mapped, size = _in_front(x, axes)
        outputs = both.linear.bind(*moved, map=map.batched(mapped, size))
        return outputs, [0] * len(outputs)

    def transpose(w_bar: Sequence[Any], *x: Any, map: LinearMap) -> list[Any]:
        count = map.residuals
        filled = [ad.instantiate_zeros(z) for z in w_bar]
        bars = _apply(both, map.transposed(), x[:count], filled)
        linear = [ad.is_undefined_primal(value) for value in x[count:]]
        return [None] * count + [bar if on else None for bar, on in zip(bars, linear, strict=True)]

    both.linear.def_impl(lambda *x, map: _run(both, map.program(), x))
    both.linear.def_abstract_eval(lambda *x, map: _results(map.output_types, x))
    ad.primitive_jvps[both.linear] = forward
    ad.primitive_transposes[both.linear] = transpose
    batching.primitive_batchers[both.linear] = batch
    _lower(both.linear, meaning, lambda map: map.program())


def _in_front(x: Sequence[Any], axes: Sequence[Any]) -> tuple[list[Any], tuple[bool, ...], int]:
    """Operands with their batch axis first, which of them have one, and its length."""
    mapped = tuple(axis is not None for axis in axes)
    moved = [
        jax.numpy.moveaxis(value, axis, 0) if on and axis != 0 else value
        for value, axis, on in zip(x, axes, mapped, strict=True)
    ]
    size = next(value.shape[0] for value, on in zip(moved, mapped, strict=True) if on)
    return moved, mapped, size
