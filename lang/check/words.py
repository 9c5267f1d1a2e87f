"""Applying the words of the language to argument types: lifting over arrays, matching with the table's signatures."""

from __future__ import annotations

from .. import types as ty
from ..diagnostics import Diagnostic, DiagnosticError, Label, fail
from ..sizes import Size, substitute, variable, variables
from ..surface import ast
from .builtins import CLASS_OF, DERIVATIVES, LIFTED, NEEDS_ELEMENTS, SPECIAL, TABLE, Signature, signatures
from .core import Checker
from .report import align, hint, show_open, size_labels
from .unify import ERROR, Mismatch, is_unknown


def lift(
    checker: Checker, row: str, arguments: list[ty.Type], nodes: list[ast.Expr], node: ast.Node, what: str
) -> ty.Type:
    """The type of a lifted word: elements agree as the row says, arrays have one shape, scalars go along."""
    (signature,) = signatures(row)
    elements: dict[str, ty.Type] = {}
    shape: tuple[Size, ...] | None = None
    first: ast.Expr | None = None
    for parameter, argument, argument_node in zip(signature.parameters, arguments, nodes, strict=True):
        head = checker.head(argument)
        if head is ERROR:
            return ERROR
        if type(head) is ty.Array:
            if shape is None:
                shape, first = head.shape, argument_node
            elif shape != head.shape:
                assert first is not None
                _same_shape(checker, shape, head, first, argument_node, node, what)
            head = checker.head(head.element)
        _element(checker, parameter, head, elements, argument, argument_node, node, what)
    result = signature.result
    if isinstance(result, ty.Var):
        result = elements[result.name] if result.name in elements else ty.Scalar(checker.scope.real)
    return ty.array(shape, result) if shape is not None else result


def _element(
    checker: Checker,
    parameter: ty.Type,
    element: ty.Type,
    elements: dict[str, ty.Type],
    argument: ty.Type,
    argument_node: ast.Expr,
    node: ast.Node,
    what: str,
) -> None:
    """Match the element type of one argument with the scalar its place demands."""
    letter = parameter.name if isinstance(parameter, ty.Var) else "bool"
    known = elements.get(letter)
    if known is element and type(element) is ty.Scalar:
        return
    wanted = ty.BOOL if letter == "bool" else known or checker.unifier.fresh(CLASS_OF[letter])
    try:
        checker.unifier.unify(wanted, element, argument_node.span)
    except Mismatch:
        if known is None:
            raise _wrong_class(checker, letter, argument, argument_node, what) from None
        found = show_open(checker.unifier, element)
        raise fail(
            "E032",
            f"the operands of {what} have different types",
            node.span,
            expected=show_open(checker.unifier, known),
            actual=found,
            hint=_conversion(checker, known, element),
        ) from None
    elements[letter] = checker.head(element)


def _conversion(checker: Checker, known: ty.Type, element: ty.Type) -> str | None:
    known, element = checker.unifier.resolve(known), checker.unifier.resolve(element)
    if known == ty.I64 and element in (ty.F64, ty.F32):
        known, element = element, known
    if checker.unifier.class_of(known) == "float":
        known = ty.Scalar(checker.scope.real)
    return hint(known, element, "type")


def _wrong_class(checker: Checker, letter: str, type_: ty.Type, node: ast.Expr, what: str) -> DiagnosticError:
    needs = {"f": "floats", "t": "numbers", "e": "numbers or booleans", "bool": "booleans"}[letter]
    advice = None
    shown = checker.unifier.resolve(type_)
    element = shown.element if isinstance(shown, ty.Array) else shown
    if letter == "f" and element == ty.I64:
        advice = "convert it, `real(…)`" + ("; `//` divides integers" if what == "`/`" else "")
    elif isinstance(shown, ty.Fun):
        advice = "this is a function: call it with `(…)`"
    elif isinstance(element, ty.Var):
        advice = f"nothing is known about `{element.name}`: a definition over any type can only move its values around"
    return fail("E037", f"{what} works on {needs}", node.span, actual=show_open(checker.unifier, type_), hint=advice)


def _same_shape(
    checker: Checker,
    shape: tuple[Size, ...],
    other: ty.Array,
    first: ast.Expr,
    second: ast.Expr,
    node: ast.Node,
    what: str,
) -> None:
    try:
        if len(shape) != len(other.shape):
            raise Mismatch("shape")
        for one, another in zip(shape, other.shape, strict=True):
            checker.unifier.unify_size(one, another, second.span)
    except Mismatch:
        left = checker.unifier.resolve(ty.Array(shape, other.element))
        right = checker.unifier.resolve(other)
        texts = align(show_open(checker.unifier, left), show_open(checker.unifier, right))
        labels = [
            Label(first.span, f"this has shape {_shape(left)}"),
            Label(second.span, f"this has shape {_shape(right)}"),
        ]
        labels += size_labels(checker.unifier, checker.generics, left, right, node.span)
        raise DiagnosticError(
            Diagnostic(
                "E033",
                f"the operands of {what} have different shapes",
                node.span,
                tuple(labels),
                *texts,
                hint=hint(left, right, "shape"),
            )
        ) from None


def _shape(type_: ty.Type) -> str:
    return ty.show_type(ty.Array(type_.shape, ty.Scalar(""))) if isinstance(type_, ty.Array) else "[]"


