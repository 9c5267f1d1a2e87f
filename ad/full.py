"""Forward mode on the full stage: programs with functions, variants and general recursion.

Every float slot becomes a primal followed by its tangent; integers and booleans stay alone. A function value becomes
its own pushforward (T(a -> b) = Ta -> Tb) and a variant keeps its tag while its payload is pushed forward, so the
pass is the structure-preserving macro of Huot, Staton & Vákár (2022, LMCS 18(1:41), section 4). A recursive
definition `f` refers to its own pushforward under the name ``T f``, which `pushed_lookup` resolves on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..lang.builder import Builder
from ..lang.diagnostics import fail
from ..lang.ir import (
    Apply,
    ArrayType,
    Branch,
    Call,
    Close,
    Constant,
    DataType,
    Each,
    Fold,
    Function,
    FunType,
    Op,
    Program,
    SizeValue,
    SlotType,
    Step,
    Transform,
)
from ..lang.solution import is_solution
from .rules import definition_of, tangent

MARK = "T "
Lookup = Callable[[Function], Program]
Pair = tuple[int, ...]  # (slot,) or (primal, tangent)


def pushed_type(type_: SlotType) -> tuple[SlotType, ...]:
    """The slots of the tangent bundle of one slot."""
    match type_:
        case ArrayType():
            return (type_, type_) if type_.is_float else (type_,)
        case FunType(inputs, outputs):
            return (FunType(_pushed_types(inputs), _pushed_types(outputs)),)
        case DataType(data, order):
            return (DataType(data, order + 1),)


def _pushed_types(types: Sequence[SlotType]) -> tuple[SlotType, ...]:
    return tuple(inner for type_ in types for inner in pushed_type(type_))


def pushed_lookup(lookup: Lookup) -> Lookup:
    """Definitions extended by the pushforward ``T f`` of every definition `f` (and ``T T f``, …)."""

    def find(function: Function) -> Program:
        if function.name.startswith(MARK):
            return push_full(find(replace(function, name=function.name.removeprefix(MARK))))
        return lookup(function)

    return find


class PushedDefinitions:
    """A table of definitions (`resolve`, `data`, …) that knows their pushforwards too."""

    def __init__(self, definitions: Any) -> None:
        self._definitions = definitions
        self.resolve = pushed_lookup(definitions.resolve)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._definitions, name)


def forward_full(program: Program) -> Program:
    """``(x, x_dot) -> (y, y_dot)`` of a full-stage program whose inputs and outputs are arrays.

    The results of `PushedDefinitions` must stand in for its definitions.
    """
    floats = [isinstance(type_, ArrayType) and type_.is_float for type_ in program.inputs]
    count = len(program.inputs)
    b = Builder(program.name, [*program.inputs, *(t for t, on in zip(program.inputs, floats, strict=True) if on)],
                program.sizes)  # fmt: skip
    dots = iter(range(count, len(b.inputs)))
    operands = [slot for k, on in enumerate(floats) for slot in ((k, next(dots)) if on else (k,))]
    pairs = _grouped(program.output_types, b.inline(push_full(program), operands))
    return b.build([*(pair[0] for pair in pairs), *(pair[1] for pair in pairs if len(pair) == 2)])


def push_full(program: Program) -> Program:
    """The pushforward of a full-stage program, primal and tangent side by side in inputs and outputs."""
    b = Builder(program.name, _pushed_types(program.inputs), program.sizes)
    pairs: list[Pair] = []
    position = 0
    for type_ in program.inputs:
        width = len(pushed_type(type_))
        pairs.append(tuple(range(position, position + width)))
        position += width
    for step in program.steps:
        b.origin = step.origin
        pairs.extend(_push(b, step, [pairs[slot] for slot in step.operands]))
    return b.build([slot for output in program.outputs for slot in pairs[output]])


def _push(b: Builder, step: Step, operands: list[Pair]) -> list[Pair]:
    match step.op:
        case Apply():
            return _push_apply(b, step.op, step, operands)
        case Constant() | SizeValue():
            (slot,) = b.emit(step.op, (), step.types)
            type_ = b.array_type(slot)
            return [(slot, b.zeros(type_)) if type_.is_float else (slot,)]
        case Call(program) if is_solution(program):
            return _push_solution(b, program, operands)
        case Call(program):
            inlined = b.inline(push_full(program), [slot for pair in operands for slot in pair])
            return _grouped(step.types, inlined)
        case Transform(kind):
            raise fail(
                "E119",
                f"`{kind}` of a function that is only known at run time cannot be differentiated",
                step.origin,
                hint="apply it to a definition or to a function written in place",
            )
        case _:
            flat = [slot for pair in operands for slot in pair]
            types = _pushed_types(step.types)
            return _grouped(step.types, b.emit(_pushed_op(step.op, operands), flat, types))


def _push_solution(b: Builder, program: Program, operands: list[Pair]) -> list[Pair]:
    from .solutions import push_solution

    tangents = {pair[0]: pair[1] for pair in operands if len(pair) == 2 and not _is_zero(b, pair[1])}
    results = push_solution(b, program, [pair[0] for pair in operands], tangents)
    return [(slot, tangents[slot]) for slot in results]


def _grouped(types: Sequence[SlotType], slots: Sequence[int]) -> list[Pair]:
    pairs: list[Pair] = []
    position = 0
    for type_ in types:
        width = len(pushed_type(type_))
        pairs.append(tuple(slots[position : position + width]))
        position += width
    return pairs


def _pushed_op(op: Op, operands: Sequence[Pair]) -> Op:
    """The operation on pairs: bodies pushed forward, counts of operands widened."""
    match op:
        case Each():
            body = push_full(op.body)
            captures = _width(operands[: op.captures])
            return replace(op, captures=captures, body=body, combine=_doubled(op.body, op.combine))
        case Fold():
            captures, arrays = operands[: op.captures], operands[op.captures : op.captures + op.arrays]
            condition = None if op.condition is None else _first_outputs(push_full(op.condition), 1)
            return replace(
                op,
                captures=_width(captures),
                arrays=_width(arrays),
                body=push_full(op.body),
                combine=_doubled(op.body, op.combine),
                condition=condition,
            )
        case Branch(arms):
            return Branch(tuple(push_full(arm) for arm in arms))
        case Close(program):
            return Close(push_full(program))
        case Function(name=name):
            return replace(op, name=MARK + name)
        case _:
            return op


def _width(pairs: Sequence[Pair]) -> int:
    return sum(len(pair) for pair in pairs)


def _doubled(body: Program, combine: Sequence[str]) -> tuple[str, ...]:
    extras = body.output_types[len(body.outputs) - len(combine) :]
    return tuple(how for type_, how in zip(extras, combine, strict=True) for _ in pushed_type(type_))


def _first_outputs(program: Program, count: int) -> Program:
    b = Builder(program.name, program.inputs, program.sizes)
    return b.build(b.inline(program, range(len(program.inputs)))[:count])


def _push_apply(b: Builder, op: Apply, step: Step, operands: list[Pair]) -> list[Pair]:
    primals = [pair[0] for pair in operands]
    definition = definition_of(op, [b.array_type(slot) for slot in primals])
    if definition is not None:
        inlined = b.inline(push_full(definition), [slot for pair in operands for slot in pair])
        return _grouped(step.types, inlined)
    pairs: list[Pair] = []
    for result in b.replay(step, primals):
        if not b.array_type(result).is_float:
            pairs.append((result,))
            continue
        dots = [pair[1] if len(pair) == 2 and not _is_zero(b, pair[1]) else None for pair in operands]
        y_dot = tangent(b, op, primals, result, dots)
        pairs.append((result, b.zeros(b.array_type(result)) if y_dot is None else y_dot))
    return pairs


def _is_zero(b: Builder, tangent_slot: int) -> bool:
    """Whether a tangent is a zero of this pass, so that what it multiplies (log x in x^4.0) does not matter."""
    step = b.definition(tangent_slot)
    while step is not None and isinstance(step.op, Apply) and step.op.primitive == "broadcast":
        tangent_slot = step.operands[0]
        step = b.definition(tangent_slot)
    return b.scalar(tangent_slot) == 0.0
