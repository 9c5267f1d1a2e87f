"""JAX in: a function that JAX can trace enters, a first-order program leaves.

`trace` asks JAX for the jaxpr of the function (`lang._jax`) and reads it equation by equation (`read`); what each
primitive means is in tables of rules, one file per family. Arrays that the function closes over become inputs in
front of its own, so that they are shared and can be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..ir import Program, as_array
from ..sizes import variables

SMALL = 64  # closed-over arrays of at most this many elements are literals of the program


@dataclass(frozen=True, slots=True)
class Traced:
    """A program whose first inputs are the arrays in `captured`, and the JAX types of the results."""

    program: Program
    captured: tuple[Any, ...]
    results: tuple[Any, ...]


def trace(function: Callable[..., Sequence[Any]], types: Sequence[Any], name: str) -> Traced:
    """Trace a function of arrays that gives a list of arrays.

    Raises diagnostics for what the language does not have: E200 an unknown primitive, E201 an unknown parameter, E202
    an unsupported use, E203 complex numbers, E204 effects, E205 a value that decides the trace, E206 another
    generator.
    """
    from .. import _jax
    from .diagnose import traced_by_jax
    from .read import read_jaxpr

    closed = traced_by_jax(function, types, name)
    literal = [_jax.is_concrete(value) and _jax.is_small(value, SMALL) for value in closed.consts]
    captured = tuple(value for value, flag in zip(closed.consts, literal, strict=True) if not flag)
    constants = [value if flag else None for value, flag in zip(closed.consts, literal, strict=True)]
    program = read_jaxpr(closed.jaxpr, constants, name)
    shapes = [as_array(type_).shape for type_ in program.inputs]
    named = dict.fromkeys(name for shape in shapes for size in shape for name in sorted(variables(size)))
    return Traced(replace(program, sizes=tuple(named)), captured, tuple(closed.out_avals))


def trace_program(function: Callable[..., Any], *arguments: Any) -> Program:
    """The program of a function of arrays whose result is an array or a flat list of arrays (for tests and tools)."""

    def flat(*x: Any) -> Sequence[Any]:
        result = function(*x)
        return list(result) if isinstance(result, (tuple, list)) else [result]

    return trace(flat, arguments, getattr(function, "__name__", "traced")).program
