"""Types of `grad`, `jvp`, `vjp`, `jet`, `jacobian`, `hessian`, `laplacian`, `value_and_grad` and `f'`.

T(f64) = f64; T(i64) = T(bool) = T(size) = (); arrays, tuples and records pointwise. A tangent over several parameters
is a tuple that leaves out the empty ones, and is not a tuple when one is left.
"""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import fail
from ..differential.atoms import read_atom
from ..sizes import show
from ..source import Span
from ..surface import ast
from .core import Checker, rule
from .report import show_open
from .unify import ERROR, Mismatch, SizeOf, is_unknown

HIGHEST_ORDER = 64
"""Of a Taylor series; the work grows with the square of the order, and programs with it."""

ARGUMENTS = {"jvp": ("f", "x", "x_dot"), "vjp": ("f", "x", "y_bar"), "jet": ("f", "x", "(x1, x2, …)")}


def tangent(checker: Checker, type_: ty.Type, span: Span) -> ty.Type:
    """The type of tangents and cotangents of a type; E052 where there is none."""
    head = checker.head(type_)
    match head:
        case ty.Scalar(dtype):
            return head if dtype in ty.FLOATS else ty.UNIT
        case ty.Array(shape, element):
            inner = tangent(checker, element, span)
            return ty.UNIT if inner == ty.UNIT else ty.array(shape, inner)
        case ty.Tuple(items):
            return ty.Tuple(tuple(tangent(checker, item, span) for item in items))
        case ty.Record(fields):
            return ty.Record(tuple((name, tangent(checker, item, span)) for name, item in fields))
        case SizeOf() | ty.SizeType():
            return ty.UNIT
        case ty.Var() if head is ERROR or checker.unifier.class_of(head) == "float":
            return head
        case ty.Var() if checker.unifier.class_of(head) is not None:
            checker.unifier.unify(head, ty.Scalar(checker.scope.real), span)
            return ty.Scalar(checker.scope.real)
        case _:
            advice = "give its parameters concrete types" if isinstance(head, ty.Var) else None
            raise fail(
                "E052",
                "a value of this type has no derivative here",
                span,
                actual=show_open(checker.unifier, head),
                hint=advice,
            )


def packed(parts: list[ty.Type]) -> ty.Type:
    """The tangent over several parameters."""
    kept = [part for part in parts if part != ty.UNIT]
    return kept[0] if len(kept) == 1 else ty.Tuple(tuple(kept))


def tangents(checker: Checker, function: ty.Fun, span: Span) -> ty.Type:
    """The gradient of a function with respect to all of its parameters."""
    result = packed([tangent(checker, parameter, span) for parameter in function.parameters])
    if result == ty.UNIT:
        raise fail(
            "E052",
            "this function has no parameter to differentiate by",
            span,
            actual=show_open(checker.unifier, function),
            hint="only f64 and f32 carry derivatives",
        )
    return result


def derivative_call(
    checker: Checker, node: ast.Call, word: str, nodes: list[ast.Expr], hint: ty.Type | None
) -> ty.Type:
    """A call of a derivative word."""
    names = ARGUMENTS.get(word, ("f",))
    if len(nodes) != len(names):
        advice = f"`{word}(f)` is a function: `{word}(f)(…)`" if len(names) == 1 else None
        raise fail(
            "E034",
            f"`{word}` takes {', '.join(names)}",
            node.span,
            expected=f"{word}({', '.join(names)})",
            hint=advice,
        )
    function = _function(checker, nodes[0], word, hint)
    if function is ERROR:
        for item in nodes[1:]:
            checker.attempt(item)
        return ERROR
    assert isinstance(function, ty.Fun)
    result = _apply(checker, word, function, nodes, hint)
    checker.types[id(node.function)] = ty.Fun(tuple(checker.types[id(item)] for item in nodes), result)
    return result


def _function(checker: Checker, node: ast.Expr, word: str, hint: ty.Type | None) -> ty.Type:
    wanted = checker.head(hint) if hint is not None else None
    inner = None
    if isinstance(wanted, ty.Fun) and word not in ARGUMENTS:
        inner = ty.Fun(wanted.parameters, checker.unifier.fresh())
    function = checker.head(checker.infer(node, inner))
    if function is not ERROR and not isinstance(function, ty.Fun):
        raise fail(
            "E052",
            f"`{word}` differentiates a function",
            node.span,
            actual=show_open(checker.unifier, function),
            hint="write `fn (x: f64) => …` around the expression",
        )
    return function


