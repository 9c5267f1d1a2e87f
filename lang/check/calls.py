"""Rules of calls: matching arguments with parameters, and the words that need more than the table."""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import Diagnostic, DiagnosticError, fail, suggest
from ..sizes import Size, product, show, sub
from ..surface import ast
from ..typed import Builtin
from .builtins import CONSTANTS, DERIVATIVES, LIFTED, SPECIAL, WORDS, arity, wrong_count
from .core import Checker, Condition, rule
from .derivatives import derivative_call
from .report import show_open
from .unify import ERROR, Mismatch, SizeOf, is_unknown
from .words import apply_word


@rule(ast.Call)
def call(checker: Checker, node: ast.Call, hint: ty.Type | None) -> ty.Type:
    """A call of a word of the language, a definition, a constructor or a function value."""
    word = _word(checker, node.function)
    if word is not None:
        return _call_word(checker, node, word, hint)
    function = checker.head(checker.infer(node.function))
    if function is ERROR:
        for argument in node.arguments:
            if not isinstance(argument.value, ast.Lambda):
                checker.attempt(argument.value)
        return ERROR
    if is_unknown(function):
        parameters = tuple(checker.infer(argument.value) for argument in node.arguments)
        fresh = ty.Fun(parameters, checker.unifier.fresh(None, node.span))
        checker.demand(function, fresh, node.function, "the function called here")
        return fresh.result
    if not isinstance(function, ty.Fun):
        raise fail(
            "E036",
            "this is not a function",
            node.function.span,
            actual=show_open(checker.unifier, function),
            hint="multiplication is written `*`" if isinstance(function, ty.Scalar) else None,
        )
    arguments = _arrange(checker, node, function)
    _check_arguments(checker, node, arguments, function)
    return function.result


def _word(checker: Checker, function: ast.Expr) -> str | None:
    """The word of the language that is called, unless a local or a definition has its name."""
    if not isinstance(function, ast.Name) or function.name not in WORDS or function.name in checker.locals:
        return None
    return None if checker.scope.definition(function.name, function.span) is not None else function.name


# --- arguments ------------------------------------------------------------------------------------


def parameter_names(checker: Checker, function: ast.Expr) -> tuple[str, tuple[str, ...]] | None:
    """Name and parameter names of a definition that is called directly."""
    scope = checker.scope
    found = None
    if isinstance(function, ast.Name) and function.name not in checker.locals:
        found = scope.definition(function.name, function.span) or (
            None if function.name in CONSTANTS else scope.prelude_definition(function.name)
        )
    elif isinstance(function, ast.Project) and isinstance(function.base, ast.Name):
        if function.base.name in scope.aliases and function.base.name not in checker.locals:
            found = scope.member(function.base.name, str(function.field))
    if found is None or found.scheme is None:
        return None
    return found.name, tuple(name for name, _ in found.scheme.parameters)


def _arrange(checker: Checker, node: ast.Call, function: ty.Fun) -> list[ast.Expr]:
    """The arguments in the order of the parameters; raises E034 (count) and E035 (names)."""
    count = len(function.parameters)
    if all(argument.name is None for argument in node.arguments):
        if len(node.arguments) == count:
            return [argument.value for argument in node.arguments]
        raise _count_error(checker, node, function, parameter_names(checker, node.function))
    known = parameter_names(checker, node.function)
    if known is None:
        named = next(argument for argument in node.arguments if argument.name is not None)
        raise fail(
            "E035",
            "only definitions called by their name take named arguments",
            named.span,
            hint="give the arguments by position",
        )
    name, names = known
    placed: dict[str, ast.Expr] = {}
    for place, argument in enumerate(node.arguments):
        if argument.name is None and place >= count:
            raise _count_error(checker, node, function, known)
        key = names[place] if argument.name is None else argument.name
        if key not in names:
            raise fail(
                "E035",
                f"`{name}` has no parameter `{key}`",
                argument.span,
                expected=_show_call(checker, known, function),
                hint=suggest(key, names),
            )
        if key in placed:
            raise fail(
                "E035",
                f"the parameter `{key}` of `{name}` is given twice",
                argument.span,
                hint="give it by position or by name, not both",
            )
        placed[key] = argument.value
    if len(placed) < count:
        raise _count_error(checker, node, function, known, [key for key in names if key not in placed])
    return [placed[key] for key in names]