def apply_table(
    checker: Checker, name: str, arguments: list[ty.Type], nodes: list[ast.Expr], node: ast.Node
) -> ty.Type:
    """The type of a word of the table applied to arguments."""
    heads = [checker.head(argument) for argument in arguments]
    if any(head is ERROR for head in heads):
        return ERROR
    choice = _choose(signatures(TABLE[name]), heads)
    types: dict[str, ty.Type] = {}
    sizes: dict[str, Size] = {}
    shapes: dict[str, tuple[Size, ...]] = {}
    for number, (parameter, head) in enumerate(zip(choice.parameters, heads, strict=True)):
        what = f"the argument of `{name}`" if len(heads) == 1 else f"argument {number + 1} of `{name}`"
        _parameter(checker, parameter, head, nodes[number], what, (types, sizes, shapes))
    if name in NEEDS_ELEMENTS:
        dimensions = shapes["s"] if "s" in shapes else (sizes["n"],)
        for size in dimensions:
            checker.need(size, 1, node.span, f"`{name}` of an array without elements")
    return _fill(checker, choice.result, types, sizes, shapes)


def _choose(alternatives: tuple[Signature, ...], heads: list[ty.Type]) -> Signature:
    """The alternative whose ranks are those of the arguments, the first when none fits."""
    ranks = [len(head.shape) if isinstance(head, ty.Array) else 0 for head in heads]
    for alternative in alternatives:
        if [len(p.shape) if isinstance(p, ty.Array) else 0 for p in alternative.parameters] == ranks:
            return alternative
    return alternatives[0]


Filling = tuple[dict[str, ty.Type], dict[str, Size], dict[str, tuple[Size, ...]]]


def _parameter(
    checker: Checker, parameter: ty.Type, head: ty.Type, node: ast.Expr, what: str, filling: Filling
) -> None:
    types, sizes, shapes = filling
    if isinstance(parameter, ty.Array) and parameter.shape == (variable("*s"),):
        if not isinstance(head, ty.Array):
            raise fail(
                "E033",
                f"{what} is an array",
                node.span,
                expected="an array",
                actual=show_open(checker.unifier, head),
                hint="`for i < n => …` builds an array" if not is_unknown(head) else None,
            )
        shapes["s"] = head.shape
        expected = ty.Array(head.shape, _fill(checker, parameter.element, types, sizes, shapes))
    else:
        expected = _fill(checker, parameter, types, sizes, shapes)
    checker.demand(head, expected, node, what)


def _fill(
    checker: Checker,
    type_: ty.Type,
    types: dict[str, ty.Type],
    sizes: dict[str, Size],
    shapes: dict[str, tuple[Size, ...]],
) -> ty.Type:
    """A type of a signature with its letters replaced by unknowns, one per letter."""
    match type_:
        case ty.Var(name):
            if name not in types:
                types[name] = checker.unifier.fresh(CLASS_OF.get(name))
            return types[name]
        case ty.Array(shape, element):
            inner = _fill(checker, element, types, sizes, shapes)
            if shape == (variable("*s"),):
                return ty.array(shapes["s"], inner)
            filled: list[Size] = []
            for size in shape:
                for letter in sorted(variables(size)):
                    if letter not in sizes:
                        sizes[letter] = checker.unifier.fresh_size(letter)
                filled.append(substitute(size, sizes))
            return ty.array(tuple(filled), inner)
        case _:
            return type_


def builtin_value(checker: Checker, node: ast.Name, wanted: ty.Type | None) -> ty.Type:
    """A word used as a function value: at the argument types the place gives, else at scalars."""
    name = node.name
    fun = checker.head(wanted) if wanted is not None else None
    if name in SPECIAL or name in DERIVATIVES:
        raise fail("E036", f"`{name}` is called, not passed around", node.span, hint=f"write `fn (…) => {name}(…)`")
    alternatives = signatures(LIFTED[name]) if name in LIFTED else signatures(TABLE[name])
    first = alternatives[0]
    count = len(first.parameters)
    if isinstance(fun, ty.Fun) and len(fun.parameters) == count:
        given: list[ty.Type] = [checker.head(parameter) for parameter in fun.parameters]
        if not any(is_unknown(item) and checker.unifier.class_of(item) is None for item in given):
            return ty.Fun(tuple(given), apply_word(checker, name, given, [node] * count, node))
    if name in LIFTED:
        letters: dict[str, ty.Type] = {}
        parameters = tuple(_scalar(checker, p, letters) for p in first.parameters)
        return ty.Fun(parameters, _scalar(checker, first.result, letters))
    if len(alternatives) > 1 or "*s" in TABLE[name]:
        raise fail(
            "E051",
            f"nothing tells the argument types of `{name}` here",
            node.span,
            hint=f"write `fn (x: [n]f64) => {name}(x)`",
        )
    types: dict[str, ty.Type] = {}
    sizes: dict[str, Size] = {}
    parameters = tuple(_fill(checker, p, types, sizes, {}) for p in first.parameters)
    return ty.Fun(parameters, _fill(checker, first.result, types, sizes, {}))


def _scalar(checker: Checker, type_: ty.Type, letters: dict[str, ty.Type]) -> ty.Type:
    if not isinstance(type_, ty.Var):
        return type_
    if type_.name == "real":
        return ty.Scalar(checker.scope.real)
    if type_.name not in letters:
        letters[type_.name] = checker.unifier.fresh(CLASS_OF[type_.name])
    return letters[type_.name]


def apply_word(checker: Checker, name: str, arguments: list[ty.Type], nodes: list[ast.Expr], node: ast.Node) -> ty.Type:
    """A lifted word or a word of the table applied to argument types."""
    if name in LIFTED:
        return lift(checker, LIFTED[name], arguments, nodes, node, f"`{name}`")
    return apply_table(checker, name, arguments, nodes, node)
