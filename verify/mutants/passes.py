"""Mutants of functions: every line of the rules of rows that are functions and of the passes in `pass_table`.

Rules are found by what they take, a `RuleContext`, in every family of rows; the structural faults of `pass_table` come
first.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType
from typing import Any

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
        for name, function in vars(import_module(f"{ROOT}.{family}")).items():
            if _is_rule(function, f"{ROOT}.{family}"):
                yield from _of_function("rows", family, name)


def families() -> list[str]:
    """The modules that hold rows, by their dotted names below the package."""
    names = [f"lang.primitives.{module.name}" for module in iter_modules(primitives.__path__)]
    return [name for name in names if hasattr(import_module(f"{ROOT}.{name}"), "ROWS")]


def _is_rule(function: Any, module: str) -> bool:
    """Whether a function of the module works on the operands of a row."""
    if not isinstance(function, FunctionType) or function.__module__ != module:
        return False
    return next(iter(function.__annotations__.values()), None) == "RuleContext"


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
