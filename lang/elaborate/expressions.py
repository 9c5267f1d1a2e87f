"""Expressions: one small function per kind of surface node, in the table `HANDLERS`.

In: a scope and a node the checker has typed. Out: the slots of its value, appended to the scope's builder. Every step
gets the span of the node that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..diagnostics import InternalError
from ..ir import ArrayType, Close, Function, Inject, Invoke, SlotType, Transform, leaves
from ..surface import ast
from ..typed import Builtin, ConstructorName, Global, SizeName
from ..types import Array, Fun, Scalar, SizeType, Type
from . import indexing, loops, words
from .patterns import bind, match, part
from .scope import Body, Scope, Value, closed, split

ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod"}
COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def expression(scope: Scope, node: ast.Expr) -> Value:
    """The slots of an expression's value."""
    outer = scope.builder.origin
    scope.builder.origin = node.span
    value = HANDLERS[type(node)](scope, node)
    scope.builder.origin = outer
    return value


def one(scope: Scope, node: ast.Expr) -> int:
    """The slot of an expression whose value takes one."""
    (slot,) = expression(scope, node)
    return slot


# --- names and literals ----------------------------------------------------------------------------------------------


def _name(scope: Scope, node: ast.Name) -> Value:
    found = scope.env.get(node.name)
    return found if found is not None else _meaning(scope, node)


def _meaning(scope: Scope, node: ast.Name | ast.Project) -> Value:
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
            return (scope.builder.constant(words.CONSTANTS[name], _dtype(scope.context.type(node))),)
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


def _dtype(type_: Type) -> str:
    if isinstance(type_, Scalar):
        return type_.dtype
    if isinstance(type_, SizeType):
        return "i64"
    raise InternalError(f"a literal of type {type_}")


def _number(dtype: str, text: str | int) -> float | int:
    return int(text) if dtype == "i64" else float(text)


def _integer(scope: Scope, node: ast.Integer) -> Value:
    dtype = _dtype(scope.context.type(node))
    return (scope.builder.constant(_number(dtype, node.value), dtype),)


def _decimal(scope: Scope, node: ast.Decimal) -> Value:
    dtype = _dtype(scope.context.type(node))
    return (scope.builder.constant(float(node.text), dtype),)


def _bool(scope: Scope, node: ast.Bool) -> Value:
    return (scope.builder.constant(node.value, "bool"),)


def _tuple(scope: Scope, node: ast.Tuple) -> Value:
    return tuple([slot for item in node.items for slot in expression(scope, item)])


def _record(scope: Scope, node: ast.Record) -> Value:
    values = {name: expression(scope, value) for name, value in node.fields}
    type_ = scope.context.type(node)
    order = [name for name, _ in type_.fields]  # type: ignore[union-attr]
    return tuple(slot for name in order for slot in values[name])


def _array(scope: Scope, node: ast.ArrayLiteral) -> Value:
    type_ = scope.context.type(node)
    literal = _literal(scope, node, type_)
    if literal is not None:
        return literal
    rows = [expression(scope, item) for item in node.items]
    builder = scope.builder
    result = []
    for parts in zip(*rows, strict=True):
        types = scope.arrays(parts, node.span)
        lifted = [
            builder.apply("reshape", slot, shape=(1, *item.shape)) for slot, item in zip(parts, types, strict=True)
        ]
        result.append(builder.apply("concat", *lifted, axis=0))
    return tuple(result)


def _literal(scope: Scope, node: ast.ArrayLiteral, type_: Type) -> Value | None:
    """An array of number literals is one constant."""
    if not (isinstance(type_, Array) and isinstance(type_.element, Scalar)):
        return None if node.items else _empty(scope, type_)
    numbers = _numbers(node)
    if numbers is None or not all(isinstance(size, int) for size in type_.shape):
        return None
    dtype = type_.element.dtype
    if dtype in ("i64", "bool") and any(isinstance(number, str) for number in numbers):
        return None
    import numpy as np

    data = np.array([number if dtype in ("i64", "bool") else float(number) for number in numbers])
    return (scope.builder.constant(data.reshape(type_.shape), dtype, type_.shape),)  # type: ignore[arg-type]


def _empty(scope: Scope, type_: Type) -> Value:
    return tuple(scope.builder.zeros(leaf) for leaf in leaves(type_) if isinstance(leaf, ArrayType))


