"""The passes before lowering, as a list of values: a first-order program enters, one ready for XLA leaves."""

from __future__ import annotations

from ...lang.ir import Program
from ...lang.passes import FLATTEN, NORMALISE, SIMPLIFY, UNROLL, Pass, run
from .accumulators import accumulators
from .carries import split_carries
from .contract import contract
from .fission import fission
from .hoist import hoist
from .layout import reorder
from .stack import stack
from .vectorise import vectorise

PASSES: tuple[Pass, ...] = (
    FLATTEN,
    UNROLL,
    *NORMALISE,
    Pass("vectorise", "turn every Each into whole-array steps", vectorise),
    SIMPLIFY,
    Pass("carries", "carry the parts of what loops put together", split_carries),
    Pass("accumulators", "turn carries that only grow into sums", accumulators),
    Pass("fission", "divide loops by what depends on what", fission),
    Pass("hoist", "move work out of sequential loops", hoist),
    Pass("contract", "recognise sums of products and known places", contract),
    Pass("stack", "multiply few rows by a large matrix at once", stack),
    Pass("reorder", "hold the longest axis innermost", reorder),
    SIMPLIFY,
)


def optimise(program: Program) -> Program:
    """The program after all passes."""
    return run(PASSES, program)
