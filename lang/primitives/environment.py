"""Rows about where a program runs: the same number in every run on one kind of device."""

from __future__ import annotations

from . import costs, type_rules
from .row import Discrete, Primitive


def platform_number(platforms: tuple[tuple[str, ...], ...], platform: str) -> int:
    """The position of the first group that names the platform, or of the one that names none.

    >>> platform_number((("cuda", "rocm"), ("cpu",), ()), "cpu")
    1
    """
    named = [k for k, group in enumerate(platforms) if platform in group]
    other = [k for k, group in enumerate(platforms) if not group]
    return (named or other or [0])[0]


ROWS: tuple[Primitive, ...] = (
    Primitive(
        name="platform_index",
        type="() -> i64",
        derivative=Discrete("a number of the platform, not of an input"),
        doc="Which of several groups of platforms the program runs on; an empty group stands for all others.",
        flops=costs.free,
        params=("platforms",),
        elementwise=False,
        type_rule=type_rules.whole_number,
    ),
)
