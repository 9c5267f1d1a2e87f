"""Rules of names, literals, tuples, records, `let`, `if` and lambdas."""

from __future__ import annotations

from collections.abc import Sequence

from .. import types as ty
from ..diagnostics import DiagnosticError, fail, suggest
from ..sizes import Size, mul, sub
from ..surface import ast
from ..typed import Builtin, Global, Local
from .annotations import read_type
from .builtins import CONSTANTS, LATER, WORDS
from .core import Checker, Entry, rule
from .patterns import bind_pattern, distinct
from .report import show_open
from .scope import Definition
from .size_limits import limited_type
from .unify import ERROR, is_unknown
from .words import builtin_value

LATER_TEXT = "not in this version"


@rule(ast.Name)
def name(checker: Checker, node: ast.Name, hint: ty.Type | None) -> ty.Type:
    """A local, a definition, a constructor, a word of the language, or a word of the prelude, in this order."""
    entry = checker.locals.get(node.name)
    if entry is not None:
        checker.meanings[id(node)] = entry.meaning
        return entry.type
    found = checker.scope.definition(node.name, node.span)
    if found is not None:
        return use_definition(checker, node, found)
    if node.name in CONSTANTS:
        checker.meanings[id(node)] = Builtin(node.name)
        return checker.unifier.fresh("float", node.span)
    if node.name in WORDS:
        checker.meanings[id(node)] = Builtin(node.name)
        return builtin_value(checker, node, hint)
    found = checker.scope.prelude_definition(node.name)
    if found is not None:
        return use_definition(checker, node, found)
    return _constructor_or_unknown(checker, node)


def _constructor_or_unknown(checker: Checker, node: ast.Name) -> ty.Type:
    constructor = checker.scope.constructor(node.name)
    if constructor is not None:
        meaning, fields, result = checker.construct(*constructor)
        checker.meanings[id(node)] = meaning
        return ty.Fun(fields, result) if fields else result
    if node.name in LATER:
        raise fail(LATER[node.name][0], LATER[node.name][1], node.span)
    if node.name in checker.scope.broken or "" in checker.scope.broken:
        return ERROR
    if node.name in checker.scope.aliases:
        raise fail("E030", f"`{node.name}` is a module, not a value", node.span, hint=f"write `{node.name}.word`")
    known = [*checker.locals, *checker.scope.words(), *WORDS, *CONSTANTS]
    hint = checker.scope.suggest(node.name, known) or "make it a parameter, bind it with `let`, or define it"
    raise fail("E030", f"there is no `{node.name}` here", node.span, hint=hint)


def use_definition(checker: Checker, node: ast.Name | ast.Project, found: Definition) -> ty.Type:
    """A top-level definition at fresh unknowns."""
    if found.scheme is None:
        checker.meanings[id(node)] = Global(found.module, found.name, (), ())
        return ERROR
    meaning, function, _ = checker.instantiate(found.module, found.name, found.scheme, node.span)
    checker.meanings[id(node)] = meaning
    return function


# --- literals -------------------------------------------------------------------------------------


@rule(ast.Integer)
def integer(checker: Checker, node: ast.Integer, hint: ty.Type | None) -> ty.Type:
    if not -(2**63) <= node.value < 2**63:
        raise fail("E063", "this integer does not fit into 64 bits", node.span, hint="write it as a float, e.g. 1e20")
    wanted = checker.head(hint) if hint is not None else None
    if type(wanted) is ty.Scalar and wanted.dtype != "bool":
        return wanted
    return checker.unifier.fresh("number")


@rule(ast.Decimal)
def decimal(checker: Checker, node: ast.Decimal, hint: ty.Type | None) -> ty.Type:
    wanted = checker.head(hint) if hint is not None else None
    if type(wanted) is ty.Scalar and wanted.dtype in ty.FLOATS:
        return wanted
    return checker.unifier.fresh("float")


@rule(ast.Bool)
def boolean(checker: Checker, node: ast.Bool, hint: ty.Type | None) -> ty.Type:
    return ty.BOOL


@rule(ast.Tuple)
def tuple_(checker: Checker, node: ast.Tuple, hint: ty.Type | None) -> ty.Type:
    wanted = checker.head(hint) if hint is not None else None
    hints: Sequence[ty.Type | None] = (None,) * len(node.items)
    if isinstance(wanted, ty.Tuple) and len(wanted.items) == len(node.items):
        hints = wanted.items
    found = ty.Tuple(tuple(checker.infer(item, h) for item, h in zip(node.items, hints, strict=True)))
    return limited_type(found, node.span)


