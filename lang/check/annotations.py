"""Written types: `ast.TypeExpr` enters, a `lang.types.Type` over the declared generics leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import types as ty
from ..diagnostics import fail
from ..sizes import Size, add, mul, sub, variable
from ..source import Span
from ..surface import ast
from ..typed import Scheme
from .scope import ModuleScope
from .size_limits import limited

ARITHMETIC = {"+": add, "-": sub, "*": mul}
SCALARS = {"f64": ty.F64, "f32": ty.F32, "i64": ty.I64, "bool": ty.BOOL}


@dataclass(frozen=True)
class Generics:
    """The declared type and size variables of a definition, with the place that declares each."""

    types: Mapping[str, Span] = field(default_factory=dict)
    sizes: Mapping[str, Span] = field(default_factory=dict)


def generics_of(definition: ast.Def) -> Generics:
    """Generics in brackets, then ``n: size`` parameters."""
    types: dict[str, Span] = {}
    sizes: dict[str, Span] = {}
    for generic in definition.generics:
        if generic.name in types or generic.name in sizes:
            raise fail(
                "E050", f"`{generic.name}` is declared twice", generic.span, hint="give one of them another name"
            )
        (types if generic.is_type else sizes)[generic.name] = generic.span
    for parameter in definition.parameters:
        if is_size(parameter.annotation):
            if parameter.name in types or parameter.name in sizes:
                raise fail(
                    "E050",
                    f"`{parameter.name}` is declared twice",
                    parameter.span,
                    hint="give one of them another name",
                )
            sizes[parameter.name] = parameter.span
    return Generics(types, sizes)


def is_size(annotation: ast.TypeExpr | None) -> bool:
    return isinstance(annotation, ast.TypeName) and annotation.name == "size" and not annotation.arguments


def signature(definition: ast.Def, scope: ModuleScope, generics: Generics) -> tuple[Scheme, bool]:
    """The declared scheme, and whether its result is declared too (otherwise the result is a placeholder)."""
    parameters: list[tuple[str, ty.Type]] = []
    for parameter in definition.parameters:
        if any(parameter.name == name for name, _ in parameters):
            raise fail(
                "E050",
                f"two parameters are called `{parameter.name}`",
                parameter.span,
                hint="give one of them another name",
            )
        if parameter.annotation is None:
            raise fail(
                "E048",
                f"the parameter `{parameter.name}` of `{definition.name}` has no type",
                parameter.span,
                hint=f"write `{parameter.name}: f64`, `{parameter.name}: [n]f64`, …",
            )
        if is_size(parameter.annotation):
            parameters.append((parameter.name, ty.SizeType()))
        else:
            parameters.append((parameter.name, read_type(parameter.annotation, scope, generics)))
    declared = definition.result is not None
    result = read_type(definition.result, scope, generics) if definition.result is not None else ty.UNIT
    return Scheme(tuple(generics.types), tuple(generics.sizes), tuple(parameters), result), declared


def read_type(node: ast.TypeExpr, scope: ModuleScope, generics: Generics) -> ty.Type:
    """The type a text names; raises E031 for a name that is not declared, E053 for types of a later version."""
    match node:
        case ast.TypeName():
            return _read_name(node, scope, generics)
        case ast.TypeArray(sizes=sizes, element=element):
            shape = tuple(read_size(size, generics) for size in sizes)
            return ty.array(shape, read_type(element, scope, generics))
        case ast.TypeTuple(items=items):
            return ty.Tuple(tuple(read_type(item, scope, generics) for item in items))
        case ast.TypeRecord(fields=fields):
            names = [name for name, _ in fields]
            if len(set(names)) < len(names):
                raise fail("E050", "a field occurs twice in this record type", node.span, hint="name each field once")
            return ty.Record(tuple((name, read_type(item, scope, generics)) for name, item in fields))
        case ast.TypeFunction(parameter=parameter, result=result):
            inputs = parameter.items if isinstance(parameter, ast.TypeTuple) else (parameter,)
            return ty.Fun(
                tuple(read_type(item, scope, generics) for item in inputs), read_type(result, scope, generics)
            )
        case ast.TypeMeasure():
            raise fail(
                "E053",
                "measure types are not in this version",
                node.span,
                hint="leave it out, or state what it computes as a function of numbers",
            )
        case ast.TypeField():
            raise fail(
                "E053",
                "field types are not in this version",
                node.span,
                hint="use a function of numbers, or an array of values on a grid",
            )


def _read_name(node: ast.TypeName, scope: ModuleScope, generics: Generics) -> ty.Type:
    name = node.name
    plain: ty.Type | None = None
    if name in generics.types:
        plain = ty.Var(name)
    elif name in SCALARS:
        plain = SCALARS[name]
    elif name == "real":
        plain = ty.Scalar(scope.real)
    if plain is None:
        return _read_data(node, scope, generics)
    if node.arguments:
        raise fail("E031", f"`{name}` takes no type arguments", node.span, hint=f"write `{name}` alone")
    return plain


def _read_data(node: ast.TypeName, scope: ModuleScope, generics: Generics) -> ty.Type:
    name, count = node.name, len(node.arguments)
    data = scope.data_type(name)
    if data is not None:
        if count != len(data.types):
            message = f"`{name}` takes {len(data.types)} type arguments, not {count}"
            wanted = f"{name}[{', '.join(data.types)}]" if data.types else name
            raise fail(
                "E031",
                message,
                node.span,
                expected=wanted,
                hint="give one type for each name in the declaration of the type",
            )
        return ty.Data(name, tuple(read_type(item, scope, generics) for item in node.arguments))
    if name == "size":
        message = "`size` is the type of a parameter of `def` only"
        raise fail("E031", message, node.span, hint="a size is an i64 anywhere else")
    close = scope.suggest(name, [*scope.type_words(), *generics.types])
    advice = close or f"to make it a type variable, add it to the brackets: `[{name}: type]`"
    raise fail("E031", f"there is no type `{name}`", node.span, hint=advice)


def read_size(node: ast.Expr, generics: Generics) -> Size:
    """A size in a type: literals, declared size variables, ``+ - *``; anything else raises E031 or E038."""
    match node:
        case ast.Integer(value=value):
            return value
        case ast.Name(name=name):
            if name not in generics.sizes:
                raise fail(
                    "E031",
                    f"the size variable `{name}` is not declared",
                    node.span,
                    hint=f"add it to the brackets after the name of the definition: `[{name}]`",
                )
            return variable(name)
        case ast.Binary(operator=operator, left=left, right=right) if operator in ARITHMETIC:
            return combine(operator, read_size(left, generics), read_size(right, generics), node.span)
        case _:
            raise fail(
                "E038",
                "a size is made of integers, size variables and + - *",
                node.span,
                hint="compute it before and pass it as a size: `n: size`",
            )


def combine(operator: str, left: Size, right: Size, span: Span) -> Size:
    """``left operator right`` for ``+ - *``; E063 for a size that is too large to handle."""
    return limited(ARITHMETIC[operator](left, right), span)
