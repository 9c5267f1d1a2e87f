"""Reading jaxprs: a function of JAX enters; its jaxpr, and types, names and places in it, leave in our words."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax._src import source_info_util as _source_info
from jax._src.state.discharge import discharge_state

from ..diagnostics import fail
from ..ir import ArrayType
from ..source import Source, Span
from .sizes import size_of

_NAMES = {"float64": "f64", "float32": "f32", "float16": "f16", "int64": "i64"}
# What JAX raises when Python wants the value of a traced array.
DECISIONS = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
# Whether tangents of `cholesky` are read like its operand, one triangle, or whole: JAX 0.12 does the former.
READS_ONE_TRIANGLE = jax.__version_info__ >= (0, 12)
KEY_WORDS = 2  # a key of the default generator is two 32-bit words


def jaxpr_of(function: Callable[..., Sequence[Any]], types: Sequence[Any]) -> Any:
    """The closed jaxpr of a function of arrays with these types; its constants are the arrays it closes over."""
    return jax.make_jaxpr(function)(*types)


def slot_type(aval: Any, span: Span | None = None) -> ArrayType:
    """The type of a slot for a JAX type; keys are arrays of 32-bit words with one more axis.

    Complex numbers (E203), keys of other generators (E206) and sizes that are not known are refused.
    """
    dtype, shape = aval.dtype, tuple(size_of(size, span) for size in aval.shape)
    if is_key(aval):
        name = str(getattr(getattr(dtype, "_impl", None), "name", dtype))
        if name != "threefry2x32":
            hint = 'use jax.random.key(0, impl="threefry2x32")'
            raise fail("E206", f"keys of the generator `{name}`", span, hint=hint)
        if not jax.config.jax_threefry_partitionable:  # type: ignore[attr-defined]
            hint = "leave jax_threefry_partitionable at its default, True"
            raise fail("E206", "keys that count in the old order", span, hint=hint)
        return ArrayType("uint32", (*shape, KEY_WORDS))
    name = str(dtype)
    if name.startswith("complex"):
        raise fail("E203", f"an array of {name}", span, hint="compute with real and imaginary parts")
    if dtype == jax.dtypes.float0:  # the tangent of an integer, which nothing reads
        return ArrayType("bool", shape)
    return ArrayType(_NAMES.get(name, name), shape)


def is_key(aval: Any) -> bool:
    """Whether a JAX type is an array of random keys."""
    return jnp.issubdtype(aval.dtype, jax.dtypes.prng_key)


def is_inexact(aval: Any) -> bool:
    """Whether arrays of a JAX type have tangents."""
    return not is_key(aval) and bool(jnp.issubdtype(aval.dtype, np.inexact))


def is_concrete(value: Any) -> bool:
    """Whether a value is an array, not something that stands for one during a trace."""
    return not isinstance(value, jax.core.Tracer)


def is_wide() -> bool:
    """Whether JAX computes with 64-bit numbers here."""
    return bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]


def width(wide: bool) -> Any:
    """A context in which JAX computes with 64-bit numbers or does not."""
    return jax.enable_x64(wide)


def function_name(closed: Any) -> str:
    """The name of the Python function behind a closed jaxpr."""
    return str(getattr(closed, "jaxpr", closed).debug_info.func_name)


def scan_counts(params: Mapping[str, Any]) -> tuple[int, int]:
    """How many operands of a scan are shared and how many are carried; JAX 0.12 keeps them as a structure."""
    if "num_consts" in params:
        return int(params["num_consts"]), int(params["num_carry"])
    consts, carry, _ = params["ft_in"].unpack()
    return len(consts), len(carry)


def is_small(value: Any, elements: int) -> bool:
    """Whether an array has at most so many elements."""
    return int(np.prod(np.shape(value), dtype=np.int64)) <= elements


def unwrapped(value: Any) -> Any:
    """An array as slots hold it: keys become their words."""
    return jax.random.key_data(value) if hasattr(value, "dtype") and is_key(jax.typeof(value)) else value


@lru_cache(maxsize=512)
def _source(path: str) -> Source:
    return Source(path, "".join(linecache.getlines(path)))


@lru_cache(maxsize=8192)
def _line_span(path: str, line: int, function: str) -> Span | None:
    source = _source(path)
    lines = source.text.splitlines(keepends=True)
    if not 1 <= line <= len(lines):
        shown = Source(f"{path}:{line}", f"in {function}")
        return Span(shown, 0, len(shown.text))
    start = sum(map(len, lines[: line - 1]))
    text = lines[line - 1]
    return Span(source, start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def place(equation: Any) -> Span | None:
    """The user's Python line that an equation comes from."""
    frame = _source_info.user_frame(equation.source_info.traceback)
    return None if frame is None else _line_span(frame.file_name, frame.start_line, frame.function_name)


def definition(equation: Any) -> Any | None:
    """The closed jaxpr that defines a primitive of JAX's array functions made of others; None for those of users."""
    primitive = equation.params["_prim"]
    if not type(primitive).__module__.startswith("jax._src.numpy."):
        return None

    def written(*x: Any) -> list[Any]:
        return jax.tree_util.tree_leaves(primitive.expand(*jax.tree_util.tree_unflatten(primitive.in_tree, x)))

    return jax.make_jaxpr(written)(*(atom.aval for atom in equation.invars))


def implementation(equation: Any) -> Any:
    """The closed jaxpr of what an equation computes, for primitives whose implementation is a function of JAX."""
    written = partial(equation.primitive.impl, **equation.params)
    return jax.make_jaxpr(written)(*(atom.aval for atom in equation.invars))


def without_references(closed: Any) -> Any:
    """A closed jaxpr in which mutable arrays that it makes itself are values, handed on from use to use.

    Raises `NotImplementedError` where JAX does not know how to.
    """
    inside = any(type(effect).__name__ == "InternalMutableArrayEffect" for effect in closed.effects)
    return discharge_state(closed, lower=False) if inside else closed
