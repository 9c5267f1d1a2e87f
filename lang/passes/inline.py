"""Inline: calls become the steps of what they call.

Enters and leaves a first-order program with the same meaning. Programs with custom rules stay units, because
derivatives ask for the rules; once nothing is differentiated any more, `flatten` writes them out as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..builder import Builder
from ..ir import Call, Program, Step, bodies
from ..memo import memo
from .walk import rebuild


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

    def written_out(b: Builder, step: Step, operands: list[int]) -> Sequence[int] | None:
        if isinstance(step.op, Call) and not (keep_rules and step.op.program.rules):
            return b.inline(step.op.program, operands)
        return None

    return rebuild(program, inline_calls if keep_rules else flatten, written_out)


def _has_calls(program: Program) -> bool:
    return any(
        isinstance(step.op, Call) or any(_has_calls(body) for body in bodies(step.op)) for step in program.steps
    )
