"""What may run out while a program is specialised, and how the diagnostics say why and where."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..diagnostics import Diagnostic, DiagnosticError, Label
from ..source import Span

NESTED = 2_000
"""Calls inside calls."""

STEPS = 200_000
"""Steps replayed altogether."""

CROSSING = 20
"""Steps that one array of a chosen value counts for: every arm packs it, and whoever uses it captures it."""

ROUNDS = 8
"""Attempts to find one form for the state of a loop."""

RULES = 4
"""How often a custom rule may be used inside the rule of another or the same definition; below, bodies are
differentiated as they are."""


@dataclass(slots=True)
class Budget:
    """Counts calls and steps; the trail names the open calls."""

    steps: int = 0
    trail: list[tuple[str, Span | None]] = field(default_factory=list)

    def step(self, origin: Span | None, count: int = 1) -> None:
        """Some steps more; E121 when there are too many."""
        self.steps += count
        if self.steps > STEPS:
            name = self._repeated()
            why = "" if name is None else f", most likely by `{name}` calling itself"
            raise self._failure(
                "E121", f"the program grew beyond {STEPS:,} steps while calls were inlined{why}", origin
            )

    def enter(self, name: str, origin: Span | None) -> None:
        """One call deeper; E120 when calls nest too deep."""
        if len(self.trail) >= NESTED:
            again = self._repeated()
            why = "" if again is None else f": `{again}` calls itself and nothing known at compile time ends it"
            raise self._failure("E120", f"calls nest more than {NESTED:,} deep at compile time{why}", origin)
        self.trail.append((name, origin))

    def leave(self) -> None:
        self.trail.pop()

    def _repeated(self) -> str | None:
        """The innermost open definition that is open more than once."""
        names = [name for name, _ in self.trail]
        return next((name for name in reversed(names) if name != "fn" and names.count(name) > 1), None)

    def _failure(self, code: str, message: str, origin: Span | None) -> DiagnosticError:
        repeated = self._repeated()
        first = next((span for name, span in self.trail if name == repeated and span is not None), None)
        labels = () if first is None or first == origin else (Label(first, "the first of these calls"),)
        hint = "use `loop`, `loop … while … limit …`, or give the argument that decides as a literal or a size"
        return DiagnosticError(Diagnostic(code, message, origin, labels, hint=hint))
