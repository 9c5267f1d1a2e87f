"""Which operators can be estimated without bias: an expanded operator enters, its degree in random atoms leaves.

What is affine in estimates has the right mean. Products of two estimates from the same lanes do not, but their bias is
known and is taken off (the U-statistic of degree two). Anything else, such as the sine of an estimate, a quotient by
one or a product of three, has a bias that no number of lanes removes exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...lang.differential.atoms import Atom
from ...lang.differential.expand import Expanded
from ...lang.differential.trees import names
from ...lang.surface import ast
from .spatial import estimable

LINEAR_WORDS = ("sum", "trace")
Degrees = Mapping[str, int]


def random_atoms(operator: Expanded) -> tuple[Atom, ...]:
    """The atoms that random lanes estimate."""
    return tuple(atom for atom in operator.atoms if estimable(atom))


def degree(operator: Expanded) -> int | None:
    """The degree of an operator as a polynomial in its random atoms; None when it is none, as far as the text shows.

    >>> from pushforward.lang.differential.desugar import with_types
    >>> from pushforward.lang.differential.expand import expand
    >>> from pushforward.lang.surface.parser import parse
    >>> from pushforward.lang.source import Source
    >>> (item,) = parse(Source("", "operator f[n](u)(x: [n]real) = u * laplacian(u)^2")).items
    >>> degree(expand(with_types(item)))
    2
    """
    return _of(operator.body, {atom.name: 1 for atom in random_atoms(operator)})


def _of(node: ast.Expr, degrees: Degrees) -> int | None:
    if not names(node) & degrees.keys():
        return 0
    match node:
        case ast.Name(name=name):
            return degrees[name]
        case ast.Unary(operator="-", operand=operand):
            return _of(operand, degrees)
        case ast.Binary():
            return _of_binary(node, degrees)
        case ast.If(condition=condition, then=then, otherwise=otherwise):
            return None if names(condition) & degrees.keys() else _largest((then, otherwise), degrees)
        case ast.Call(function=ast.Name(name=word), arguments=(one,)) if word in LINEAR_WORDS:
            return _of(one.value, degrees)
        case ast.For(ranges=ranges, body=body):
            bound = {item.name for item in ranges}
            inside = {name: found for name, found in degrees.items() if name not in bound}
            return None if any(names(item.size) & degrees.keys() for item in ranges) else _of(body, inside)
        case ast.ArrayLiteral(items=items):
            return _largest(items, degrees)
        case ast.Index(base=base, indices=indices):
            fixed = all(isinstance(index, ast.Expr) and not names(index) & degrees.keys() for index in indices)
            return _of(base, degrees) if fixed else None
        case ast.Block(binds=binds, body=body):
            return _of_block(binds, body, dict(degrees))
        case _:
            return None


def _of_binary(node: ast.Binary, degrees: Degrees) -> int | None:
    left, right = _of(node.left, degrees), _of(node.right, degrees)
    if left is None or right is None:
        return None
    match node.operator:
        case "+" | "-":
            return max(left, right)
        case "*" | "@":
            return left + right
        case "/":
            return None if right else left
        case "^" if isinstance(node.right, ast.Integer) and node.right.value >= 0:
            return left * node.right.value
        case _:
            return None


def _of_block(binds: Iterable[ast.Bind], body: ast.Expr, degrees: dict[str, int]) -> int | None:
    for bind in binds:
        match bind:
            case ast.Let(pattern=ast.PatternName(name=name), value=value):
                found = _of(value, degrees)
                if found is None:
                    return None
                degrees.pop(name, None)
                degrees |= {name: found} if found else {}
            case _:
                return None
    return _of(body, degrees)


def _largest(nodes: Iterable[ast.Expr], degrees: Degrees) -> int | None:
    found = [_of(node, degrees) for node in nodes]
    return max((one for one in found if one is not None), default=0) if None not in found else None
