"""An ``operator`` item as an ordinary definition: a function of the fields and parameters, which gives a function of
the variables.

``operator heat(u, k: f64)(x, t) = u_t - k * u_xx`` becomes
``def heat(u: (real, real) -> real, k: f64) = fn (x: real, t: real) => let (u_t, u_xx) = … in u_t - k * u_xx``, where
the dots are one `ast.Partials` node per field: the place where derivatives are planned and taken together.
"""

from __future__ import annotations

from dataclasses import replace

from ..diagnostics import fail
from ..surface import ast
from .expand import Expanded, expand


def desugared(definition: ast.Def) -> ast.Def:
    """The definition that an operator stands for; raises E215 to E220."""
    item = with_types(definition)
    operator = expand(item)
    span = definition.span
    real = ast.TypeName("real", span=span)
    inputs = tuple(variable.annotation or real for variable in operator.variables)
    argument = inputs[0] if len(inputs) == 1 else ast.TypeTuple(inputs, span=span)
    function = ast.TypeFunction(argument, real, span=span)
    parameters = tuple(
        replace(item, annotation=function) if item.annotation is None else item for item in definition.fields
    )
    binds = tuple(_bind(operator, field) for field in operator.fields if operator.of_field(field.name))
    body = ast.Block(binds, operator.body, span=operator.body.span) if binds else operator.body
    return replace(
        definition,
        parameters=parameters,
        fields=(),
        keyword="def",
        body=ast.Lambda(operator.variables, body, span=definition.body.span),
    )


def with_types(definition: ast.Def) -> ast.Def:
    """The item with a type for every variable: ``real`` unless it says otherwise; vectors are ``[n]real``."""
    for variable in definition.parameters:
        annotation = variable.annotation
        if isinstance(annotation, ast.TypeArray) and len(annotation.sizes) != 1:
            hint = "declare a vector: `x: [n]real`"
            raise fail("E220", f"the variable `{variable.name}` has several axes", variable.span, hint=hint)
    typed = tuple(
        item if item.annotation is not None else replace(item, annotation=ast.TypeName("real", span=item.span))
        for item in definition.parameters
    )
    return replace(definition, parameters=typed)


def _bind(operator: Expanded, field: ast.Parameter) -> ast.Let:
    atoms = operator.of_field(field.name)
    span = operator.body.span
    point = tuple(ast.Name(variable.name, span=span) for variable in operator.variables)
    names = tuple(ast.PatternName(atom.name, span=span) for atom in atoms)
    pattern = names[0] if len(names) == 1 else ast.PatternTuple(names, span=span)
    weights = dict(operator.weights)[field.name]
    texts = tuple(atom.text for atom in atoms)
    value = ast.Partials(ast.Name(field.name, span=span), point, texts, weights, span=span)
    return ast.Let(pattern, None, value, span=span)
