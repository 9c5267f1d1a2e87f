"""What the checker hands to the elaborator: meanings of names and types of nodes, beside the untouched surface tree.

Tables are keyed by ``id(node)``; the `CheckedModule` keeps the tree alive, so ids stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .diagnostics import Diagnostic
from .sizes import Size
from .source import Source, Span
from .surface import ast
from .types import Type


@dataclass(frozen=True, slots=True)
class Local:
    """A parameter, a let- or pattern-bound name, or a loop index."""

    name: str


@dataclass(frozen=True, slots=True)
class SizeName:
    """A size variable used as an ``i64`` value."""

    name: str


@dataclass(frozen=True, slots=True)
class Global:
    """A top-level definition at one instance; `types`/`sizes` follow the order of its scheme's variables."""

    module: str
    name: str
    types: tuple[Type, ...]
    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Builtin:
    """A word of the language: a primitive, a reduction, a derivative operator, a constant."""

    name: str


@dataclass(frozen=True, slots=True)
class ConstructorName:
    """Constructor number `tag` of `data` at `types`."""

    module: str
    data: str
    tag: int
    types: tuple[Type, ...]


Meaning = Local | SizeName | Global | Builtin | ConstructorName


@dataclass(frozen=True, slots=True)
class Typing:
    """Facts about the nodes below one definition or one claim.

    `types` maps expression nodes (and patterns) to their types, which may mention the definition's own type and size
    variables; `meanings` maps `ast.Name` nodes, `ast.Project` nodes that select from a module alias, and
    `ast.PatternConstructor` nodes. `unproved` lists index expressions not proved in range.
    """

    types: Mapping[int, Type]
    meanings: Mapping[int, Meaning]
    unproved: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Scheme:
    """The type of a definition: rigid type and size variables, parameters by name, result.

    A parameter of type `SizeType` is also a size variable of the same name.
    """

    types: tuple[str, ...]
    sizes: tuple[str, ...]
    parameters: tuple[tuple[str, Type], ...]
    result: Type
    conditions: tuple[tuple[Size, int, Span], ...] = ()  # (size, least value it must have, where it was needed)


@dataclass(frozen=True, slots=True)
class CheckedDef:
    module: str
    definition: ast.Def
    scheme: Scheme
    typing: Typing


@dataclass(frozen=True, slots=True)
class CheckedData:
    """A variant type: constructors in order, with field types over the type variables `types`."""

    module: str
    name: str
    types: tuple[str, ...]
    constructors: tuple[tuple[str, tuple[Type, ...]], ...]


@dataclass(frozen=True, slots=True)
class CheckedTest:
    """A test block; `expected_failures` maps the place of a `fails` claim to what checking its expression found."""

    test: ast.Test
    typing: Typing
    expected_failures: Mapping[int, tuple[Diagnostic, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedModule:
    """One module after checking; `imports` maps aliases to module names (keys of the environment)."""

    name: str
    source: Source
    tree: ast.Tree
    definitions: Mapping[str, CheckedDef]
    data: Mapping[str, CheckedData]
    tests: tuple[CheckedTest, ...]
    imports: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()
