"""Which steps cost next to nothing once XLA fuses them, and how much memory arrays take.

The numbers steer choices of the other passes here; none of them changes what a program means.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...lang.ir import Apply, ArrayType, Constant, Program, SizeValue, SlotType, Step

# Elements that a pass may newly store in order to save work (128 MiB of f64).
MEMORY = 1 << 24

MOVES = frozenset("broadcast reshape transpose slice pad reverse concat iota convert where triangle".split())
CHEAP = MOVES | frozenset(
    "add sub mul neg abs sign floor ceil round minimum maximum clip relu eq ne lt le gt ge logical_and logical_or "
    "logical_not is_finite div integer_pow bit_and bit_or bit_xor bit_not shift_left shift_right_logical "
    "shift_right_arithmetic truncdiv rem round_away bitcast".split()
)


def elements(types: Iterable[SlotType]) -> int:
    """How many numbers slots of these types hold; types with sizes still unknown count as too many."""
    total = 0
    for type_ in types:
        count = type_.elements if isinstance(type_, ArrayType) else MEMORY
        total += count if isinstance(count, int) else MEMORY
    return total


def is_cheap_step(step: Step) -> bool:
    """Literals, data movement and plain arithmetic."""
    match step.op:
        case Constant() | SizeValue():
            return True
        case Apply(primitive):
            return primitive in CHEAP
        case _:
            return False


def is_cheap(program: Program) -> bool:
    """Scalar plain arithmetic only: cheaper to run needlessly than to branch around."""
    return all(is_cheap_step(step) and elements(step.types) <= 16 for step in program.steps)
