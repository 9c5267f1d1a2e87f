"""What top-level names of a module mean: definitions, variant types and constructors; own, imported, of the prelude."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..diagnostics import fail, suggest
from ..source import Source, Span
from ..surface import ast
from ..typed import CheckedData, CheckedModule, Scheme

Prelude = Callable[[str], CheckedModule | None]


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition as its users see it; `scheme` is None for a refused one, whose uses say nothing more."""

    module: str
    name: str
    scheme: Scheme | None


@dataclass
class ModuleScope:
    """The names of one module; `infer_scheme` checks an own definition whose result is not annotated."""

    name: str
    source: Source
    real: str
    prelude: Prelude
    own: dict[str, ast.Def] = field(default_factory=dict)
    schemes: dict[str, Scheme | None] = field(default_factory=dict)
    data: dict[str, CheckedData] = field(default_factory=dict)
    constructors: dict[str, tuple[CheckedData, int]] = field(default_factory=dict)
    opened: list[CheckedModule] = field(default_factory=list)
    aliases: dict[str, CheckedModule] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # aliases of imports that failed; "" for one without alias
    suggestions: int = 20  # how many more unknown names get one: each compares with every known word
    infer_scheme: Callable[[str, Span], Scheme | None] = lambda name, span: None

    def definition(self, name: str, span: Span) -> Definition | None:
        """The definition a plain name stands for: own, imported without alias, or of the prelude."""
        if name in self.own:
            if name not in self.schemes:
                return Definition(self.name, name, self.infer_scheme(name, span))
            return Definition(self.name, name, self.schemes[name])
        for module in self.opened:
            if name in module.definitions:
                return Definition(module.name, name, module.definitions[name].scheme)
        return None

    def prelude_definition(self, name: str) -> Definition | None:
        """The prelude's definition of a word."""
        module = self.prelude(name)
        if module is None or name not in module.definitions:
            return None
        return Definition(module.name, name, module.definitions[name].scheme)

    def member(self, alias: str, name: str) -> Definition | None:
        """``alias.name``."""
        module = self.aliases[alias]
        found = module.definitions.get(name)
        return Definition(module.name, name, found.scheme) if found is not None else None

    def data_type(self, name: str) -> CheckedData | None:
        """A declared variant type; those of modules imported under an alias come in unqualified too."""
        if name in self.data:
            return self.data[name]
        for module in self._imported():
            if name in module.data:
                return module.data[name]
        module = self.prelude(name)
        return module.data.get(name) if module is not None else None

    def constructor(self, name: str) -> tuple[CheckedData, int] | None:
        """The variant type and tag of a constructor."""
        if name in self.constructors:
            return self.constructors[name]
        for module in self._imported():
            found = find_constructor(module, name)
            if found is not None:
                return found
        module = self.prelude(name)
        return find_constructor(module, name) if module is not None else None

    def data_owner(self, name: str) -> str | None:
        """The imported module that declares a variant type: types are told apart by their names alone."""
        return next((module.name for module in self._imported() if name in module.data), None)

    def admit(self, module: CheckedModule, span: Span) -> None:
        """Refuse an import whose types have names that another import has taken."""
        for name in module.data:
            owner = self.data_owner(name)
            if owner not in (None, module.name):
                raise fail(
                    "E050",
                    f"both {owner} and {module.name} declare a type `{name}`",
                    span,
                    hint="rename one of the two types",
                )

    def open(self, module: CheckedModule, span: Span) -> None:
        """Bring the names of a module in as they are; two modules may not bring in the same name."""
        for other in self.opened:
            common = sorted(other.definitions.keys() & module.definitions.keys())
            if common and other.name != module.name:
                message = f"both {other.name} and {module.name} define `{common[0]}`"
                raise fail("E050", message, span, hint="import one of them with `as`")
        self.opened.append(module)

    def declare_data(self, data: CheckedData, span: Span) -> None:
        """Add an own variant type and its constructors."""
        for tag, (name, _) in enumerate(data.constructors):
            if name in self.constructors:
                raise fail(
                    "E050", f"the constructor `{name}` is declared twice", span, hint="give one of them another name"
                )
            self.constructors[name] = (data, tag)
        self.data[data.name] = data

    def suggest(self, name: str, known: Iterable[str]) -> str | None:
        """The known word nearest to an unknown one, for the first few unknown names of a module."""
        self.suggestions -= 1
        return suggest(name, known) if self.suggestions >= 0 else None

    def words(self) -> Iterator[str]:
        """Every plain name that could have been meant (for suggestions)."""
        yield from self.own
        yield from self.constructors
        yield from self.aliases
        for module in self.opened:
            yield from module.definitions
        yield from self.constructor_words()

    def constructor_words(self) -> Iterator[str]:
        yield from self.constructors
        for module in self._imported():
            for data in module.data.values():
                yield from (name for name, _ in data.constructors)

    def type_words(self) -> Iterator[str]:
        yield from ("f64", "f32", "i64", "bool", "real")
        yield from self.data
        for module in self._imported():
            yield from module.data

    def _imported(self) -> Iterator[CheckedModule]:
        yield from self.opened
        yield from self.aliases.values()


def find_constructor(module: CheckedModule, name: str) -> tuple[CheckedData, int] | None:
    """A constructor of a checked module."""
    for data in module.data.values():
        for tag, (constructor, _) in enumerate(data.constructors):
            if constructor == name:
                return data, tag
    return None