def _count_error(
    checker: Checker,
    node: ast.Call,
    function: ty.Fun,
    known: tuple[str, tuple[str, ...]] | None,
    missing: list[str] | None = None,
) -> DiagnosticError:
    count, given = len(function.parameters), len(node.arguments)
    for argument in node.arguments:
        if not isinstance(argument.value, ast.Lambda):
            checker.attempt(argument.value)
    name = f"`{known[0]}`" if known is not None else "this function"
    if missing is None and known is not None:
        missing = list(known[1][given:])
    advice = f"missing: {', '.join(missing)}" if missing else None
    return DiagnosticError(
        Diagnostic(
            "E034",
            f"{name} takes {count} argument{'s' * (count != 1)}, not {given}",
            node.span,
            (),
            _show_call(checker, known, function),
            hint=advice,
        )
    )


def _show_call(checker: Checker, known: tuple[str, tuple[str, ...]] | None, function: ty.Fun) -> str:
    types = ["size" if isinstance(item, SizeOf) else show_open(checker.unifier, item) for item in function.parameters]
    if known is None:
        return f"({', '.join(types)})"
    return f"{known[0]}({', '.join(f'{n}: {t}' for n, t in zip(known[1], types, strict=True))})"


def _check_arguments(checker: Checker, node: ast.Call, arguments: list[ast.Expr], function: ty.Fun) -> None:
    """Lambdas come last, when the other arguments have told their parameters' types."""
    known = None
    order = sorted(range(len(arguments)), key=lambda place: _lateness(arguments[place], function.parameters[place]))
    for place in order:
        argument, parameter = arguments[place], function.parameters[place]
        if isinstance(parameter, SizeOf):
            give_size(checker, argument, parameter.size)
            continue
        if known is None:
            known = _labels(node, len(arguments))
        checker.attempt(argument, parameter, known[place])


def _lateness(argument: ast.Expr, parameter: ty.Type) -> int:
    if not isinstance(parameter, ty.Fun):
        return 0
    return 2 if isinstance(argument, ast.Lambda) else 1


def _labels(node: ast.Call, count: int) -> list[str]:
    name = node.function.name if isinstance(node.function, ast.Name) else None
    of = f" of `{name}`" if name else ""
    return [f"argument {place + 1}{of}" if count > 1 else f"the argument{of}" for place in range(count)]


def give_size(checker: Checker, argument: ast.Expr, expected: Size) -> None:
    """An argument for a ``size`` parameter."""
    size = checker.size_expression(argument, "this argument")
    checker.need(size, 0, argument.span, "this size")
    if isinstance(size, int) and size < 0:
        return
    try:
        checker.unifier.unify_size(expected, size, argument.span)
    except Mismatch:
        raise fail(
            "E033",
            "this size does not agree with the other arguments",
            argument.span,
            expected=show(checker.unifier.size(expected)),
            actual=show(size),
            hint="the shapes of the other arguments fix this size: leave the arrays or the size as they say",
        ) from None


# --- words of the language ------------------------------------------------------------------------


def _call_word(checker: Checker, node: ast.Call, word: str, hint: ty.Type | None) -> ty.Type:
    assert isinstance(node.function, ast.Name)
    for argument in node.arguments:
        if argument.name is not None:
            raise fail(
                "E035", f"`{word}` takes no named arguments", argument.span, hint="give the arguments by position"
            )
    nodes = [argument.value for argument in node.arguments]
    checker.meanings[id(node.function)] = Builtin(word)
    if word in DERIVATIVES:
        return derivative_call(checker, node, word, nodes, hint)
    if word in SPECIAL:
        return SPECIAL_RULES[word](checker, node, nodes)
    if len(nodes) != arity(word):
        raise wrong_count(word, _count(arity(word)), len(nodes), node.span)
    wanted = _scalar_hint(checker, hint) if LIFTED.get(word, "") in SAME_TYPE else None
    types: list[ty.Type] = []
    for item in nodes:
        types.append(checker.infer(item, wanted))
        if wanted is None and word in LIFTED:
            wanted = _scalar_hint(checker, types[0]) if word != "where" else None
    result = apply_word(checker, word, types, nodes, node)
    checker.types[id(node.function)] = ty.Fun(tuple(types), result)
    return result


SAME_TYPE = frozenset({"f -> f", "t -> t", "(f, f) -> f", "(t, t) -> t", "(t, t, t) -> t"})


