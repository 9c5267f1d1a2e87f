"""The passes before lowering, as a list of values: a first-order program enters, one ready for XLA leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...lang.ir import Program
from .contract import contract
from .hoist import hoist
from .vectorise import vectorise


@dataclass(frozen=True, slots=True)
class Pass:
    """A named program-to-program function."""

    name: str
    description: str
    function: Callable[[Program], Program]


PASSES: tuple[Pass, ...] = (
    Pass("vectorise", "turn every Each into whole-array steps", vectorise),
    Pass("hoist", "move work out of sequential loops", hoist),
    Pass("contract", "recognise sums of products and known places", contract),
)


def optimise(program: Program) -> Program:
    """The program after all passes."""
    for step in PASSES:
        program = step.function(program)
    return program
