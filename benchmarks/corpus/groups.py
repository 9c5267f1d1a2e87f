"""The parts of the corpus side by side: what is in each, what is left out and why, and how an entry is made."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .entry import Entry

ROUNDS_BETWEEN_CLEANING = 25


@dataclass(frozen=True)
class Group:
    """A part of the corpus; `excluded` gives the reason for the names that are not in the denominator."""

    name: str
    names: Callable[[], tuple[str, ...]]
    excluded: Mapping[str, str]
    entry: Callable[[str], Entry | None]

    @property
    def denominator(self) -> tuple[str, ...]:
        """The names that are measured."""
        return tuple(name for name in self.names() if name not in self.excluded)


def groups() -> dict[str, Group]:
    """All parts, in the order of the report."""
    from . import callables, compositions, packages, primitives
    from .exclusions import EXCLUDED, PRIMITIVES

    parts = (
        Group("callables", callables.names, EXCLUDED, callables.entry),
        Group("primitives", primitives.names, PRIMITIVES, primitives.entry),
        Group("compositions", compositions.names, {}, compositions.entry),
        Group("packages", packages.names, {}, packages.entry),
    )
    return {part.name: part for part in parts}


def find(name: str) -> Entry | None:
    """The entry with this id, or with this name in any group."""
    for group in groups().values():
        short = name.removeprefix(f"{group.name}/")
        if short in group.denominator:
            return group.entry(short)
    return None


def entries(pattern: str) -> Iterator[Entry]:
    """The entries whose id contains a text."""
    for group in groups().values():
        for name in group.denominator:
            if pattern in f"{group.name}/{name}":
                entry = group.entry(name)
                if entry is not None:
                    yield entry


def memory_kept_low(number: int) -> None:
    """Drop what JAX and Python keep, once in a while: thousands of small compilations add up."""
    import jax

    if number % ROUNDS_BETWEEN_CLEANING == ROUNDS_BETWEEN_CLEANING - 1:
        jax.clear_caches()
        gc.collect()
