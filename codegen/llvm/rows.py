"""Which primitives have a native form: those on numbers, and those on whole arrays, from all tables."""

from __future__ import annotations

from collections.abc import Mapping

from . import scalars
from .matrices import MATRICES
from .moves import MOVES
from .ordering import ORDERING
from .places import PLACES
from .reductions import REDUCTIONS
from .site import WriteArray
from .sliding import SLIDING

ARRAYS: Mapping[str, WriteArray] = {**MOVES, **PLACES, **REDUCTIONS, **MATRICES, **ORDERING, **SLIDING}
# Their loops turn on the numbers themselves, so that lanes would part.
ONE_BY_ONE = frozenset(ORDERING)


def is_native(primitive: str) -> bool:
    """Whether a primitive has a form of its own here."""
    return primitive in scalars.TABLE or primitive in ARRAYS
