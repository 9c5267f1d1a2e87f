"""The walk that passes share: a program written anew step by step, its bodies first.

A first-order program enters; one leaves in which a rule has put other steps in place of those it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..builder import Builder
from ..ir import Program, Step, bodies, with_bodies

Rule = Callable[[Builder, Step, list[int]], Sequence[int] | None]
"""What stands in place of a step: the slots of its results, or None to keep it.

A rule gets the builder of the new program, the step with its bodies already done, and the new slots of its operands.
"""


def rebuild(program: Program, inside: Callable[[Program], Program], rule: Rule) -> Program:
    """The program after a rule on each of its steps; `inside` does the bodies, and is mostly the pass itself."""
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    for step in program.steps:
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        if inner := bodies(step.op):
            step = replace(step, op=with_bodies(step.op, tuple(map(inside, inner))))
        found = rule(b, step, operands)
        slots.extend(b.replay(step, operands) if found is None else found)
    return b.build([slots[slot] for slot in program.outputs], program.signature, program.rules)