def _apply(checker: Checker, word: str, function: ty.Fun, nodes: list[ast.Expr], hint: ty.Type | None) -> ty.Type:
    where = nodes[0].span
    match word:
        case "grad" | "value_and_grad":
            _one_float(checker, function, nodes[0], word)
            gradient = tangents(checker, function, where)
            result = gradient if word == "grad" else ty.Tuple((function.result, gradient))
            return ty.Fun(function.parameters, result)
        case "jvp":
            point(checker, function, nodes[1])
            checker.check(nodes[2], tangents(checker, function, where), "the tangent `x_dot`")
            return ty.Tuple((function.result, tangent(checker, function.result, where)))
        case "vjp":
            point(checker, function, nodes[1])
            checker.check(nodes[2], tangent(checker, function.result, where), "the cotangent `y_bar`")
            return ty.Tuple((function.result, tangents(checker, function, where)))
        case "jet":
            return _series(checker, function, nodes)
        case _:
            return _second(checker, word, function, nodes[0])


def _series(checker: Checker, function: ty.Fun, nodes: list[ast.Expr]) -> ty.Type:
    """The value and as many coefficients as are given: a tuple of them, or the first alone."""
    node, where = nodes[2], nodes[0].span
    point(checker, function, nodes[1])
    coefficient = tangents(checker, function, where)
    result = tangent(checker, function.result, where)
    if isinstance(node, ast.Tuple):
        if len(node.items) > HIGHEST_ORDER:
            message, hint = f"a series of order {len(node.items)}", "give fewer coefficients"
            raise fail("E247", message, node.span, expected=f"order {HIGHEST_ORDER} at most", hint=hint)
        for number, item in enumerate(node.items, 1):
            checker.check(item, coefficient, f"the coefficient `x{number}`")
        checker.types[id(node)] = ty.Tuple((coefficient,) * len(node.items))
        return ty.Tuple((function.result, ty.Tuple((result,) * len(node.items))))
    found = checker.head(checker.infer(node, None))
    if isinstance(found, ty.Tuple) and len(found.items) > 1 and found != checker.unifier.resolve(coefficient):
        checker.check(node, ty.Tuple((coefficient,) * len(found.items)), "the series")
        return ty.Tuple((function.result, ty.Tuple((result,) * len(found.items))))
    checker.check(node, coefficient, "the coefficient `x1`")
    return ty.Tuple((function.result, result))


def _second(checker: Checker, word: str, function: ty.Fun, node: ast.Expr) -> ty.Type:
    """`jacobian`, `hessian` and `laplacian` of a function of one float or array of floats."""
    if len(function.parameters) != 1:
        raise fail(
            "E052",
            f"`{word}` takes a function of one parameter",
            node.span,
            actual=show_open(checker.unifier, function),
            hint="collect the parameters in one array",
        )
    parameter = _floats(checker, function.parameters[0], node, "the parameter")
    if word == "jacobian":
        result = _floats(checker, function.result, node, "the result")
        shape = _shape(result) + _shape(parameter)
        return ty.Fun(function.parameters, ty.array(shape, _element(parameter)))
    _one_float(checker, function, node, word)
    shape = _shape(parameter)
    if len(shape) > 1:
        raise fail(
            "E052",
            f"`{word}` takes a function of one f64 or [n]f64",
            node.span,
            actual=show_open(checker.unifier, parameter),
            hint="`reshape` inside the function",
        )
    element = _element(parameter)
    return ty.Fun(function.parameters, ty.array(shape + shape, element) if word == "hessian" else element)


def _floats(checker: Checker, type_: ty.Type, node: ast.Expr, what: str) -> ty.Type:
    found = checker.unifier.resolve(type_)
    element = _element(found)
    if element is ERROR or (isinstance(element, ty.Scalar) and element.dtype in ty.FLOATS):
        return found
    if checker.unifier.class_of(element) is not None:
        checker.demand(element, checker.unifier.fresh("float"), node, what)
        return checker.unifier.resolve(found)
    raise fail(
        "E052",
        f"{what} must be a float or an array of floats",
        node.span,
        actual=show_open(checker.unifier, found),
        hint="only floats have derivatives: convert with f64(x), or leave it out",
    )


