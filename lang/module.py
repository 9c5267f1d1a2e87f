"""Modules: a path or a text enters, a checked module with its imports and the prelude leaves.

Imports are paths relative to the importing file. The prelude (``lang/prelude/*.pf``) loads by word: a scan of its files
for ``def`` and ``data`` tells which file defines a word, and only that file is read. Prelude modules are checked once
per process and meaning of ``real``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .check import check_module
from .collector import holding_collector
from .diagnostics import Diagnostic, DiagnosticError, InternalError, fail, suggest
from .source import Source, Span
from .surface import ast
from .surface.parser import parse, read
from .typed import CheckedModule, CheckedTest, Meaning, Typing
from .types import Type, show_type

if TYPE_CHECKING:
    from .elaborate.definitions import Definitions
    from .ir import Program

MOST_MODULES = 200
PRELUDE = Path(__file__).parent / "prelude"
PRELUDE_PREFIX = "prelude/"
_TEST = re.compile(r"^test ", re.MULTILINE)
_WORD = re.compile(r"^(?:def|data) ([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about a place: the innermost typed node there, its type as text, and what a name means."""

    span: Span
    type: str
    meaning: Meaning | None


@dataclass(frozen=True)
class Module:
    """A loaded module: what the checker found, and the table its programs come from."""

    name: str
    source: Source
    checked: CheckedModule
    loaded: Mapping[str, CheckedModule] = field(repr=False)

    @cached_property
    def definitions(self) -> Definitions:
        """The table of elaborated definitions; checking alone never needs it, so it is made on first use."""
        from .elaborate.definitions import Definitions

        return Definitions(self.loaded)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All findings of this module and of those it imports; imports first, the prelude left out."""
        return tuple(
            found
            for name, module in self.loaded.items()
            if not name.startswith(PRELUDE_PREFIX)
            for found in module.diagnostics
        )

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(found for found in self.diagnostics if found.severity == "error")

    @property
    def names(self) -> tuple[str, ...]:
        """The module's own definitions, in the order of the text."""
        return tuple(self.checked.definitions)

    @property
    def tests(self) -> tuple[CheckedTest, ...]:
        return self.checked.tests

    def require(self) -> None:
        """Raise the module's errors, if it has any."""
        if self.errors:
            raise DiagnosticError(self.errors)

    def program(self, name: str, types: Sequence[Type] = ()) -> Program:
        """The full-stage program of a definition; raises the module's errors, E133 for an unknown name, E134.

        >>> parse_module("def twice(x: f64): f64 = 2.0 * x").program("twice").sizes
        ()
        """
        self.require()
        if name not in self.checked.definitions:
            hint = suggest(name, self.names) or (f"it defines {', '.join(self.names[:8])}" if self.names else None)
            raise fail("E133", f"`{self.name}` has no definition `{name}`", hint=hint)
        return self.definitions.program(self.name, name, types)

    def claim(self, test: CheckedTest, node: ast.Expr) -> Program:
        """The full-stage program, without inputs, of an expression inside a test."""
        self.require()
        return self.definitions.expression(test.test.name, test.typing, node)

    def at(self, offset: int) -> Fact | None:
        """What stands at a character offset, for editors; None between definitions."""
        for tree, typing in self._typed_items():
            if tree.span.start <= offset < tree.span.end:
                return _fact(tree, typing, offset)
        return None

    def _typed_items(self) -> Iterator[tuple[ast.Node, Typing]]:
        for definition in self.checked.definitions.values():
            yield definition.definition, definition.typing
        for test in self.checked.tests:
            yield test.test, test.typing


def _fact(tree: ast.Node, typing: Typing, offset: int) -> Fact | None:
    best: ast.Node | None = None
    waiting: list[object] = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, tuple):
            waiting.extend(item)
        elif is_dataclass(item) and isinstance(item, ast.Node):
            if not item.span.start <= offset < item.span.end:
                continue
            if id(item) in typing.types and (best is None or _width(item) <= _width(best)):
                best = item
            waiting.extend(getattr(item, part.name) for part in fields(item) if part.name != "span")
    if best is None:
        return None
    return Fact(best.span, show_type(typing.types[id(best)]), typing.meanings.get(id(best)))


def _width(node: ast.Node) -> int:
    return node.span.end - node.span.start


# --- loading ---------------------------------------------------------------------------------------------------------


