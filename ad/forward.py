"""Forward mode: program -> program that carries tangents beside primals.

Enters: a first-order program ``x -> y`` and which inputs are active. Leaves: ``(x, x_dot) -> (y, y_dot)``, where
inactive tangents are absent rather than zero. This is the structure-preserving macro of Huot, Staton & Vákár (2022,
LMCS 18(1:41)) on unary form: each step is followed by the steps that compute its tangent; bodies are pushed forward
as closed programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..lang.builder import Builder
from ..lang.ir import Apply, Branch, Call, Each, Fold, Program, SlotType, Step
from ..lang.memo import memo
from ..lang.solution import is_solution
from .activity import Flags, activity, fold_carry_activity, is_float
from .rules import definition_of, tangent


@dataclass(frozen=True, slots=True)
class Pushed:
    """``program``: inputs, then tangents of the active inputs -> outputs, then tangents of the active outputs."""

    program: Program
    active_outputs: Flags


@memo(maxsize=4096)
def push(program: Program, active: Flags, at_least: Flags | None = None) -> Pushed:
    """Push a body forward; `at_least` demands (possibly zero) tangents of further float outputs."""
    flags = activity(program, active)
    wanted = tuple(
        (flags[slot] or (at_least is not None and at_least[k])) and is_float(program.types[slot])
        for k, slot in enumerate(program.outputs)
    )
    on = [k for k, (flag, type_) in enumerate(zip(active, program.inputs, strict=True)) if flag and is_float(type_)]
    builder = Builder(program.name, [*program.inputs, *(program.inputs[k] for k in on)], program.sizes)
    tangents: dict[int, int] = {k: len(program.inputs) + position for position, k in enumerate(on)}
    outputs = push_onto(builder, program, range(len(program.inputs)), tangents)
    dots = [
        tangents[slot] if slot in tangents else builder.zeros(builder.array_type(slot))
        for slot, want in zip(outputs, wanted, strict=True)
        if want
    ]
    return Pushed(builder.build([*outputs, *dots]), wanted)


def forward(program: Program, active: Sequence[bool] | None = None) -> Program:
    """The pushforward ``(x, x_dot) -> (y, y_dot)`` with a tangent for every active float input and every float output.

    Args:
        program: a first-order program.
        active: a flag per input; by default every float input is active.

    Returns:
        A program whose inputs are those of `program`, then the tangents; outputs likewise.

    Source: Huot, Staton & Vákár 2022, section 2 (the macro), at order one.
    """
    flags = tuple(is_float(t) for t in program.inputs) if active is None else tuple(active)
    return push(program, flags, (True,) * len(program.outputs)).program


def push_onto(b: Builder, program: Program, operands: Sequence[int], tangents: dict[int, int]) -> list[int]:
    """Replay a program onto `operands`, extending `tangents` (slot -> tangent slot) as it goes."""
    slots = list(operands)
    for step in program.steps:
        b.origin = step.origin or b.origin
        inputs = [slots[slot] for slot in step.operands]
        slots.extend(_push_step(b, step, inputs, tangents))
    return [slots[slot] for slot in program.outputs]


def _push_step(b: Builder, step: Step, operands: list[int], tangents: dict[int, int]) -> Sequence[int]:
    if not any(slot in tangents for slot in operands):
        return b.replay(step, operands)
    match step.op:
        case Apply():
            return _push_apply(b, step.op, step, operands, tangents)
        case Each():
            return _push_each(b, step.op, operands, tangents)
        case Fold():
            return _push_fold(b, step.op, operands, tangents)
        case Branch():
            return _push_branch(b, step.op, operands, tangents)
        case Call(program):
            return _push_call(b, program, operands, tangents)
        case _:
            return b.replay(step, operands)


def _push_apply(b: Builder, op: Apply, step: Step, operands: list[int], tangents: dict[int, int]) -> Sequence[int]:
    definition = definition_of(op, [b.array_type(slot) for slot in operands])
    if definition is not None:
        return push_onto(b, definition, operands, tangents)
    results = b.replay(step, operands)
    for result in results:
        if result not in tangents:
            x_dot = tangent(b, op, operands, result, [tangents.get(slot) for slot in operands])
            if x_dot is not None:
                tangents[result] = x_dot
    return results


def _interleaved(groups: Sequence[tuple[int, Flags]], count: int) -> list[int]:
    """Positions in ``[inputs, tangents of active inputs]`` in the order group, tangents of the group, group, …"""
    order: list[int] = []
    start, dot = 0, count
    for size, flags in groups:
        order.extend(range(start, start + size))
        for flag in flags:
            if flag:
                order.append(dot)
                dot += 1
        start += size
    return order


def reorder_inputs(program: Program, order: Sequence[int]) -> Program:
    """The program with input number `order[k]` of the old one at place k."""
    builder = Builder(program.name, [program.inputs[k] for k in order], program.sizes)
    place = {old: new for new, old in enumerate(order)}
    return builder.build(builder.inline(program, [place[k] for k in range(len(program.inputs))]))


def reorder_outputs(program: Program, order: Sequence[int]) -> Program:
    """The program with output number `order[k]` of the old one at place k."""
    builder = Builder(program.name, program.inputs, program.sizes)
    outputs = builder.inline(program, range(len(program.inputs)))
    return builder.build([outputs[k] for k in order])


def _with_dots(slots: Sequence[int], tangents: dict[int, int]) -> list[int]:
    return [*slots, *(tangents[slot] for slot in slots if slot in tangents)]


def _record(results: Sequence[int], dots: Sequence[int], active: Flags, tangents: dict[int, int]) -> None:
    remaining = iter(dots)
    for slot, flag in zip(results, active, strict=True):
        if flag:
            tangents[slot] = next(remaining)


def _push_each(b: Builder, op: Each, operands: list[int], tangents: dict[int, int]) -> Sequence[int]:
    captures, arrays = operands[: op.captures], operands[op.captures :]
    on_captures = tuple(slot in tangents for slot in captures)
    on_arrays = tuple(slot in tangents for slot in arrays)
    pushed = push(op.body, (*on_captures, *on_arrays, False))
    groups = [(len(captures), on_captures), (len(arrays), on_arrays), (1, (False,))]
    body = reorder_inputs(pushed.program, _interleaved(groups, len(op.body.inputs)))
    combine = [*op.combine, *(how for how, on in zip(op.combine, pushed.active_outputs, strict=True) if on)]
    results = b.each(op.size, _with_dots(captures, tangents), _with_dots(arrays, tangents), body, combine)
    count = len(op.combine)
    _record(results[:count], results[count:], pushed.active_outputs, tangents)
    return results[:count]


def _push_fold(b: Builder, op: Fold, operands: list[int], tangents: dict[int, int]) -> Sequence[int]:
    captures = operands[: op.captures]
    arrays = operands[op.captures : op.captures + op.arrays]
    initial = operands[op.captures + op.arrays :]
    on_carry = fold_carry_activity(op, tuple(slot in tangents for slot in operands))
    on_captures = tuple(slot in tangents for slot in captures)
    on_arrays = tuple(slot in tangents for slot in arrays)
    demanded = (*on_carry, *(False for _ in op.combine))
    pushed = push(op.body, (*on_captures, *on_arrays, *on_carry, False), demanded)
    groups = [(len(captures), on_captures), (len(arrays), on_arrays), (len(initial), on_carry), (1, (False,))]
    body = reorder_inputs(pushed.program, _interleaved(groups, len(op.body.inputs)))
    carries, extras = len(initial), len(op.combine)
    dot_carries = sum(on_carry)
    dots = range(carries + extras, len(body.outputs))
    order = [*range(carries), *dots[:dot_carries], *range(carries, carries + extras), *dots[dot_carries:]]
    body = reorder_outputs(body, order)
    condition = op.condition
    if condition is not None:
        types = [*(body.inputs[: len(captures) + sum(on_captures)]), *body.inputs[-1 - carries - dot_carries : -1]]
        condition = _widened(condition, types, len(captures), len(captures) + sum(on_captures), carries)
    # A carry that only later rounds make active starts with the tangent zero; its slot itself stays inactive.
    dots_in = [
        tangents[slot] if slot in tangents else b.zeros(b.array_type(slot))
        for slot, on in zip(initial, on_carry, strict=True)
        if on
    ]
    start = [*initial, *dots_in]
    on_extras = pushed.active_outputs[carries:]
    combine = [*op.combine, *(how for how, on in zip(op.combine, on_extras, strict=True) if on)]
    results = b.fold(
        op.size, _with_dots(captures, tangents), _with_dots(arrays, tangents), start, body, combine,
        reverse=op.reverse, condition=condition,
    )  # fmt: skip
    after = carries + dot_carries
    _record(results[:carries], results[carries:after], on_carry, tangents)
    plain = results[after : after + extras]
    _record(plain, results[after + extras :], on_extras, tangents)
    return (*results[:carries], *plain)


def _widened(condition: Program, types: Sequence[SlotType], captures: int, gap: int, carries: int) -> Program:
    """A condition that receives tangents too and ignores them."""
    builder = Builder(condition.name, types, condition.sizes)
    return builder.build(builder.inline(condition, [*range(captures), *range(gap, gap + carries)]))


def _push_branch(b: Builder, op: Branch, operands: list[int], tangents: dict[int, int]) -> Sequence[int]:
    selector, captures = operands[0], operands[1:]
    on = tuple(slot in tangents for slot in captures)
    arms = [push(arm, on) for arm in op.arms]
    active = tuple(any(flags) for flags in zip(*(arm.active_outputs for arm in arms), strict=True))
    programs = [
        pushed.program if pushed.active_outputs == active else push(arm, on, active).program
        for arm, pushed in zip(op.arms, arms, strict=True)
    ]
    results = b.branch(selector, _with_dots(captures, tangents), programs)
    count = len(active)
    for slot, x_dot in zip(
        [slot for slot, flag in zip(results[:count], active, strict=True) if flag], results[count:], strict=True
    ):
        tangents[slot] = x_dot
    return results[:count]


def _push_call(b: Builder, program: Program, operands: list[int], tangents: dict[int, int]) -> Sequence[int]:
    if not program.rules:
        return push_onto(b, program, operands, tangents)
    if is_solution(program):
        from .solutions import push_solution

        return push_solution(b, program, operands, tangents)
    from .custom import tangent_rule

    rule = tangent_rule(program)
    results = b.call(program, operands)
    dots = [
        tangents[slot] if slot in tangents else b.zeros(b.array_type(slot))
        for slot in operands
        if is_float(b.types[slot])
    ]
    outputs = b.call(rule, [*operands, *dots]) if rule.rules else b.inline(rule, [*operands, *dots])
    floats = tuple(is_float(type_) for type_ in program.output_types)
    _record(results, outputs, floats, tangents)
    return results
