"""The table of definitions: a module, a name and types enter, the elaborated program leaves; each is elaborated once.

Instances are kept apart from the caller's size variables: a size that occurs in an instance's types becomes a size
variable of the instance (``map`` at ``[k]f64`` has a variable for ``k``), and `resolve` puts the caller's size back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..builder import Builder
from ..diagnostics import InternalError, fail
from ..ir import Function, FunType, Invoke, Program, Signature, leaves
from ..sizes import Poly, Size, substitute, variable
from ..source import Span
from ..substitute import substitute_sizes
from ..surface import ast
from ..typed import CheckedData, CheckedDef, CheckedModule, Global, Scheme, Typing
from ..types import Array, Data, Fun, Record, SizeType, Tuple, Type, Var, substitute_type
from . import binders, calls, literals, loops, operators, places  # noqa: F401 (they register their handlers)
from .dispatch import expression
from .scope import Context, Scope

Instance = tuple[str, str, tuple[Type, ...]]


class Definitions:
    """Programs of all definitions of the loaded modules, elaborated when they are first asked for.

    `modules` may grow while definitions are looked up (the prelude loads on use).
    """

    def __init__(self, modules: Mapping[str, CheckedModule]) -> None:
        self.modules = modules
        self._programs: dict[Instance, Program] = {}
        self._schemes: dict[int, Scheme] = {}  # by the identity of programs in the table above

    def checked(self, module: str, name: str) -> CheckedDef:
        """The checked definition; E133 when the module has none of this name."""
        found = self.modules[module].definitions.get(name)
        if found is None:
            raise fail("E133", f"`{module}` has no definition `{name}`", hint="names are those after `def`")
        return found

    def data(self, name: str) -> CheckedData:
        """The declaration of a variant type."""
        for module in self.modules.values():
            if name in module.data:
                return module.data[name]
        raise InternalError(f"no variant type {name}")

    def program(self, module: str, name: str, types: Sequence[Type] = ()) -> Program:
        """The full-stage program of a definition at an instance; its size variables stay symbolic.

        Raises E134 when a polymorphic definition is asked for without types.
        """
        key = (module, name, tuple(types))
        found = self._programs.get(key)
        if found is None:
            checked = self.checked(module, name)
            found = self._elaborate(checked, tuple(types))
            self._programs[key] = found
            self._schemes[id(found)] = checked.scheme
        return found

    def resolve(self, function: Function) -> Program:
        """The program a `Function` step stands for, in the size variables of the program that holds the step."""
        scheme = self.checked(function.module, function.name).scheme
        types, outer = _abstracted(function.types, scheme.sizes)
        program = self.program(function.module, function.name, types)
        sizes = dict(zip(scheme.sizes, function.sizes, strict=True)) | outer
        _check_sizes(scheme, sizes)
        return substitute_sizes(program, sizes)

    def check_entry(self, program: Program, sizes: Mapping[str, Size]) -> None:
        """Raise E128 when sizes break a condition of the definition that a program was elaborated from."""
        scheme = self._schemes.get(id(program))
        if scheme is not None:
            _check_sizes(scheme, sizes)

    def expression(self, name: str, typing: Typing, node: ast.Expr) -> Program:
        """The program without inputs of an expression outside definitions (a claim of a test)."""
        context = Context(self, name, typing, unproved=frozenset(typing.unproved))
        builder = Builder(name)
        outputs = expression(Scope(context, builder), node)
        return builder.build(outputs, Signature((), context.type(node)))

    def _elaborate(self, checked: CheckedDef, types: tuple[Type, ...]) -> Program:
        scheme, definition = checked.scheme, checked.definition
        if len(types) != len(scheme.types):
            raise fail(
                "E134",
                f"`{definition.name}` needs {len(scheme.types)} types, not {len(types)}",
                definition.span,
                hint="call it from a definition with concrete types",
            )
        bound = dict(zip(scheme.types, types, strict=True))
        parameters = tuple((name, substitute_type(type_, bound, {})) for name, type_ in scheme.parameters)
        result = substitute_type(scheme.result, bound, {})
        sizes = (*scheme.sizes, *_size_names(types, ()))
        inputs = [leaf for _, type_ in parameters for leaf in leaves(type_)]
        builder = Builder(definition.name, inputs, sizes)
        unproved = frozenset(checked.typing.unproved)
        context = Context(self, definition.name, checked.typing, bound, unproved=unproved)
        scope = Scope(context, builder)
        start = 0
        for name, type_ in parameters:
            if not isinstance(type_, SizeType):
                stop = start + len(leaves(type_))
                scope.env[name] = tuple(range(start, stop))
                start = stop
        outputs = expression(scope, definition.body)
        rules = tuple((rule.kind, self._rule(checked, rule, bound, sizes)) for rule in definition.rules)
        return builder.build(outputs, Signature(parameters, result), rules)

    def _rule(self, checked: CheckedDef, rule: ast.Rule, bound: Mapping[str, Type], sizes: tuple[str, ...]) -> Program:
        """The program that calls the rule's definition, at the instance that fits the definition it belongs to."""
        meaning = checked.typing.meanings.get(id(rule))
        if not isinstance(meaning, Global):
            raise InternalError(f"the checker gave no meaning to the rule `{rule.function}`")
        types = tuple(substitute_type(type_, bound, {}) for type_ in meaning.types)
        scheme = self.checked(meaning.module, meaning.name).scheme
        own = dict(zip(scheme.types, types, strict=True))
        own_sizes = dict(zip(scheme.sizes, meaning.sizes, strict=True))
        inputs = [leaf for _, type_ in scheme.parameters for leaf in leaves(substitute_type(type_, own, own_sizes))]
        outputs = leaves(substitute_type(scheme.result, own, own_sizes))
        builder = Builder(rule.function, inputs, sizes)
        builder.origin = rule.span
        op = Function(meaning.module, meaning.name, types, meaning.sizes)
        (function,) = builder.emit(op, (), (FunType(tuple(inputs), outputs),))
        return builder.build(builder.emit(Invoke(), (function, *range(len(inputs))), outputs))