def _numbers(node: ast.Expr) -> list[Any] | None:
    """All numbers of nested literals in order, or None when something else is among them."""
    match node:
        case ast.Integer(value=value) | ast.Bool(value=value):
            return [value]
        case ast.Decimal(text=text):
            return [text]
        case ast.Unary(operator="-", operand=ast.Integer(value=value)):
            return [-value]
        case ast.Unary(operator="-", operand=ast.Decimal(text=text)):
            return ["-" + text]
        case ast.ArrayLiteral(items=items):
            found: list[Any] = []
            for item in items:
                inner = _numbers(item)
                if inner is None:
                    return None
                found += inner
            return found
        case _:
            return None


# --- operators -------------------------------------------------------------------------------------------------------


def _unary(scope: Scope, node: ast.Unary) -> Value:
    if node.operator == "not":
        return (scope.builder.apply("logical_not", one(scope, node.operand)),)
    slot = one(scope, node.operand)
    known = scope.builder.scalar(slot)
    if known is not None:
        dtype = scope.builder.array_type(slot).dtype
        if dtype == "i64":
            known = (int(known) + 2**63) % 2**64 - 2**63
        return (scope.builder.constant(-known, dtype),)
    return (scope.builder.apply("neg", slot),)


def _binary(scope: Scope, node: ast.Binary) -> Value:
    operator = node.operator
    if operator in ("and", "or"):
        return _logical(scope, node)
    if operator == "^":
        return _power(scope, node)
    left, right = one(scope, node.left), one(scope, node.right)
    if operator == "@":
        return (words.matmul(scope, left, right),)
    return (scope.builder.apply(ARITHMETIC.get(operator) or COMPARISONS[operator], left, right),)


def _power(scope: Scope, node: ast.Binary) -> Value:
    exponent = node.right
    sign = 1
    if isinstance(exponent, ast.Unary) and exponent.operator == "-":
        exponent, sign = exponent.operand, -1
    base = one(scope, node.left)
    if isinstance(exponent, ast.Integer):
        return (scope.builder.apply("integer_pow", base, exponent=sign * exponent.value),)
    return (scope.builder.apply("pow", base, one(scope, node.right)),)


def _logical(scope: Scope, node: ast.Binary) -> Value:
    """`and`, `or`: the right side is a lazy arm unless evaluating it can neither fail nor take long."""
    left = one(scope, node.left)
    if is_total(node.right):
        return (scope.builder.apply(f"logical_{node.operator}", left, one(scope, node.right)),)
    decided = node.operator == "or"

    def known(inner: Scope, _: Value) -> Value:
        return (inner.builder.constant(decided, "bool"),)

    def ask(inner: Scope, _: Value) -> Value:
        return expression(inner, node.right)

    arms = [Body((), ask), Body((), known)] if decided else [Body((), known), Body((), ask)]
    captures, programs = closed(scope, node.operator, scope.context.free.of(node.right), arms)
    return scope.builder.branch(left, captures, programs)


def is_total(node: ast.Expr) -> bool:
    """Whether an expression surely has a value: names, literals, and arithmetic without integer division."""
    match node:
        case ast.Name() | ast.Integer() | ast.Decimal() | ast.Bool():
            return True
        case ast.Unary(operand=operand):
            return is_total(operand)
        case ast.Binary(operator=operator, left=left, right=right):
            return operator not in ("//", "%", "@") and is_total(left) and is_total(right)
        case _:
            return False


# --- parts, indices, updates -----------------------------------------------------------------------------------------


def _project(scope: Scope, node: ast.Project) -> Value:
    if scope.context.meaning(node) is not None:
        return _meaning(scope, node)
    place, _ = part(scope.context.type(node.base), str(node.field))
    return expression(scope, node.base)[place]


def _places(scope: Scope, node: ast.Index | ast.Update) -> list[indexing.Place]:
    shape = words.as_shape(scope.context.type(node.base))
    places: list[indexing.Place] = []
    for index, size in zip(node.indices, shape, strict=False):
        if isinstance(index, ast.Slice):
            low = 0 if index.low is None else scope.context.size(index.low)
            high = size if index.high is None else scope.context.size(index.high)
            places.append(indexing.Span(low, high))
        else:
            places.append(indexing.At(one(scope, index)))
    return places


def _proved(scope: Scope, node: ast.Index | ast.Update) -> bool:
    return scope.context.proved(node.span, *(index.span for index in node.indices))


def _index(scope: Scope, node: ast.Index) -> Value:
    base = expression(scope, node.base)
    places, proved = _places(scope, node), _proved(scope, node)
    scope.arrays(base, node.span)
    return tuple([indexing.read(scope.builder, slot, places, proved) for slot in base])