def _shape(type_: ty.Type) -> tuple:
    return type_.shape if isinstance(type_, ty.Array) else ()


def _element(type_: ty.Type) -> ty.Type:
    return type_.element if isinstance(type_, ty.Array) else type_


def _one_float(checker: Checker, function: ty.Fun, node: ast.Expr, word: str) -> None:
    """The function must return one float."""
    try:
        checker.unifier.unify(checker.unifier.fresh("float"), function.result, node.span)
    except Mismatch:
        raise fail(
            "E052",
            f"`{word}` needs a function that returns one float",
            node.span,
            expected="f64",
            actual=show_open(checker.unifier, function.result),
            hint="`jacobian` or `vjp` differentiate functions with several results",
        ) from None


def point(checker: Checker, function: ty.Fun, node: ast.Expr) -> None:
    """Check an expression that stands for all the arguments of a function: a tuple when there are several."""
    from .calls import give_size

    parameters = function.parameters
    if isinstance(node, ast.Tuple) and len(parameters) == len(node.items) != 1:
        pairs = list(zip(node.items, parameters, strict=True))
    elif len(parameters) == 1:
        pairs = [(node, parameters[0])]
    elif any(isinstance(parameter, SizeOf) for parameter in parameters):
        raise fail(
            "E034",
            f"this function takes {len(parameters)} arguments: write them as a tuple",
            node.span,
            hint="several arguments go in as one tuple: (x, y)",
        )
    else:
        checker.check(node, ty.Tuple(parameters), "the point")
        return
    for item, parameter in pairs:
        if isinstance(parameter, SizeOf):
            give_size(checker, item, parameter.size)
        else:
            checker.check(item, parameter, "the point")
    if isinstance(node, ast.Tuple) and id(node) not in checker.types:
        checker.types[id(node)] = ty.Tuple(tuple(checker.types[id(item)] for item in node.items))


@rule(ast.Partials)
def partials(checker: Checker, node: ast.Partials, hint: ty.Type | None) -> ty.Type:
    """Derivatives of a field: a tuple with a number, a vector or a matrix for each."""
    real = ty.Scalar(checker.scope.real)
    point = {name.name: checker.infer(name) for name in node.point}
    checker.check(node.function, ty.Fun(tuple(point.values()), real), "the field")
    atoms = [read_atom(text) for text in node.atoms]
    for number, weight in enumerate(node.weights):
        (variable,) = {atom.variable for atom in atoms if atom.kind == "weighted" and atom.order == number}
        checker.check(weight, ty.array(_shape(checker.unifier.resolve(point[variable])) * 2, real), "this matrix")
    found = [
        ty.array(_shape(checker.unifier.resolve(point[atom.variable])) * atom.rank, real) if atom.rank else real
        for atom in atoms
    ]
    return found[0] if len(found) == 1 else ty.Tuple(tuple(found))


@rule(ast.Prime)
def prime(checker: Checker, node: ast.Prime, hint: ty.Type | None) -> ty.Type:
    """``f'`` is `grad(f)` of a function of one scalar."""
    real = ty.Scalar(checker.scope.real)
    wanted = checker.head(hint) if hint is not None else None
    inner = wanted if isinstance(wanted, ty.Fun) else ty.Fun((real,), real)
    function = checker.head(checker.infer(node.base, inner))
    if function is ERROR:
        return ERROR
    if not isinstance(function, ty.Fun) or len(function.parameters) != 1:
        raise fail(
            "E052",
            "`'` differentiates a function of one scalar",
            node.span,
            actual=show_open(checker.unifier, function),
            hint="`grad(f)` takes several parameters",
        )
    parameter = function.parameters[0]
    if isinstance(checker.head(parameter), ty.Array):
        shown = ", ".join(show(size) for size in _shape(checker.unifier.resolve(parameter)))
        raise fail(
            "E052",
            f"`'` differentiates a function of one scalar, not of [{shown}]",
            node.span,
            hint="use `grad`",
        )
    if is_unknown(checker.head(parameter)):
        checker.demand(parameter, checker.unifier.fresh("float"), node.base, "the parameter")
    _one_float(checker, function, node.base, "'")
    tangents(checker, function, node.base.span)
    return ty.Fun(function.parameters, function.result)
