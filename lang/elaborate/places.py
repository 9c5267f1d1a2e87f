"""Parts of values: places and fields, indices and slices, and updates of them."""

from __future__ import annotations

from ..surface import ast
from . import indexing, words
from .calls import meaning_value
from .dispatch import expression, handles, one
from .patterns import part
from .scope import Scope, Value


@handles(ast.Project)
def _project(scope: Scope, node: ast.Project) -> Value:
    if scope.context.meaning(node) is not None:
        return meaning_value(scope, node)
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


@handles(ast.Index)
def _index(scope: Scope, node: ast.Index) -> Value:
    base = expression(scope, node.base)
    places, proved = _places(scope, node), _proved(scope, node)
    scope.arrays(base, node.span)
    return tuple([indexing.read(scope.builder, slot, places, proved) for slot in base])


@handles(ast.Update)
def _update(scope: Scope, node: ast.Update) -> Value:
    base = expression(scope, node.base)
    if node.field is not None:
        place, _ = part(scope.context.type(node.base), node.field)
        return base[: place.start] + expression(scope, node.value) + base[place.stop :]
    places, proved = _places(scope, node), _proved(scope, node)
    value = expression(scope, node.value)
    pairs = zip(base, value, strict=True)
    return tuple([indexing.write(scope.builder, slot, places, new, proved) for slot, new in pairs])
