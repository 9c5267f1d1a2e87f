"""The one place that empties every cache between a rule and its use, so that a fault takes effect at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

PACKAGES = tuple(f"pushforward.{name}." for name in ("lang", "ad", "codegen", "semantics"))
# Texts and tables of the parser and the checker do not depend on rules, and are slow to make again.
KEPT = tuple(f"pushforward.lang.{name}" for name in ("surface", "check", "module", "primitives.type_rules"))

_found: list[Callable[[], None]] = []
_modules = 0


def clear() -> None:
    """Empty the memos of passes and evaluators (`lang.memo`, `functools` caches, programs at known sizes).

    From then on nothing is kept on disk either.
    """
    os.environ["PUSHFORWARD_CACHE"] = "off"
    global _modules
    if len(sys.modules) != _modules:
        _modules = len(sys.modules)
        _found[:] = list(_caches())
    for empty in _found:
        empty()


def _caches() -> Iterator[Callable[[], None]]:
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGES) and not name.startswith(KEPT):
            for value in list(vars(module).values()):
                yield from _of(value)
            remembered = vars(module).get("_AT_SIZES")
            if remembered is not None:
                yield remembered.clear


def _of(value: Any) -> Iterator[Callable[[], None]]:
    if hasattr(value, "cache_clear"):
        yield value.cache_clear
    # `lang.memo` keeps its cache in a closure.
    for cell in getattr(value, "__closure__", None) or ():
        inner = cell.cell_contents
        if hasattr(inner, "cache_clear"):
            yield inner.cache_clear
