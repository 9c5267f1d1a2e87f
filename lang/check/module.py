"""One module: a surface tree enters, a `CheckedModule` leaves, with every diagnostic found on the way.

Definitions are checked on demand, each once: one that another one needs the inferred result of comes first. Signatures
of definitions with annotated results are read before any body, so these may be used anywhere.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from .. import types as ty
from ..diagnostics import Diagnostic, DiagnosticError, Label, fail
from ..differential.desugar import desugared
from ..sizes import Size
from ..source import Source, Span
from ..surface import ast
from ..typed import CheckedData, CheckedDef, CheckedModule, CheckedTest, Local, Scheme
from . import calls, expressions, indexing, loops, operators, patterns  # noqa: F401 (they register the rules)
from .annotations import Generics, generics_of, read_type, signature
from .claims import check_test
from .core import Checker, Entry
from .custom_rules import check_rules
from .finish import final_type, finish
from .order import ordered
from .prove import non_negative
from .scope import ModuleScope
from .unify import ERROR

DEPTH = 40_000  # the parser admits 400 levels of nesting, a chain of unannotated definitions nests further


def check_module(
    tree: ast.Tree,
    name: str,
    source: Source,
    load: Callable[[str], CheckedModule],
    prelude: Callable[[str], CheckedModule | None],
    real: str = "f64",
) -> CheckedModule:
    """Check a module; never raises for an error of the user's.

    `load` gives the checked module of an import path (or raises `DiagnosticError`), `prelude` the one that defines a
    word; `real` is what the type `real` and undetermined floats mean.
    """
    limit, collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(limit, DEPTH))
    gc.disable()  # the tables only grow: collections would find nothing and make checking slower than linear
    try:
        return _Module(tree, name, source, load, prelude, real).run()
    finally:
        sys.setrecursionlimit(limit)
        if collecting:
            gc.enable()


class _Module:
    """State of one run."""

    def __init__(
        self,
        tree: ast.Tree,
        name: str,
        source: Source,
        load: Callable[[str], CheckedModule],
        prelude: Callable[[str], CheckedModule | None],
        real: str,
    ) -> None:
        self.tree = tree
        self.load = load
        self.scope = ModuleScope(name, source, real, prelude, infer_scheme=self.infer_scheme)
        self.diagnostics: list[Diagnostic] = []
        self.checked: dict[str, CheckedDef] = {}
        self.generics: dict[str, Generics] = {}
        self.placeholders: dict[str, Scheme] = {}
        self.running: set[str] = set()
        self.imports: dict[str, str] = {}

    def run(self) -> CheckedModule:
        items = self.tree.items
        for item in items:
            if isinstance(item, ast.Import):
                self.guard(self.open, item)
        declarations = [item for item in items if isinstance(item, ast.Data)]
        for data in declarations:
            self.guard(self.announce, data)
        for data in declarations:
            self.guard(self.declare, data)
        definitions = [item for item in items if isinstance(item, ast.Def)]
        for definition in definitions:
            self.guard(self.sign, definition)
        for name in ordered(self.scope.own):
            self.check(name)
        tests = tuple(self.test(item) for item in items if isinstance(item, ast.Test))
        self.diagnostics.sort(key=self.place)
        in_order = {d.name: self.checked[d.name] for d in definitions if d.name in self.checked}
        return CheckedModule(
            self.scope.name,
            self.scope.source,
            self.tree,
            in_order,
            self.scope.data,
            tests,
            self.imports,
            tuple(self.diagnostics),
        )

    def place(self, found: Diagnostic) -> int:
        """Where in the text a diagnostic stands; those without a place come first."""
        return found.span.start if found.span is not None and found.span.source is self.scope.source else -1

    def guard(self, action: Callable[..., None], item: ast.Item) -> None:
        try:
            action(item)
        except DiagnosticError as error:
            self.diagnostics.extend(error.diagnostics)

    # --- declarations -----------------------------------------------------------------------------

    def open(self, item: ast.Import) -> None:
        """Bring an imported module in, under its alias or with its names as they are."""
        try:
            module = self.load(item.path)
        except DiagnosticError as error:
            self.scope.broken.add(item.alias or "")
            found = (replace(d, span=item.span) if d.span is None else d for d in error.diagnostics)
            raise DiagnosticError(found) from None
        self.scope.admit(module, item.span)
        if item.alias is None:
            self.scope.open(module, item.span)
            self.imports[module.name] = module.name
            return
        if item.alias in self.scope.aliases:
            raise fail(
                "E050", f"two imports are called `{item.alias}`", item.span, hint="give one of them another name"
            )
        self.scope.aliases[item.alias] = module
        self.imports[item.alias] = module.name

    def announce(self, item: ast.Data) -> None:
        """Make the name of a variant type known, before any fields are read."""
        if item.name in self.scope.data:
            raise fail(
                "E050", f"the type `{item.name}` is declared twice", item.span, hint="give one of them another name"
            )
        other = self.scope.data_owner(item.name)
        if other is not None:
            message = f"`{item.name}` is also a type of the imported module {other}"
            raise fail("E050", message, item.span, hint="give one of them another name")
        sizes = [generic for generic in item.generics if not generic.is_type]
        if sizes:
            raise fail(
                "E062",
                "variant types over sizes are not in this version",
                sizes[0].span,
                hint=f"declare a type parameter: `[{sizes[0].name}: type]`",
            )
        types = tuple(generic.name for generic in item.generics)
        self.scope.data[item.name] = CheckedData(self.scope.name, item.name, types, ())

    def declare(self, item: ast.Data) -> None:
        """Read the constructors."""
        if item.name not in self.scope.data or self.scope.data[item.name].constructors:
            return
        generics = Generics({generic.name: generic.span for generic in item.generics}, {})
        constructors = tuple(
            (constructor.name, tuple(self.part(part, generics) for part in constructor.items))
            for constructor in item.constructors
        )
        checked = CheckedData(self.scope.name, item.name, tuple(generics.types), constructors)
        self.scope.declare_data(checked, item.span)

    def part(self, node: ast.TypeExpr, generics: Generics) -> ty.Type:
        """The type of a constructor's field; a wrong one is reported here and nowhere else."""
        try:
            return read_type(node, self.scope, generics)
        except DiagnosticError as error:
            self.diagnostics.extend(error.diagnostics)
            return ERROR

    def sign(self, item: ast.Def) -> None:
        """Read the signature of a definition."""
        if item.name in self.scope.own:
            first = self.scope.own[item.name].span
            raise DiagnosticError(
                Diagnostic(
                    "E050",
                    f"`{item.name}` is defined twice",
                    item.span,
                    (Label(first, "first here"),),
                    hint="give one of them another name",
                )
            )
        self.scope.own[item.name] = item
        self.scope.schemes[item.name] = None
        if item.keyword == "operator":
            item = self.scope.own[item.name] = desugared(item)
        if item.keyword != "def":
            raise fail("E053", f"`{item.keyword}` is not in this version", item.span, hint="write it as a `def`")
        generics = generics_of(item)
        scheme, declared = signature(item, self.scope, generics)
        self.generics[item.name] = generics
        if declared:
            self.scope.schemes[item.name] = scheme
        else:
            del self.scope.schemes[item.name]
            self.placeholders[item.name] = scheme

    # --- bodies -----------------------------------------------------------------------------------

    def infer_scheme(self, name: str, span: Span) -> Scheme | None:
        """The scheme of a definition whose result is inferred, checking it first."""
        if name in self.running:
            raise fail(
                "E049",
                f"the result of `{name}` is used in its own definition and is not annotated",
                span,
                hint=f"write the result type: `def {name}(…): f64 = …`",
            )
        self.check(name)
        return self.scope.schemes[name]

    def check(self, name: str) -> None:
        """Check the body of a definition, once."""
        if name in self.checked or name in self.running or name not in self.generics:
            return
        self.running.add(name)
        try:
            self._check(self.scope.own[name])
        finally:
            self.running.discard(name)

    def _check(self, item: ast.Def) -> None:
        generics = self.generics[item.name]
        declared = self.scope.schemes.get(item.name)
        scheme = declared or self.placeholders[item.name]
        checker = Checker(self.scope, generics)
        for parameter, type_ in scheme.parameters:
            checker.facts += tuple(_dimensions(type_))
            if not isinstance(type_, ty.SizeType):
                checker.bind(parameter, Entry(Local(parameter), type_))
        wanted = scheme.result if declared is not None else None
        result = checker.attempt(item.body, wanted, f"the result of `{item.name}`")
        try:
            check_rules(checker, item, scheme, wanted if wanted is not None else result)
        except DiagnosticError as error:
            checker.diagnostics.extend(error.diagnostics)
        typing, conditions = finish(checker, item.body.span)
        final = scheme.result if declared is not None else final_type(checker, result)
        complete = replace(scheme, result=final, conditions=conditions)
        self.diagnostics.extend(checker.diagnostics)
        self.scope.schemes[item.name] = None if final == ERROR else complete
        self.checked[item.name] = CheckedDef(self.scope.name, item, complete, typing)

    def test(self, item: ast.Test) -> CheckedTest:
        checked, found = check_test(item, self.scope)
        self.diagnostics.extend(found)
        return checked


def _dimensions(type_: ty.Type) -> Iterator[Size]:
    """Sizes in a parameter's type that could be negative by their form; that it exists says they are not."""
    match type_:
        case ty.Array(shape, element):
            yield from (size for size in shape if not non_negative(size))
            yield from _dimensions(element)
        case ty.Tuple(items):
            for item in items:
                yield from _dimensions(item)
        case ty.Record(fields_):
            for _, item in fields_:
                yield from _dimensions(item)
        case _:
            return
