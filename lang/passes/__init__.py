"""Passes are values and pipelines are lists.

A pass takes a first-order program to a first-order program with the same meaning (or, in `ad`, to a derivative
program).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..collector import collector_held
from ..ir import Program
from .inline import flatten, inline_calls
from .lift import lift
from .simplify import simplify
from .unroll import unroll


@dataclass(frozen=True, slots=True)
class Pass:
    """A named program transformation with one sentence for ``pf show``."""

    name: str
    description: str
    function: Callable[[Program], Program]


INLINE = Pass("inline", "write out calls of programs without rules of their own", inline_calls)
FLATTEN = Pass("flatten", "write out all calls", flatten)
SIMPLIFY = Pass("simplify", "share equal steps, drop what nobody reads, tidy operands of bodies", simplify)
LIFT = Pass("lift", "hoist loop-invariant steps and read arrays by element", lift)
UNROLL = Pass("unroll", "turn loops of at most four known rounds into straight steps", unroll)

NORMALISE: tuple[Pass, ...] = (INLINE, SIMPLIFY, LIFT, SIMPLIFY)
"""What every first-order program goes through before and after differentiation."""


def run(passes: tuple[Pass, ...], program: Program) -> Program:
    """Apply passes from first to last."""
    with collector_held():
        for one in passes:
            program = one.function(program)
    return program


def normalise(program: Program) -> Program:
    """Apply `NORMALISE`."""
    return run(NORMALISE, program)
