"""Mutants that mean the same as the sound program, each with the reason; the runner checks that each is still needed."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
