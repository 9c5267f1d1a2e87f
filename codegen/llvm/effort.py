"""Which steps cost next to nothing in native code, and how much may be stored to spare work."""

from __future__ import annotations

from ...lang.ir import Apply, Constant, SizeValue, Step

FREE = frozenset("broadcast reshape transpose slice reverse iota convert".split())
CHEAP = FREE | frozenset("gather eq ne lt le gt ge logical_and logical_or logical_not where concat pad".split())
STORED = 1 << 16  # numbers


def is_work(step: Step) -> bool:
    """Whether sparing a step spares anything: literals, moves and comparisons do not count."""
    return not isinstance(step.op, Constant | SizeValue) and not (
        isinstance(step.op, Apply) and step.op.primitive in CHEAP
    )