def _update(scope: Scope, node: ast.Update) -> Value:
    base = expression(scope, node.base)
    if node.field is not None:
        place, _ = part(scope.context.type(node.base), node.field)
        return base[: place.start] + expression(scope, node.value) + base[place.stop :]
    places, proved = _places(scope, node), _proved(scope, node)
    value = expression(scope, node.value)
    pairs = zip(base, value, strict=True)
    return tuple([indexing.write(scope.builder, slot, places, new, proved) for slot, new in pairs])


# --- calls -----------------------------------------------------------------------------------------------------------


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
        summed = loops.sum_of(scope, arguments[0], expression)
        if summed is not None:
            return summed
    taken = arguments[:1] if name in ("reshape", "flatten") else [] if name == "iota" else arguments
    values = tuple([expression(scope, argument) for argument in taken])
    types = tuple(scope.context.type(argument) for argument in taken)
    places = (node.span, *(argument.span for argument in arguments))
    proved = scope.context.proved(*places)
    return words.word(words.Use(scope, name, values, types, scope.context.type(node), proved))


def _transform(scope: Scope, kind: str, function: ast.Expr, types: tuple[SlotType, ...]) -> Value:
    return scope.builder.emit(Transform(kind), (one(scope, function),), types)


def _push(scope: Scope, node: ast.Call, kind: str, arguments: list[ast.Expr]) -> Value:
    """``jvp(f, x, x_dot)``, ``vjp(f, x, y_bar)``: the transformed function at its arguments."""
    inputs = tuple(scope.context.type(argument) for argument in arguments[1:])
    result = scope.context.type(node)
    (function,) = _transform(scope, kind, arguments[0], leaves(Fun(inputs, result)))
    return scope.builder.emit(Invoke(), (function, *_arguments(scope, arguments[1:])), leaves(result))


def _prime(scope: Scope, node: ast.Prime) -> Value:
    return _transform(scope, "grad", node.base, leaves(scope.context.type(node)))


# --- functions, binds, choices ---------------------------------------------------------------------------------------


def _lambda(scope: Scope, node: ast.Lambda) -> Value:
    type_ = scope.context.type(node)
    assert isinstance(type_, Fun)
    inputs = [leaf for item in type_.parameters for leaf in leaves(item)]
    names = [parameter.name for parameter in node.parameters]

    def write(inner: Scope, own: Value) -> Value:
        inner.env.update(zip(names, split(own, type_.parameters), strict=True))
        return expression(inner, node.body)

    free = scope.context.free.under(node.body, names)
    captures, (program,) = closed(scope, "fn", free, [Body(inputs, write)])
    return scope.builder.emit(Close(program), captures, leaves(type_))


def _block(scope: Scope, node: ast.Block) -> Value:
    """A chain of binds, in a loop: long chains cost no depth."""
    before = dict(scope.env)
    inner: ast.Expr = node
    while isinstance(inner, ast.Block):
        for one_bind in inner.binds:
            if not isinstance(one_bind, ast.Let):
                raise InternalError(f"{type(one_bind).__name__} at {one_bind.span}")
            value = expression(scope, one_bind.value)
            bind(scope, one_bind.pattern, scope.context.type(one_bind.value), value)
        inner = inner.body
    value = expression(scope, inner)
    scope.env = before
    return value


def _if(scope: Scope, node: ast.If) -> Value:
    selector = one(scope, node.condition)
    arms = [
        Body((), lambda inner, _: expression(inner, node.otherwise)),
        Body((), lambda inner, _: expression(inner, node.then)),
    ]
    free = scope.context.free
    captures, programs = closed(scope, "if", free.of(node.then) | free.of(node.otherwise), arms)
    return scope.builder.branch(selector, captures, programs)


HANDLERS: dict[type, Callable[[Scope, Any], Value]] = {
    ast.Name: _name,
    ast.Integer: _integer,
    ast.Decimal: _decimal,
    ast.Bool: _bool,
    ast.Tuple: _tuple,
    ast.Record: _record,
    ast.ArrayLiteral: _array,
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.Project: _project,
    ast.Index: _index,
    ast.Update: _update,
    ast.Call: _call,
    ast.Prime: _prime,
    ast.Lambda: _lambda,
    ast.Block: _block,
    ast.If: _if,
    ast.Match: lambda scope, node: match(scope, node, expression),
    ast.For: lambda scope, node: loops.for_(scope, node, expression),
    ast.Loop: lambda scope, node: loops.loop(scope, node, expression),
    ast.While: lambda scope, node: loops.while_(scope, node, expression),
}