def _check_sizes(scheme: Scheme, sizes: Mapping[str, Size]) -> None:
    for size, least, span in scheme.conditions:
        known = substitute(size, sizes)
        if isinstance(known, int) and known < least:
            raise _too_small(size, known, least, span)


def _too_small(size: Size, known: int, least: int, span: Span) -> Exception:
    return fail(
        "E128",
        f"this needs `{size}` to be at least {least}",
        span,
        expected=f"{size} >= {least}",
        actual=f"{size} = {known}",
        hint="give longer arrays",
    )


def _size_names(types: Sequence[Type], found: tuple[str, ...]) -> tuple[str, ...]:
    """The size variables in types, in order of appearance."""
    names = dict.fromkeys(found)

    def note(size: Size) -> Size:
        if isinstance(size, Poly):
            for monomial, _ in size.terms:
                names.update(dict.fromkeys(name for name, _ in monomial))
        return size

    for type_ in types:
        _map_sizes(type_, note)
    return tuple(names)


def _abstracted(types: Sequence[Type], taken: Sequence[str]) -> tuple[tuple[Type, ...], dict[str, Size]]:
    """Types with each symbolic size replaced by a variable of the instance, and what the variables stand for."""
    names: dict[Size, str] = {}

    def rename(size: Size) -> Size:
        if isinstance(size, int):
            return size
        if size not in names:
            number = len(names) + 1
            while f"k{number}" in taken or f"k{number}" in names.values():
                number += 1
            names[size] = f"k{number}"
        return variable(names[size])

    renamed = tuple(_map_sizes(type_, rename) for type_ in types)
    return renamed, {name: size for size, name in names.items()}


def _map_sizes(type_: Type, change: Callable[[Size], Size]) -> Type:
    match type_:
        case Array(shape, element):
            return Array(tuple(change(size) for size in shape), _map_sizes(element, change))
        case Tuple(items):
            return Tuple(tuple(_map_sizes(item, change) for item in items))
        case Record(fields):
            return Record(tuple((name, _map_sizes(item, change)) for name, item in fields))
        case Fun(parameters, result):
            return Fun(tuple(_map_sizes(item, change) for item in parameters), _map_sizes(result, change))
        case Data(name, arguments):
            return Data(name, tuple(_map_sizes(item, change) for item in arguments))
        case Var(name):
            raise InternalError(f"type variable {name} in an instance")
        case _:
            return type_
