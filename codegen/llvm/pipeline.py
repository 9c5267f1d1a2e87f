"""The passes before lowering, as a list of values: a first-order program enters, one ready for native code leaves."""

from __future__ import annotations

from ...lang.ir import Program
from ...lang.passes import FLATTEN, NORMALISE, SIMPLIFY, UNROLL, Pass, run
from .divide import divide
from .expand import expand
from .fuse import fuse
from .parts import in_parts
from .triangles import triangles

PASSES: tuple[Pass, ...] = (
    FLATTEN,
    UNROLL,
    *NORMALISE,
    Pass("expand", "write out what primitives without a native form mean", expand),
    SIMPLIFY,
    Pass("divide", "take the work that rounds share out of loops", divide),
    SIMPLIFY,
    Pass("fuse", "make loops one where the second reads the first round by round", fuse),
    SIMPLIFY,
    Pass("triangles", "say where matrices are zero on one side of the diagonal, or not read there", triangles),
    Pass("parts", "cut long straight programs into functions", in_parts),
)


def optimise(program: Program) -> Program:
    """The program after all passes."""
    return run(PASSES, program)
