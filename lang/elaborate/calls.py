"""Names that are not local, and calls: definitions, constructors, words of the language, function values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..diagnostics import InternalError
from ..ir import ArrayType, Close, Function, Inject, Invoke, Params, SlotType, Transform, leaves
from ..surface import ast
from ..typed import Builtin, ConstructorName, Global, SizeName
from ..types import Fun, SizeType, Type
from . import loops, words
from .dispatch import expression, handles, one
from .literals import literal_dtype
from .scope import Body, Scope, Value, closed, split


@handles(ast.Name)
def _name(scope: Scope, node: ast.Name) -> Value:
    found = scope.env.get(node.name)
    return found if found is not None else meaning_value(scope, node)


def meaning_value(scope: Scope, node: ast.Name | ast.Project) -> Value:
    """The value of a name that is not local: a size, a definition, a constructor or a word."""
    match scope.context.meaning(node):
        case SizeName(name=name):
            return (scope.builder.size(scope.context.size(ast.Name(name, span=node.span))),)
        case Global(module=module, name=name, types=types, sizes=sizes):
            own = tuple(scope.context.instance(type_) for type_ in types)
            op = Function(module, name, own, sizes)
            return scope.builder.emit(op, (), leaves(scope.context.type(node)))
        case ConstructorName(tag=tag):
            return _constructor(scope, node, tag)
        case Builtin(name=name) if name in words.CONSTANTS:
            return (scope.builder.constant(words.CONSTANTS[name], literal_dtype(scope.context.type(node))),)
        case Builtin(name=name):
            return _word_value(scope, node, name)
        case meaning:
            raise InternalError(f"{node.span}: a name without a value ({meaning})")


def _constructor(scope: Scope, node: ast.Name | ast.Project, tag: int) -> Value:
    type_ = scope.context.type(node)
    if not isinstance(type_, Fun):
        return scope.builder.emit(Inject(tag), (), leaves(type_))
    return _closure(scope, node, type_, lambda inner, own: inner.builder.emit(Inject(tag), own, leaves(type_.result)))


def _word_value(scope: Scope, node: ast.Name | ast.Project, name: str) -> Value:
    """A word used as a function value: a closure around it."""
    type_ = scope.context.type(node)
    assert isinstance(type_, Fun)

    def write(inner: Scope, own: Value) -> Value:
        values = tuple(split(own, type_.parameters))
        return words.word(words.Use(inner, name, values, type_.parameters, type_.result))

    return _closure(scope, node, type_, write)


def _closure(scope: Scope, node: ast.Node, type_: Fun, write: Callable[[Scope, Value], Value]) -> Value:
    inputs = [leaf for item in type_.parameters for leaf in leaves(item)]
    _, (program,) = closed(scope, node.span.text[:40], (), [Body(inputs, write)])
    return scope.builder.emit(Close(program), (), leaves(type_))


# --- calls ------------------------------------------------------------------------------------------------------------


@handles(ast.Call)
def _call(scope: Scope, node: ast.Call) -> Value:
    match scope.context.meaning(node.function):
        case Builtin(name=name):
            return _word(scope, node, name)
        case ConstructorName(tag=tag):
            payload = _arguments(scope, [argument.value for argument in node.arguments])
            return scope.builder.emit(Inject(tag), payload, leaves(scope.context.type(node)))
        case _:
            return _invoke(scope, node)


def _invoke(scope: Scope, node: ast.Call) -> Value:
    (function,) = expression(scope, node.function)
    operands = _arguments(scope, _ordered(scope, node))
    return scope.builder.emit(Invoke(), (function, *operands), leaves(scope.context.type(node)))


def _ordered(scope: Scope, node: ast.Call) -> Sequence[ast.Expr]:
    """The arguments that take slots, in the order of the parameters: names sorted out, sizes left out."""
    meaning = scope.context.meaning(node.function)
    if not isinstance(meaning, Global):
        return [argument.value for argument in node.arguments]
    parameters = scope.context.environment.checked(meaning.module, meaning.name).scheme.parameters
    given: dict[str, ast.Expr] = {}
    for place, argument in enumerate(node.arguments):
        given[argument.name if argument.name is not None else parameters[place][0]] = argument.value
    return [given[name] for name, type_ in parameters if not isinstance(type_, SizeType)]


def _arguments(scope: Scope, nodes: Sequence[ast.Expr]) -> tuple[int, ...]:
    return tuple([slot for node in nodes for slot in expression(scope, node)])


def _word(scope: Scope, node: ast.Call, name: str) -> Value:
    arguments = [argument.value for argument in node.arguments]
    if name in words.DERIVATIVES:
        return _transform(scope, name, arguments[0], leaves(scope.context.type(node)))
    if name in words.PUSHES:
        return _push(scope, node, name, arguments)
    if name == "sum" and isinstance(arguments[0], ast.For):
        summed = loops.sum_of(scope, arguments[0])
        if summed is not None:
            return summed
    taken = arguments[:1] if name in ("reshape", "flatten") else [] if name == "iota" else arguments
    values = tuple([expression(scope, argument) for argument in taken])
    types = tuple(scope.context.type(argument) for argument in taken)
    places = (node.span, *(argument.span for argument in arguments))
    proved = scope.context.proved(*places)
    return words.word(words.Use(scope, name, values, types, scope.context.type(node), proved))


def _transform(
    scope: Scope, kind: str, function: ast.Expr, types: tuple[SlotType, ...], params: Params = ()
) -> Value:
    return scope.builder.emit(Transform(kind, params), (one(scope, function),), types)


def _push(scope: Scope, node: ast.Call, kind: str, arguments: list[ast.Expr]) -> Value:
    """``jvp(f, x, x_dot)``, ``vjp(f, x, y_bar)``, ``jet(f, x, series)``: the transformed function at its arguments."""
    inputs = tuple(scope.context.type(argument) for argument in arguments[1:])
    result = scope.context.type(node)
    params: Params = (("order", _order(scope, arguments[0], inputs[1])),) if kind == "jet" else ()
    (function,) = _transform(scope, kind, arguments[0], leaves(Fun(inputs, result)), params)
    return scope.builder.emit(Invoke(), (function, *_arguments(scope, arguments[1:])), leaves(result))


def _order(scope: Scope, function: ast.Expr, series: Type) -> int:
    """The number of coefficients in a series: each has a slot per float parameter of the function."""
    type_ = scope.context.type(function)
    assert isinstance(type_, Fun)
    parameters = [leaf for parameter in type_.parameters for leaf in leaves(parameter)]
    floats = sum(isinstance(leaf, ArrayType) and leaf.is_float for leaf in parameters)
    return len(leaves(series)) // floats


@handles(ast.Partials)
def _partials(scope: Scope, node: ast.Partials) -> Value:
    """Derivatives of a field at a point: one transformed function, which a plan works out."""
    operands = (*node.point, *node.weights)
    inputs = tuple(scope.context.type(operand) for operand in operands)
    result = scope.context.type(node)
    params = (("atoms", " ".join(node.atoms)), ("variables", " ".join(name.name for name in node.point)))
    types = leaves(Fun(inputs, result))
    (function,) = _transform(scope, "partials", node.function, types, params)
    return scope.builder.emit(Invoke(), (function, *_arguments(scope, operands)), leaves(result))


@handles(ast.Prime)
def _prime(scope: Scope, node: ast.Prime) -> Value:
    return _transform(scope, "grad", node.base, leaves(scope.context.type(node)))
