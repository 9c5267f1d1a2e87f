"""Operators as data: an expanded operator enters, its record and its classification leave.

The record is what plans and certificates are bound to. The classification splits an operator in its first-order part,
which is always taken exactly, the derivatives of higher order that it is linear in, and the outer function of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ...lang.differential.atoms import Atom
from ...lang.differential.expand import Expanded
from ...lang.differential.trees import names, walk
from ...lang.surface import ast
from .audit import degree
from .jets import Length
from .planner import Variables
from .spatial import estimable


def variables_of(operator: Expanded) -> Variables:
    """Names and declared lengths of the variables; None is a scalar."""
    return tuple((item.name, _length(item.annotation)) for item in operator.variables)


def lengths_of(operator: Expanded, shapes: Iterable[tuple[int, ...]]) -> dict[str, int]:
    """The open sizes that parameters of these shapes give."""
    found: dict[str, int] = {}
    for item, shape in zip(operator.parameters, shapes, strict=True):
        declared = item.annotation.sizes if isinstance(item.annotation, ast.TypeArray) else ()
        if len(declared) == len(shape):
            found |= {str(_size(size)): own for size, own in zip(declared, shape, strict=True)}
    return found


def _length(annotation: ast.TypeExpr | None) -> Length:
    return _size(annotation.sizes[0]) if isinstance(annotation, ast.TypeArray) else None


def _size(size: ast.Expr) -> int | str:
    return size.value if isinstance(size, ast.Integer) else size.span.text


def record(operator: Expanded) -> Mapping[str, Any]:
    """The content of an operator as JSON data: what it is applied to, its atoms and the function of them."""
    return {
        "name": operator.name,
        "fields": [item.name for item in operator.fields],
        "parameters": [[item.name, repr(item.annotation)] for item in operator.parameters],
        "variables": [list(pair) for pair in variables_of(operator)],
        "atoms": [atom.text for atom in operator.atoms],
        "body": repr(operator.body),
        "weights": [[name, [repr(matrix) for matrix in matrices]] for name, matrices in operator.weights],
    }


@dataclass(frozen=True, slots=True)
class Classification:
    """The parts of an operator, as atoms.

    `first`: of order one and less. `linear`: of higher order, in a term that has no other atom and no function of it.
    `nonlinear`: all that stand in products, powers and functions. `biased`: pairs whose product is biased when both are
    estimated from the same random lanes (an atom with itself where it is squared).
    """

    first: tuple[Atom, ...]
    linear: tuple[Atom, ...]
    nonlinear: tuple[Atom, ...]
    biased: tuple[tuple[Atom, Atom], ...]


def classify(operator: Expanded) -> Classification:
    """The parts of an operator.

    >>> from pushforward.lang.differential.desugar import with_types
    >>> from pushforward.lang.differential.expand import expand
    >>> from pushforward.lang.surface.parser import parse
    >>> from pushforward.lang.source import Source
    >>> (item,) = parse(Source("", "operator kdv(u)(x, t) = u_t + u * u_x + u_xxx")).items
    >>> [str(atom) for atom in classify(expand(with_types(item))).linear]
    ['u_xxx']
    """
    atoms = {atom.name: atom for atom in operator.atoms}
    outer: set[str] = set()
    for term in _terms(operator.body):
        inside = names(term) & atoms.keys()
        if len(inside) > 1 or not all(_occurs_once(term, name) for name in inside):
            outer |= inside
    high = [atom for atom in operator.atoms if atom.total_order > 1]
    return Classification(
        tuple(atom for atom in operator.atoms if atom.total_order <= 1),
        tuple(atom for atom in high if atom.name not in outer),
        tuple(atom for name, atom in atoms.items() if name in outer),
        tuple(_biased(operator, atoms)),
    )


def _terms(node: ast.Expr) -> Iterator[ast.Expr]:
    """The terms of a sum."""
    match node:
        case ast.Binary(operator="+" | "-", left=left, right=right):
            yield from _terms(left)
            yield from _terms(right)
        case ast.Unary(operator="-", operand=operand):
            yield from _terms(operand)
        case _:
            yield node


def _occurs_once(term: ast.Expr, name: str) -> bool:
    """Whether a term is a coefficient times the atom."""
    match term:
        case ast.Name():
            return True
        case ast.Binary(operator="*", left=left, right=right):
            inside = [part for part in (left, right) if name in names(part)]
            return len(inside) == 1 and _occurs_once(inside[0], name)
        case ast.Binary(operator="/", left=left, right=right):
            return name not in names(right) and _occurs_once(left, name)
        case ast.Index(base=base):
            return _occurs_once(base, name)
        case _:
            return False


def _biased(operator: Expanded, atoms: Mapping[str, Atom]) -> Iterator[tuple[Atom, Atom]]:
    """Pairs of sums over coordinates that some node other than a sum combines, once each.

    None where the operator is affine in them; each with itself where names hide what is combined.
    """
    random = {name for name, atom in atoms.items() if estimable(atom)}
    if degree(operator) in (0, 1):
        return
    found: dict[tuple[Atom, Atom], None] = {}
    for term in _terms(operator.body):
        for node in walk(term):
            if not isinstance(node, ast.Expr) or (isinstance(node, ast.Binary) and node.operator in ("+", "-")):
                continue
            inside = sorted(names(node) & random)
            for name in inside:
                if not _occurs_once(node, name) and _together(node, name, name):
                    found[(atoms[name], atoms[name])] = None
            for one, other in combinations(inside, 2):
                if _together(node, one, other):
                    found[(atoms[one], atoms[other])] = None
    yield from found or [(atoms[name], atoms[name]) for name in sorted(random)]


def _together(node: ast.Expr, one: str, other: str) -> bool:
    """Whether this very node multiplies, or applies a function to, both."""
    match node:
        case ast.Binary(operator="*" | "/" | "@", left=left, right=right):
            sides = (names(left), names(right))
            crossed = (one in sides[0] and other in sides[1]) or (other in sides[0] and one in sides[1])
            return crossed or (node.operator == "/" and one in sides[1] and other in sides[1])
        case ast.Binary() | ast.Call():
            return True
        case _:
            return False
