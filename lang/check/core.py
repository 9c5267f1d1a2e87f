"""The checker of one definition or one test: its state, and the entry points that the rules call.

A rule types one kind of node: ``rule(checker, node, hint) -> type``. The hint is the type the place would like, used
only to type literals, lambdas and functions used as values; whoever gives a hint still calls `demand` on the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import types as ty
from ..diagnostics import Diagnostic, DiagnosticError, Label, fail
from ..sizes import Size, sub, substitute, variable, variables
from ..source import Span
from ..surface import ast
from ..typed import CheckedData, ConstructorName, Global, Local, Meaning, Scheme, SizeName
from .annotations import ARITHMETIC, Generics, combine
from .prove import proved
from .report import mismatch
from .scope import ModuleScope
from .unify import ERROR, Mismatch, SizeOf, Unifier

Rule = Callable[["Checker", Any, ty.Type | None], ty.Type]
RULES: dict[type, Rule] = {}


def rule(*nodes: type) -> Callable[[Rule], Rule]:
    """Register the rule of one kind of node."""

    def register(function: Rule) -> Rule:
        for node in nodes:
            RULES[node] = function
        return function

    return register


@dataclass(frozen=True, slots=True)
class Entry:
    """What a local name stands for; `value` is its value as a polynomial in sizes and loop indices, when known."""

    meaning: Meaning
    type: ty.Type
    value: Size | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """``size >= least`` (or ``size = 0`` when `least` is None), needed at `span`, under facts that hold there."""

    size: Size
    least: int | None
    span: Span
    facts: tuple[Size, ...]
    what: str


def _small(size: Size) -> Size | None:
    """Give up on a polynomial that grows, such as one squared again and again by a chain of `let`s."""
    if isinstance(size, int):
        return size if abs(size) < 2**63 else None
    if len(size.terms) > 12 or any(sum(power for _, power in monomial) > 4 for monomial, _ in size.terms):
        return None
    return size


class Checker:
    """State of one inference; one object per definition or test."""

    def __init__(self, scope: ModuleScope, generics: Generics) -> None:
        self.scope = scope
        self.generics = generics
        self.unifier = Unifier(scope.real)
        self.locals: dict[str, Entry] = {}
        self.trail: list[tuple[str, Entry | None]] = []
        self.types: dict[int, ty.Type] = {}
        self.meanings: dict[int, Meaning] = {}
        self.unproved: list[Span] = []
        self.diagnostics: list[Diagnostic] = []
        self.conditions: list[Condition] = []
        self.facts: tuple[Size, ...] = ()
        self.bounds: dict[str, Size] = {}
        self.coverage_steps = 0  # spent on the completeness of one `match`
        for name in generics.sizes:
            self.bind(name, Entry(SizeName(name), ty.I64, variable(name)))

    # --- expressions ------------------------------------------------------------------------------

    def infer(self, node: ast.Expr, hint: ty.Type | None = None) -> ty.Type:
        """The type of an expression; raises `DiagnosticError`."""
        result = RULES[type(node)](self, node, hint)
        self.types[id(node)] = result
        return result

    def check(self, node: ast.Expr, expected: ty.Type, what: str = "this expression") -> None:
        """Type an expression that must have a given type."""
        self.demand(self.infer(node, expected), expected, node, what)

    def attempt(self, node: ast.Expr, expected: ty.Type | None = None, what: str = "this expression") -> ty.Type:
        """Type an expression; an error is recorded, and the expression then agrees with everything."""
        mark, facts = len(self.trail), self.facts
        try:
            result = self.infer(node, expected)
            if expected is not None:
                self.demand(result, expected, node, what)
            return result
        except DiagnosticError as error:
            self.diagnostics.extend(error.diagnostics)
            self.leave(mark)
            self.facts = facts
            self.types[id(node)] = ERROR
            return ERROR

    def demand(
        self,
        actual: ty.Type,
        expected: ty.Type,
        node: ast.Expr | ast.Node,
        what: str = "this expression",
        labels: tuple[Label, ...] = (),
    ) -> None:
        """Unify, or raise the mismatch at the node (E032 types, E033 shapes)."""
        if actual is expected:
            return
        try:
            self.unifier.unify(expected, actual, node.span)
        except Mismatch as reason:
            raise DiagnosticError(
                mismatch(self.unifier, self.generics, expected, actual, node.span, what, reason.reason, labels)
            ) from None

    def head(self, type_: ty.Type) -> ty.Type:
        return self.unifier.head(type_)

    # --- names ------------------------------------------------------------------------------------

    def bind(self, name: str, entry: Entry) -> None:
        """Add a local name until `leave` of an earlier mark."""
        self.trail.append((name, self.locals.get(name)))
        self.locals[name] = entry

    def leave(self, mark: int) -> None:
        """Forget the names bound since the trail had the length `mark`."""
        while len(self.trail) > mark:
            name, previous = self.trail.pop()
            if previous is None:
                del self.locals[name]
            else:
                self.locals[name] = previous

    @contextmanager
    def inside(self, facts: tuple[Size, ...] = ()) -> Iterator[None]:
        """A scope: names bound and facts known inside are forgotten at its end."""
        mark, outer = len(self.trail), self.facts
        self.facts = outer + facts
        try:
            yield
        finally:
            self.leave(mark)
            self.facts = outer

    def bind_index(self, name: str, bound: Size) -> None:
        """Bind a loop index; inside the loop its bound is at least 1."""
        unique = f"{name}#{len(self.bounds)}"
        self.bounds[unique] = bound
        self.facts += (sub(bound, 1),)
        self.bind(name, Entry(Local(name), ty.I64, variable(unique)))

    def instantiate(self, module: str, name: str, scheme: Scheme, span: Span) -> tuple[Global, ty.Fun, dict[str, Size]]:
        """A definition at fresh unknowns: its meaning, its function type and the sizes chosen."""
        if not scheme.types and not scheme.sizes:
            for size, least, _ in scheme.conditions:
                self.conditions.append(Condition(size, least, span, self.facts, f"`{name}`"))
            return (
                Global(module, name, (), ()),
                ty.Fun(tuple(t for _, t in scheme.parameters), scheme.result),
                {},
            )
        types = {variable_: self.unifier.fresh(None, span) for variable_ in scheme.types}
        sizes: dict[str, Size] = {n: self.unifier.fresh_size(n, span) for n in scheme.sizes}
        parameters = tuple(
            SizeOf(sizes[parameter]) if isinstance(type_, ty.SizeType) else ty.substitute_type(type_, types, sizes)
            for parameter, type_ in scheme.parameters
        )
        for size, least, _ in scheme.conditions:
            self.conditions.append(Condition(substitute(size, sizes), least, span, self.facts, f"`{name}`"))
        result = ty.substitute_type(scheme.result, types, sizes)
        meaning = Global(module, name, tuple(types.values()), tuple(sizes.values()))
        return meaning, ty.Fun(parameters, result), sizes  # type: ignore[arg-type]

    def construct(self, data: CheckedData, tag: int) -> tuple[ConstructorName, tuple[ty.Type, ...], ty.Data]:
        """A constructor at fresh unknowns: its meaning, its field types, the type it builds."""
        types = {name: self.unifier.fresh() for name in data.types}
        fields = tuple(ty.substitute_type(item, types, {}) for item in data.constructors[tag][1])
        arguments = tuple(types.values())
        meaning = ConstructorName(data.module, data.name, tag, arguments)
        return meaning, fields, ty.Data(data.name, arguments)

    # --- sizes ------------------------------------------------------------------------------------

    def polynomial(self, node: ast.Expr) -> Size | None:
        """The value of an integer expression over literals, sizes and loop indices, None when it is something else."""
        match node:
            case ast.Integer(value=value):
                return value
            case ast.Name(name=name):
                entry = self.locals.get(name)
                return entry.value if entry is not None else None
            case ast.Binary(operator=operator, left=left, right=right) if operator in ARITHMETIC:
                first = self.polynomial(left)
                second = self.polynomial(right) if first is not None else None
                return None if first is None or second is None else _small(ARITHMETIC[operator](first, second))
            case ast.Unary(operator="-", operand=operand):
                value = self.polynomial(operand)
                return None if value is None else sub(0, value)
            case _:
                return None

    def size_expression(self, node: ast.Expr, what: str) -> Size:
        """A static size: integer literals, size variables, ``+ - *``; anything else raises E038."""
        match node:
            case ast.Integer(value=value):
                self.types[id(node)] = ty.I64
                return value
            case ast.Name(name=name) if name in self.locals:
                entry = self.locals[name]
                if isinstance(entry.meaning, SizeName):
                    self.meanings[id(node)] = entry.meaning
                    self.types[id(node)] = ty.I64
                    return variable(name)
            case ast.Binary(operator=operator, left=left, right=right) if operator in ARITHMETIC:
                self.types[id(node)] = ty.I64
                first, second = self.size_expression(left, what), self.size_expression(right, what)
                return combine(operator, first, second, node.span)
            case _:
                pass
        if isinstance(node, ast.Name) and node.name not in self.locals:
            self.infer(node)
        raise fail(
            "E038",
            f"{what} must be a size: integers, size variables, + - *",
            node.span,
            hint="declare it as `n: size`, or use `loop … while … limit …` for a number known only at run time",
        )

    def need(self, size: Size, least: int, span: Span, what: str) -> None:
        """Note that a size must be at least `least`, unless that is plain."""
        if isinstance(size, int) and size >= least:
            return
        self.conditions.append(Condition(size, least, span, self.facts, what))

    def proves(self, size: Size) -> bool:
        """Whether ``size >= 0`` holds here, for all sizes and loop indices."""
        size = self.unifier.size(size)
        facts = tuple(self.unifier.size(fact) for fact in self.facts[-8:])
        names = variables(size).union(*(variables(fact) for fact in facts)) & self.bounds.keys()
        return proved(size, facts, {name: self.unifier.size(self.bounds[name]) for name in names})
