"""One order of steps for programs that differ in order and names only.

A program enters; the same steps leave in the order in which a walk from the outputs meets them, without names or spans.
"""

from __future__ import annotations

from ...lang.ir import Op, Program, Step, bodies, with_bodies


def canonical(program: Program) -> Program:
    """The program in canonical order: equal results mean that two programs are equal up to names and order."""
    makers = {first + k: (first, step) for first, step in program.numbered() for k in range(len(step.types))}
    place = {slot: slot for slot in range(len(program.inputs))}
    steps: list[Step] = []
    next_slot = len(program.inputs)
    todo = list(reversed(program.outputs))
    while todo:
        slot = todo[-1]
        if slot in place:
            todo.pop()
            continue
        first, step = makers[slot]
        missing = [operand for operand in step.operands if operand not in place]
        if missing:
            todo.extend(reversed(missing))
            continue
        steps.append(Step(_op(step.op), tuple(place[operand] for operand in step.operands), step.types))
        place.update({first + k: next_slot + k for k in range(len(step.types))})
        next_slot += len(step.types)
    outputs = tuple(place[slot] for slot in program.outputs)
    return Program("", program.sizes, program.inputs, tuple(steps), outputs, program.rules)


def _op(op: Op) -> Op:
    return with_bodies(op, tuple(canonical(body) for body in bodies(op)))
