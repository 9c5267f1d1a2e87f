"""What a plan costs: vectors carried through linear layers, and products at a bilinear node.

The coefficient at the multi-index zero, the value itself, is counted once for all jets of a field. A product of two
series at m takes ``prod(m_i + 1)`` products; nothing is taken off for symmetry. Levels multiply. A level with R lanes
carries its lower coefficients R times, and its highest ones once where they are collapsed. A gradient is taken in
reverse: one vector and two products more than the value (a field with rules for forward mode only takes a lane per
coordinate instead, which a plan, made without the field, does not count). Memory is the number of arrays of the size of
a layer that are alive at once, which is that of the vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ...lang.sizes import Size, add, mul, sub, substitute, variable, variables
from .jets import Index, Jet, Length, Level, Scheme

TYPICAL = 100
"""What an open size is taken to be when plans are compared."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Vectors and products, as polynomials in open sizes."""

    vectors: Size
    products: Size

    def at(self, sizes: Mapping[str, int]) -> tuple[int, int]:
        """Both as numbers; open sizes take `TYPICAL`."""
        return _number(self.vectors, sizes), _number(self.products, sizes)

    def __str__(self) -> str:
        return f"{counted(self.vectors, 'vector')}, {counted(self.products, 'product')}"


def counted(count: Size, noun: str) -> str:
    """A number with its noun, in the plural unless it is one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def cost(scheme: Scheme) -> Cost:
    """The cost of a plan, all fields together."""
    lengths = {name: length_size(length) for name, length in scheme.variables}
    vectors: Size = len({jet.field for jet in scheme.jets})
    products: Size = 0
    for jet in scheme.jets:
        own_vectors, own_products = _jet(jet, lengths)
        vectors = add(vectors, sub(own_vectors, 1))
        products = add(products, own_products)
    return Cost(vectors, products)


def length_size(length: Length) -> Size:
    """The length of a variable as a size; 1 for a scalar."""
    if length is None:
        return 1
    return variable(length) if isinstance(length, str) else length


def _jet(jet: Jet, lengths: Mapping[str, Size]) -> tuple[Size, Size]:
    vectors: Size = 1
    products: Size = 1
    innermost = len(jet.levels) - 1
    for depth, level in enumerate(jet.levels):
        in_reverse = depth == innermost and level.is_gradient
        own_vectors, own_products = (2, 3) if in_reverse else _level(level, lengths)
        vectors, products = mul(vectors, own_vectors), mul(products, own_products)
    return vectors, products


def _level(level: Level, lengths: Mapping[str, Size]) -> tuple[Size, Size]:
    lanes = level.lanes
    if lanes is None:
        return len(level.indices), sum(map(pairs, level.indices))
    count: Size = lengths[lanes.variable] if lanes.law == "coordinates" else lanes.count
    highest = max(map(sum, level.indices))
    vectors: Size = 0
    products: Size = 0
    for index in level.indices:
        if not any(index):
            vectors, products = add(vectors, 1), add(products, 1)
        elif level.collapsed and sum(index) == highest:
            vectors = add(vectors, 1)
            products = add(products, add(2, mul(pairs(index) - 2, count)))
        else:
            vectors = add(vectors, count)
            products = add(products, mul(pairs(index), count))
    return vectors, products


def pairs(index: Index) -> int:
    """How many products the coefficient at an index of a product takes.

    >>> pairs((3, 1))
    8
    """
    return prod(entry + 1 for entry in index)


def _number(size: Size, sizes: Mapping[str, int]) -> int:
    found = substitute(size, {name: sizes.get(name, TYPICAL) for name in variables(size)})
    assert isinstance(found, int)
    return found
