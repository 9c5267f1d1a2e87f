"""Which coefficients a series has: downward closed sets of multi-indices, and the axis of directions.

A coefficient of a multi-index m stands for ``D^m x / m!``. With directions there is one series per direction: all share
the value, coefficients of middle orders have a leading axis of directions, and those of the collapsed order are summed
over it. What decides is the *degree* of a coefficient, its total order as a derivative of the program's inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from ...lang.sizes import Size

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JetShape:
    """A downward closed set of multi-indices, the number of directions, and the total order that is summed over them.

    Without `directions` no coefficient has an axis more than its value. `collapsed` is the highest total order of the
    set, or None when every direction keeps its own top coefficients.

    >>> univariate(2).indices
    ((0,), (1,), (2,))
    """

    indices: tuple[Index, ...]
    directions: Size | None = None
    collapsed: int | None = None

    @property
    def zero(self) -> Index:
        """The index of the value."""
        return (0,) * len(self.indices[0])

    @property
    def variables(self) -> int:
        return len(self.indices[0])

    @property
    def order(self) -> int:
        """The highest total order."""
        return max(sum(index) for index in self.indices)

    @property
    def above(self) -> tuple[Index, ...]:
        """All indices but that of the value, lower orders first."""
        return self.indices[1:]

    def mapped(self, degree: int) -> bool:
        """Whether coefficients of a degree have the axis of directions."""
        return self.directions is not None and degree > 0 and degree != self.collapsed


def univariate(order: int, directions: Size | None = None, *, collapse: bool = False) -> JetShape:
    """Series in one variable up to an order.

    >>> univariate(2, 5, collapse=True).mapped(1)
    True
    """
    return staircase([(order,)], directions, collapse=collapse)


def staircase(corners: Iterable[Index], directions: Size | None = None, *, collapse: bool = False) -> JetShape:
    """The least downward closed set that contains some indices.

    >>> staircase([(2, 1)]).indices
    ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1))
    """
    found = {index for corner in corners for index in below(corner)}
    indices = tuple(sorted(found, key=lambda index: (sum(index), index)))
    top = sum(indices[-1])
    return JetShape(indices, directions, top if collapse and directions is not None else None)


def below(index: Index) -> Iterator[Index]:
    """All indices that are nowhere greater, in lexicographic order.

    >>> list(below((1, 1)))
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    return product(*(range(part + 1) for part in index))


def minus(left: Index, right: Index) -> Index:
    return tuple(a - b for a, b in zip(left, right, strict=True))


def plus_each(left: frozenset[Index], right: frozenset[Index]) -> frozenset[Index]:
    """All sums of an index of one set and one of the other.

    >>> sorted(plus_each(frozenset({(0,), (1,)}), frozenset({(0,), (1,)})))
    [(0,), (1,), (2,)]
    """
    return frozenset(tuple(a + b for a, b in zip(one, other, strict=True)) for one in left for other in right)


def unit(variable: int, variables: int) -> Index:
    """The index of the first derivative in one variable."""
    return tuple(int(k == variable) for k in range(variables))


def step_down(index: Index) -> tuple[int, Index]:
    """A variable to integrate along, and the index without one order of it: the variable with the fewest orders.

    Fewest orders make the fewest products, and an order of 1 needs no division.

    >>> step_down((2, 1))
    (1, (2, 0))
    """
    variable = min((order, k) for k, order in enumerate(index) if order)[1]
    return variable, minus(index, unit(variable, len(index)))


def splits(index: Index, parts: int) -> Iterator[tuple[Index, ...]]:
    """All ways to write an index as a sum of so many.

    >>> list(splits((2,), 2))
    [((0,), (2,)), ((1,), (1,)), ((2,), (0,))]
    """
    if parts == 1:
        yield (index,)
        return
    for first in below(index):
        for rest in splits(minus(index, first), parts - 1):
            yield (first, *rest)