def load_module(path: str | Path, real: str = "f64") -> Module:
    """Load a file and what it imports.

    Raises:
        DiagnosticError: the file cannot be read or parsed. Errors of the checker are in `Module.diagnostics`.
    """
    source = read(path)
    return _Loader(real).root(str(path), source, Path(path).parent)


def parse_module(text: str, name: str = "<text>", real: str = "f64", directory: Path | None = None) -> Module:
    """A module from a text; imports are looked up in `directory` (default: the current one)."""
    return _Loader(real).root(name, Source(name, text), directory if directory is not None else Path("."))


class _Loader:
    """One loading: the modules checked so far, and those being loaded."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.modules: dict[str, CheckedModule] = {}
        self.open: list[Path] = []

    @holding_collector
    def root(self, name: str, source: Source, directory: Path) -> Module:
        place = (directory / Path(name).name).resolve()
        checked = self._check(name, source, place)
        return Module(name, source, checked, self.modules)

    def _check(self, name: str, source: Source, place: Path) -> CheckedModule:
        self.open.append(place)
        tree = parse(source)
        found = check_module(
            tree, name, source, lambda path: self._import(path, place.parent), self._prelude, self.real
        )
        self.open.pop()
        self.modules[name] = found
        return found

    def _import(self, path: str, directory: Path) -> CheckedModule:
        _require_relative(path)
        place = (directory / path).resolve()
        name = str(place)
        if place in self.open:
            chain = " -> ".join(step.name for step in [*self.open[self.open.index(place) :], place])
            raise fail("E130", f"modules import each other: {chain}", hint="move what both need to a third module")
        if name in self.modules:
            return self.modules[name]
        if len(self.modules) + len(self.open) >= MOST_MODULES:
            raise fail(
                "E132", f"more than {MOST_MODULES} modules", hint="join small files: an import brings in a whole module"
            )
        depth = len(self.open)
        try:
            return self._check(name, read(place), place)
        finally:
            del self.open[depth:]

    def _prelude(self, word: str) -> CheckedModule | None:
        file = prelude_words().get(word)
        module = None if file is None else prelude_module(file, self.real)
        if module is not None:
            self._add(module)
        return module

    def _add(self, module: CheckedModule) -> None:
        """Take in a prelude module and those it uses."""
        if module.name in self.modules:
            return
        self.modules[module.name] = module
        for word in prelude_uses(module.name):
            self._prelude(word)


def _require_relative(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or pure.suffix != ".pf" or "\\" in path or ":" in path or path.startswith("~"):
        raise fail("E131", f"`{path}` is not a relative path to a .pf file", hint='write `import "other.pf" as other`')


# --- the prelude -----------------------------------------------------------------------------------------------------


@cache
def _prelude_text(file: str) -> str:
    """The definitions of a prelude file, without the tests behind them, which say nothing to those who use it."""
    return _TEST.split((PRELUDE / file).read_text("utf-8"), 1)[0]


@cache
def prelude_words() -> dict[str, str]:
    """Which file of the prelude defines a word, by file name."""
    files = sorted(file.name for file in PRELUDE.glob("*.pf"))
    return {word: file for file in files for word in _WORD.findall(_prelude_text(file))}


_open_prelude: set[str] = set()


@cache
def _checked_prelude(file: str, real: str) -> CheckedModule:
    source = Source(PRELUDE_PREFIX + file, _prelude_text(file))

    def other(word: str) -> CheckedModule | None:
        return prelude_module(prelude_words()[word], real) if word in prelude_words() else None

    return check_module(parse(source), source.name, source, _no_import, other, real)


def _no_import(path: str) -> CheckedModule:
    raise InternalError(f"the prelude imports {path}")


def prelude_module(file: str, real: str = "f64") -> CheckedModule | None:
    """A checked file of the prelude; None while it is being checked (files do not use each other in circles)."""
    if file in _open_prelude:
        return None
    _open_prelude.add(file)
    try:
        return _checked_prelude(file, real)
    finally:
        _open_prelude.discard(file)


@cache
def prelude_uses(name: str) -> tuple[str, ...]:
    """The words of other prelude files that a prelude file mentions."""
    file = name.removeprefix(PRELUDE_PREFIX)
    mentioned = dict.fromkeys(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", _prelude_text(file)))
    return tuple(word for word in mentioned if prelude_words().get(word, file) != file)
