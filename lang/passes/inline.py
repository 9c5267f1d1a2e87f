"""Inline: calls become the steps of what they call.

Enters and leaves a first-order program with the same meaning. Programs with custom rules stay units, because
derivatives ask for the rules; once nothing is differentiated any more, `flatten` writes them out as well.
"""

from __future__ import annotations

from dataclasses import replace

from ..builder import Builder
from ..ir import Call, Program, bodies, with_bodies
from ..memo import memo


@memo(maxsize=2048)
def inline_calls(program: Program) -> Program:
    """The program without calls of programs that have no rules, in bodies too."""
    return _inlined(program, keep_rules=True)


@memo(maxsize=2048)
def flatten(program: Program) -> Program:
    """The program without calls."""
    return _inlined(program, keep_rules=False)


def _inlined(program: Program, *, keep_rules: bool) -> Program:
    if not _has_calls(program):
        return program
    again = inline_calls if keep_rules else flatten
    b = Builder(program.name, program.inputs, program.sizes)
    slots = list(range(len(program.inputs)))
    for step in program.steps:
        b.origin = step.origin
        operands = [slots[slot] for slot in step.operands]
        inner = tuple(again(body) for body in bodies(step.op))
        if isinstance(step.op, Call) and not (keep_rules and step.op.program.rules):
            slots.extend(b.inline(inner[0], operands))
        else:
            slots.extend(b.replay(replace(step, op=with_bodies(step.op, inner)), operands))
    return b.build([slots[slot] for slot in program.outputs], program.signature, program.rules)


def _has_calls(program: Program) -> bool:
    return any(
        isinstance(step.op, Call) or any(_has_calls(body) for body in bodies(step.op)) for step in program.steps
    )
