"""Rules that are worked out when a derivative asks for them.

A custom derivative may use itself (the derivative of ``logaddexp`` calls ``logaddexp``), so a program that holds all
its rules, and the rules of those, has no end. A `Deferred` rule holds a recipe. Two of them are equal when their keys
are and the rules they give are; rules inside those are compared to a fixed depth and by their keys below it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from .diagnostics import DiagnosticError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .ir import Program

DEPTH = 2  # orders of rules of rules that are compared


@dataclass(frozen=True, eq=False)
class Deferred:
    """A rule by its recipe; `key` says in hashable words whose rule it is and what was done to it since.

    With `complete` the key says everything, so that the rule need not be worked out to be compared.
    """

    key: Hashable
    make: Callable[[], Program] = field(repr=False)
    complete: bool = False

    @cached_property
    def program(self) -> Program:
        """The rule itself."""
        return self.make()

    def then(self, key: Hashable, change: Callable[[Program], Program]) -> Deferred:
        """The rule after a pass, still deferred."""
        return Deferred((key, self.key), lambda: change(self.program), self.complete)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Deferred):
            return NotImplemented
        if self is other:
            return True
        if self.key != other.key or self.complete:
            return self.key == other.key
        with _deeper() as depth:
            try:
                return depth > DEPTH or self.program == other.program
            except DiagnosticError:  # a rule that cannot be worked out is equal to itself alone
                return False

    def content(self) -> object:
        """What a digest sees of the rule: its key and the rule, to the same depth as equality."""
        with _deeper() as depth:
            try:
                rule = None if depth > DEPTH or self.complete else self.program.digest
            except DiagnosticError:  # a rule that cannot be worked out is known by its key alone
                rule = None
            return ("Deferred", repr(self.key), rule)


_depth = 0


@contextmanager
def _deeper() -> Iterator[int]:
    global _depth
    _depth += 1
    try:
        yield _depth
    finally:
        _depth -= 1


def resolved(rule: Program | Deferred) -> Program:
    """The program of a rule."""
    return rule.program if isinstance(rule, Deferred) else rule


def changed(rule: Program | Deferred, key: Hashable, change: Callable[[Program], Program]) -> Program | Deferred:
    """A rule after a pass: at once for a program, when asked for otherwise."""
    return rule.then(key, change) if isinstance(rule, Deferred) else change(rule)