@rule(ast.Record)
def record(checker: Checker, node: ast.Record, hint: ty.Type | None) -> ty.Type:
    wanted = checker.head(hint) if hint is not None else None
    hints = dict(wanted.fields) if isinstance(wanted, ty.Record) else {}
    if len({field for field, _ in node.fields}) < len(node.fields):
        raise fail("E050", "a field occurs twice in this record", node.span, hint="name each field once")
    found = ty.Record(tuple((field, checker.infer(item, hints.get(field))) for field, item in node.fields))
    return limited_type(found, node.span)


@rule(ast.ArrayLiteral)
def array_literal(checker: Checker, node: ast.ArrayLiteral, hint: ty.Type | None) -> ty.Type:
    wanted = checker.head(hint) if hint is not None else None
    inner = ty.array(wanted.shape[1:], wanted.element) if isinstance(wanted, ty.Array) else None
    if not node.items:
        element = inner if inner is not None else checker.unifier.fresh(None, node.span)
        return ty.array((0,), element)
    element = checker.infer(node.items[0], inner)
    for place, item in enumerate(node.items[1:], 2):
        checker.check(item, element, f"element {place} of this array")
    return ty.array((len(node.items),), element)


# --- projections ----------------------------------------------------------------------------------


@rule(ast.Project)
def project(checker: Checker, node: ast.Project, hint: ty.Type | None) -> ty.Type:
    base = node.base
    if isinstance(base, ast.Name) and base.name in checker.scope.aliases and base.name not in checker.locals:
        return _member(checker, node, base.name)
    subject = checker.head(checker.infer(base))
    if subject is ERROR:
        return ERROR
    if isinstance(node.field, int):
        return _place(checker, node, subject, node.field)
    if not isinstance(subject, ty.Record):
        raise fail(
            "E042",
            f"`.{node.field}` needs a record",
            node.span,
            actual=show_open(checker.unifier, subject),
            hint=_array_of_parts(subject),
        )
    fields = dict(subject.fields)
    if node.field not in fields:
        raise fail(
            "E042",
            f"this record has no field `{node.field}`",
            node.span,
            actual=show_open(checker.unifier, subject),
            hint=suggest(node.field, fields),
        )
    return fields[node.field]


def _place(checker: Checker, node: ast.Project, subject: ty.Type, place: int) -> ty.Type:
    if not isinstance(subject, ty.Tuple):
        raise fail(
            "E042",
            f"`.{place}` needs a tuple",
            node.span,
            actual=show_open(checker.unifier, subject),
            hint=_array_of_parts(subject),
        )
    if place >= len(subject.items):
        raise fail(
            "E042",
            f"this tuple has no place {place}: places are counted from 0",
            node.span,
            actual=show_open(checker.unifier, subject),
            hint=f"the last place is .{len(subject.items) - 1}" if subject.items else None,
        )
    return subject.items[place]


def _array_of_parts(subject: ty.Type) -> str | None:
    if isinstance(subject, ty.Array) and isinstance(subject.element, (ty.Tuple, ty.Record)):
        return "this is an array: select an element first, or write `for i < n => x[i]` with the selection inside"
    return None


def _member(checker: Checker, node: ast.Project, alias: str) -> ty.Type:
    module = checker.scope.aliases[alias]
    found = checker.scope.member(alias, str(node.field))
    if found is not None:
        return use_definition(checker, node, found)
    for data in module.data.values():
        for tag, (constructor, _) in enumerate(data.constructors):
            if constructor == node.field:
                meaning, fields, result = checker.construct(data, tag)
                checker.meanings[id(node)] = meaning
                return ty.Fun(fields, result) if fields else result
    raise fail(
        "E030",
        f"the module `{alias}` has no `{node.field}`",
        node.span,
        hint=suggest(str(node.field), module.definitions),
    )


# --- let, if, functions ---------------------------------------------------------------------------


@rule(ast.Block)
def block(checker: Checker, node: ast.Block, hint: ty.Type | None) -> ty.Type:
    """A chain of binds, walked in a loop so that long chains cost no depth."""
    chain: list[ast.Block] = []
    expression: ast.Expr = node
    with checker.inside():
        while isinstance(expression, ast.Block):
            chain.append(expression)
            for bind in expression.binds:
                _bind(checker, bind)
            expression = expression.body
        result = checker.infer(expression, hint)
    for inner in chain:
        checker.types[id(inner)] = result
    return result


