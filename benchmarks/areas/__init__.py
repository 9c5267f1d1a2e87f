"""The areas of the benchmark, each one file with a function `rows(context)`, listed here in running order."""

from __future__ import annotations

from collections.abc import Callable

from ..harness import Context, Row
from . import adbench, embed, frontend, speed, spine

AREAS: dict[str, Callable[[Context], list[Row]]] = {
    "spine": spine.rows,
    "embed": embed.rows,
    "adbench": adbench.rows,
    "frontend": frontend.rows,
    "speed": speed.rows,
}