def _scalar_hint(checker: Checker, type_: ty.Type | None) -> ty.Type | None:
    """What a literal among the arguments should be, when the element type is a known number."""
    if type_ is None:
        return None
    head = checker.head(type_)
    element = checker.head(head.element) if isinstance(head, ty.Array) else head
    return element if isinstance(element, ty.Scalar) and element.dtype != "bool" else None


def _count(number: int) -> str:
    return f"{number} argument{'s' * (number != 1)}"


def _reduce(checker: Checker, node: ast.Call, nodes: list[ast.Expr]) -> ty.Type:
    """``reduce(f, x)``: x is [n]a, f is (a, a) -> a."""
    if len(nodes) != 2:
        raise fail(
            "E034",
            f"`reduce` takes 2 arguments, not {len(nodes)}",
            node.span,
            expected="reduce(f, x)",
            hint="the function comes first, then the array",
        )
    array = checker.infer(nodes[1])
    size, element = checker.unifier.fresh_size("n"), checker.unifier.fresh()
    checker.demand(array, ty.Array((size,), element), nodes[1], "the array that `reduce` goes over")
    function = ty.Fun((element, element), element)
    checker.check(nodes[0], function, "the function of `reduce`")
    checker.need(size, 1, node.span, "`reduce` of an array without elements")
    checker.types[id(node.function)] = ty.Fun((function, array), element)
    return element


def _iota(checker: Checker, node: ast.Call, nodes: list[ast.Expr]) -> ty.Type:
    if len(nodes) != 1:
        raise fail(
            "E034",
            f"`iota` takes 1 argument, not {len(nodes)}",
            node.span,
            expected="iota(n)",
            hint="it counts from 0: shift and stretch the result",
        )
    size = checker.size_expression(nodes[0], "the argument of `iota`")
    checker.need(size, 0, nodes[0].span, "the argument of `iota`")
    result = ty.array((size,), ty.I64)
    checker.types[id(node.function)] = ty.Fun((ty.SizeType(),), result)
    return result


def _flatten(checker: Checker, node: ast.Call, nodes: list[ast.Expr]) -> ty.Type:
    if len(nodes) != 1:
        raise fail(
            "E034",
            f"`flatten` takes 1 argument, not {len(nodes)}",
            node.span,
            expected="flatten(x)",
            hint="flatten each array by itself",
        )
    array = _an_array(checker, nodes[0], "the argument of `flatten`")
    if array is ERROR:
        return ERROR
    assert isinstance(array, ty.Array)
    result = ty.array((product(tuple(checker.unifier.size(s) for s in array.shape)),), array.element)
    checker.types[id(node.function)] = ty.Fun((array,), result)
    return result


def _reshape(checker: Checker, node: ast.Call, nodes: list[ast.Expr]) -> ty.Type:
    """``reshape(x, n, m, …)``: as many elements as before, which is a condition when it is not plain."""
    if len(nodes) < 2:
        raise fail(
            "E034",
            "`reshape` takes an array and at least one size",
            node.span,
            expected="reshape(x, n, m)",
            hint="the sizes follow the array",
        )
    array = _an_array(checker, nodes[0], "the first argument of `reshape`")
    shape = tuple(checker.size_expression(item, "an argument of `reshape`") for item in nodes[1:])
    for size, item in zip(shape, nodes[1:], strict=True):
        checker.need(size, 0, item.span, "an argument of `reshape`")
    if array is ERROR:
        return ERROR
    assert isinstance(array, ty.Array)
    gap = sub(product(tuple(checker.unifier.size(s) for s in array.shape)), product(shape))
    if gap != 0:
        before = ty.show_type(ty.array(tuple(checker.unifier.size(s) for s in array.shape), ty.Scalar("")))
        what = f"`reshape` of {before} to [{', '.join(map(show, shape))}]"
        checker.conditions.append(Condition(gap, None, node.span, checker.facts, what))
    result = ty.array(shape, array.element)
    checker.types[id(node.function)] = ty.Fun((array, *(ty.SizeType() for _ in shape)), result)
    return result


def _an_array(checker: Checker, node: ast.Expr, what: str) -> ty.Type:
    array = checker.head(checker.infer(node))
    if array is not ERROR and not isinstance(array, ty.Array):
        raise fail(
            "E033",
            f"{what} is an array",
            node.span,
            expected="an array",
            actual=show_open(checker.unifier, array),
            hint="write [x] for an array of one element",
        )
    return array


SPECIAL_RULES = {"reduce": _reduce, "iota": _iota, "flatten": _flatten, "reshape": _reshape}
