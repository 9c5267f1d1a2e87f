"""Reads jaxprs: variables become slots, equations become steps by the rules of their primitives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from .. import _jax
from ..builder import Builder
from ..diagnostics import DiagnosticError, InternalError, fail, suggest
from ..ir import ArrayType, Program
from ..sizes import OpenSize
from . import foreign
from .rule import Equation, Rule


@cache
def table() -> Mapping[str, Rule]:
    """Every rule by the name of its primitive."""
    from . import contraction, control, elementwise, indexing, linalg, random, reductions, shapes, windows

    families = (control, elementwise, shapes, indexing, reductions, contraction, windows, linalg, random)
    found: dict[str, Rule] = {}
    for family in families:
        for name, rule in family.RULES.items():
            if name in found:
                raise InternalError(f"two rules for the primitive {name}")
            found[name] = rule
    return found


def read_jaxpr(jaxpr: Any, constants: Sequence[Any], name: str) -> Program:
    """The program of an open jaxpr; a constant that is None becomes an input in front of the others."""
    pairs = list(zip(jaxpr.constvars, constants, strict=True))
    front = [variable for variable, value in pairs if value is None]
    variables = [*front, *jaxpr.invars]
    builder = Builder(name, [_jax.slot_type(variable.aval) for variable in variables])
    slots: dict[Any, int] = {variable: slot for slot, variable in enumerate(variables)}
    return builder.build(_read_steps(builder, jaxpr, constants, slots))


def _read_steps(builder: Builder, jaxpr: Any, constants: Sequence[Any], slots: dict[Any, int]) -> list[int]:
    """The slots of the results, with the steps written behind those of the builder."""
    for variable, value in zip(jaxpr.constvars, constants, strict=True):
        if value is not None:
            slots[variable] = literal(builder, value, _jax.slot_type(variable.aval))
    for equation in jaxpr.eqns:
        _read_equation(builder, equation, slots)
    return [_slot(builder, atom, slots) for atom in jaxpr.outvars]


def _opened(closed: Any) -> tuple[Any, list[Any]]:
    """The open jaxpr in a closed one (or in an open one without constants), and its constants."""
    constants = list(getattr(closed, "consts", ()))
    if any(not _jax.is_concrete(value) for value in constants):
        raise InternalError("a body closes over a value of an outer trace")
    return getattr(closed, "jaxpr", closed), constants


def read_closed(closed: Any, name: str = "body") -> Program:
    """The program of a closed jaxpr whose constants become literals."""
    return read_jaxpr(*_opened(closed), name)


def read_onto(builder: Builder, closed: Any, operands: Sequence[int]) -> list[int]:
    """The results of a closed jaxpr on slots of an open program, whose rules see what is known about the operands."""
    inner, constants = _opened(closed)
    return _read_steps(builder, inner, constants, dict(zip(inner.invars, operands, strict=True)))


def literal(builder: Builder, value: Any, type_: ArrayType) -> int:
    """A constant; an array of one repeated number is broadcast."""
    array = np.asarray(_jax.unwrapped(value))
    shape = tuple(int(size) for size in array.shape)
    if array.size > 1 and array.dtype.kind in "fiub" and (array == array.flat[0]).all() and np.isfinite(array.flat[0]):
        if array.flat[0] != 0 or not np.signbit(array).any():
            return builder.full(array.flat[0].item(), ArrayType(type_.dtype, shape))
    return builder.constant(array if shape else array.item(), type_.dtype, shape)


def _slot(builder: Builder, atom: Any, slots: Mapping[Any, int]) -> int:
    if hasattr(atom, "val"):
        return literal(builder, atom.val, _jax.slot_type(atom.aval))
    return slots[atom]


def _read_equation(builder: Builder, equation: Any, slots: dict[Any, int]) -> None:
    name, span = equation.primitive.name, _jax.place(equation)
    builder.origin = span
    operands = tuple(_slot(builder, atom, slots) for atom in equation.invars)
    outputs = tuple(_jax.slot_type(variable.aval, span) for variable in equation.outvars)
    inputs = tuple(builder.array_type(slot) for slot in operands)
    params = {key: _jax.with_sizes(value, span) for key, value in equation.params.items()}
    read = Equation(name, params, inputs, outputs, span, read_closed, read_onto, equation)
    results = _written(builder, read, operands)
    found = (results,) if isinstance(results, int) else tuple(results)
    _check(builder, name, found, outputs)
    slots.update(zip(equation.outvars, found, strict=True))


def _written(builder: Builder, e: Equation, operands: tuple[int, ...]) -> int | Sequence[int]:
    """The results by the rule of the primitive, or by JAX where the caller wants that."""
    try:
        return _rule_of(e).write(builder, e, operands)
    except OpenSize as size:
        raise e.refuse(f"wants a known size, not {size}", "trace with arrays of the sizes you need") from size
    except DiagnosticError as error:
        keys = any(_jax.is_key(atom.aval) for atom in e.source.invars)
        if foreign.current() is None or keys or error.diagnostics[0].code not in foreign.REPLACED:
            raise
        return foreign.left_to_jax(builder, e, operands)


def _rule_of(e: Equation) -> Rule:
    rule = table().get(e.name)
    if rule is None:
        raise _unknown(e.name, e.span)
    strange = [key for key in e.params if key not in rule.reads and key not in rule.ignores] if rule.strict else []
    if strange:
        hint = "this version of JAX says something that this version of Pushforward does not know"
        raise fail("E201", f"`{e.name}` has the parameter `{strange[0]}`, which is not known", e.span, hint=hint)
    return rule


def _check(builder: Builder, name: str, found: Sequence[int], outputs: Sequence[ArrayType]) -> None:
    types = tuple(builder.array_type(slot) for slot in found)
    if types != tuple(outputs):
        wanted, actual = ", ".join(map(str, outputs)), ", ".join(map(str, types))
        raise InternalError(f"the rule of {name} gives {actual}, not {wanted}")


def _unknown(name: str, span: Any) -> Exception:
    hint = suggest(name, table()) or 'pf.jit(f, on_unsupported="jax") leaves such steps to JAX and says so'
    return fail("E200", f"the JAX primitive `{name}` has no meaning here", span, hint=hint)
