"""Where a machine gives up: work enters, its result leaves, or a diagnostic when memory or Python's stack runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from .lang.diagnostics import fail
from .lang.source import Span

P = ParamSpec("P")
R = TypeVar("R")


def within_limits(span: Span | None, run: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """The result of a call; E152 when an array does not fit, E153 when a program nests too deep. `span` is its text.

    >>> within_limits(None, sorted, [2, 1])
    [1, 2]
    """
    try:
        return run(*args, **named)
    except RecursionError as error:
        hint = "name parts of it as definitions of their own, or use a loop"
        raise fail("E153", "this program nests too deep to be processed", span, hint=hint) from error
    except (MemoryError, RuntimeError, ValueError) as error:  # JAX and NumPy tell by their words alone
        words = (str(error).splitlines() or [""])[0]
        if "maximum supported dimension" in words:
            hint = "keep several axes as one, or use tuples"
            raise fail("E152", "an array has too many axes", span, actual=words, hint=hint) from error
        if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in words:
            raise
        hint = "use smaller sizes, or a loop"
        raise fail("E152", "an array does not fit in memory", span, actual=words, hint=hint) from error
