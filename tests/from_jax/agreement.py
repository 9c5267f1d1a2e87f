"""A traced function against JAX: values, tangents and cotangents, in the reference and compiled. JAX is the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.codegen.xla.compile import compile_xla
from pushforward.lang.constants import numpy_dtype
from pushforward.lang.from_jax import trace_program
from pushforward.lang.ir import ArrayType, Program
from pushforward.semantics.reference import evaluate

CHEAP = {"xla_backend_optimization_level": 0}
"""What JAX says is computed once, so compiling it well does not pay."""


def traced(function: Callable[..., Any], *arguments: Any) -> Program:
    """The program of a function under 64-bit numbers."""
    with jax.enable_x64(True):
        return trace_program(function, *arguments)


def agree(
    function: Callable[..., Any],
    *arguments: Any,
    derivatives: bool = True,
    compiled: bool = False,
    rtol: float = 1e-12,
    atol: float = 1e-12,
) -> Program:
    """Compare with JAX; derivatives are those of all float operands in all float results at once."""
    arrays = [np.asarray(x) for x in arguments]
    active = [derivatives and _is_float(x) for x in arrays]
    program = traced(function, *arrays)
    rng = np.random.default_rng(5)
    moving = [np.asarray(rng.normal(size=x.shape), x.dtype) for x, on in zip(arrays, active, strict=True) if on]
    bars = [
        np.asarray(rng.normal(size=[size for size in type_.shape if isinstance(size, int)]), numpy_dtype(type_.dtype))
        for type_ in program.output_types
        if isinstance(type_, ArrayType) and type_.is_float and moving
    ]
    with jax.enable_x64(True):
        oracle = jax.jit(_oracle(function, active), compiler_options=CHEAP)
        values, tangents, cotangents = oracle(arrays, moving, bars)
    runs = [evaluate, lambda one, x: compile_xla(one)(x)] if compiled else [evaluate]
    for run in runs:
        _same(run(program, arrays), _flat(values), rtol, atol)
        if moving:
            pushed, pulled = forward(program, active), reverse(program, active)
            _same(run(pushed, [*arrays, *moving])[len(program.outputs) :], _flat(tangents), rtol, atol)
            _same(run(pulled, [*arrays, *bars])[-len(moving) :], _flat(cotangents), rtol, atol)
    return program


def _oracle(function: Callable[..., Any], active: list[bool]) -> Callable[..., Any]:
    """Values, tangents and cotangents of float operands and float results, by JAX."""

    def run(arrays: list[Any], moving: list[Any], bars: list[Any]) -> tuple[Any, Any, Any]:
        def inner(*values: Any) -> list[Any]:
            given = iter(values)
            result = function(*(next(given) if on else x for x, on in zip(arrays, active, strict=True)))
            results = result if isinstance(result, (tuple, list)) else [result]
            return [y for y in results if jax.numpy.issubdtype(y.dtype, np.inexact)]

        values = function(*arrays)
        if not moving:
            return values, [], []
        floats = [x for x, on in zip(arrays, active, strict=True) if on]
        tangents = jax.jvp(inner, floats, moving)[1]
        return values, tangents, list(jax.vjp(inner, *floats)[1](bars))

    return run


def _flat(result: Any) -> list[np.ndarray]:
    return [np.asarray(y) for y in (result if isinstance(result, (tuple, list)) else [result])]


def _is_float(x: np.ndarray) -> bool:
    return bool(jax.numpy.issubdtype(x.dtype, np.inexact))


def _same(found: Any, wanted: list[np.ndarray], rtol: float, atol: float) -> None:
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert np.asarray(ours).dtype == theirs.dtype and np.shape(ours) == theirs.shape
        left, right = (np.asarray(x).astype(float) if _is_float(theirs) else np.asarray(x) for x in (ours, theirs))
        np.testing.assert_allclose(left, right, rtol=rtol, atol=atol)
