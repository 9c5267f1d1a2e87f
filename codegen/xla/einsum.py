"""Sums of products in XLA: pairs of operands at a time, as matrix products where they are ones.

A pair without a common summed letter is a product of broadcasts, and so is one in which every entry of an operand
meets one entry of the other and rows are added up; every other pair is one ``dot_general``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

import jax.numpy as jnp
from jax import Array, lax


def einsum(spec: str, operands: Sequence[Array]) -> Array:
    """The sum of products that `spec` names, e.g. ``"ij,jk->ik"``.

    >>> import jax.numpy as jnp
    >>> einsum("ij,j->i", (jnp.ones((2, 3)), jnp.ones(3))).tolist()
    [3.0, 3.0]
    """
    inputs, output = spec.split("->")
    terms = list(zip(inputs.split(","), operands, strict=True))
    sizes = {letter: size for term, x in terms for letter, size in zip(term, x.shape, strict=True)}
    while len(terms) > 1:
        first, second = _cheapest(terms, output, sizes)
        (left, x), (right, y) = terms[first], terms[second]
        terms = [term for place, term in enumerate(terms) if place not in (first, second)]
        kept = set(output).union(*(term for term, _ in terms))
        terms.append(_pair(left, x, right, y, kept, output))
    return _single(*terms[0], output)


def _cheapest(terms: list[tuple[str, Array]], output: str, sizes: dict[str, int]) -> tuple[int, int]:
    """The pair whose product is smallest after summing what nobody else needs."""

    def cost(pair: tuple[int, int]) -> tuple[int, int]:
        others = set(output).union(*(term for place, (term, _) in enumerate(terms) if place not in pair))
        both = set(terms[pair[0]][0]) | set(terms[pair[1]][0])
        return prod(sizes[letter] for letter in both & others), prod(sizes[letter] for letter in both)

    return min(combinations(range(len(terms)), 2), key=cost)


def _single(term: str, x: Array, output: str) -> Array:
    dropped = tuple(axis for axis, letter in enumerate(term) if letter not in output)
    if dropped:
        x = jnp.sum(x, axis=dropped)
        term = "".join(letter for letter in term if letter in output)
    order = tuple(term.index(letter) for letter in output)
    return x if order == tuple(range(len(order))) else lax.transpose(x, order)


def _pair(left: str, x: Array, right: str, y: Array, kept: set[str], output: str) -> tuple[str, Array]:
    left, x = _drop_own(left, x, right, kept)
    right, y = _drop_own(right, y, left, kept)
    summed = [letter for letter in left if letter in right and letter not in kept]
    shared = [letter for letter in left if letter in right and letter in kept]
    own_left = [letter for letter in left if letter not in right]
    own_right = [letter for letter in right if letter not in left]
    if not summed:
        return _multiplied(left, x, right, y, output)
    wide, narrow = ((right, y), (left, x)) if own_right else ((left, x), (right, y))
    if not (own_left and own_right) and left[-1] == right[-1] and left[-1] in shared and x.dtype.itemsize >= 4:
        return _added_rows(*wide, *narrow, summed)
    if _before(own_right, own_left, output):
        left, x, right, y, own_left, own_right = right, y, left, x, own_right, own_left
    contracting = (_axes(left, summed), _axes(right, summed))
    batch = (_axes(left, shared), _axes(right, shared))
    product = lax.dot_general(x, y, (contracting, batch), precision=lax.Precision.HIGHEST)
    return "".join(shared + own_left + own_right), product


def _added_rows(wide: str, x: Array, narrow: str, y: Array, summed: Sequence[str]) -> tuple[str, Array]:
    """The sum of products of x, which has all letters, with y where the innermost axis of both stays.

    A matrix product would move that axis away and back again, to use every entry of x once. (Narrow floats are left to
    it, as it adds them up in wide ones.)
    """
    product = x * _placed(narrow, y, list(wide), x.shape)
    return "".join(letter for letter in wide if letter not in summed), jnp.sum(product, axis=_axes(wide, list(summed)))


def _before(first: list[str], second: list[str], output: str) -> bool:
    """Whether the letters of one side come earlier in the result, so that no transposition is left over."""
    places = [min((output.find(letter) for letter in side if letter in output), default=0) for side in (first, second)]
    return bool(first and second) and places[0] < places[1]


def _drop_own(term: str, x: Array, other: str, kept: set[str]) -> tuple[str, Array]:
    """Sum over letters that only this operand has and nobody needs."""
    axes = tuple(axis for axis, letter in enumerate(term) if letter not in other and letter not in kept)
    if not axes:
        return term, x
    return "".join(letter for axis, letter in enumerate(term) if axis not in axes), jnp.sum(x, axis=axes)


def _multiplied(left: str, x: Array, right: str, y: Array, output: str) -> tuple[str, Array]:
    shape = {letter: size for term, z in ((left, x), (right, y)) for letter, size in zip(term, z.shape, strict=True)}
    letters = sorted(shape, key=lambda letter: (letter not in output, output.find(letter), letter))
    sizes = tuple(shape[letter] for letter in letters)
    return "".join(letters), _placed(left, x, letters, sizes) * _placed(right, y, letters, sizes)


def _placed(term: str, x: Array, letters: list[str], sizes: tuple[int, ...]) -> Array:
    order = sorted(range(len(term)), key=lambda axis: letters.index(term[axis]))
    axes = tuple(letters.index(term[axis]) for axis in order)
    return lax.broadcast_in_dim(lax.transpose(x, order), sizes, axes)


def _axes(term: str, letters: list[str]) -> tuple[int, ...]:
    return tuple(term.index(letter) for letter in letters)
