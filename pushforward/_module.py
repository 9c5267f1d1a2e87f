"""Modules: a file or a text enters, a `Module` of programs leaves; what is wrong with it is a list of diagnostics."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from . import _wire
from ._limits import within_limits
from ._program import Program
from .lang.diagnostics import Diagnostic, DiagnosticError, fail, suggest

if TYPE_CHECKING:
    from ._operator import Operator

Real = Literal["f64", "f32"]


@dataclass(frozen=True, eq=False)
class Module:
    """The definitions of one text: ``module["f"]``, or ``module.f`` where the name is free."""

    checked: Any = field(repr=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The definitions, in the order of the text."""
        return _wire.definition_names(self.checked)

    def __getitem__(self, name: str) -> Program:
        if name not in self.names:
            known = ", ".join(self.names) or "no definitions"
            hint = suggest(name, self.names) or "`pf check FILE` reads the file; names are those after `def`"
            raise fail("E182", f"there is no definition `{name}`", actual=known, hint=hint)
        found = self._programs.get(name)
        if found is None:
            found = self._programs[name] = self._entry(name)
        return found

    def _entry(self, name: str) -> Program:
        span = self.checked.checked.definitions[name].definition.span
        return Program(*within_limits(span, _wire.entry, self.checked, name))

    def operator(self, name: str) -> Operator:
        """An operator of the module as `pf.operator` gives one: to plan it and to apply it from Python."""
        from ._operator import Operator

        text = _wire.operator_item(self.checked, name).body.span.text
        return Operator(text, name, lambda real: self)

    def __getattr__(self, name: str) -> Program:
        if name.startswith("_") or name not in self.names:
            raise AttributeError(f"the module has no definition `{name}`; it has {', '.join(self.names) or 'none'}")
        return self[name]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.names})

    def __repr__(self) -> str:
        return f"<Module {', '.join(self.names)}>"

    @cached_property
    def _programs(self) -> dict[str, Program]:
        return {}


def load(path: str | os.PathLike[str], real: Real = "f64") -> Module:
    """The module of a `.pf` file; raises its diagnostics when there are errors.

    The type `real` of the text stands for `real`, and so do decimals that nothing else decides.
    """
    return _module(_wire.load(os.fspath(path), real))


def parse(text: str, real: Real = "f64") -> Module:
    """The module of a text; raises its diagnostics when there are errors. `real` as in `load`.

    >>> import pushforward as pf
    >>> pf.parse("def square(x: f64): f64 = x * x")["square"](3.0)
    9.0
    """
    return _module(_wire.parse(text, real))


def check(path: str | os.PathLike[str], real: Real = "f64") -> list[Diagnostic]:
    """What is wrong with a file: an empty list when it is fine. Runs nothing."""
    try:
        return list(_wire.diagnostics(_wire.load(os.fspath(path), real)))
    except DiagnosticError as error:
        return list(error.diagnostics)


def _module(checked: Any) -> Module:
    errors = [item for item in _wire.diagnostics(checked) if item.severity == "error"]
    if errors:
        raise DiagnosticError(errors)
    return Module(checked)
