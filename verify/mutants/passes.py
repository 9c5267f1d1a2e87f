"""Mutants of functions: every line of rules that are functions and of the passes in `pass_table`.

Rules are found by what they take: a `RuleContext` in the families of rows, a `Batch` in the vectorisation of `ad`. The
structural faults of `pass_table` come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType
from typing import Any

from ... import ad
from ...lang import primitives
from .function_edits import edits, textual
from .mutant import Mutant
from .pass_table import FUNCTIONS, STRUCTURAL

ROOT = __name__.split(".verify.")[0]


def pass_mutants() -> Iterator[Mutant]:
    """Every mutant of the derivative passes, the normalising passes and the rules that are functions."""
    yield from _structural()
    for module, names in FUNCTIONS.items():
        for name in names:
            yield from _of_function("passes", module, name)
    for family in families():
        for name in _rules(family, "RuleContext"):
            yield from _of_function("rows", family, name)
    for module in iter_modules(ad.__path__):
        for name in _rules(f"ad.{module.name}", "Batch"):
            yield from _of_function("passes", f"ad.{module.name}", name)


def families() -> list[str]:
    """The modules that hold rows, by their dotted names below the package."""
    names = [f"lang.primitives.{module.name}" for module in iter_modules(primitives.__path__)]
    return [name for name in names if hasattr(import_module(f"{ROOT}.{name}"), "ROWS")]


def _rules(module: str, takes: str) -> Iterator[str]:
    """The functions of a module whose first parameter is of a type."""
    whole = f"{ROOT}.{module}"
    for name, function in vars(import_module(whole)).items():
        if isinstance(function, FunctionType) and function.__module__ == whole:
            if next(iter(function.__annotations__.values()), None) == takes:
                yield name


def find(module: str, name: str) -> Any:
    """A function or method by its dotted name below the package."""
    found: Any = import_module(f"{ROOT}.{module}")
    for part in name.split("."):
        found = vars(found)[part] if isinstance(found, type) else getattr(found, part)
    return found


def _of_function(area: str, module: str, name: str) -> Iterator[Mutant]:
    for operator, change, install in edits(find(module, name)):
        yield Mutant(area, operator, f"{module}.{name}", change, install)


def _structural() -> Iterator[Mutant]:
    for dotted, operator, old, new in STRUCTURAL:
        module, name = _split(dotted)
        area = "rows" if ".primitives." in module else "passes"
        yield Mutant(area, operator, dotted, f"`{old}` becomes `{new}`", textual(find(module, name), old, new))


def _split(dotted: str) -> tuple[str, str]:
    """Module and name; a class name starts with a capital."""
    parts = dotted.split(".")
    count = 2 if parts[-2][:1].isupper() else 1
    return ".".join(parts[:-count]), ".".join(parts[-count:])
