"""A tridiagonal Jacobian by as many directions as it has columns, and compressed, each against JAX doing the same.

The two rows belong together: the quotient of our two times is what compression gains.
"""

from __future__ import annotations

from ..harness import Context, Row
from .speed import Race, race_rows
from .workloads import AREA, LEAST

TITLES = {"diffusion": "dense", "diffusion_seeds": "compressed"}


def rows(context: Context) -> list[Row]:
    """Per way a ratio and a compile time."""
    size, suffix = ("n=60", "_quick") if context.quick else ("n=1000", "")
    return [
        row
        for problem, way in TITLES.items()
        for row in race_rows(Race(f"{problem}{suffix}", f"non-linear diffusion, {way} Jacobian, {size}", LEAST),
                             context, area=AREA)
    ]  # fmt: skip
