"""Python functions as programs: a function of JAX and example arguments enter, a `Program` leaves.

Arguments may be arrays, structures of arrays that JAX knows, and `jax.ShapeDtypeStruct`s that stand for arrays; what
is no array (texts, functions, None) is part of the function. Arrays that the function closes over become inputs of
the program that its caller does not see.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from ._program import Program
from ._trees import abstract, flatten, is_array, type_of
from .lang import _jax, from_jax
from .lang.ir import Signature, as_array, leaves
from .lang.types import Type
from .semantics.results import assemble


def trace(fn: Callable[..., Any], *example_args: Any, **kw: Any) -> Program:
    """The program of a function that JAX can trace, for arguments of the types of the examples.

    Example arguments are arrays, structures of them, `jax.ShapeDtypeStruct`s, or anything hashable that is no array;
    `pf.spec` gives examples whose sizes stay open. The result takes the same arguments; `pf.grad` and the other
    transformations apply to it. 64-bit arguments are traced with 64-bit numbers whatever the configuration of JAX,
    and Python floats are 64 bits wide unless other floats say otherwise. Raises diagnostics E200 to E206 for what
    cannot be a program.

    >>> import jax.numpy as jnp, numpy as np
    >>> import pushforward as pf
    >>> program = pf.trace(lambda x: jnp.sum(jnp.sin(x) * x), np.ones(3))
    >>> round(program(np.array([0.0, 1.0, 2.0])), 6)
    2.660066
    >>> pf.grad(program)(np.array([0.0, 1.0, 2.0])).round(6)
    array([0.      , 1.381773, 0.077004])
    """
    if isinstance(fn, Program):
        return fn
    with jax.enable_x64(is_wide((example_args, kw))):
        return traced(fn, example_args, kw)


def is_wide(arguments: Any) -> bool:
    """Whether a function of these arguments is traced with 64-bit numbers."""
    if _jax.is_wide():
        return True
    leaves_ = [leaf for leaf in jax.tree_util.tree_leaves(arguments) if is_array(leaf)]
    floats = [leaf.dtype for leaf in leaves_ if hasattr(leaf, "dtype") and _jax.is_inexact(leaf)]
    if floats:
        return any(np.dtype(dtype).itemsize == 8 for dtype in floats)
    whole = [leaf.dtype for leaf in leaves_ if hasattr(leaf, "dtype") and not _jax.is_key(leaf)]
    return any(np.dtype(dtype).itemsize == 8 for dtype in whole) or any(type(leaf) is float for leaf in leaves_)


def traced(fn: Callable[..., Any], args: Sequence[Any], kw: Mapping[str, Any]) -> Program:
    """`trace` in the width that JAX has here."""
    names = _names(fn, len(args))
    types = [type_of(value) for value in args]
    named = {name: type_of(kw[name]) for name in sorted(kw)}
    inputs = (*zip(names, types, strict=True), *named.items())
    result: list[Type] = []

    def flat(*arrays: Any) -> list[Any]:
        parts = iter(arrays)
        values = [assemble(type_, parts) for type_ in types]
        given = {name: assemble(type_, parts) for name, type_ in named.items()}
        value = fn(*values, **given)
        result[:] = [type_of(value)]
        return [jax.numpy.asarray(part) for part in flatten(value, result[0])]

    slots = [as_array(leaf) for _, type_ in inputs for leaf in leaves(type_)]
    found = from_jax.trace(flat, abstract(slots), _name(fn))
    signature = Signature(tuple(inputs), result[0])
    return Program(replace(found.program, signature=signature), captured=found.captured, least=1)


def _name(fn: Callable[..., Any]) -> str:
    name = getattr(fn, "__name__", type(fn).__name__)
    return "function" if name == "<lambda>" else str(name)


def _names(fn: Callable[..., Any], count: int) -> list[str]:
    """Names of positional arguments: the function's own, or x0, x1, …"""
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in kinds][:count]
    return names + [f"x{place}" for place in range(len(names), count)]
