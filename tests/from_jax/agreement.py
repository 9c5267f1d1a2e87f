"""A traced function against JAX: values, tangents and cotangents, in the reference and compiled. JAX is the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from pushforward.ad.forward import forward
from pushforward.ad.reverse import reverse
from pushforward.codegen.xla.compile import compile_xla
from pushforward.lang.from_jax import trace_program
from pushforward.lang.ir import Program
from pushforward.semantics.reference import evaluate


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
    program = traced(function, *arrays)
    with jax.enable_x64(True):
        wanted = _flat(function(*map(jax.numpy.asarray, arrays)))
    _same(evaluate(program, arrays), wanted, rtol, atol)
    if compiled:
        _same(compile_xla(program)(arrays), wanted, rtol, atol)
    if derivatives:
        _derivatives(function, program, arrays, compiled, rtol, atol)
    return program


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


def _derivatives(
    function: Callable[..., Any], program: Program, arrays: list[np.ndarray], compiled: bool, rtol: float, atol: float
) -> None:
    active = [_is_float(x) for x in arrays]
    rng = np.random.default_rng(5)
    moving = [np.asarray(rng.normal(size=x.shape), x.dtype) for x, on in zip(arrays, active, strict=True) if on]
    of_floats, floats = _of_floats(function, arrays, active)
    with jax.enable_x64(True):
        results, tangents = jax.jvp(of_floats, floats, moving)
        bars = [np.asarray(rng.normal(size=y.shape), y.dtype) for y in results]
        cotangents = jax.vjp(of_floats, *floats)[1](bars)
    pushed, pulled = forward(program, active), reverse(program, active)
    runs = [evaluate, lambda one, x: compile_xla(one)(x)] if compiled else [evaluate]
    for run in runs:
        count = len(program.outputs)
        _same(run(pushed, [*arrays, *moving])[count:], _flat(list(tangents)), rtol, atol)
        _same(run(pulled, [*arrays, *bars])[-len(moving) :], _flat(list(cotangents)), rtol, atol)


def _of_floats(function: Callable[..., Any], arrays: list[np.ndarray], active: list[bool]) -> Any:
    """The function of its float operands alone, with its float results alone."""

    def inner(*values: Any) -> list[Any]:
        given = iter(values)
        operands = [next(given) if on else jax.numpy.asarray(x) for x, on in zip(arrays, active, strict=True)]
        result = function(*operands)
        results = result if isinstance(result, (tuple, list)) else [result]
        return [y for y in results if jax.numpy.issubdtype(y.dtype, np.inexact)]

    return inner, [x for x, on in zip(arrays, active, strict=True) if on]
