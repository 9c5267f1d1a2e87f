"""The writer: types and scopes enter, expressions of these types leave as text.

An expression of a type is a leaf (a variable, a part of one, a literal) or a *move*: a form that the tables of the
sister files list by type, each a function of writer, type, scope and the depth that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pushforward.lang.types import BOOL, F64, I64, Array, Data, Fun, Record, Scalar, Tuple, Type, array, show_type

from .choices import Pick

Suite = Literal["smooth", "guarded"]
LITERALS = ("0.5", "1.25", "(-0.75)", "0.3", "2.0", "(-1.1)", "0.05")
RECORD = Record((("a", F64), ("b", array((2,), F64))))


@dataclass(frozen=True, slots=True)
class Variable:
    """A name in scope; an index variable is `below` a number."""

    name: str
    type: Type
    below: int | None = None


Scope = tuple[Variable, ...]
Move = Callable[["Writer", Type, Scope, int], str]


@dataclass
class Writer:
    """Writes expressions; `fuel` is the number of moves left, `order` how deep derivatives are nested."""

    pick: Pick
    suite: Suite
    fuel: int
    order: int = 0
    needs: set[str] = field(default_factory=set)
    unused: dict[str, Variable] = field(default_factory=dict)
    count: int = 0

    # --- choosing ---

    def one_of(self, items: Sequence[T]) -> T:
        return items[self.pick(len(items))]
