"""Asks JAX for a jaxpr and says in our words what went wrong on the way: a function enters, a closed jaxpr leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _jax
from ..diagnostics import fail

# Effects that only concern how JAX orders or checks computations, not what they give.
_HARMLESS = ("NamedAxisEffect",)


def traced_by_jax(function: Callable[..., Sequence[Any]], types: Sequence[Any], name: str) -> Any:
    """The closed jaxpr of a function, without effects (E204) and without decisions on values (E205)."""
    try:
        closed = _jax.jaxpr_of(function, types)
    except _jax.DECISIONS as error:
        first = str(error).strip().splitlines()[0]
        hint = "use jax.numpy.where or jax.lax.cond for choices, fixed sizes, or declare the argument static"
        raise fail("E205", f"`{name}` needs a value that is not known while tracing: {first}", hint=hint) from error
    except _jax.OPEN as error:
        if not _jax.is_undecided(error):
            raise
        first = str(error).strip().splitlines()[0]
        hint = "trace with known sizes, or compute with the sizes instead of comparing them"
        raise fail("E205", f"`{name}` needs a size that is open: {first}", hint=hint) from error
    try:
        closed = _jax.without_references(closed)
    except NotImplementedError as error:
        hint = "keep mutable references outside of loops and conditions, or write the function without them"
        raise fail("E204", f"`{name}` uses a mutable reference where JAX cannot follow it", hint=hint) from error
    effects = [effect for effect in closed.effects if type(effect).__name__ not in _HARMLESS]
    if effects:
        kinds = ", ".join(sorted({type(effect).__name__ for effect in effects}))
        hint = "leave out callbacks, printing and mutable references, or keep them outside the traced function"
        raise fail("E204", f"`{name}` has effects ({kinds})", hint=hint)
    return closed
