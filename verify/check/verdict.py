"""The answer of a checker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate was accepted (it is truthy then), what it establishes, or every reason against it."""

    accepted: bool
    claim: str
    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.accepted

    def __str__(self) -> str:
        """``accepted: …``, or ``refused`` and one reason per line."""
        if self.accepted:
            return f"accepted: {self.claim}"
        return "refused: " + self.claim + "".join(f"\n  {reason}" for reason in self.reasons)