def _bind(checker: Checker, bind: ast.Bind) -> None:
    if not isinstance(bind, ast.Let):
        word = {ast.Draw: "let … ~", ast.Observe: "observe", ast.Score: "score"}[type(bind)]
        raise fail("E053", f"`{word}` is {LATER_TEXT}", bind.span, hint="state the density as a function of numbers")
    distinct(bind.pattern)
    try:
        expected = None
        if bind.annotation is not None:
            expected = read_type(bind.annotation, checker.scope, checker.generics)
        found = checker.attempt(bind.value, expected, "the value of this `let`")
    except DiagnosticError as error:
        checker.diagnostics.extend(error.diagnostics)
        expected, found = None, checker.attempt(bind.value)
    value = None
    if isinstance(bind.pattern, ast.PatternName) and checker.head(found) != ERROR:
        value = checker.polynomial(bind.value)
        if value is not None and expected is not None and checker.head(expected) != ty.I64:
            value = None
    bind_pattern(checker, bind.pattern, expected if expected is not None else found, value)


@rule(ast.Lambda)
def lambda_(checker: Checker, node: ast.Lambda, hint: ty.Type | None) -> ty.Type:
    """Parameters take their annotation, or the type the context gives."""
    wanted = checker.head(hint) if hint is not None else None
    context = wanted if isinstance(wanted, ty.Fun) and len(wanted.parameters) == len(node.parameters) else None
    parameters: list[ty.Type] = []
    with checker.inside():
        for place, parameter in enumerate(node.parameters):
            given = None if context is None else context.parameters[place]
            type_ = _parameter(checker, parameter, given)
            parameters.append(type_)
            checker.bind(parameter.name, Entry(Local(parameter.name), type_))
        result = checker.infer(node.body, None if context is None else context.result)
    return ty.Fun(tuple(parameters), result)


def _parameter(checker: Checker, parameter: ast.Parameter, given: ty.Type | None) -> ty.Type:
    if parameter.annotation is not None:
        return read_type(parameter.annotation, checker.scope, checker.generics)
    if given is not None and not (is_unknown(checker.head(given)) and checker.unifier.class_of(given) is None):
        return given
    raise fail(
        "E048",
        f"nothing tells the type of the parameter `{parameter.name}`",
        parameter.span,
        hint=f"write `fn ({parameter.name}: f64) => …`",
    )


@rule(ast.If)
def if_(checker: Checker, node: ast.If, hint: ty.Type | None) -> ty.Type:
    checker.check(node.condition, ty.BOOL, "the condition of `if`")
    with checker.inside(facts_of(checker, node.condition, True)):
        then = checker.infer(node.then, hint)
    with checker.inside(facts_of(checker, node.condition, False)):
        otherwise = checker.infer(node.otherwise, then if hint is None else hint)
    checker.demand(otherwise, then, node.otherwise, "the `else` branch")
    return then


def facts_of(checker: Checker, condition: ast.Expr, holds: bool) -> tuple[Size, ...]:
    """Sizes known to be non-negative when a condition over indices and sizes holds (or does not)."""
    match condition:
        case ast.Unary(operator="not", operand=operand):
            return facts_of(checker, operand, not holds)
        case ast.Binary(operator="and" | "or" as operator, left=left, right=right) if (operator == "and") == holds:
            return facts_of(checker, left, holds) + facts_of(checker, right, holds)
        case ast.Binary(operator="<" | "<=" | ">" | ">=" | "==" | "!=" as operator, left=left, right=right):
            first, second = checker.polynomial(left), checker.polynomial(right)
            if first is None or second is None:
                return ()
            return _comparison_facts(operator, sub(second, first), holds)
        case _:
            return ()


NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def _comparison_facts(operator: str, gap: Size, holds: bool) -> tuple[Size, ...]:
    """`gap` is right minus left."""
    match operator if holds else NEGATED[operator]:
        case "<":
            return (sub(gap, 1),)
        case "<=":
            return (gap,)
        case ">":
            return (sub(mul(-1, gap), 1),)
        case ">=":
            return (mul(-1, gap),)
        case "==":
            return (gap, mul(-1, gap))
        case _:
            return ()
