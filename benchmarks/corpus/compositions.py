"""Forty compositions: networks, models and solvers that people write with JAX."""

from __future__ import annotations

from .compositions_models import MODELS
from .compositions_networks import NETWORKS
from .entry import Build, Draw, Entry

GROUP = "compositions"
BUILDS: dict[str, Build] = {**NETWORKS, **MODELS}


def names() -> tuple[str, ...]:
    """All of them."""
    return tuple(BUILDS)


def entry(name: str) -> Entry:
    """The function with its arguments."""
    function, *arguments = BUILDS[name](Draw(name))
    return Entry(GROUP, name, function, tuple(arguments))
