"""Free names of surface expressions, so that bodies capture only what they read.

In: an expression. Out: the names it reads from outside. Results for the bodies of binders are kept, so that all bodies
of a definition together take linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..surface import ast

Names = frozenset[str]


class FreeNames:
    """Free names with a memory over one definition (keyed by node identity; the tree must stay alive)."""

    def __init__(self) -> None:
        self._known: dict[int, Names] = {}

    def of(self, node: ast.Expr) -> Names:
        """The names that occur free in an expression."""
        known = self._known.get(id(node))
        if known is None:
            known = self._find(node)
            self._known[id(node)] = known
        return known

    def under(self, node: ast.Expr, bound: Iterable[str]) -> Names:
        return self.of(node).difference(bound)

    def _find(self, node: ast.Expr) -> Names:
        found: set[str] = set()
        open_nodes: list[ast.Expr] = [node]
        while open_nodes:
            top = open_nodes.pop()
            match top:
                case ast.Name(name=name):
                    found.add(name)
                case ast.Block():
                    found |= self._block(top)
                case ast.Lambda(parameters=parameters, body=body):
                    found |= self.under(body, (parameter.name for parameter in parameters))
                case ast.For(ranges=ranges, body=body):
                    open_nodes.extend(one.size for one in ranges)
                    found |= self.under(body, (one.name for one in ranges))
                case ast.Loop(pattern=pattern, initial=initial, range=range_, body=body):
                    open_nodes += (initial, range_.size)
                    found |= self.under(body, (*names_of(pattern), range_.name))
                case ast.While(pattern=pattern, initial=initial, condition=condition, limit=limit, body=body):
                    open_nodes += (initial, limit)
                    bound = tuple(names_of(pattern))
                    found |= self.under(condition, bound) | self.under(body, bound)
                case ast.Match(subject=subject, arms=arms):
                    open_nodes.append(subject)
                    for arm in arms:
                        found |= self.under(arm.body, names_of(arm.pattern))
                case ast.If(condition=condition, then=then, otherwise=otherwise):
                    open_nodes.append(condition)
                    found |= self.of(then) | self.of(otherwise)
                case _:
                    open_nodes.extend(parts(top))
        return frozenset(found)

    def _block(self, node: ast.Block) -> set[str]:
        chain = [node]
        while isinstance(chain[-1].body, ast.Block):
            chain.append(chain[-1].body)
        found = set(self.of(chain[-1].body))
        for bind in (bind for block in reversed(chain) for bind in reversed(block.binds)):
            if isinstance(bind, (ast.Let, ast.Draw)):
                found.difference_update(names_of(bind.pattern))
            found |= self.of(bind.value)
            if isinstance(bind, ast.Observe):
                found |= self.of(bind.distribution)
        return found


def names_of(pattern: ast.Pattern) -> Iterator[str]:
    """The names a pattern binds."""
    match pattern:
        case ast.PatternName(name=name):
            yield name
        case ast.PatternTuple(items=items) | ast.PatternConstructor(items=items):
            for item in items:
                yield from names_of(item)
        case ast.PatternRecord(names=names):
            yield from names
        case _:
            return


def parts(node: ast.Expr) -> Iterator[ast.Expr]:
    """The expressions directly inside a node that binds nothing."""
    match node:
        case ast.Tuple(items=items) | ast.ArrayLiteral(items=items):
            yield from items
        case ast.Record(fields=fields):
            yield from (value for _, value in fields)
        case ast.Call(function=function, arguments=arguments):
            yield function
            yield from (argument.value for argument in arguments)
        case ast.Index(base=base, indices=indices):
            yield base
            yield from _places(indices)
        case ast.Update(base=base, indices=indices, value=value):
            yield base
            yield from _places(indices)
            yield value
        case ast.Project(base=base) | ast.Prime(base=base):
            yield base
        case ast.Unary(operand=operand):
            yield operand
        case ast.Partials(function=function, point=point, weights=weights):
            yield function
            yield from (*point, *weights)
        case ast.Binary(left=left, right=right):
            yield left
            yield right
        case _:
            return


def _places(indices: tuple[ast.Expr | ast.Slice, ...]) -> Iterator[ast.Expr]:
    for index in indices:
        if not isinstance(index, ast.Slice):
            yield index
            continue
        yield from (end for end in (index.low, index.high) if end is not None)
