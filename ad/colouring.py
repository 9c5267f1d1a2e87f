"""Colours for the columns of a sparse matrix: a pattern enters, a number per column leaves, such that no row meets two
columns of one colour. Columns of one colour can then share a direction of forward mode, since every element of a result
sees at most one of them (Curtis, Powell & Reid 1974). Rows are coloured as the columns of the transpose.

Greedy colouring of the graph in which columns that share a row are neighbours (distance two in the graph of rows and
columns: Gebremedhin, Manne & Pothen 2005), in two orders, of which the one with fewer colours counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from ..lang.diagnostics import fail

Pattern = Any  # a sparse matrix of booleans in rows; SciPy brings no types
LIMIT = 2**24  # pairs of neighbours


def at_least(pattern: Pattern) -> int:
    """A number of colours that no colouring of the columns is below: the entries of the fullest row."""
    return int(np.diff(pattern.indptr).max(initial=0))


def colour_columns(pattern: Pattern) -> np.ndarray:
    """A colour, counted from 0, for each column; -1 for a column without entries. E135 for too many neighbours.

    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> band = csr_array(abs(np.subtract.outer(np.arange(6), np.arange(6))) <= 1)
    >>> int(colour_columns(band).max()) + 1
    3
    """
    pairs = int((np.diff(pattern.indptr).astype(np.int64) ** 2).sum())
    if pairs > LIMIT:
        raise fail(
            "E135",
            f"the colouring of a sparsity pattern with up to {pairs} pairs of columns that share a row",
            expected=f"at most {LIMIT}",
            hint='leave sparsity="auto" out, or take the Jacobian of a part that depends on less',
        )
    graph = (pattern.T.tocsr() @ pattern).tocsr()
    found = [_greedy(graph, order) for order in (_largest_first(graph), _smallest_last(graph))]
    best = min(found, key=lambda colours: int(colours.max(initial=-1)))
    return np.where(np.diff(graph.indptr) == 0, -1, best)


def _greedy(graph: Pattern, order: Iterator[int]) -> np.ndarray:
    """The smallest colour that no neighbour has, column by column."""
    colours = np.full(graph.shape[0], -1)
    for column in order:
        near = colours[graph.indices[graph.indptr[column] : graph.indptr[column + 1]]]
        taken = np.zeros(len(near) + 1, np.bool_)
        taken[near[(near >= 0) & (near < len(near))]] = True
        colours[column] = int(np.argmin(taken))
    return colours


def _largest_first(graph: Pattern) -> Iterator[int]:
    """Columns with many neighbours first, otherwise as they stand."""
    yield from np.argsort(-np.diff(graph.indptr), kind="stable").tolist()


def _smallest_last(graph: Pattern) -> Iterator[int]:
    """The column with the fewest neighbours is coloured after all the others, and so on among those."""
    degrees = np.diff(graph.indptr).tolist()
    queue = [(degree, column) for column, degree in enumerate(degrees)]
    heapify(queue)
    left = [True] * len(degrees)
    removed: list[int] = []
    while queue:
        degree, column = heappop(queue)
        if not left[column] or degree != degrees[column]:
            continue
        left[column] = False
        removed.append(column)
        for other in graph.indices[graph.indptr[column] : graph.indptr[column + 1]].tolist():
            if left[other]:
                degrees[other] -= 1
                heappush(queue, (degrees[other], other))
    return reversed(removed)
