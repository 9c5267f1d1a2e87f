"""A mutant: a named fault that can be put in and taken out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault of one kind at one place; `subject` is the row or the function, `change` what was done to it.

    `area` says which checks look first: ``rows``, ``passes`` or ``xla``. `install` puts the fault in and answers with
    what takes it out.
    """

    area: str
    operator: str
    subject: str
    change: str
    install: Callable[[], Undo] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """What identifies the mutant in reports and in the table of equivalent ones."""
        return f"{self.subject}: {self.operator}: {self.change}"

    @contextmanager
    def installed(self) -> Iterator[None]:
        """While this lasts, the fault is in."""
        undo = self.install()
        try:
            yield
        finally:
            undo()
