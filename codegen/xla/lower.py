"""Lowering: a first-order program with known sizes enters, a Python function over JAX arrays leaves.

The function writes the program's steps as array operations when JAX traces it: loops become ``scan`` and
``while_loop``, choices become ``cond`` and ``switch``. It works under any JAX transformation that does not
differentiate; derivatives are taken before, program to program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

import jax.numpy as jnp
from jax import Array, lax

from ...lang._jax import alike
from ...lang.constants import constant_value
from ...lang.diagnostics import InternalError
from ...lang.ir import UNBOUNDED, Apply, ArrayType, Branch, Call, Constant, Each, Fold, Program, SizeValue, Step
from ...lang.sizes import Size
from ..refusals import not_first_order, require_known_sizes
from .table import LOWERINGS, jax_dtype

Lowered = Callable[..., tuple[Array, ...]]


def lower(program: Program) -> Lowered:
    """The program as a function from JAX arrays to a tuple of JAX arrays.

    Raises a diagnostic when a size is still a variable (E140) or a step is not first-order (E141).
    """
    require_known_sizes(program)

    def run(*operands: Array) -> tuple[Array, ...]:
        return _run(program, operands)

    run.__name__ = run.__qualname__ = program.name or "program"
    return run


def _run(program: Program, operands: Sequence[Array]) -> tuple[Array, ...]:
    slots = list(operands)
    for step in program.steps:
        slots.extend(_step(step, [slots[slot] for slot in step.operands], _hints(program, step)))
    return tuple(slots[slot] for slot in program.outputs)


def _hints(program: Program, step: Step) -> Mapping[str, object]:
    """What the lowering of a step is told about the program around it, beside its parameters."""
    match step.op:
        case Apply("svd_values"):
            return {"full": _decomposed(program).get(step.operands[0])}
        case _:
            return {}


@lru_cache(maxsize=4096)
def _decomposed(program: Program) -> dict[int, object]:
    """Slots whose singular vectors are taken, in full or not: their singular values come from the same call."""
    return {
        step.operands[0]: step.op["full"]
        for step in program.steps
        if isinstance(step.op, Apply) and step.op.primitive in ("svd_left", "svd_right")
    }


def _step(step: Step, operands: list[Array], hints: Mapping[str, object]) -> Sequence[Array]:
    match step.op:
        case Constant() as op:
            return (_constant(op, step),)
        case SizeValue(size):
            return (jnp.asarray(_known(size), jax_dtype("i64")),)
        case Apply(primitive, params):
            lowering = LOWERINGS.get(primitive)
            if lowering is None:
                raise InternalError(f"no XLA lowering for primitive {primitive}")
            return (lowering(operands, {**dict(params), **hints}),)
        case Each() as op:
            return _each(op, operands)
        case Fold(condition=None) as op:
            return _fold(op, operands)
        case Fold() as op:
            return _while(op, operands)
        case Branch() as op:
            return _branch(op, operands)
        case Call(program):
            return _run(program, operands)
        case _:
            raise not_first_order(step)


def _constant(op: Constant, step: Step) -> Array:
    (type_,) = step.types
    assert isinstance(type_, ArrayType)
    return jnp.asarray(constant_value(op, type_), jax_dtype(type_.dtype))


def _known(size: Size) -> int:
    if not isinstance(size, int):
        raise InternalError(f"size {size} is not known at lowering")
    return size


def _like(operands: Sequence[Array], values: Sequence[Array]) -> tuple[Array, ...]:
    """Inside `shard_map`, values that vary over the devices as operands do: loops and branches want one type."""
    return tuple(alike([*values, *operands])[: len(values)])


# --- loops -----------------------------------------------------------------------------------------------------------


def _zeros(op: Each | Fold, extras: int) -> tuple[Array, ...]:
    """Where results combined by "sum" start."""
    types = op.body.output_types[-extras:] if extras else ()
    summed = [type_ for type_, how in zip(types, op.combine, strict=True) if how == "sum"]
    return tuple(jnp.zeros(t.shape, jax_dtype(t.dtype)) for t in summed if isinstance(t, ArrayType))


def _each(op: Each, operands: list[Array]) -> list[Array]:
    """What vectorisation left: one element after another, in constant memory per element."""
    sequential = Fold(op.size, op.captures, len(operands) - op.captures, op.body, op.combine)
    return _fold(sequential, operands)


def _fold(op: Fold, operands: list[Array]) -> list[Array]:
    split = op.captures + op.arrays
    captures, arrays, initial = operands[: op.captures], operands[op.captures : split], operands[split:]
    carries = len(initial)
    index = lax.iota(jax_dtype("i64"), _known(op.size))

    def round_(state: tuple, element: tuple) -> tuple[tuple, tuple]:
        carry, sums = state
        results = _run(op.body, (*captures, *element[:-1], *carry, element[-1]))
        extras = list(zip(results[carries:], op.combine, strict=True))
        added = [value for value, how in extras if how == "sum"]
        stacked = tuple(value for value, how in extras if how == "stack")
        totals = [old + new for old, new in zip(sums, added, strict=True)]
        return (_like(operands, results[:carries]), tuple(totals)), stacked

    start = (_like(operands, initial), _like(operands, _zeros(op, len(op.combine))))
    (carry, sums), stacked = lax.scan(round_, start, (*arrays, index), length=_known(op.size), reverse=op.reverse)
    left_sums, left_stacks = iter(sums), iter(stacked)
    extras = [next(left_sums) if how == "sum" else next(left_stacks) for how in op.combine]
    return [*carry, *extras]


def _while(op: Fold, operands: list[Array]) -> list[Array]:
    captures, initial = operands[: op.captures], operands[op.captures :]
    assert op.condition is not None
    condition, limit = op.condition, _known(op.size)

    if limit == UNBOUNDED:  # such loops do not count their rounds, and their bodies read no count
        zero = jnp.zeros((), jax_dtype("i64"))
        return list(
            lax.while_loop(
                lambda carry: _run(condition, (*captures, *carry))[0],
                lambda carry: _like(operands, _run(op.body, (*captures, *carry, zero))),
                _like(operands, initial),
            )
        )

    def going(state: tuple) -> Array:
        index, carry = state
        return (index < limit) & _run(condition, (*captures, *carry))[0]

    def round_(state: tuple) -> tuple:
        index, carry = state
        number = limit - 1 - index if op.reverse else index
        return index + 1, _like(operands, _run(op.body, (*captures, *carry, number)))

    return list(lax.while_loop(going, round_, (jnp.zeros((), jax_dtype("i64")), _like(operands, initial)))[1])


def _branch(op: Branch, operands: list[Array]) -> Sequence[Array]:
    selector, captures = operands[0], operands[1:]
    arms = [partial(_arm, arm) for arm in op.arms]
    if selector.dtype == jnp.bool_:
        return lax.cond(selector, arms[1], arms[0], *captures)
    return lax.switch(selector, arms, *captures)


def _arm(program: Program, *operands: Array) -> tuple[Array, ...]:
    return _like(operands, _run(program, operands))
